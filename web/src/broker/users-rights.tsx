/** Who has a right, and why; what would change without a role. */
import { useState, type FormEvent } from 'react'
import { Icon } from '../ui/icons.tsx'
import { Select, TextField } from '../ui/parts.tsx'
import { useText } from '../ui/text.ts'
import { useOutcome } from '../ui/use-outcome.ts'
import { call, type RightsQuery } from './api.ts'
import { brokerTextNow, useBrokerText } from './text.ts'
import { Table } from './users-table.tsx'

/** What would be decided otherwise if the role went, a line each. */
export async function withoutRole(rolename: string): Promise<string[]> {
  const { changes } = await call('userWithout', { query: { rolename } })
  const u = brokerTextNow().users
  return changes.map(({ username, action, topic, after }) =>
    u.wouldChange(username ?? u.anonymousUser, u.kinds[action], topic, after ? u.allows : u.denies),
  )
}

export function RightsForm() {
  const t = useText()
  const b = useBrokerText()
  const u = b.users
  const [asked, setAsked] = useState<RightsQuery>({ action: 'publish', topic: '' })
  const put = (patch: Partial<RightsQuery>) => setAsked({ ...asked, ...patch })
  const {
    value: answer,
    problem,
    run,
  } = useOutcome(asked, () => call('userRights', { query: asked }))
  const ask = (event: FormEvent) => {
    event.preventDefault()
    void run()
  }
  return (
    <>
      <form className="inline-form" onSubmit={ask} aria-label={u.parts.rights}>
        <Select
          label={u.kind}
          value={asked.action}
          options={Object.entries(u.kinds) as [RightsQuery['action'], string][]}
          onChange={(action) => put({ action })}
        />
        <TextField label={t.topic} mono value={asked.topic} onChange={(topic) => put({ topic })} />
        <button type="submit" className="button is-primary" disabled={asked.topic === ''}>
          {b.test}
        </button>
      </form>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {answer !== null && (
        <Table label={u.parts.rights} columns={Object.values(u.rightsColumns)}>
          {answer.rights.map(({ username, allowed, because }) => (
            <tr key={username ?? ''}>
              <td className="mono">{username ?? u.anonymousUser}</td>
              <td className={allowed ? '' : 'is-warning'}>
                <Icon name={allowed ? 'check' : 'close'} /> {allowed ? b.allowed : b.refused}
              </td>
              <td>{b.reasonWords(because)}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  )
}

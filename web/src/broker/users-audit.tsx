/** Who changed users, groups and roles, when, from where. */
import { dateTimeText } from '../ui/format.ts'
import { call } from './api.ts'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'
import { Table } from './users-table.tsx'

const EVERY_MS = 5000

export function AuditTable() {
  const b = useBrokerText()
  const u = b.users
  const { value, problem } = useLoaded('audit', () => call('audit'), EVERY_MS)
  if (problem !== null) return <p className="problem">{problem}</p>
  if (value?.entries.length === 0) return <p className="hint">{u.noAudit}</p>
  return (
    <Table label={u.parts.audit} columns={Object.values(u.auditColumns)}>
      {value?.entries.map(({ number, time, username, address, via, action, details }) => (
        <tr key={number}>
          <td className="mono">{dateTimeText(Date.parse(time)).slice(0, 19)}</td>
          <td className="mono">{username ?? b.anonymous}</td>
          <td className="mono">
            {address} ({via})
          </td>
          <td>{action}</td>
          <td className="mono is-details">{JSON.stringify(details)}</td>
        </tr>
      ))}
    </Table>
  )
}

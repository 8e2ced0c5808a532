/** Who is banned, until when and why; bans are made and lifted here. */
import { useState, type FormEvent } from 'react'
import { dateTimeText } from '../ui/format.ts'
import { Select, TextField } from '../ui/parts.tsx'
import { call, type BanBody } from './api.ts'
import { Pager } from './pager.tsx'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'
import { Table } from './users-table.tsx'

const EVERY_MS = 5000
const PAGE_SIZE = 50
const EMPTY = { clientId: '', username: '', address: '', seconds: '3600', reason: '' }
type Filled = typeof EMPTY
const TARGETS = ['clientId', 'username', 'address'] as const

/** Of what is filled in; what is empty is not named. */
function bodyOf({ seconds, ...texts }: Filled): BanBody {
  const named = Object.entries(texts).filter(([, text]) => text !== '')
  return { ...Object.fromEntries(named), ...(seconds !== '' && { seconds: Number(seconds) }) }
}

export function Bans() {
  const b = useBrokerText()
  const [page, setPage] = useState(1)
  const [refusal, setRefusal] = useState<string | null>(null)
  const query = { page, pageSize: PAGE_SIZE }
  const loaded = useLoaded(`bans ${page}`, () => call('bans', { query }), EVERY_MS)
  const { value, problem, reload } = loaded
  /** Whether it is done. */
  const doing = async (done: Promise<unknown>): Promise<boolean> => {
    try {
      await done
      setRefusal(null)
      return true
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : String(error))
      return false
    } finally {
      reload()
    }
  }
  const lift = (id: number) => void doing(call('banLift', { params: { id: String(id) } }))
  const shown = refusal ?? problem
  return (
    <>
      <NewBan make={(body) => doing(call('banMake', { body }))} onEdit={() => setRefusal(null)} />
      {shown !== null && (
        <p className="problem" role="alert">
          {shown}
        </p>
      )}
      {value?.total === 0 && <p className="hint">{b.bans.none}</p>}
      {value !== null && value.total > 0 && (
        <>
          <Table label={b.bans.title} columns={[...Object.values(b.bans.columns), b.users.actions]}>
            {value.items.map(({ id, clientId, username, address, untilMs, reason, by }) => (
              <tr key={id}>
                <td className="mono">{clientId ?? '–'}</td>
                <td className="mono">{username ?? '–'}</td>
                <td className="mono">{address ?? '–'}</td>
                <td>{untilMs === null ? b.bans.forGood : dateTimeText(untilMs).slice(0, 19)}</td>
                <td>{reason}</td>
                <td className="mono">{by}</td>
                <td className="row-actions">
                  <button type="button" className="button" onClick={() => lift(id)}>
                    {b.bans.lift}
                  </button>
                </td>
              </tr>
            ))}
          </Table>
          <Pager page={value.page} pageSize={value.pageSize} total={value.total} onPage={setPage} />
        </>
      )}
    </>
  )
}

interface NewBanProps {
  make: (body: BanBody) => Promise<boolean>
  /** What was said of the last one is no longer about this one. */
  onEdit: () => void
}

function NewBan({ make, onEdit }: NewBanProps) {
  const b = useBrokerText()
  const [filled, setFilled] = useState(EMPTY)
  const put = (patch: Partial<Filled>) => setFilled({ ...filled, ...patch })
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (await make(bodyOf(filled))) setFilled(EMPTY)
  }
  const field = (key: Exclude<keyof Filled, 'seconds'>) => (
    <TextField
      key={key}
      label={b.bans.columns[key]}
      mono={key !== 'reason'}
      value={filled[key]}
      onChange={(text) => put({ [key]: text })}
    />
  )
  return (
    <form
      className="inline-form"
      onSubmit={(event) => void submit(event)}
      onInput={onEdit}
      aria-label={b.bans.newBan}
    >
      {TARGETS.map(field)}
      <Select
        label={b.bans.howLong}
        value={filled.seconds}
        options={Object.entries(b.bans.times).map(([text, name]): [string, string] => [
          text === 'forGood' ? '' : text,
          name,
        ])}
        onChange={(seconds) => put({ seconds })}
      />
      {field('reason')}
      <button
        type="submit"
        className="button is-primary"
        disabled={TARGETS.every((key) => filled[key] === '')}
      >
        {b.bans.ban}
      </button>
    </form>
  )
}

/** Bridges: how they are, what waits to cross, why one is down. */
import { notify } from '../state/app-state.ts'
import { clockText, countText } from '../ui/format.ts'
import { useStore } from '../ui/store.ts'
import { useText } from '../ui/text.ts'
import { call } from './api.ts'
import { cluster } from './cluster.ts'
import { SilentNodes } from './silent-nodes.tsx'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'

const EVERY_MS = 2000

async function turn(name: string, isPaused: boolean): Promise<void> {
  try {
    await call(isPaused ? 'bridgeResume' : 'bridgePause', { body: { name } })
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error), true)
  }
}

export function BridgesPage() {
  const t = useText()
  const b = useBrokerText()
  const { value, problem, reload } = useLoaded('bridges', () => call('bridges'), EVERY_MS)
  const isClustered = useStore(cluster, ({ clustered }) => clustered)
  const { name: nameColumn, ...columns } = b.bridgeColumns
  if (value?.bridges.length === 0 && value.missing === undefined)
    return (
      <div className="empty is-large">
        <p>{b.noBridges}</p>
      </div>
    )
  return (
    <section className="table-page">
      {problem !== null && <p className="problem">{problem}</p>}
      <SilentNodes of={value} />
      <div className="table-scroll" tabIndex={0} role="region" aria-label={b.pages.bridges}>
        <table>
          <thead>
            <tr>
              <th>{nameColumn}</th>
              {isClustered && <th>{b.columns.node}</th>}
              {Object.values(columns).map((name) => (
                <th key={name}>{name}</th>
              ))}
              <th>
                <span className="visually-hidden">{b.bridgeActions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {value?.bridges.map((row) => (
              <tr key={row.name}>
                <td>{row.name}</td>
                {isClustered && <td className="mono">{row.node ?? '–'}</td>}
                <td className={row.state === 'up' ? '' : 'is-warning'}>
                  {row.reconnectAtMs === null
                    ? b.bridgeStates[row.state]
                    : b.bridgeWaits(clockText(row.reconnectAtMs).slice(0, 8))}
                </td>
                <td className="mono">{row.address}</td>
                <td className="is-number">{countText(row.queued)}</td>
                <td className="is-number">{countText(row.sent)}</td>
                <td className="is-number">{countText(row.received)}</td>
                <td className="is-number">{countText(row.dropped)}</td>
                <td>
                  {row.lastError === null ? null : b.reasonWords(row.lastError)}
                  {row.lastErrorMs !== null && t.aside(clockText(row.lastErrorMs).slice(0, 8))}
                </td>
                <td>
                  <button
                    type="button"
                    className="button"
                    onClick={() => void turn(row.name, row.state === 'paused').then(reload)}
                  >
                    {row.state === 'paused' ? t.resume : t.pause}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

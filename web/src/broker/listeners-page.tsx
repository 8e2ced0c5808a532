/** What the broker listens on. */
import { countText } from '../ui/format.ts'
import { useText } from '../ui/text.ts'
import { call } from './api.ts'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'

const VERSIONS: Record<number, string> = { 3: '3.1', 4: '3.1.1', 5: '5.0' }

/** Where the broker listens. */
export function ListenersPage() {
  const t = useText()
  const b = useBrokerText()
  const { value, problem } = useLoaded('listeners', () => call('listenersDetail'), 5000)
  const columns = b.listenerColumns
  return (
    <section className="table-page">
      {problem !== null && <p className="problem">{problem}</p>}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={b.pages.listeners}>
        <table>
          <thead>
            <tr>
              {Object.entries(columns).map(([name, words]) => (
                <th key={name} className={name === 'connections' ? 'is-number' : undefined}>
                  {words}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {value?.listeners.map((row) => (
              <tr key={`${row.path ?? ''}${row.host ?? ''}:${row.port}`}>
                <td className="mono">{row.path ?? `${row.host ?? b.everywhere}:${row.port}`}</td>
                <td>{b.protocols[row.protocol]}</td>
                <td className="is-number">
                  {countText(row.connections)}
                  {row.connectionsMax > 0 && ` / ${countText(row.connectionsMax)}`}
                </td>
                <td>{row.tls ? `${t.yes}${row.clientCertificates ? ' + mTLS' : ''}` : t.no}</td>
                <td className={row.allowAnonymous ? 'is-warning' : ''}>
                  {row.allowAnonymous ? t.yes : t.no}
                </td>
                <td>{row.maxQos}</td>
                <td>{row.versions.map((version) => VERSIONS[version] ?? version).join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

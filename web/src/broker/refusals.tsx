/** Connections that the broker refused: when, from where, who, why. */
import { dateTimeText, countText } from '../ui/format.ts'
import { call } from './api.ts'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'
import { whyAddress } from '../model/why-address.ts'

const SHOWN_MAX = 50

export function Refusals() {
  const b = useBrokerText()
  const { value } = useLoaded('refusals', () => call('refusals'), 5000)
  if (value === null) return null
  const { items } = value
  return (
    <section className="chart-card refusals">
      <h2>
        {b.refusals} <span className="is-quiet">{countText(items.length)}</span>
      </h2>
      {items.length === 0 ? (
        <p className="is-quiet">{b.noRefusals}</p>
      ) : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={b.refusals}>
          <table>
            <thead>
              <tr>
                <th>{b.time}</th>
                <th>{b.columns.clientId}</th>
                <th>{b.columns.username}</th>
                <th>{b.columns.remote}</th>
                <th>{b.reason}</th>
              </tr>
            </thead>
            <tbody>
              {items.slice(0, SHOWN_MAX).map(({ timeMs, clientId, username, remote, detail }) => (
                <tr key={`${timeMs}${remote}`}>
                  <td className="mono">{dateTimeText(timeMs).slice(5, 19)}</td>
                  <td className="mono">
                    {clientId === '' ? (
                      '–'
                    ) : (
                      <a href={whyAddress({ client: clientId })}>{clientId}</a>
                    )}
                  </td>
                  <td>{username ?? <i className="is-quiet">{b.anonymous}</i>}</td>
                  <td className="mono">{remote}</td>
                  <td>{b.reasonWords(detail)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

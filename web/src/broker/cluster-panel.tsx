/** The nodes of a cluster, and a word on pages that show one of them alone. */
import { useState } from 'react'
import { notify } from '../state/app-state.ts'
import { confirmed } from '../ui/confirm.tsx'
import { clockText, countText, shortCount } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { useStore } from '../ui/store.ts'
import { useDuration } from '../ui/text.ts'
import { call, type Cluster } from './api.ts'
import { cluster } from './cluster.ts'
import { useBrokerText } from './text.ts'

/** Less of the lease is left only when several heartbeats were not taken. */
const SHARE_LEFT_MIN = 0.4

export function ClusterPanel() {
  const b = useBrokerText()
  const duration = useDuration()
  const { clustered, name, nodes, gone, leaseLeftMs, leaseMs } = useStore(cluster, (state) => state)
  if (!clustered) return null
  const { columns } = b.cluster
  return (
    <section className="chart-card cluster">
      <header>
        <h2>{b.cluster.title(name)}</h2>
        {leaseLeftMs < leaseMs * SHARE_LEFT_MIN && (
          <p className="problem" role="alert">
            {b.cluster.leaseEnds(duration(leaseLeftMs))}
          </p>
        )}
      </header>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={b.cluster.title(name)}>
        <table>
          <thead>
            <tr>
              <th>{columns.node}</th>
              <th>{columns.state}</th>
              <th className="is-number">{columns.connected}</th>
              <th className="is-number">{columns.received}</th>
              <th className="is-number">{columns.sent}</th>
              <th className="is-number">{columns.dropped}</th>
              <th>{columns.version}</th>
              <th>
                <span className="visually-hidden">{b.cluster.drain}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {nodes.map((row) => (
              <NodeRow key={row.node} row={row} />
            ))}
            {gone.map(({ node, seenAtMs }) => (
              <tr key={node}>
                <td className="mono">{node}</td>
                <td className="problem" colSpan={7}>
                  {b.cluster.gone(clockText(seenAtMs).slice(0, 8))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function NodeRow({ row }: { row: Cluster['nodes'][number] }) {
  const b = useBrokerText()
  const [isAsked, setAsked] = useState(false)
  const { node, version, connected, draining, received, sent, dropped, self } = row
  const drain = async () => {
    if (!(await confirmed(b.cluster.confirmDrain(node), b.cluster.drain))) return
    setAsked(true)
    try {
      await call('clusterDrain', { body: { node } })
    } catch (error) {
      setAsked(false)
      notify(error instanceof Error ? error.message : String(error), true)
    }
  }
  return (
    <tr>
      <td className="mono">{node}</td>
      <td className={draining ? 'is-warning' : ''}>
        {draining ? b.cluster.draining : b.cluster.serves}
        {self && <span className="is-quiet"> · {b.cluster.self}</span>}
      </td>
      <td className="is-number">{countText(connected)}</td>
      <td className="is-number">{shortCount(received)}</td>
      <td className="is-number">{shortCount(sent)}</td>
      <td className={`is-number ${dropped > 0 ? 'problem' : ''}`}>{countText(dropped)}</td>
      <td>{version}</td>
      <td>
        <button
          type="button"
          className="button is-small"
          disabled={draining || isAsked}
          onClick={() => void drain()}
        >
          <Icon name="power" size={14} /> {b.cluster.drain}
        </button>
      </td>
    </tr>
  )
}

/** That what is shown is of the one node that was asked. */
export function OfOneNode() {
  const b = useBrokerText()
  const { clustered, node } = useStore(cluster, (state) => state)
  return clustered ? <p className="is-quiet of-one-node">{b.cluster.ofOneNode(node)}</p> : null
}

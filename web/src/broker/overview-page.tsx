/** The broker at a glance: figures of this second, and an hour of them, kept by the broker. */
import { useState } from 'react'
import { bytesText, countText } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { Sparkline, Tabs } from '../ui/parts.tsx'
import { useDuration } from '../ui/text.ts'
import { call, type Overview, type Sample } from './api.ts'
import { ClusterPanel, OfOneNode } from './cluster-panel.tsx'
import { Chart } from './overview-chart.tsx'
import { CHARTS, isBytes, KPIS, useHistory, valueText, type Points } from './overview-history.ts'
import { Refusals } from './refusals.tsx'
import { whyAddress } from '../model/why-address.ts'
import { useBrokerText } from './text.ts'
import { useLoaded } from './use-api.ts'

/** The stream of events may stand still while questions are answered. */
function newer(one: Sample | null, other: Sample | null): Sample | null {
  if (one === null || other === null) return one ?? other
  return one.timeMs < other.timeMs ? other : one
}

export function OverviewPage() {
  const b = useBrokerText()
  const duration = useDuration()
  const [seconds, setSeconds] = useState<'300' | '900' | '3600' | '86400'>('900')
  const { times, points, now } = useHistory(Number(seconds))
  const overview = useLoaded('overview', () => call('overview'), 5000).value
  const current = newer(now, overview?.now ?? null)
  return (
    <div className="overview">
      <header className="page-head">
        {overview !== null && (
          <p>
            <b>Mozzie {overview.version}</b>{' '}
            <span className="is-quiet">
              · Node {overview.node} · {b.uptime(duration(overview.uptimeSeconds * 1000))}
            </span>
          </p>
        )}
        <Tabs
          label={b.range}
          value={seconds}
          tabs={[
            ['300', b.ranges[300]],
            ['900', b.ranges[900]],
            ['3600', b.ranges[3600]],
            ['86400', b.ranges[86_400]],
          ]}
          onChange={setSeconds}
        />
      </header>
      <Troubles troubles={overview?.troubles ?? []} />
      <ClusterPanel />
      <OfOneNode />
      <Kpis current={current} points={points} />
      <div className="charts">
        {(Object.keys(CHARTS) as (keyof typeof CHARTS)[]).map((chart) => (
          <Chart
            key={chart}
            title={b.charts[chart]}
            names={CHARTS[chart]}
            times={times}
            points={points}
            seconds={Number(seconds)}
          />
        ))}
      </div>
      {overview !== null && (
        <div className="tables">
          <State
            current={current}
            maxima={overview.maxima}
            expired={overview.totals.expired ?? 0}
          />
          <SlowReceivers />
          <Counts
            title={b.dropsByReason}
            counts={overview.drops}
            names={b.drops}
            empty={b.noDrops}
          />
          <Counts title={b.counters} counts={overview.totals} names={b.totals} empty={b.none} />
        </div>
      )}
      <Refusals />
    </div>
  )
}

/** What the broker refuses right now, and why. */
function Troubles({ troubles }: { troubles: Overview['troubles'] }) {
  const b = useBrokerText()
  return troubles.map((trouble) => (
    <p key={trouble} className="reach-banner is-gone" role="alert">
      <Icon name="warn" size={16} />
      <span>{b.troubles[trouble]}</span>
    </p>
  ))
}

function Kpis({ current, points }: { current: Sample | null; points: Points }) {
  const b = useBrokerText()
  return (
    <ul className="kpis">
      {KPIS.map((name) => {
        // Where the broker left before it said how things are, its history still does.
        const value = current?.[name] ?? points[name]?.at(-1) ?? null
        return (
          <li key={name} className={name === 'droppedRate' && (value ?? 0) > 0 ? 'is-bad' : ''}>
            <span>{b.kpis[name]}</span>
            <b>
              {value === null ? '–' : valueText(name, value)}
              {value !== null && name.endsWith('Rate') && <small>{b.perSecond}</small>}
            </b>
            <Sparkline
              values={(points[name] ?? []).slice(-60).map((one) => one ?? 0)}
              width={120}
              height={26}
            />
          </li>
        )
      })}
    </ul>
  )
}

interface StateProps {
  current: Sample | null
  maxima: Readonly<Record<string, number>>
  expired: number
}

/** What there is now, and the most there was. */
function State({ current, maxima, expired }: StateProps) {
  const b = useBrokerText()
  if (current === null) return null
  const rows: [string, number][] = [
    [b.now.connected, current.sessionsConnected],
    [b.now.offline, current.sessions - current.sessionsConnected],
    [b.now.sessionsMaximum, maxima.sessions ?? 0],
    [b.now.expired, expired],
    [b.now.subscriptions, current.subscriptions],
    [b.now.retained, current.retained],
  ]
  return (
    <section className="chart-card">
      <h2>{b.now.title}</h2>
      <dl className="counts">
        {rows.map(([name, count]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="mono">{countText(count)}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

const SLOWEST = 5

/** Who has the most waiting: what a slow or silent client looks like. */
function SlowReceivers() {
  const b = useBrokerText()
  const query = { sort: 'queuedBytes', order: 'desc', pageSize: SLOWEST } as const
  const { value } = useLoaded('slowest', () => call('clients', { query }), 5000)
  const waiting = value?.items.filter(({ queued, inflight }) => queued + inflight > 0) ?? []
  return (
    <section className="chart-card">
      <h2>{b.slowest}</h2>
      {waiting.length === 0 ? (
        <p className="is-quiet">{b.nobodySlow}</p>
      ) : (
        <dl className="counts">
          {waiting.map(({ clientId, queued, inflight, queuedBytes, outputBytes }) => (
            <div key={clientId}>
              <dt className="mono">
                <a href={whyAddress({ client: clientId })}>{clientId}</a>
              </dt>
              <dd className="mono">
                {countText(queued + inflight)} · {bytesText(queuedBytes + outputBytes)}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

function Counts({
  title,
  counts,
  names,
  empty,
}: {
  title: string
  counts: Readonly<Record<string, number>>
  names: Readonly<Record<string, string>>
  empty: string
}) {
  const entries = Object.entries(counts).filter(([, count]) => count > 0)
  return (
    <section className="chart-card">
      <h2>{title}</h2>
      {entries.length === 0 ? (
        <p className="is-quiet">{empty}</p>
      ) : (
        <dl className="counts">
          {entries.map(([name, count]) => (
            <div key={name}>
              <dt>{names[name] ?? name}</dt>
              <dd className="mono">{isBytes(name) ? bytesText(count) : countText(count)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

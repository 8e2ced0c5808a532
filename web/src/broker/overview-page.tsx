/** The broker at a glance: figures of this second, and an hour of them, kept by the broker. */
import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { bytesText, countText, shortCount } from '../ui/format.ts'
import { Icon } from '../ui/icons.tsx'
import { Sparkline, Tabs } from '../ui/parts.tsx'
import { plotOptions } from '../ui/plot.ts'
import { useDuration } from '../ui/text.ts'
import { call, type History, type Overview, type Sample } from './api.ts'
import { ClusterPanel, OfOneNode } from './cluster-panel.tsx'
import { Refusals } from './refusals.tsx'
import { whyAddress } from './why-page.tsx'
import { useBrokerText } from './text.ts'
import { useLive } from './use-live.ts'
import { useLoaded } from './use-api.ts'

type Metric = Exclude<keyof Sample, 'timeMs'>

const KPIS = [
  'sessionsConnected',
  'publishReceivedRate',
  'publishSentRate',
  'droppedRate',
  'queued',
  'rssBytes',
] as const

const CHARTS = {
  messages: ['publishReceivedRate', 'publishSentRate'],
  bytes: ['bytesReceivedRate', 'bytesSentRate'],
  connections: ['connections', 'sessions'],
  drops: ['droppedRate', 'queued'],
  lag: ['eventLoopLagMs', 'eventLoopLagMaxMs'],
  commit: ['commitMeanMs', 'commitMaxMs'],
  memory: ['rssBytes', 'heapUsedBytes'],
  cpu: ['cpuPercent'],
} as const satisfies Record<string, readonly Metric[]>

const METRICS = [...new Set([...Object.values(CHARTS).flat(), ...KPIS])]
const COLOURS = ['--sub-0', '--sub-1'] as const
const POINTS = 600
const SECONDS_KEPT = 3600
/** Samples come every second; more than the step of any history between them is a gap. */
const GAP_MS = 10_000

type Points = Record<string, (number | null)[]>

/** The broker's hour, and every second since. */
function useHistory(seconds: number): { times: number[]; points: Points; now: Sample | null } {
  const { value } = useLoaded(
    `history ${seconds}`,
    () => call('history', { query: { metrics: METRICS.join(','), seconds, points: POINTS } }),
    60_000,
  )
  const [fresh, setFresh] = useState<Sample[]>([])
  const onSample = (sample: Sample) =>
    setFresh((before) => [...before, sample].slice(-SECONDS_KEPT))
  useLive({ kinds: 'stats' }, { stats: (data) => onSample((data as { now: Sample }).now) })
  return { ...joined(value, fresh), now: fresh.at(-1) ?? null }
}

function joined(
  history: History | null,
  fresh: readonly Sample[],
): { times: number[]; points: Points } {
  const times: number[] = []
  const points: Points = Object.fromEntries(METRICS.map((name) => [name, []]))
  if (history !== null) {
    const count = history.metrics[METRICS[0] ?? '']?.length ?? 0
    for (let at = 0; at < count; at++)
      times.push((history.endMs - (count - 1 - at) * history.stepMs) / 1000)
    for (const name of METRICS) points[name] = [...(history.metrics[name] ?? [])]
  }
  const endMs = history?.endMs ?? 0
  for (const sample of fresh) {
    if (sample.timeMs <= endMs) continue
    // Nothing is known of a time in which the broker did not speak: no line crosses it.
    const lastMs = (times.at(-1) ?? Infinity) * 1000
    if (sample.timeMs - lastMs > GAP_MS) {
      times.push(lastMs / 1000 + 1)
      for (const name of METRICS) points[name]?.push(null)
    }
    times.push(sample.timeMs / 1000)
    for (const name of METRICS) points[name]?.push(sample[name])
  }
  return { times, points }
}

/** The stream of events may stand still while questions are answered. */
function newer(one: Sample | null, other: Sample | null): Sample | null {
  if (one === null || other === null) return one ?? other
  return one.timeMs < other.timeMs ? other : one
}

const isBytes = (name: string) => name.includes('ytes')
const valueText = (name: string, value: number) =>
  isBytes(name)
    ? bytesText(Math.round(value))
    : value < 10 && value % 1 !== 0
      ? value.toFixed(1)
      : shortCount(value)

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

interface ChartProps {
  title: string
  names: readonly (Metric & keyof ReturnType<typeof useBrokerText>['series'])[]
  times: readonly number[]
  points: Points
  seconds: number
}

function chartOptions(
  key: string,
  width: number,
  lines: Parameters<typeof plotOptions>[2],
): uPlot.Options {
  const options = plotOptions(width, 150, lines)
  const values = (_: uPlot, ticks: number[]) => ticks.map((tick) => valueText(key, tick))
  const axes = options.axes?.map((axis, index) => (index === 1 ? { ...axis, values } : axis))
  return {
    ...options,
    ...(axes !== undefined && { axes }),
    series: options.series.map((one) => ({ ...one, spanGaps: false })),
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
  }
}

function Chart({ title, names, times, points, seconds }: ChartProps) {
  const b = useBrokerText()
  const element = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const key = names.join()
  useEffect(() => {
    const at = element.current
    if (at === null) return
    const style = getComputedStyle(document.documentElement)
    const lines = key.split(',').map((label, index) => ({
      label,
      colour: style.getPropertyValue(COLOURS[index] ?? '--sub-2').trim(),
    }))
    const options = chartOptions(key, Math.max(200, at.clientWidth), lines)
    const made = new uPlot(options, [[], ...lines.map(() => [])], at)
    plot.current = made
    const observer = new ResizeObserver(() =>
      made.setSize({ width: Math.max(200, at.clientWidth), height: 150 }),
    )
    observer.observe(at)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [key])
  useEffect(() => {
    const from = (times.at(-1) ?? 0) - seconds
    const first = key.split(',')[0] ?? ''
    // A broker that has just started has no hour to show: what it has fills the width.
    const start = Math.max(
      0,
      times.findIndex((time, at) => time >= from && typeof points[first]?.[at] === 'number'),
    )
    plot.current?.setData([
      times.slice(start),
      ...key.split(',').map((name) => (points[name] ?? []).slice(start)),
    ])
  }, [times, points, key, seconds])
  return (
    <section className="chart-card">
      <header>
        <h2>{title}</h2>
        <ul className="legend">
          {names.map((name, at) => (
            <li key={name}>
              <span className={`swatch colour-${at}`} aria-hidden="true" /> {b.series[name]}{' '}
              <b className="mono">{valueText(name, points[name]?.at(-1) ?? 0)}</b>
            </li>
          ))}
        </ul>
      </header>
      <div ref={element} className="chart-plot" role="img" aria-label={title} />
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

/** Looks at the broker once a second and remembers an hour of it, and of a day the minutes. */
import { monitorEventLoopDelay, performance, type IntervalHistogram } from 'node:perf_hooks'
import type { Counts, Stats } from '../ports/stats.ts'
import { memoryUsage } from './memory-usage.ts'
import { METRIC_NAMES, type MetricName, type Sample } from './sample.ts'

const HISTORY_SECONDS = 3600
const HISTORY_MINUTES = 24 * 60

const DELAY_RESOLUTION_MS = 20
/** Counting goes through all sessions: it may take this share of the time. */
const COUNT_SHARE = 1 / 200

/** What a sampler looks at. */
export interface SampleSource {
  readonly stats: Stats
  counts(): Counts
}

export interface Sampler {
  latest(): Sample
  /**
   * The last `seconds` of the given metrics, oldest first, as means over equal steps so that there are at most
   * `points`; null where the broker was not looked at.
   */
  history(names: readonly MetricName[], seconds: number, points: number): SampleHistory
  /** Calls `handler` with every new sample; returns what ends that. */
  onSample(handler: (sample: Sample) => void): () => void
  stop(): void
}

export interface SampleHistory {
  readonly stepMs: number
  readonly endMs: number
  readonly metrics: Record<string, (number | null)[]>
}

export const allMetrics = Object.keys(METRIC_NAMES) as MetricName[]

type Totals = readonly [MetricName, (stats: Stats) => number]

const RATES: readonly Totals[] = [
  ['packetsReceivedRate', ({ messagesReceived }) => messagesReceived],
  ['packetsSentRate', ({ messagesSent }) => messagesSent],
  ['bytesReceivedRate', ({ bytesReceived }) => bytesReceived],
  ['bytesSentRate', ({ bytesSent }) => bytesSent],
  ['publishReceivedRate', ({ publishReceived }) => publishReceived],
  ['publishSentRate', ({ publishSent }) => publishSent],
  ['droppedRate', ({ publishDropped }) => publishDropped],
  ['connectsRate', ({ connections }) => connections],
  ['commitsRate', ({ commits }) => commits],
]

/** Over less than this there are no rates. */
const SECONDS_MIN = 0.1

/** Starts looking, at once and then every second. */
export function createSampler(source: SampleSource): Sampler {
  const rings = new Map(allMetrics.map((name) => [name, ringOf(HISTORY_SECONDS)]))
  const minutes = new Map(allMetrics.map((name) => [name, ringOf(HISTORY_MINUTES)]))
  const handlers = new Set<(sample: Sample) => void>()
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
  delay.enable()
  const look = createLook(source, delay)
  let latest = look()
  let slot = Math.floor(latest.timeMs / 1000) - 1

  /** The minute of `slot` is over; between it and that of `next` nobody looked. */
  const rememberMinutes = (next: number): void => {
    const last = minuteOf(slot)
    const from = Math.max(last + 1, minuteOf(next) - HISTORY_MINUTES + 1)
    for (const [name, ring] of minutes) {
      const seconds = rings.get(name) as Float64Array
      ring[last % HISTORY_MINUTES] = meanOf(seconds, last * 60, slot - last * 60 + 1) ?? NaN
      for (let minute = from; minute < minuteOf(next); minute++)
        ring[minute % HISTORY_MINUTES] = NaN
    }
  }

  const remember = (sample: Sample): void => {
    const next = Math.floor(sample.timeMs / 1000)
    if (minuteOf(next) > minuteOf(slot)) rememberMinutes(next)
    // Seconds in which nobody looked, because the loop was busy, hold nothing.
    const from = Math.max(slot + 1, next - HISTORY_SECONDS + 1)
    for (const [name, ring] of rings) {
      for (let second = from; second < next; second++) ring[second % HISTORY_SECONDS] = NaN
      ring[next % HISTORY_SECONDS] = sample[name]
    }
    slot = next
  }

  remember(latest)
  const timer = setInterval(() => {
    latest = look()
    remember(latest)
    for (const handler of handlers) handler(latest)
  }, 1000).unref()

  return {
    latest: () => latest,
    history(names, seconds, points) {
      if (seconds <= HISTORY_SECONDS) return historyOf(rings, slot, names, seconds, points, 1)
      const last = minuteOf(slot) - 1
      return historyOf(minutes, last, names, Math.floor(seconds / 60), points, 60)
    },
    onSample(handler) {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
    stop() {
      clearInterval(timer)
      delay.disable()
    },
  }
}

/** The result takes a sample; its rates are over the time since it did so last. `source.stats` may be a sum, and another one each time. */
function createLook(source: SampleSource, delay: IntervalHistogram): () => Sample {
  const countsNow = seldom(source.counts)
  const before = new Map<MetricName, number>()
  let commitMsBefore = source.stats.commitMs
  let cpuBefore = process.cpuUsage()
  let lastMs = performance.now()

  const ratesOver = (stats: Stats, seconds: number): Record<MetricName, number> =>
    Object.fromEntries(
      RATES.map(([name, count]) => {
        const now = count(stats)
        const grown = now - (before.get(name) ?? now)
        before.set(name, now)
        return [name, seconds > 0 ? round(grown / seconds) : 0]
      }),
    ) as Record<MetricName, number>

  return () => {
    const nowMs = performance.now()
    const passed = (nowMs - lastMs) / 1000
    // Over the moment of a start everything is infinitely fast.
    const seconds = passed < SECONDS_MIN ? 0 : passed
    lastMs = nowMs
    const counted = countsNow()
    const { stats } = source
    const cpu = process.cpuUsage(cpuBefore)
    cpuBefore = process.cpuUsage()
    const memory = memoryUsage()
    const values = ratesOver(stats, seconds)
    const commits = values.commitsRate * seconds
    const sample: Sample = {
      timeMs: Date.now(),
      ...values,
      connections: counted.sockets,
      sessions: counted.sessions,
      sessionsConnected: counted.connected,
      subscriptions: counted.subscriptions,
      sharedSubscriptions: counted.sharedSubscriptions,
      retained: counted.retained,
      retainedBytes: counted.retainedBytes,
      queued: counted.queued,
      queuedBytes: counted.queuedBytes,
      outputBytes: counted.outputBytes,
      eventLoopLagMs: lagOf(delay.percentile(99)),
      eventLoopLagMaxMs: lagOf(delay.max),
      cpuPercent: seconds > 0 ? round((cpu.user + cpu.system) / seconds / 10_000) : 0,
      rssBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      commitMeanMs: commits > 0 ? round((stats.commitMs - commitMsBefore) / commits) : 0,
      commitMaxMs: round(stats.commitMsMax),
    }
    commitMsBefore = stats.commitMs
    stats.commitMsMax = 0
    delay.reset()
    return sample
  }
}

function ringOf(slots: number): Float64Array {
  return new Float64Array(slots).fill(NaN)
}

function minuteOf(second: number): number {
  return Math.floor(second / 60)
}

/** `counts`, asked again only after a time that its cost is a small share of. */
function seldom(counts: () => Counts): () => Counts {
  let last: Counts | null = null
  let dueMs = 0
  return () => {
    const startMs = performance.now()
    if (last !== null && startMs < dueMs) return last
    last = counts()
    dueMs = startMs + (performance.now() - startMs) / COUNT_SHARE
    return last
  }
}

/** Node measures from one tick of its timer to the next: what is beyond the tick is the delay. */
function lagOf(nanoseconds: number): number {
  const ms = nanoseconds / 1e6 - DELAY_RESOLUTION_MS
  return Number.isFinite(ms) ? round(Math.max(0, ms)) : 0
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

/** @param slot The last one; a slot is `slotSeconds` long, and `slots` of them are wanted. */
function historyOf(
  rings: ReadonlyMap<MetricName, Float64Array>,
  slot: number,
  names: readonly MetricName[],
  slots: number,
  points: number,
  slotSeconds: number,
): SampleHistory {
  const step = Math.ceil(slots / points)
  const steps = Math.floor(slots / step)
  const first = slot - steps * step + 1
  const metrics = names.map((name) => {
    const ring = rings.get(name) as Float64Array
    return [
      name,
      Array.from({ length: steps }, (_, index) => meanOf(ring, first + index * step, step)),
    ] as const
  })
  const slotMs = slotSeconds * 1000
  return { stepMs: step * slotMs, endMs: slot * slotMs, metrics: Object.fromEntries(metrics) }
}

function meanOf(ring: Float64Array, from: number, step: number): number | null {
  let sum = 0
  let count = 0
  for (let second = from; second < from + step; second++) {
    const value = ring[second % ring.length]
    if (Number.isNaN(value)) continue
    sum += value
    count++
  }
  return count === 0 ? null : round(sum / count)
}

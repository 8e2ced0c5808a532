/** What the overview draws: the broker's hour, every second since, and how a value is said. */
import { useState } from 'react'
import { bytesText, shortCount } from '../ui/format.ts'
import { call, type History, type Sample } from './api.ts'
import { useLoaded } from './use-api.ts'
import { useLive } from './use-live.ts'

export type Metric = Exclude<keyof Sample, 'timeMs'>

export const KPIS = [
  'sessionsConnected',
  'publishReceivedRate',
  'publishSentRate',
  'droppedRate',
  'queued',
  'rssBytes',
] as const

export const CHARTS = {
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
const POINTS = 600
const SECONDS_KEPT = 3600
/** Samples come every second; more than the step of any history between them is a gap. */
const GAP_MS = 10_000

export type Points = Record<string, (number | null)[]>

/** The broker's hour, and every second since. */
export function useHistory(seconds: number): {
  times: number[]
  points: Points
  now: Sample | null
} {
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

export const isBytes = (name: string) => name.includes('ytes')
export const valueText = (name: string, value: number) =>
  isBytes(name)
    ? bytesText(Math.round(value))
    : value < 10 && value % 1 !== 0
      ? value.toFixed(1)
      : shortCount(value)

/** A number within messages over time, for the chart: at most 100,000 points, the oldest make room. */
import { matches } from '../../../src/topics/names.ts'
import { numberAt } from '../decode/json-path.ts'
import type { SeriesSpec } from '../protocol/protocol.ts'

export const POINTS_MAX = 100_000

export class Series {
  readonly spec: SeriesSpec
  private readonly times = new Float64Array(POINTS_MAX)
  private readonly values = new Float64Array(POINTS_MAX)
  private next = 0

  constructor(spec: SeriesSpec) {
    this.spec = spec
  }

  get points(): number {
    return Math.min(this.next, POINTS_MAX)
  }

  offer(topic: string, payload: Uint8Array, timeMs: number): void {
    if (topic !== this.spec.filter && !matches(this.spec.filter, topic)) return
    const value = numberAt(payload, this.spec.path)
    if (value === null) return
    const slot = this.next % POINTS_MAX
    this.times[slot] = timeMs
    this.values[slot] = value
    this.next++
  }

  /**
   * At most about `countMax` points, oldest first: of each stretch of time the lowest and the highest
   * value, so that no peak is lost. Times in seconds.
   */
  sample(countMax: number): { times: Float64Array; values: Float64Array } {
    const { points } = this
    const oldest = this.next - points
    const bucket = Math.max(1, Math.ceil((points * 2) / countMax))
    const times: number[] = []
    const values: number[] = []
    const put = (at: number) => {
      times.push((this.times[at % POINTS_MAX] ?? 0) / 1000)
      values.push(this.values[at % POINTS_MAX] ?? 0)
    }
    for (let start = oldest; start < this.next; start += bucket) {
      const [low, high] = this.extremes(start, Math.min(start + bucket, this.next))
      put(Math.min(low, high))
      if (low !== high) put(Math.max(low, high))
    }
    return { times: Float64Array.from(times), values: Float64Array.from(values) }
  }

  private extremes(start: number, end: number): [low: number, high: number] {
    let low = start
    let high = start
    for (let at = start + 1; at < end; at++) {
      const value = this.values[at % POINTS_MAX] ?? 0
      if (value < (this.values[low % POINTS_MAX] ?? 0)) low = at
      if (value > (this.values[high % POINTS_MAX] ?? 0)) high = at
    }
    return [low, high]
  }
}

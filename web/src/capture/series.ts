/** A number within messages over time, for the chart: at most 100,000 points, the oldest make room. */

export const POINTS_MAX = 100_000
const FIRST_POINTS = 1024

export class Series {
  /** What the message says its number is measured in; empty: nothing. */
  unit = ''
  private times = new Float64Array(FIRST_POINTS)
  private values = new Float64Array(FIRST_POINTS)
  private next = 0

  get points(): number {
    return Math.min(this.next, POINTS_MAX)
  }

  add(timeMs: number, value: number): void {
    if (this.next === this.times.length && this.next < POINTS_MAX) this.grow()
    const slot = this.next % POINTS_MAX
    this.times[slot] = timeMs
    this.values[slot] = value
    this.next++
  }

  private grow(): void {
    const length = Math.min(POINTS_MAX, this.times.length * 2)
    const [times, values] = [new Float64Array(length), new Float64Array(length)]
    times.set(this.times)
    values.set(this.values)
    this.times = times
    this.values = values
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

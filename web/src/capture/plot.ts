/** What a chart shows of one filter and path: a series for each topic, so that topics never mix. */
import { matches } from '../../../src/topics/names.ts'
import { asNumber, stepsOf, valueWithin, type ReadValue } from '../decode/values.ts'
import { TOPICS_LEFT_MAX, type SeriesSpec } from '../protocol/protocol.ts'
import { Series } from './series.ts'

/** As many as there are colours. */
const TOPICS_MAX = 12
const UNIT_CHARACTERS_MAX = 12

export class Plot {
  readonly spec: SeriesSpec
  readonly series = new Map<string, Series>()
  /** Topics that would be one too many. */
  readonly left = new Set<string>()
  private readonly steps: readonly (string | number)[]

  constructor(spec: SeriesSpec) {
    this.spec = spec
    this.steps = stepsOf(spec.path) ?? []
  }

  wants(topic: string): boolean {
    return topic === this.spec.filter || matches(this.spec.filter, topic)
  }

  offer(topic: string, read: ReadValue, timeMs: number): void {
    const value = asNumber(valueWithin(read, this.steps))
    if (value === null) return
    let series = this.series.get(topic)
    if (series === undefined) {
      if (this.series.size === TOPICS_MAX) {
        if (this.left.size < TOPICS_LEFT_MAX) this.left.add(topic)
        return
      }
      series = new Series()
      this.series.set(topic, series)
    }
    const unit = valueWithin(read, [...this.steps.slice(0, -1), 'unit'])
    if (typeof unit === 'string') series.unit = unit.slice(0, UNIT_CHARACTERS_MAX)
    series.add(timeMs, value)
  }
}

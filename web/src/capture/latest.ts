/** The last value of each topic, as rows or as a table of values within them. */
import { preview } from '../decode/preview.ts'
import { asNumber, readValue, stepsOf, textWithin, valueWithin } from '../decode/values.ts'
import {
  LAST_SEEN,
  type LatestRow,
  type Pivot,
  type QueryProblems,
  type ViewRequest,
  type ViewSnapshot,
} from '../protocol/protocol.ts'
import type { Capture } from './capture.ts'
import { Pace } from './pace.ts'
import { topicsByName } from './tree-view.ts'
import type { Topic } from './topics.ts'

const ORDERS: Record<Exclude<ViewRequest['latestSort'], 'name'>, (a: Topic, b: Topic) => number> = {
  messages: (a, b) => b.messages - a.messages,
  recent: (a, b) => b.lastMs - a.lastMs,
}

/** What the list is: another one, or the same whose order has gone stale. */
const ANOTHER = -1
const STALE = -2

/** What a topic is sorted by; null: it has no such value. */
type Key = number | bigint | string | null

export class Latest {
  private readonly capture: Capture
  private readonly isListed: (topic: Topic) => boolean
  private readonly pace = new Pace()
  private topics: Topic[] = []
  /** Of the topics when they were listed. What a person asks for does not wait, what has gone stale does. */
  private shape = ANOTHER

  constructor(capture: Capture, isListed: (topic: Topic) => boolean) {
    this.capture = capture
    this.isListed = isListed
  }

  /** There are topics that no picture has shown yet. */
  get isBehind(): boolean {
    return this.shape !== this.capture.topics.shape
  }

  /** A person asked for another list. */
  another(): void {
    this.shape = ANOTHER
  }

  /** The order has gone stale. */
  stale(): void {
    if (this.shape !== ANOTHER) this.shape = STALE
  }

  snapshot(request: ViewRequest, problems: QueryProblems): ViewSnapshot {
    const { paused, held, latestSort, pivot } = request
    const isByName = pivot === null ? latestSort === 'name' : pivot.sort === ''
    const rests = paused || (held && !isByName) || !this.pace.isDue
    if (this.isBehind && (this.shape === ANOTHER || !rests)) this.pace.run(() => this.list(request))
    const from = Math.max(0, Math.min(request.from, this.topics.length))
    const latest = this.topics
      .slice(from, from + request.count)
      .map((topic, at) => this.row(topic, from + at, pivot))
    const next = this.topics.length
    return { mode: 'latest', first: 0, next, newer: 0, rows: [], latest, ...problems }
  }

  /** All topics of the list, in its order, with their values. */
  *rows(request: ViewRequest): Generator<LatestRow> {
    this.list(request)
    for (const [at, topic] of this.topics.entries()) yield this.row(topic, at, request.pivot)
  }

  private list({ latestSort, pivot }: ViewRequest): void {
    const { topics } = this.capture
    this.shape = topics.shape
    const isByName = pivot === null ? latestSort === 'name' : pivot.sort === ''
    const all = isByName ? topicsByName(topics.root) : [...topics.all()]
    this.topics = all.filter((topic) => topic.messages > 0 && this.isListed(topic))
    if (pivot !== null) this.sortPivot(pivot)
    else if (latestSort !== 'name') this.topics.sort(ORDERS[latestSort])
  }

  private sortPivot({ sort, descending }: Pivot): void {
    const sign = descending ? -1 : 1
    if (sort === '') {
      if (descending) this.topics.reverse()
      return
    }
    if (sort === LAST_SEEN) {
      this.topics.sort((a, b) => sign * (a.lastMs - b.lastMs))
      return
    }
    const steps = stepsOf(sort) ?? []
    const keyed = this.topics.map((topic) => ({ topic, key: this.keyOf(topic, steps) }))
    keyed.sort((a, b) => compareKeys(a.key, b.key, sign))
    this.topics = keyed.map(({ topic }) => topic)
  }

  private keyOf(topic: Topic, steps: readonly (string | number)[]): Key {
    const payload = this.capture.lastPayload(topic)
    const read = payload === null ? null : readValue(payload, this.capture.readingOf(topic))
    const value = read === null ? undefined : valueWithin(read, steps)
    if (read === null || value === undefined || value === null) return null
    const number = asNumber(value)
    // Beyond 2^53 the digits are in the text alone.
    const digits = number === null || Number.isSafeInteger(number) ? '' : textWithin(read, steps)
    if (/^-?\d+$/.test(digits)) return BigInt(digits)
    return number ?? (typeof value === 'string' ? value : textWithin(read, steps))
  }

  private row(topic: Topic, index: number, pivot: Pivot | null): LatestRow {
    const payload = this.capture.lastPayload(topic)
    const { colours } = this.capture.of(topic)
    const reading = this.capture.readingOf(topic)
    const read = payload === null || pivot === null ? null : readValue(payload, reading)
    return {
      index,
      topic: topic.name,
      messages: topic.messages,
      lastMs: topic.lastMs,
      size: payload?.length ?? 0,
      preview:
        payload === null || pivot !== null
          ? ''
          : preview(payload, reading.format, topic.name, reading.schema),
      cells:
        pivot?.columns.map((path) =>
          read === null ? '' : textWithin(read, stepsOf(path) ?? []),
        ) ?? [],
      colours,
    }
  }
}

/** Numbers before texts, and what is missing at the end either way. */
function compareKeys(a: Key, b: Key, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  const isText = typeof a === 'string'
  if (isText !== (typeof b === 'string')) return isText ? 1 : -1
  return sign * (a < b ? -1 : a > b ? 1 : 0)
}

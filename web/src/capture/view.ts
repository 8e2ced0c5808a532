/** The list of messages, and of latest values, that the page looks at. */
import { DEFAULT_VIEW } from '../protocol/view.ts'
import type { Row } from '../model/message.ts'
import type { LatestRow, ViewRequest, ViewSnapshot } from '../protocol/protocol.ts'
import { preview } from '../decode/preview.ts'
import type { Capture } from './capture.ts'
import { Matches, type Anchor } from './matches.ts'
import { Pace } from './pace.ts'
import { topicsByName } from './tree-view.ts'
import { compileQuery, QueryError, type Predicate } from './query.ts'
import type { Topic } from './topics.ts'

const LATEST_ORDERS: Record<
  Exclude<ViewRequest['latestSort'], 'name'>,
  (a: Topic, b: Topic) => number
> = {
  messages: (a, b) => b.messages - a.messages,
  recent: (a, b) => b.lastMs - a.lastMs,
}

export class View {
  request: ViewRequest = DEFAULT_VIEW
  private readonly capture: Capture
  private matches: Matches
  private query: Predicate | null = null
  private queryProblem: string | null = null
  /** The first message that a pause holds back; null: the list runs. */
  private pausedSeq: number | null = null
  /** The first message that came after the reader had left the end; null: it is being followed. */
  private leftSeq: number | null = null
  private latest: Topic[] = []
  /** -1: a person asked for another list, which does not wait; -2: its order has gone stale, which does. */
  private latestShape = -1
  private readonly pace = new Pace()

  constructor(capture: Capture) {
    this.capture = capture
    this.matches = new Matches(capture.ring, capture.messagesMax)
  }

  /** To be told of every message that is kept. */
  add(seq: number): void {
    if (this.test(seq)) this.matches.add(seq)
  }

  show(request: ViewRequest): void {
    const before = this.request
    this.request = request
    const { next } = this.capture.ring
    this.pausedSeq = request.paused ? (this.pausedSeq ?? next) : null
    this.leftSeq = request.follow ? null : (this.leftSeq ?? next)
    if (request.latestSort !== before.latestSort || request.mode !== before.mode)
      this.latestShape = -1
    const same =
      request.query === before.query &&
      request.direction === before.direction &&
      request.subscriptions.join() === before.subscriptions.join()
    if (!same) this.refilter()
  }

  /** Lists anew: the question has changed, or the subscriptions. What is on screen and still listed stays where it is. */
  refilter(): void {
    try {
      this.query = compileQuery(this.request.query)
      this.queryProblem = null
    } catch (error) {
      if (!(error instanceof QueryError)) throw error
      this.query = null
      this.queryProblem = error.message
    }
    this.matches.trim()
    this.matches.rebuild((seq) => this.test(seq), this.anchor())
    this.latestShape = -1
  }

  /** The first message from the top of the screen on that will be listed again, and its place; else the last before it. */
  private anchor(): Anchor | null {
    const { follow, top } = this.request
    if (follow) return null
    const { first, next } = this.matches
    const place = Math.max(first, Math.min(top, next))
    for (let at = place; at < next; at++) if (this.isListed(at)) return this.anchorAt(at)
    for (let at = place - 1; at >= first; at--) if (this.isListed(at)) return this.anchorAt(at)
    return null
  }

  private isListed(place: number): boolean {
    return this.test(this.matches.seqAt(place))
  }

  private anchorAt(place: number): Anchor {
    return { seq: this.matches.seqAt(place), place }
  }

  /** There are topics that no picture of the latest values has shown yet. */
  get isBehind(): boolean {
    return this.request.mode === 'latest' && this.latestShape !== this.capture.topics.shape
  }

  /** To be called now and then: an order by time or messages goes stale. */
  freshen(): void {
    if (this.request.latestSort !== 'name') this.latestShape = -2
  }

  clear(): void {
    this.matches.rebuild(() => false)
    this.latestShape = -1
  }

  snapshot(): ViewSnapshot {
    return this.request.mode === 'latest' ? this.latestSnapshot() : this.streamSnapshot()
  }

  /** All that the view lists, oldest first. */
  *seqs(): Generator<number> {
    this.matches.trim()
    for (let place = this.matches.first; place < this.matches.next; place++) {
      yield this.matches.seqAt(place)
    }
  }

  /** The message `step` places after (before, if negative) this one in the list, or as far as that goes; null: the list is empty. */
  neighbour(seq: number, step: number): { seq: number; place: number } | null {
    const matches = this.matches
    matches.trim()
    if (matches.first === matches.next) return null
    const wanted = matches.placeOf(seq) + step
    const place = Math.max(matches.first, Math.min(this.end() - 1, wanted))
    return { seq: matches.seqAt(place), place }
  }

  /** The place after the newest message that is listed. */
  private end(): number {
    const matches = this.matches
    return this.pausedSeq === null ? matches.next : matches.placeOf(this.pausedSeq)
  }

  /** @param before The message listed above it; -1: none. */
  row(seq: number, index: number, before = -1): Row {
    const { ring } = this.capture
    const topic = this.capture.topicOf(seq)
    const { colours, format } = this.capture.of(topic)
    return {
      index,
      seq,
      timeMs: ring.timeMs(seq),
      sinceMs: before === -1 ? null : ring.timeMs(seq) - ring.timeMs(before),
      direction: ring.isOutgoing(seq) ? 'out' : 'in',
      topic: topic.name,
      qos: ring.qos(seq),
      retain: ring.isRetained(seq),
      dup: ring.isDup(seq),
      refused: ring.isRefused(seq),
      size: ring.size(seq),
      preview: preview(ring.payload(seq), format),
      colours,
    }
  }

  private streamSnapshot(): ViewSnapshot {
    const matches = this.matches
    matches.trim()
    const next = this.end()
    const { follow, count } = this.request
    const wanted = follow ? next - count : this.request.from
    const from = Math.max(matches.first, Math.min(wanted, next - count))
    const since = this.pausedSeq ?? this.leftSeq
    const rows: Row[] = []
    for (let place = from; place < Math.min(next, from + count); place++) {
      rows.push(this.row(matches.seqAt(place), place, matches.seqAt(place - 1)))
    }
    return {
      mode: 'stream',
      first: matches.first,
      next,
      newer: since === null ? 0 : matches.next - matches.placeOf(since),
      rows,
      latest: [],
      queryProblem: this.queryProblem,
    }
  }

  private latestSnapshot(): ViewSnapshot {
    const isNew = this.latestShape !== this.capture.topics.shape
    const { paused, held, latestSort } = this.request
    const rests = paused || (held && latestSort !== 'name') || !this.pace.isDue
    const mayWait = this.latestShape !== -1 && rests
    if (isNew && !mayWait) this.pace.run(() => this.sortLatest())
    const from = Math.max(0, Math.min(this.request.from, this.latest.length))
    const latest = this.latest
      .slice(from, from + this.request.count)
      .map((topic, at) => this.latestRow(topic, from + at))
    const next = this.latest.length
    return {
      mode: 'latest',
      first: 0,
      next,
      newer: 0,
      rows: [],
      latest,
      queryProblem: this.queryProblem,
    }
  }

  private sortLatest(): void {
    const { topics } = this.capture
    this.latestShape = topics.shape
    const { latestSort } = this.request
    const all = latestSort === 'name' ? topicsByName(topics.root) : [...topics.all()]
    this.latest = all.filter((topic) => topic.messages > 0 && this.testLatest(topic))
    if (latestSort !== 'name') this.latest.sort(LATEST_ORDERS[latestSort])
  }

  private latestRow(topic: Topic, index: number): LatestRow {
    const payload = this.capture.lastPayload(topic)
    const { colours, format } = this.capture.of(topic)
    return {
      index,
      topic: topic.name,
      messages: topic.messages,
      lastMs: topic.lastMs,
      size: payload?.length ?? 0,
      preview: payload === null ? '' : preview(payload, format),
      colours,
    }
  }

  private test(seq: number): boolean {
    const { ring } = this.capture
    const { direction } = this.request
    const outgoing = ring.isOutgoing(seq)
    if (ring.isGone(seq)) return false
    if (direction !== null && (direction === 'out') !== outgoing) return false
    const topic = this.capture.topicOf(seq)
    if (!this.listed(topic, outgoing)) return false
    if (this.query === null) return true
    return this.query({
      topic: topic.name,
      payload: ring.payload(seq),
      qos: ring.qos(seq),
      retain: ring.isRetained(seq),
      outgoing,
    })
  }

  private listed(topic: Topic, outgoing: boolean): boolean {
    const { subscriptions } = this.request
    const { ids, hidden } = this.capture.of(topic)
    if (subscriptions.length > 0) return ids.some((id) => subscriptions.includes(id))
    return outgoing || !hidden
  }

  private testLatest(topic: Topic): boolean {
    if (!this.listed(topic, false)) return false
    if (this.query === null) return true
    const payload = this.capture.lastPayload(topic) ?? new Uint8Array()
    const retain = topic.retained
    return this.query({ topic: topic.name, payload, qos: 0, retain, outgoing: false })
  }
}

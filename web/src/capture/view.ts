/** The list of messages, and of latest values, that the page looks at. */
import { DEFAULT_VIEW } from '../protocol/view.ts'
import type { Row } from '../model/message.ts'
import type { LatestRow, QueryProblems, ViewRequest, ViewSnapshot } from '../protocol/protocol.ts'
import { preview } from '../decode/preview.ts'
import { readValue } from '../decode/values.ts'
import type { Capture } from './capture.ts'
import { Matches, type Anchor } from './matches.ts'
import { Latest } from './latest.ts'
import { compileCondition } from './pivot.ts'
import { compileQuery, QueryError, type Predicate } from './query.ts'
import type { Topic } from './topics.ts'

export class View {
  request: ViewRequest = DEFAULT_VIEW
  private readonly capture: Capture
  private matches: Matches
  private query: Predicate | null = null
  /** The condition of the table of values. */
  private where: Predicate | null = null
  private problems: QueryProblems = { queryProblem: null, whereProblem: null }
  /** The first message that a pause holds back; null: the list runs. */
  private pausedSeq: number | null = null
  /** The first message that came after the reader had left the end; null: it is being followed. */
  private leftSeq: number | null = null
  private readonly latest: Latest

  constructor(capture: Capture) {
    this.capture = capture
    this.matches = new Matches(capture.ring, capture.messagesMax)
    this.latest = new Latest(capture, (topic) => this.testLatest(topic))
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
    if (
      request.latestSort !== before.latestSort ||
      request.mode !== before.mode ||
      JSON.stringify(request.pivot) !== JSON.stringify(before.pivot)
    )
      this.latest.another()
    const same =
      request.query === before.query &&
      request.pivot?.where === before.pivot?.where &&
      request.direction === before.direction &&
      request.subscriptions.join() === before.subscriptions.join()
    if (!same) this.refilter()
  }

  /** Lists anew: the question has changed, or the subscriptions. What is on screen and still listed stays where it is. */
  refilter(): void {
    const [query, queryProblem] = compiled(compileQuery, this.request.query)
    const [where, whereProblem] = compiled(compileCondition, this.request.pivot?.where ?? '')
    this.query = query
    this.where = where
    this.problems = { queryProblem, whereProblem }
    this.matches.trim()
    this.matches.rebuild((seq) => this.test(seq), this.anchor())
    this.latest.another()
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
    return this.request.mode === 'latest' && this.latest.isBehind
  }

  /** To be called now and then: an order by time, messages or values goes stale. */
  freshen(): void {
    const { latestSort, pivot } = this.request
    if (pivot === null ? latestSort !== 'name' : pivot.sort !== '' || pivot.where !== '')
      this.latest.stale()
  }

  /** Values that could not be read may be readable now. */
  relist(): void {
    this.latest.another()
  }

  /** All rows of the latest values. */
  latestRows(): Generator<LatestRow> {
    return this.latest.rows(this.request)
  }

  clear(): void {
    this.matches.rebuild(() => false)
    this.latest.another()
  }

  snapshot(): ViewSnapshot {
    return this.request.mode === 'latest'
      ? this.latest.snapshot(this.request, this.problems)
      : this.streamSnapshot()
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
    const { colours } = this.capture.of(topic)
    const { format, schema } = this.capture.readingOf(topic)
    const contentType = ring.properties(seq)?.contentType ?? ''
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
      preview: preview(ring.payload(seq), format, topic.name, schema, contentType),
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
      ...this.problems,
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
      read: () => readValue(ring.payload(seq), this.capture.readingOf(topic)),
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
    if (this.query === null && this.where === null) return true
    const payload = this.capture.lastPayload(topic) ?? new Uint8Array()
    const retain = topic.retained
    const candidate = {
      topic: topic.name,
      payload,
      qos: 0,
      retain,
      outgoing: false,
      read: () => readValue(payload, this.capture.readingOf(topic)),
    }
    return (this.query?.(candidate) ?? true) && (this.where?.(candidate) ?? true)
  }
}

/** The query as a function, and the word of it that cannot be understood. */
function compiled(
  compile: (text: string) => Predicate | null,
  text: string,
): [query: Predicate | null, problem: string | null] {
  try {
    return [compile(text), null]
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    return [null, error.message]
  }
}

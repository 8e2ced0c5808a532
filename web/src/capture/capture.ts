/** Everything a connection has seen, and the views of it. Knows neither the network nor the page. */
import { matches as topicMatches, parseShared } from '../../../src/topics/names.ts'
import type { Format } from '../model/message.ts'
import { readValue, type Reading } from '../decode/values.ts'
import type { Subscription } from '../model/profile.ts'
import type { Schema } from '../model/settings.ts'
import { Ring, type Entry } from './ring.ts'
import type { SeriesSpec } from '../protocol/protocol.ts'
import { Plot } from './plot.ts'
import { Topics, type Topic } from './topics.ts'

/** A message as it came or went. */
export type Arrival = Omit<Entry, 'topicId'> & {
  topic: string
  /** Ids of the subscriptions it came by, where the broker says so; else those that match count. */
  by?: readonly string[] | null
}

export interface CaptureLimits {
  readonly messagesMax: number
  readonly bytesMax: number
  readonly topicsMax: number
}

/** More topics than messages: a topic without a kept message can always make room. */
export const defaultLimits: CaptureLimits = {
  messagesMax: 200_000,
  bytesMax: 64 << 20,
  topicsMax: 250_000,
}

const SAVED_BYTES_MAX = 64 << 10
const SAVED_TOTAL_MAX = 32 << 20

/** What a topic has to do with the subscriptions: worked out once, until these change. */
interface TopicSubscriptions {
  readonly ids: readonly string[]
  readonly colours: readonly number[]
  readonly hidden: boolean
  readonly format: Format
  readonly schema: string
}

export class Capture {
  readonly ring: Ring
  readonly topics: Topics
  readonly messagesMax: number
  received = 0
  receivedBytes = 0
  sent = 0
  sampledOut = 0
  tooLarge = 0
  /** One of this many arrivals is kept. */
  keepEvery = 1
  /** Called with the sequence number of each message that is kept. */
  onKept: (seq: number) => void = () => {}

  private subscriptions: readonly Subscription[] = []
  private schemas: readonly Schema[] = []
  private readonly perSubscription = new Map<string, { messages: number }>()
  private byTopic = new WeakMap<Topic, TopicSubscriptions>()
  private plots: Plot[] = []
  private savedBytes = 0
  /** Messages before this one were counted before the counters began anew. */
  private countedFrom = 0

  constructor(limits: CaptureLimits = defaultLimits) {
    this.messagesMax = limits.messagesMax
    this.ring = new Ring(limits.messagesMax, limits.bytesMax)
    this.topics = new Topics(limits.topicsMax)
    this.ring.onEvict = (seq) => this.release(seq)
    this.topics.onForget = (topic) => this.forgetSaved(topic)
  }

  get charted(): readonly Plot[] {
    return this.plots
  }

  /** Its sequence number; -1: it is only counted. */
  add(arrival: Arrival): number {
    const { payload, timeMs } = arrival
    const topic = this.topics.intern(arrival.topic)
    this.topics.countMessage(topic, timeMs)
    if (arrival.outgoing) this.sent++
    else {
      this.received++
      this.receivedBytes += payload.length
      for (const id of arrival.by ?? this.of(topic).ids) {
        const counter = this.perSubscription.get(id)
        if (counter !== undefined) counter.messages++
      }
      if (arrival.retain) topic.retained = payload.length > 0
    }
    if (this.plots.length > 0) this.plot(topic, payload, timeMs)
    if (this.keepEvery > 1 && !arrival.outgoing && this.received % this.keepEvery !== 0) {
      this.sampledOut++
      return -1
    }
    const seq = this.ring.push({ ...arrival, topicId: topic.id })
    if (seq === -1) {
      this.tooLarge++
      return -1
    }
    topic.kept++
    topic.lastSeq = seq
    this.forgetSaved(topic)
    this.onKept(seq)
    return seq
  }

  /** A message of an earlier visit: it can be looked at, and counts for nothing. */
  restore(arrival: Arrival): void {
    const topic = this.topics.intern(arrival.topic)
    this.topics.countMessage(topic, arrival.timeMs)
    const seq = this.ring.push({ ...arrival, topicId: topic.id })
    if (seq === -1) return
    topic.kept++
    topic.lastSeq = seq
    this.forgetSaved(topic)
    this.onKept(seq)
  }

  /** The message as it came; null: a person has removed it. */
  arrivalOf(seq: number): Omit<Arrival, 'by'> | null {
    const { ring } = this
    if (ring.isGone(seq)) return null
    return {
      topic: this.topicOf(seq).name,
      payload: ring.payload(seq).slice(),
      timeMs: ring.timeMs(seq),
      outgoing: ring.isOutgoing(seq),
      qos: ring.qos(seq),
      retain: ring.isRetained(seq),
      dup: ring.isDup(seq),
      packetId: ring.packetId(seq),
      properties: ring.properties(seq),
    }
  }

  /** The broker did not take a published message: it does not count as sent. */
  refused(seq: number): void {
    if (seq !== -1 && seq < this.countedFrom) return
    this.sent = Math.max(0, this.sent - 1)
    this.ring.markRefused(seq)
  }

  setSubscriptions(subscriptions: readonly Subscription[]): void {
    this.subscriptions = subscriptions
    this.byTopic = new WeakMap()
    const ids = new Set(subscriptions.map(({ id }) => id))
    for (const id of ids) {
      if (!this.perSubscription.has(id)) this.perSubscription.set(id, { messages: 0 })
    }
    for (const id of this.perSubscription.keys()) {
      if (!ids.has(id)) this.perSubscription.delete(id)
    }
  }

  messagesOf(subscriptionId: string): number {
    return this.perSubscription.get(subscriptionId)?.messages ?? 0
  }

  /** What the subscriptions say about a topic. */
  of(topic: Topic): TopicSubscriptions {
    let found = this.byTopic.get(topic)
    if (found !== undefined) return found
    const matching = this.subscriptions.filter(({ filter }) =>
      topicMatches(parseShared(filter)?.filter ?? filter, topic.name),
    )
    const decoding = matching.find(({ format }) => format !== 'auto')
    found = {
      ids: matching.map(({ id }) => id),
      colours: matching.filter(({ hidden }) => !hidden).map(({ colour }) => colour),
      hidden: matching.length > 0 && matching.every(({ hidden }) => hidden),
      format: decoding?.format ?? 'auto',
      schema: decoding?.schema ?? '',
    }
    this.byTopic.set(topic, found)
    return found
  }

  topicOf(seq: number): Topic {
    const topic = this.topics.byId(this.ring.topicId(seq))
    if (topic === null) throw new Error(`message ${seq} has no topic`)
    return topic
  }

  /** The last payload of a topic, as long as it is known. */
  lastPayload(topic: Topic): Uint8Array | null {
    if (topic.lastSeq >= 0 && this.ring.has(topic.lastSeq)) return this.ring.payload(topic.lastSeq)
    return topic.saved
  }

  /** The message before `seq` on the same topic, or -1. */
  previousOf(seq: number): number {
    const id = this.ring.topicId(seq)
    for (let at = seq - 1; at >= this.ring.first; at--) {
      if (this.ring.topicId(at) !== id || this.ring.isOutgoing(at)) continue
      if (!this.ring.isGone(at)) return at
    }
    return -1
  }

  setSchemas(schemas: readonly Schema[]): void {
    this.schemas = schemas
  }

  /** How payloads of the topic are to be read. */
  readingOf(topic: Topic): Reading {
    const { format, schema } = this.of(topic)
    const found = schema === '' ? undefined : this.schemas.find(({ id }) => id === schema)
    return { topic: topic.name, format, schema: found ?? null }
  }

  /** Plots these from now on, and what is kept already. */
  setSeries(specs: readonly SeriesSpec[]): void {
    this.plots = specs.map((spec) => {
      const known = this.plots.find((plot) => sameSpec(plot.spec, spec))
      return known ?? this.newPlot(spec)
    })
  }

  /** Plots anew: what could not be read before may be readable now. */
  replot(): void {
    this.plots = this.plots.map(({ spec }) => this.newPlot(spec))
  }

  private newPlot(spec: SeriesSpec): Plot {
    const plot = new Plot(spec)
    for (let seq = this.ring.first; seq < this.ring.next; seq++) {
      const topic = this.topicOf(seq)
      if (!plot.wants(topic.name) || this.ring.isGone(seq)) continue
      const read = readValue(this.ring.payload(seq), this.readingOf(topic))
      if (read !== null) plot.offer(topic.name, read, this.ring.timeMs(seq))
    }
    return plot
  }

  private plot(topic: Topic, payload: Uint8Array, timeMs: number): void {
    const wanting = this.plots.filter((plot) => plot.wants(topic.name))
    const read = wanting.length === 0 ? null : readValue(payload, this.readingOf(topic))
    if (read === null) return
    for (const plot of wanting) plot.offer(topic.name, read, timeMs)
  }

  clear(): void {
    this.ring.clear()
    this.topics.clear()
    this.byTopic = new WeakMap()
    this.savedBytes = 0
    this.countedFrom = this.ring.next
    this.plots = this.plots.map(({ spec }) => new Plot(spec))
    this.received = 0
    this.receivedBytes = 0
    this.sent = 0
    this.sampledOut = 0
    this.tooLarge = 0
    for (const counter of this.perSubscription.values()) counter.messages = 0
  }

  /** A message makes room. The last one of its topic stays known: a quiet topic keeps its value. */
  private release(seq: number): void {
    const topic = this.topics.byId(this.ring.topicId(seq))
    if (topic === null) return
    topic.kept--
    const size = this.ring.size(seq)
    if (topic.lastSeq !== seq || size > SAVED_BYTES_MAX) return
    if (this.savedBytes + size > SAVED_TOTAL_MAX) return
    topic.saved = this.ring.payload(seq).slice()
    this.savedBytes += size
  }

  private forgetSaved(topic: Topic): void {
    if (topic.saved === null) return
    this.savedBytes -= topic.saved.length
    topic.saved = null
  }
}

function sameSpec(a: SeriesSpec, b: SeriesSpec): boolean {
  return a.id === b.id && a.filter === b.filter && a.path === b.path && a.axis === b.axis
}

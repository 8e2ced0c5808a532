/**
 * The Store port in memory. `MemoryData` is the set of data, which several nodes may stand on at once, as the
 * brokers of a cluster stand on one stream server; a store is one node's door to it.
 *
 *     node a ── store ──┐
 *                       ├── MemoryData: sessions, their queues, retained messages
 *     node b ── store ──┘         changes of one node are told to the others
 *
 * Every answer goes through `defer`: never within the call, and only as late as whoever gave it wants.
 */
import { Message } from '../ports/message.ts'
import { EntryLog } from './entry-log.ts'
import type { Qos } from '../codec/packets.ts'
import type {
  ClaimedSession,
  SessionRecord,
  Store,
  StoredDelivery,
  StoredWill,
  StoreEvents,
  SubscriptionOptions,
} from '../ports/store.ts'

interface StoredSession {
  record: SessionRecord
  /** The node whose client it is at the moment. */
  owner: string | null
  /** What its last node said of how far it was sent; undefined: nothing, or it is held. */
  sentTo: number | undefined
  /** See `ClaimedSession`. */
  sentAtMost: number | undefined
  readonly subscriptions: Map<string, SubscriptionOptions>
  readonly queue: EntryLog
  lastSequence: number
  readonly inbound: Map<number, Message>
}

interface OpenNode {
  readonly events: StoreEvents
  readonly defer: (run: () => void) => void
}

/** What the stores of all nodes share. */
export class MemoryData {
  readonly sessions = new Map<string, StoredSession>()
  readonly retained = new Map<string, Message>()
  /** `node` publishes it when it is due. */
  readonly delayed = new Map<string, { waiting: StoredWill; node: string }>()
  /** The nodes that are open, to be told of each other's changes: whoever made them, in the order they were made in. */
  readonly nodes = new Map<string, OpenNode>()
}

export interface MemoryStoreOptions {
  /** Name of the node; one store a node. */
  node: string
  /** Runs an answer later, in order: queueMicrotask, or virtual time. */
  defer: (run: () => void) => void
  /** No other store stands on these data, now or later: what its core has anyway is not kept a second time. */
  alone?: boolean | undefined
}

function newSession(clientId: string): StoredSession {
  return {
    record: {
      clientId,
      username: null,
      version: 4,
      expirySeconds: 0,
      disconnectedAtMs: -1,
      will: null,
    },
    owner: null,
    sentTo: undefined,
    sentAtMost: undefined,
    subscriptions: new Map(),
    queue: new EntryLog(),
    lastSequence: 0,
    inbound: new Map(),
  }
}

/** A store for one node on `data`. */
export function createMemoryStore(data: MemoryData, options: MemoryStoreOptions): Store {
  return new MemoryStore(data, options)
}

class MemoryStore implements Store {
  readonly survives = false
  private readonly data: MemoryData
  private readonly node: string
  private readonly defer: (run: () => void) => void
  private readonly alone: boolean
  private events: StoreEvents | null = null

  constructor(data: MemoryData, options: MemoryStoreOptions) {
    this.data = data
    this.node = options.node
    this.defer = options.defer
    this.alone = options.alone ?? false
  }

  open(events: StoreEvents): void {
    this.events = events
    this.data.nodes.set(this.node, { events, defer: this.defer })
    for (const session of this.data.sessions.values()) this.boundSent(session)
    this.defer(() => this.tellAll(events))
  }

  /** This node held it and has ended without a word: its client was sent no more than there is. */
  private boundSent(session: StoredSession): void {
    if (session.owner !== this.node) return
    session.owner = null
    session.sentAtMost = session.lastSequence
  }

  close(done: () => void): void {
    this.events = null
    this.data.nodes.delete(this.node)
    for (const session of this.data.sessions.values())
      if (session.owner === this.node) session.owner = null
    this.defer(done)
  }

  claim(request: number, clientId: string, cleanStart: boolean): void {
    this.answer((events) => {
      const { sessions } = this.data
      const known = sessions.get(clientId)
      const owner = known?.owner ?? null
      if (owner !== null && owner !== this.node && this.data.nodes.has(owner))
        return events.claimed(request, null, owner)
      if (cleanStart && known !== undefined) this.deleteSession(clientId)
      const session = sessions.get(clientId) ?? newSession(clientId)
      const isNew = !sessions.has(clientId)
      sessions.set(clientId, session)
      session.owner = this.node
      const { sentTo, sentAtMost } = session
      session.sentTo = session.sentAtMost = undefined
      events.claimed(request, isNew ? null : { ...claimOf(session), sentTo, sentAtMost }, null)
    })
  }

  unclaim(clientId: string, sentTo?: number): void {
    const session = this.data.sessions.get(clientId)
    if (session?.owner !== this.node) return
    session.owner = null
    session.sentTo = sentTo
    const { bytes } = session.queue
    session.queue.rest()
    this.events?.takes?.(session.queue.bytes - bytes)
  }

  saveSession(record: SessionRecord): void {
    const session = this.data.sessions.get(record.clientId)
    if (session === undefined || this.isElsewhere(session)) return
    session.record = record
    this.tellOthers((events) => events.session(record.clientId, record, undefined, true))
  }

  /** Another node holds it: what this one does to it is late. */
  private isElsewhere({ owner }: StoredSession): boolean {
    return owner !== null && owner !== this.node && this.data.nodes.has(owner)
  }

  deleteSession(clientId: string): void {
    const session = this.data.sessions.get(clientId)
    if (session === undefined || this.isElsewhere(session)) return
    this.data.sessions.delete(clientId)
    for (const message of session.queue.large()) this.events?.keeps?.(message, -1)
    this.events?.takes?.(-session.queue.bytes)
    this.tellOthers((events) => events.session(clientId, null))
  }

  saveSubscription(clientId: string, filter: string, options: SubscriptionOptions): void {
    if (this.alone) return
    this.data.sessions.get(clientId)?.subscriptions.set(filter, options)
    this.tellOthers((events) => events.route(clientId, filter, options))
  }

  deleteSubscription(clientId: string, filter: string): void {
    if (this.alone) return
    this.data.sessions.get(clientId)?.subscriptions.delete(filter)
    this.tellOthers((events) => events.route(clientId, filter, null))
  }

  append(
    clientId: string,
    sequence: number,
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionId: number,
  ): number {
    const session = this.data.sessions.get(clientId)
    if (session === undefined) return 0
    const given = Math.max(sequence, session.lastSequence + 1)
    session.lastSequence = given
    const { queue, owner } = session
    const { bytes } = queue
    const large = queue.append(given, message, qos, retain, subscriptionId)
    if (large !== null) this.events?.keeps?.(large, 1)
    this.events?.takes?.(queue.bytes - bytes)
    if (owner === null || owner === this.node) return given
    const entry: StoredDelivery = {
      sequence: given,
      message: message.kept(),
      qos,
      retain,
      subscriptionId,
      released: false,
      safe: true,
    }
    this.tell(owner, (events) => events.arrived(clientId, entry))
    return 0
  }

  acknowledge(clientId: string, sequence: number): void {
    const queue = this.data.sessions.get(clientId)?.queue
    if (queue === undefined) return
    const { bytes } = queue
    const large = queue.remove(sequence)
    if (large instanceof Message) this.events?.keeps?.(large, -1)
    this.events?.takes?.(queue.bytes - bytes)
  }

  release(clientId: string, sequence: number): void {
    this.data.sessions.get(clientId)?.queue.release(sequence)
  }

  read(request: number, clientId: string, after: number, limit: number): void {
    this.answer((events) => {
      const session = this.data.sessions.get(clientId)
      if (session === undefined) return events.page(request, clientId, [], false)
      const entries = session.queue.read(after, limit)
      const last = entries.at(-1)?.sequence ?? session.lastSequence
      events.page(request, clientId, entries, last < session.lastSequence)
    })
  }

  holdInbound(clientId: string, packetId: number, message: Message): void {
    this.data.sessions.get(clientId)?.inbound.set(packetId, message)
  }

  dropInbound(clientId: string, packetId: number): void {
    this.data.sessions.get(clientId)?.inbound.delete(packetId)
  }

  saveRetained(topic: string, message: Message | null, overAtMs = Infinity): void {
    if (this.alone) return
    if (message === null && (this.data.retained.get(topic)?.expiresAtMs ?? 0) > overAtMs) return
    if (message === null) this.data.retained.delete(topic)
    else this.data.retained.set(topic, message.kept())
    // What it is by then: of two nodes that write at once the later one has the word, at every node.
    this.tellOthers((events) => events.retained(topic, this.data.retained.get(topic) ?? null))
  }

  saveDelayed(id: string, waiting: StoredWill | null): void {
    if (waiting === null) this.data.delayed.delete(id)
    else this.data.delayed.set(id, { waiting, node: this.node })
  }

  seal(batch: number): void {
    this.answer((events) => events.committed(batch))
  }

  /** Runs later; not at all when the store was closed meanwhile. */
  private answer(run: (events: StoreEvents) => void): void {
    this.defer(() => {
      if (this.events !== null) run(this.events)
    })
  }

  private tellOthers(run: (events: StoreEvents) => void): void {
    if (this.data.nodes.size < 2) return
    for (const name of this.data.nodes.keys()) if (name !== this.node) this.tell(name, run)
  }

  private tell(name: string, run: (events: StoreEvents) => void): void {
    const node = this.data.nodes.get(name)
    node?.defer(() => {
      if (this.data.nodes.get(name) === node) run(node.events)
    })
  }

  private tellAll(events: StoreEvents): void {
    const isTended = this.data.nodes.size > 1
    for (const [clientId, session] of this.data.sessions) {
      events.session(clientId, session.record, claimOf(session), isTended)
      for (const [filter, options] of session.subscriptions) events.route(clientId, filter, options)
    }
    for (const [topic, message] of this.data.retained) events.retained(topic, message)
    this.takeDelayed(events)
    events.ready()
  }

  /** Those of its own, and of nodes that are gone. */
  private takeDelayed(events: StoreEvents): void {
    for (const [id, { waiting, node }] of this.data.delayed) {
      if (node !== this.node && this.data.nodes.has(node)) continue
      this.saveDelayed(id, waiting)
      events.delayed(id, waiting)
    }
  }
}

function claimOf(session: StoredSession): ClaimedSession {
  const { record, inbound, lastSequence, queue } = session
  return {
    record,
    inbound: [...inbound].map(([packetId, message]) => ({ packetId, message })),
    lastSequence,
    queuedCount: queue.size,
    queuedBytes: queue.payloadBytes,
    idShift: 0,
  }
}

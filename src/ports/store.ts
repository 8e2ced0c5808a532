/** The store, as the core asks it: durable sessions, their queues, and retained messages; what it is told, and how it answers. */
import type { Qos, Version } from '../codec/packets.ts'
import type { Message } from './message.ts'

export interface SubscriptionOptions {
  qos: Qos
  noLocal: boolean
  retainAsPublished: boolean
  /** 0: none. */
  subscriptionId: number
  /** Not all that was retained when it was made is in its session's queue yet; absent: all is. */
  owesRetained?: boolean
}

/** A message that waits for its time: a will, which survives with its session, or a delayed publish. */
export interface StoredWill {
  message: Message
  /** Wall clock, ms. */
  dueAtMs: number
  /** {@link Identity} of who left it, where the message does not have it. Empty: a record that did not keep it. */
  remote: string
  origin: string
}

/** The state of a durable session that is not its queue. */
export interface SessionRecord {
  clientId: string
  /** The user that created it; nobody else may resume it. null: anonymous. */
  username: string | null
  version: Version
  /** 0xFFFFFFFF: never. */
  expirySeconds: number
  /** Wall clock in ms since when it is offline; -1 while connected. */
  disconnectedAtMs: number
  will: StoredWill | null
}

/** A queued message of one durable session. */
export interface StoredDelivery {
  /** Ascending within a session; the packet identifier is made of it (see `outbound.ts`). */
  sequence: number
  message: Message
  qos: Qos
  retain: boolean
  /** 0: none. */
  subscriptionId: number
  /** PUBREC came: the exchange goes on with PUBREL [MQTT-4.4.0-1]. */
  released: boolean
  /** It is of a committed batch; false: of one that is not yet. */
  safe: boolean
  /** Came for a client that is connected, and nobody has looked yet whether its queue has room. */
  isUnbound?: boolean
}

/** How much of a queue is at QoS 0, which takes no room from the rest. */
export interface AtQos0 {
  count: number
  /** Of their payloads. */
  bytes: number
}

/** What waits for an offline session. It may be the store's own object, which keeps being right. */
export interface Backlog {
  queuedCount: number
  queuedBytes: number
  /** The highest sequence ever given out. */
  lastSequence: number
  /** Of what an earlier process left; null, or absent: none, or somebody had the session since. */
  foundAtQos0?: Readonly<AtQos0> | null
}

/** All a claim brings. */
export interface ClaimedSession extends Backlog {
  record: SessionRecord
  /** Inbound QoS 2 messages held until their PUBREL. */
  inbound: { packetId: number; message: Message }[]
  /** Packet identifiers of its entries are so much higher than those of others: what was sent under one stays under it. */
  idShift: number
  /** Entries up to this sequence were sent, and none behind it; absent: nobody knows. */
  sentTo?: number | undefined
  /** Without `sentTo`: no entry behind this sequence was sent; absent: any may have been. */
  sentAtMost?: number | undefined
  /** Of all that waits; absent: the store knows no more than `foundAtQos0`, and who queued the rest has counted it. */
  atQos0?: Readonly<AtQos0> | undefined
}

export type StoreFailure = 'full' | 'broken'

/** What a store tells the core; never from within a call of {@link Store}. */
export interface StoreEvents {
  /**
   * While opening, and later when another node wrote it: a session exists (or is gone: null). `isTended`: another node sees to
   * its expiry and its will while it is offline; if not, this one does, and claims the session before it acts.
   */
  session(
    clientId: string,
    record: SessionRecord | null,
    backlog?: Readonly<Backlog>,
    isTended?: boolean,
  ): void
  /** While opening, and later from another node: a durable session's subscription (null: removed). */
  route(clientId: string, filter: string, options: SubscriptionOptions | null): void
  /** While opening, and later from another node: the retained message of a topic (null: none any more). */
  retained(topic: string, message: Message | null): void
  /** While opening: a message that this node is to publish when it is due. Each is told to one node. */
  delayed(id: string, waiting: StoredWill): void
  /** Everything kept has been told. Connections are accepted from here on. */
  ready(): void
  /** Answers `claim`: the session's state, null where none was; or `owner`, the live node that has it. */
  claimed(request: number, session: ClaimedSession | null, owner: string | null): void
  /** Answers `read`. `more`: entries beyond these exist. */
  page(request: number, clientId: string, entries: StoredDelivery[], more: boolean): void
  /** A queued message cannot be read any more and is out of the queue; `bytes` is what the queue was charged. */
  lost(clientId: string, sequence: number, bytes: number, reason: string): void
  /**
   * A store in memory: a queue has a message more, or one fewer. This alone is told from within calls of {@link Store}: it
   * is counted, nothing else.
   */
  keeps?(message: Message, change: 1 | -1): void
  /** The same of so many bytes more, or fewer, beside those messages. */
  takes?(bytes: number): void
  /** It is queued now for a session that this node holds, where `append` said 0 to whoever asked for it; sequences ascend. */
  arrived(clientId: string, entry: StoredDelivery): void
  /** The queue of a session that this node does not hold is full: a message it appended is dropped. */
  overflowed(clientId: string): void
  /** Every batch up to `batch` is safe: what it guards may be acknowledged. */
  committed(batch: number): void
  /** Batches from `batch` on are not safe. 'full': refuse and go on; 'broken': stop. */
  failed(batch: number, failure: StoreFailure, error: Error): void
}

/**
 * Keeps durable sessions, their queues, and retained messages. Writes belong to the batch being filled;
 * `seal` closes it. One store serves one node; several nodes may stand on one set of data.
 */
export interface Store {
  /** Is what was committed still there when this process is gone? */
  readonly survives: boolean
  open(events: StoreEvents): void
  close(done: () => void): void
  /**
   * Takes the session for this node, or makes it; with `cleanStart` what was there is dropped first. Answer:
   * `claimed`. One that was made stays until `deleteSession`: whoever does not go on with it says so.
   */
  claim(request: number, clientId: string, cleanStart: boolean): void
  /** This node no longer holds the session: its client is gone. `sentTo`: no entry behind this sequence was sent. */
  unclaim(clientId: string, sentTo?: number): void
  saveSession(record: SessionRecord): void
  /** Removes the session with all it holds. */
  deleteSession(clientId: string): void
  saveSubscription(clientId: string, filter: string, options: SubscriptionOptions): void
  deleteSubscription(clientId: string, filter: string): void
  /**
   * Queues `message`, which may borrow its bytes: who keeps it asks `kept()`. `sequence` is the core's proposal; returned is what the store made of it,
   * or 0 when the node that holds the session is told by `arrived`, which may be this one. A store for several nodes bounds the
   * queues that the caller does not hold.
   */
  append(
    clientId: string,
    sequence: number,
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionId: number,
  ): number
  /** The entry is done with; `message` is what was appended or read. */
  acknowledge(clientId: string, sequence: number, message: Message): void
  /** PUBREC came for the entry. */
  release(clientId: string, sequence: number): void
  /** Entries with a higher sequence than `after`, at most `limit`. Answer: `page`. */
  read(request: number, clientId: string, after: number, limit: number): void
  holdInbound(clientId: string, packetId: number, message: Message): void
  dropInbound(clientId: string, packetId: number): void
  /**
   * `message` may borrow its bytes: who keeps it asks `kept()`. null with `overAtMs`: if the time of the one that is there by now is
   * up by then, for another node may have replaced it.
   */
  saveRetained(topic: string, message: Message | null, overAtMs?: number): void
  /** Keeps a delayed publish of this node under an id that is unique among all; null: it was published, or cancelled. */
  saveDelayed(id: string, waiting: StoredWill | null): void
  /** 0: a message is small enough to be stored, whatever is made of it; else how many bytes it may have. Absent: any is. */
  sizeLimitFor?(message: Message): number
  /** Closes the batch being filled under this number; `committed(batch)` or `failed` follows. */
  seal(batch: number): void
}

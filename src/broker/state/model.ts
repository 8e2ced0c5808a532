/**
 * The nouns of the core and who holds whom; `core.ts` has the whole. Data only: what is done to them is in the files named
 * after the MQTT words. A drawing:
 *
 *     Core ── sessions ──▶ Session ── subscriptions ──▶ Subscription ◀── FilterTrie
 *                           │   ▲                           │ (or a SharedGroup of them)
 *                connection ▼   │ session                   ▼ session
 *                          Connection ── link ──▶ transport
 */
import { addressOf } from '../../base/address.ts'
import { Fifo } from '../../base/fifo.ts'
import { PacketTable } from '../../base/packet-table.ts'
import type { Timer } from '../../base/timer-wheel.ts'
import { highBitsOf, LOW_BITS, lowBitsOf, timeOf } from '../../base/wall-time.ts'
import type { ByteReader } from '../../codec/byte-reader.ts'
import type { ByteWriter } from '../../codec/byte-writer.ts'
import type { CutPacket } from '../../codec/framer.ts'
import type { Qos, SubscribeFilter, Version } from '../../codec/packets.ts'
import type { RetainedCursor } from '../../topics/retained-tree.ts'
import type { Message } from '../../ports/message.ts'
import type { LateReplies } from './late-replies.ts'
import { mountPointOf, type MountPoint } from './mount-point.ts'
import type { OwnSubscriptions } from './own-subscriptions.ts'
import type { PendingWill } from './pending-will.ts'
import type { Proof } from './proof.ts'
import type { Rate } from './rate.ts'
import {
  BRIDGE_LISTENER,
  isBridgeUser,
  type Identity,
  type Link,
  type Verdict,
} from '../../ports/ports.ts'
import type { Backlog, SubscriptionOptions } from '../../ports/store.ts'
import type { Drops } from '../../ports/stats.ts'
import { Traffic } from './traffic.ts'

export const NEVER_EXPIRES = 0xffffffff

/** Bits of a subscription's `bits`; the lowest two are its QoS. */
const QOS_BITS = 3
const NO_LOCAL = 4
const RETAIN_AS_PUBLISHED = 8
const GONE = 16
const OWES_RETAINED = 32

/** One subscription of one session. There may be a great many: what is small shares one number. */
export class Subscription {
  readonly session: Session
  /** As subscribed, with `$share/…` in front where shared. */
  readonly filter: string
  /** The group it is a member of. */
  readonly group: SharedGroup | null
  private bits = 0
  /** Its identifier, as encoders want it; null: none. */
  subscriptionIds: readonly number[] | null = null
  /** The trie's generation when it was added. */
  since = 0
  /** What it was charged for. */
  bytes = 0
  /** A subscriber inside the process. */
  readonly handler: ((message: Message) => void) | null

  constructor(
    session: Session,
    filter: string,
    group: SharedGroup | null,
    handler: ((message: Message) => void) | null = null,
  ) {
    this.session = session
    this.filter = filter
    this.group = group
    this.handler = handler
  }

  /** Tells it from a {@link SharedGroup}. */
  get members(): null {
    return null
  }

  get qos(): Qos {
    return (this.bits & QOS_BITS) as Qos
  }

  get noLocal(): boolean {
    return (this.bits & NO_LOCAL) !== 0
  }

  get retainAsPublished(): boolean {
    return (this.bits & RETAIN_AS_PUBLISHED) !== 0
  }

  /** It was removed; a fan-out under way may still know it. */
  get gone(): boolean {
    return (this.bits & GONE) !== 0
  }

  /** 0: none. */
  get subscriptionId(): number {
    return this.subscriptionIds === null ? 0 : this.subscriptionIds[0]
  }

  /** See {@link SubscriptionOptions}. */
  get owesRetained(): boolean {
    return (this.bits & OWES_RETAINED) !== 0
  }

  set owesRetained(owes: boolean) {
    this.bits = owes ? this.bits | OWES_RETAINED : this.bits & ~OWES_RETAINED
  }

  assign(options: SubscriptionOptions): void {
    const { qos, noLocal, retainAsPublished, subscriptionId, owesRetained = false } = options
    this.bits = qos | (noLocal ? NO_LOCAL : 0) | (retainAsPublished ? RETAIN_AS_PUBLISHED : 0)
    this.owesRetained = owesRetained
    this.subscriptionIds = subscriptionId === 0 ? null : [subscriptionId]
  }

  remove(): void {
    this.bits |= GONE
  }
}

/**
 * All subscriptions of `$share/name/filter`: each message goes to one of them [MQTT-4.8.2-4]. One without a name has no members:
 * it stands for what other nodes want of its filter.
 */
export class SharedGroup {
  readonly members: Subscription[] = []
  readonly name: string
  /** Without `$share/name/`. */
  readonly filter: string
  /** Round robin: who is asked first next time. */
  next = 0
  /** Whether the member that was picked last may have the message it was picked for; see {@link Ruling}. */
  verdict: Verdict | null = true
  // what other nodes want, see `PeersEvents.wanted`
  always = 0
  qos0 = 0
  elsewhere = 0

  constructor(name: string, filter: string) {
    this.name = name
    this.filter = filter
  }
}

export type Subscriber = Subscription | SharedGroup

/** The right to be sent one message, where a hook says it later; see `delivery/rulings.ts`. */
export interface Ruling {
  /** null: to be asked when its turn comes. */
  verdict: Verdict | null
  /** Called when it is refused: the message is owed to a shared group, and the next member has it. */
  readonly refused: (() => void) | null
}

/** One QoS 1 or 2 message (or queued QoS 0) on its way to one session. */
export class Delivery {
  /** null once nobody can ask for it again: a clean session's, sent. */
  message: Message | null
  readonly qos: Qos
  readonly retain: boolean
  readonly subscriptionIds: readonly number[] | null
  /** Place in a durable session's queue; 0 in a clean session. */
  readonly sequence: number
  readonly payloadBytes: number
  packetId = 0
  /** PUBREC came, PUBCOMP is awaited. */
  released = false
  /** It may have been sent before: DUP. In flight on a new connection: it has been sent again. */
  dup = false
  /** The batch it must be safe in before it may be sent; of one that is {@link released} before its PUBREL may; 0: none. */
  batch = 0
  /** A clean session's of a shared subscription, QoS 1: goes to another member if this one ends first. */
  group: SharedGroup | null = null
  /** null: nobody was asked, or the answer was there at once. */
  ruling: Ruling | null = null

  constructor(
    message: Message | null,
    qos: Qos,
    retain: boolean,
    subscriptionIds: readonly number[] | null,
    sequence: number,
    payloadBytes: number,
  ) {
    this.message = message
    this.qos = qos
    this.retain = retain
    this.subscriptionIds = subscriptionIds
    this.sequence = sequence
    this.payloadBytes = payloadBytes
  }
}

/** What a session owes its client. Made with the first QoS 1 or 2 message. */
export class Outbound {
  /** By packet identifier, in the order sent. */
  readonly inflight = new PacketTable<Delivery>()
  readonly queue = new Fifo<Delivery>()
  /** Of `inflight`, in order, what this connection has not been sent again yet; see `resend.ts`. */
  unsent: Fifo<Delivery> | null = null
  /** How many of them nothing was heard of. */
  unsentCount = 0
  inflightBytes = 0
  /** Payload bytes in `queue` (clean), or in the store (durable). */
  queuedBytes = 0
  /** Entries beyond the window. */
  queuedCount = 0
  /** Of them those at QoS 0, as far as that is known. */
  queuedAtQos0 = 0
  /** Payload bytes of those. */
  queuedBytesAtQos0 = 0
  lastPacketId = 0
  // Durable sessions only: [.. loadedTo] is in memory or done with, (loadedTo .. lastSequence] in the store.
  lastSequence = 0
  /** See `ClaimedSession`. */
  idShift = 0
  loadedTo = 0
  /** `lastSequence` when the page under way was asked for; -1: none is. */
  readingTo = -1
  /** Its number; another connection's page is not ours. */
  readRequest = 0
  /** Entries that page may still have, and that are done with; null: none. */
  doneAhead: Set<number> | null = null
  /** Entries to mark DUP: what another process may have sent. */
  dupLeft = 0
  /** No entry behind this sequence was ever sent. */
  sentTo = 0
  /** All up to `sentTo` were; an earlier process has left that open. */
  knowsSent = true
  /** The last PUBACK, PUBREC or PUBCOMP; monotonic, 0: none yet. */
  ackedAtMs = 0
  /** Where its new subscriptions are in what is retained, at any QoS; null: all of it was sent. */
  replays: Map<Subscription, RetainedCursor<number>> | null = null
}

/** QoS 2 messages of one session between PUBLISH and PUBREL, by packet identifier; see `held.ts`. */
export interface HeldMessages {
  readonly messages: PacketTable<Message>
  /** What they take. */
  bytes: number
}

/** Bits of a session's `bits`; the lowest three are its protocol version. */
const VERSION_BITS = 7
const DURABLE = 8
const FOREIGN = 16
const LOADED = 32
const OURS = 64
const ENDED = 128
const AWAY = 256
/** Where the lower part of when its client left is. */
const LEFT_AT = 9
const LEFT_BITS = ((1 << LOW_BITS) - 1) << LEFT_AT

/**
 * There may be a great many of clients that are away: what is small shares one number, and what few sessions need is made
 * when it is needed.
 */
export class Session {
  readonly clientId: string
  /** The user it belongs to. */
  username: string | null
  /** Who was connected last; null: nobody since the broker started. */
  owner: Identity | null = null
  private bits: number
  /** Seconds, as 32 bits with a sign: larger numbers are objects of their own. */
  private expiryBits = 0
  connection: Connection | null = null
  subscriptions: OwnSubscriptions<Subscription> = null
  outbound: Outbound | null = null
  /** What waits for it in the store while there is no `outbound` yet. */
  backlog: Readonly<Backlog> | null = null
  held: HeldMessages | null = null
  /** What its subscriptions take. */
  subscriptionBytes = 0
  private leftBits = 0
  expiryTimer: Timer | null = null
  will: PendingWill | null = null
  /** Messages it did not get; null: none. */
  drops: Drops | null = null
  /** Rights to be sent something that were asked for and are not answered yet. */
  questions = 0

  constructor(clientId: string, username: string | null, version: Version, durable: boolean) {
    this.clientId = clientId
    this.username = username
    this.bits = version | (durable ? DURABLE : 0) | (isBridgeUser(username) ? OURS : 0)
  }

  get kind(): 'session' {
    return 'session'
  }

  get version(): Version {
    return (this.bits & VERSION_BITS) as Version
  }

  set version(version: Version) {
    this.bits = (this.bits & ~VERSION_BITS) | version
  }

  /** It outlives its connection: kept in the store. Fixed when it begins. */
  get durable(): boolean {
    return (this.bits & DURABLE) !== 0
  }

  /** Of a bridge of this broker: no rights are asked for it, and one message reaches it once. */
  get isOurs(): boolean {
    return (this.bits & OURS) !== 0
  }

  /** Its client is at another node of the cluster. */
  get foreign(): boolean {
    return (this.bits & FOREIGN) !== 0
  }

  set foreign(foreign: boolean) {
    this.bits = foreign ? this.bits | FOREIGN : this.bits & ~FOREIGN
  }

  /** What `outbound` says is true: this node held it last. */
  get loaded(): boolean {
    return (this.bits & LOADED) !== 0
  }

  set loaded(loaded: boolean) {
    this.bits = loaded ? this.bits | LOADED : this.bits & ~LOADED
  }

  /** When its client left, ms since 1970; -1: it is here. */
  get disconnectedAtMs(): number {
    if ((this.bits & AWAY) === 0) return -1
    return timeOf(this.leftBits, (this.bits & LEFT_BITS) >>> LEFT_AT)
  }

  set disconnectedAtMs(ms: number) {
    this.bits &= ~(AWAY | LEFT_BITS)
    if (ms < 0) return
    this.bits |= AWAY | (lowBitsOf(ms) << LEFT_AT)
    this.leftBits = highBitsOf(ms)
  }

  get ended(): boolean {
    return (this.bits & ENDED) !== 0
  }

  end(): void {
    this.bits |= ENDED
  }

  get expirySeconds(): number {
    return this.expiryBits >>> 0
  }

  set expirySeconds(seconds: number) {
    this.expiryBits = seconds | 0
  }
}

export const Phase = {
  /** Nothing but a CONNECT is welcome. */
  connect: 0,
  /** CONNECT came; authentication or the store has not answered yet. Input waits. */
  opening: 1,
  open: 2,
  /** Over. What still comes in is dropped. */
  closed: 3,
  /** CONNECT came; nothing but the AUTH that goes on with its proof is welcome. */
  proving: 4,
} as const
export type Phase = (typeof Phase)[keyof typeof Phase]

export interface Will {
  message: Message
  delaySeconds: number
}

export interface Segment {
  bytes: Uint8Array
  length: number
  /** To be given back when sent; null: shared bytes. */
  writer: ByteWriter | null
  /** Whose payload the shared bytes are. */
  message: Message | null
}

/** A QoS 0 message that is sent when its right and those before it have been said. */
export interface Unruled {
  readonly message: Message
  readonly subscription: Subscription
  readonly retain: boolean
  ruling: Ruling
}

/** A right that was asked for one packet. */
export interface Waits {
  /** null: the answer is missing. */
  ruling: boolean | null
}

/** A filter of a SUBSCRIBE, and whether its client may have it. */
export interface AskedFilter {
  readonly wanted: SubscribeFilter
  verdict: Verdict
}

/** A SUBSCRIBE or UNSUBSCRIBE under way; see `session/filter-list.ts`. */
export interface FilterList {
  /** Packet type. */
  readonly type: 8 | 10
  /** At the filter that is next. */
  reader: ByteReader
  /** Where in its bytes the first one is. */
  filtersAt: number
  readonly packetId: number
  /** 0: none. */
  readonly subscriptionId: number
  /** Filters that it has, as far as they are checked. */
  count: number
  isChecked: boolean
  isAnswered: boolean
  /** What the answer will say. */
  readonly codes: number[]
  /** The last batch that holds something of it, 0 none. */
  batch: number
  /** The filters that are next, read already. */
  asked: AskedFilter[] | null
  /** Calls `go` when what it waits for is there: answers of hooks, or of other nodes; null: it waits for nothing. */
  later: ((go: () => void) => void) | null
  /** Other nodes were asked whether they know. */
  isKnown: boolean
  /** Subscriptions that want what is retained, and how many of them are seen to. */
  readonly replays: Subscription[]
  replayed: number
}

/**
 * A link, what comes in over it, what goes out, and a phase. Each field is set by one file of the core, and goes with the
 * others of that file (`scripts/writers.mjs` holds that): a rule that concerns a field is found there.
 */
export class Connection {
  readonly kind = 'connection'
  readonly link: Link
  /** As the listener had it when the connection began. */
  readonly mount: MountPoint | null
  readonly phase: Phase = Phase.connect
  version: Version = 4
  session: Session | null = null
  identity: Identity | null = null
  /** Of a bridge of this broker: no login, limit or rate holds for it. */
  readonly isOurs: boolean
  /** A mosquitto bridge: its subscriptions are no-local and retain-as-published. */
  bridge = false
  cleanStart = false
  will: Will | null = null
  // input
  partial: CutPacket | null = null
  partialSinceMs = 0
  paused = false
  /** Its input waits for its turn; a task goes on with it. */
  waiting = false
  /** When a packet came last, or a part of a long one; before it is open, since when it is there. */
  lastLifeMs: number
  /** Wall clock, ms; 0: not open yet. */
  openedAtMs = 0
  keepAliveMs = 0
  /** Hooks have not answered yet: the packet in front is handled again when they have. */
  waits: Waits | null = null
  /** A SUBSCRIBE or UNSUBSCRIBE that is not through; its further input waits. */
  request: FilterList | null = null
  /** What it may still send, where a rate is set. */
  rate: Rate | null = null
  /** How it proves who it is, by a method of its own; null: by user name and password, or not at all. */
  proof: Proof | null = null
  timer: Timer | null = null
  // the last topic it published to: equal bytes need no decoding, an equal generation no matching
  topicBytes: Uint8Array | null = null
  topicName = ''
  matches: readonly Subscriber[] | null = null
  matchGeneration = -1
  aliasesIn: (AliasTopic | undefined)[] | null = null
  /** Identifiers of QoS 2 messages that an earlier connection left unreleased; null: none. */
  heldBefore: Set<number> | null = null
  readonly traffic = new Traffic()
  /** What it makes the broker keep beside its session: topics, aliases, unfinished packets. */
  keptBytes = 0
  // output
  out: ByteWriter | null = null
  segments: Segment[] | null = null
  segmentBytes = 0
  /** Those of them that other receivers share. */
  sharedBytes = 0
  /** What the link holds until it has drained. */
  inLink: Segment | null = null
  dirty = false
  receiveMaximum = 65535
  packetBytesMax = 0
  aliasOutMaximum = 0
  /** Its frames are those of other receivers: no aliases, no mount point. */
  shaped = false
  aliasesOut: Map<string, number> | null = null
  /** QoS 0 that waits for its right to be said, in order, and what it weighs. */
  unruled: Fifo<Unruled> | null = null
  unruledBytes = 0
  problemInformation = true
  lateReplies: LateReplies | null = null
  /** Opens the connection, once the batch that holds its session is safe. */
  onSafe: (() => void) | null = null

  constructor(link: Link, nowMs: number) {
    this.link = link
    this.isOurs = link.listener === BRIDGE_LISTENER
    this.mount = mountPointOf(link.listener.mountPoint)
    this.lastLifeMs = Math.ceil(nowMs)
  }

  /** Onwards only: the one place that sets the phase. */
  setPhase(phase: Phase): void {
    ;(this as { phase: Phase }).phase = phase
  }
}

/** What handlers of packets are given: its client is known, and has a session. */
export type OpenConnection = Connection & {
  readonly phase: typeof Phase.open
  readonly session: Session
  readonly identity: Identity
}

export function isOpen(connection: Connection): connection is OpenConnection {
  return connection.phase === Phase.open
}

/** For the log: the client id; before there is one, the address, as mosquitto writes it. */
export function nameOf({ identity, link }: Connection): string {
  return identity === null ? addressOf(link.remote) : identity.clientId
}

export interface AliasTopic {
  name: string
  bytes: Uint8Array
}

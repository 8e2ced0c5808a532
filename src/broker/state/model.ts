/**
 * The nouns of the core and who holds whom. Data only: what is done to them is in the files named after
 * the MQTT words. A drawing:
 *
 *     Core ── sessions ──▶ Session ── subscriptions ──▶ Subscription ◀── FilterTrie
 *                           │   ▲                           │ (or a SharedGroup of them)
 *                connection ▼   │ session                   ▼ session
 *                          Connection ── link ──▶ transport
 */
import { addressOf } from '../../base/address.ts'
import { Fifo } from '../../base/fifo.ts'
import { PacketTable } from '../../base/packet-table.ts'
import type { Timer, TimerWheel } from '../../base/timer-wheel.ts'
import type { ByteReader } from '../../codec/byte-reader.ts'
import type { ByteWriter } from '../../codec/byte-writer.ts'
import type { CutPacket, SpareArrays } from '../../codec/framer.ts'
import type { ConnectPacket, Packet, Qos, SubscribeFilter, Version } from '../../codec/packets.ts'
import type { PublishView } from '../../codec/publish.ts'
import type { FilterTrie, MatchWalk } from '../../topics/filter-trie.ts'
import type { RetainedCursor, RetainedTree } from '../../topics/retained-tree.ts'
import type { Delays } from './delays.ts'
import type { Journal } from './journal.ts'
import type { Message } from '../../ports/message.ts'
import { mountPointOf, type MountPoint } from './mount-point.ts'
import type { OwnSubscriptions } from './own-subscriptions.ts'
import type { PendingWill } from './pending-will.ts'
import type { Proof } from './proof.ts'
import type { Rate } from './rate.ts'
import {
  BRIDGE_LISTENER,
  isBridgeUser,
  type Backlog,
  type ClaimedSession,
  type Identity,
  type Link,
  type Ports,
  type StoredDelivery,
  type SubscriptionOptions,
  type Verdict,
} from '../../ports/ports.ts'
import type { Interest } from '../../ports/peers.ts'
import type { PressureLevel } from '../../ports/pressure.ts'
import type { Shapes } from './shapes.ts'
import type { Drops, Stats } from '../../ports/stats.ts'

export const NEVER_EXPIRES = 0xffffffff

/** One subscription of one session. */
export class Subscription {
  readonly members = null
  readonly session: Session
  /** As subscribed, with `$share/…` in front where shared. */
  readonly filter: string
  /** The group it is a member of. */
  readonly group: SharedGroup | null
  qos: Qos = 0
  noLocal = false
  retainAsPublished = false
  /** 0: none. */
  subscriptionId = 0
  /** The same as encoders want it. */
  subscriptionIds: readonly number[] | null = null
  /** The trie's generation when it was added. */
  since = 0
  /** It was removed; a fan-out under way may still know it. */
  gone = false
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

  assign(options: SubscriptionOptions): void {
    this.qos = options.qos
    this.noLocal = options.noLocal
    this.retainAsPublished = options.retainAsPublished
    this.subscriptionId = options.subscriptionId
    this.subscriptionIds = options.subscriptionId === 0 ? null : [options.subscriptionId]
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

/** A message on its way to more receivers than one turn serves; see `fan-out-later.ts`. */
export interface FanOut {
  /** Kept. */
  readonly message: Message
  /** The session it came from, for no-local; null: none. */
  readonly origin: Session | null
  /** The search for `subscribers`, while that is under way. */
  walk: MatchWalk<Subscriber> | null
  subscribers: readonly Subscriber[] | null
  /** Index of the subscriber that is next. */
  next: number
  /** The nodes that have been sent it, by `Core.crossing`. */
  crossed: number
  /** Who subscribed after this generation of the trie is not meant. */
  generation: number
  /** How many took it. */
  count: number
  /** The last batch that holds something of it, 0 none. */
  batch: number
  /** Nothing it writes may be safe before all is. */
  whole: boolean
  /** Called before anything else is done for it. */
  begin: (() => void) | null
  done: ((count: number, batch: number) => void) | null
}

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
  /** The batch it must be safe in before it may be sent; 0: none. */
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
  /** QoS 1 and 2 entries beyond the window. */
  queuedCount = 0
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
  /** Entries to mark DUP: what another process may have sent. */
  dupLeft = 0
  /** No entry behind this sequence was ever sent. */
  sentTo = 0
  /** All up to `sentTo` were; an earlier process has left that open. */
  knowsSent = true
  /** The last PUBACK, PUBREC or PUBCOMP; monotonic, 0: none yet. */
  ackedAtMs = 0
}

export class Session {
  readonly kind = 'session'
  readonly clientId: string
  /** The user it belongs to. */
  username: string | null
  /** Who was connected last; null: nobody since the broker started. */
  owner: Identity | null = null
  version: Version
  connection: Connection | null = null
  /** It outlives its connection: kept in the store. Fixed when it begins. */
  readonly durable: boolean
  expirySeconds = 0
  /** Its client is at another node of the cluster. */
  foreign = false
  /** What `outbound` says is true: this node held it last. */
  loaded = false
  subscriptions: OwnSubscriptions<Subscription> = null
  outbound: Outbound | null = null
  /** Takes what is published to its client id (`direct_topic`); made with the first of it. */
  direct: Subscription | null = null
  /** What waits for it in the store while there is no `outbound` yet: there may be a great many that are away. */
  backlog: Readonly<Backlog> | null = null
  /** Inbound QoS 2 messages between PUBLISH and PUBREL. */
  heldInbound: PacketTable<Message> | null = null
  heldInboundBytes = 0
  /** What its subscriptions take. */
  subscriptionBytes = 0
  disconnectedAtMs = -1
  expiryTimer: Timer | null = null
  will: PendingWill | null = null
  /** Of a bridge of this broker: no rights are asked for it, and one message reaches it once. */
  readonly isOurs: boolean
  /** Messages it did not get; null: none. */
  drops: Drops | null = null
  ended = false
  /** Rights to be sent something that were asked for and are not answered yet. */
  questions = 0

  constructor(clientId: string, username: string | null, version: Version, durable: boolean) {
    this.clientId = clientId
    this.username = username
    this.version = version
    this.durable = durable
    this.isOurs = isBridgeUser(username)
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

/** An acknowledgement that waits for its batch, and for those in front of it [MQTT-4.6.0-2]. */
export interface HeldReply {
  batch: number
  /** 0: `packet` says it all. */
  ackType: 0 | 4 | 5 | 6 | 7
  packetId: number
  reason: number
  packet: Packet | null
}

export interface Will {
  message: Message
  delaySeconds: number
}

/** A retained replay under way. */
export interface Replay {
  cursor: RetainedCursor<Message>
  subscription: Subscription
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
  /** When a packet came last, or a part of a long one. */
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
  held: Fifo<HeldReply> | null = null
  /** Opens the connection, once the batch that holds its session is safe. */
  onSafe: (() => void) | null = null
  replays: Fifo<Replay> | null = null

  constructor(link: Link, nowMs: number) {
    this.link = link
    this.isOurs = link.listener === BRIDGE_LISTENER
    this.mount = mountPointOf(link.listener.mountPoint)
    this.lastLifeMs = nowMs
  }

  /** Onwards only: the one place that sets the phase. */
  enter(phase: Phase): void {
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

/** Somebody inside the process who waits for a batch. `safe` false: it could not be stored. */
export interface Call {
  readonly kind: 'call'
  run(safe: boolean): void
}

/** Sees all packets. Must not throw, nor keep the bytes. */
export interface Tap {
  /** A whole packet, before it is handled; its body begins at `bodyStart`. */
  received(
    connection: Connection,
    bytes: Uint8Array,
    start: number,
    bodyStart: number,
    end: number,
  ): void
  /** `segment` goes to the link: whole packets, but for a shared payload that follows its header. */
  sent(connection: Connection, segment: Segment): void
}

/** A CONNECT between authentication and an open session. */
export interface Opening {
  connection: Connection
  packet: ConnectPacket
  assigned: boolean
  /** No other node has the client any more. */
  isGranted: boolean
}

/** Does a portion, until `Core.work` is used up; true: there is more to do. See `work.ts`. */
export type Task = (core: Core) => boolean

/** The broker's whole state, handed to every function of the core. */
export interface Core {
  /** Without the store: what is written goes through `journal`. */
  readonly ports: Omit<Ports, 'store'>
  readonly stats: Stats
  readonly wheel: TimerWheel
  /** The time of an offline session is up: what its timer calls. */
  readonly expire: (session: Session) => void
  readonly trie: FilterTrie<Subscriber>
  readonly retained: RetainedTree<Message>
  retainedBytes: number
  readonly sessions: Map<string, Session>
  /** How many each user name has. */
  readonly sessionsOfUser: Map<string, number>
  readonly connections: Set<Connection>
  /** There is, or was, a session of a bridge of ours. */
  hasBridge: boolean
  /** By `name/filter`. */
  readonly groups: Map<string, SharedGroup>
  /** What other nodes want of a filter that is not shared, by filter. */
  readonly wanted: Map<string, SharedGroup>
  /** What this node wants of them, by filter as subscribed. */
  readonly interest: Map<string, Interest>
  /** What is to cross to other nodes of the message being fanned out: a mask of nodes, and shared groups. */
  crossing: number
  readonly crossingGroups: string[]
  cleanSessions: number
  readonly journal: Journal<Connection | Session | Call>
  readonly shapes: Shapes
  readonly delays: Delays
  /** Links with output, flushed once a turn. */
  readonly dirty: Connection[]
  /** By client id, a CONNECT that waits for store or peers, and those that wait behind it. */
  readonly openings: Map<string, Opening[]>
  /** CONNECTs that wait for the store, by request. */
  readonly claims: Map<number, Opening>
  /** Looks at queues that wait for the store, by request. */
  readonly looks: Map<number, (entries: readonly StoredDelivery[], more: boolean) => void>
  /** Ended sessions whose shared subscriptions' messages go to others, by client id, and what waits for that. */
  readonly leaving: Map<string, (() => void)[]>
  /** Claims of sessions whose time is up, by request. */
  readonly settlings: Map<number, (state: ClaimedSession | null) => void>
  /** Other nodes that wait for CONNECTs under way here to end, by client id. */
  readonly kicks: Map<string, (() => void)[]>
  lastRequest: number
  /** Connections that opened this turn: input that waited for it goes on at the turn's end. */
  readonly opened: Connection[]
  /** What is left of this turn's budget, see `work.ts`; below 0 while something that was begun is ended. */
  work: number
  readonly tasks: Fifo<Task>
  /** Fan-outs under way, by the client id of their publisher; empty for the broker itself. */
  readonly lanes: Map<string, Fifo<FanOut>>
  /** The fan-out whose writes must be one batch: none is sealed before it is through. */
  unbroken: FanOut | null
  /** It is through, its batch is not sealed yet. */
  sealDue: boolean
  /** Wills whose right to be published is not said yet: a broker that stops waits for them. */
  readonly rulings: Set<Promise<void>>
  /** A right to be sent something was said to them: they go on at the turn's end. */
  readonly ruled: Set<Session>
  /** Connections with a retained replay that waits until their client has taken what it was sent. */
  readonly replaying: Set<Connection>
  readonly writers: ByteWriter[]
  /** Where the next packet that came in pieces is joined, if it fits; null: in an array of its own. */
  room: Uint8Array | null
  /** Arrays for packets that come in pieces. */
  readonly spareInput: SpareArrays
  /** The PUBLISH being handled, as ranges of its bytes; reused. */
  readonly published: PublishView
  /** The message being published: borrows, reused. */
  readonly incoming: Message
  /** How short memory is; see `pressure.ts`. */
  pressure: PressureLevel
  pressurePeak: PressureLevel
  /** Bytes that clients make the broker keep, see `memory.ts`; from `keptBytesNext` on the pressure is a higher one. */
  keptBytes: number
  keptBytesNext: number
  /** `memory_limit`, 0 none, and what is used beside `keptBytes`. */
  memory: { limit: number; others: number }
  /** null: nobody watches. */
  tap: Tap | null
  /** The store has told what it keeps. Until then CONNECTs wait in `early`. */
  ready: boolean
  readonly early: Opening[]
  /** The store has no space: what would have to be stored is refused. */
  full: boolean
  /** It could not even be opened for that: whoever needs nothing of it is served, until it can. */
  withoutStore: boolean
  turnEndAsked: boolean
  stopping: boolean
}

/** Asks once a turn for `endTurn`. */
export function askTurnEnd(core: Core): void {
  if (core.turnEndAsked) return
  core.turnEndAsked = true
  core.ports.requestTurnEnd()
}

/** The broker's whole state, and what goes on in it beyond one call: what every function of the core is handed. */
import type { Fifo } from '../../base/fifo.ts'
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { ByteWriter } from '../../codec/byte-writer.ts'
import type { SpareArrays } from '../../codec/framer.ts'
import type { ConnectPacket } from '../../codec/packets.ts'
import type { PublishView } from '../../codec/publish.ts'
import type { Message } from '../../ports/message.ts'
import type { Interest } from '../../ports/peers.ts'
import type { Ports } from '../../ports/ports.ts'
import type { StoredDelivery } from '../../ports/store.ts'
import type { PressureLevel } from '../../ports/pressure.ts'
import type { Stats } from '../../ports/stats.ts'
import type { FilterTrie, MatchWalk } from '../../topics/filter-trie.ts'
import type { RetainedTree } from '../../topics/retained-tree.ts'
import type { Delays } from './delays.ts'
import type { Journal } from './journal.ts'
import type {
  Connection,
  Segment,
  Session,
  SharedGroup,
  Subscriber,
  Subscription,
} from './model.ts'
import type { Settlings } from './settlings.ts'
import type { Shapes } from './shapes.ts'
import type { Shelf } from './shelf.ts'

/** Somebody inside the process who waits for a batch. */
export interface Call {
  readonly kind: 'call'
  run(): void
  /** There is no space for it now; absent: it goes on waiting. */
  refuse?(): void
}

/** Calls `done` once: with true when the batch is safe, with false as soon as there is no space for it. */
export function safeOrNot(done: (safe: boolean) => void): Call {
  let isTold = false
  const tell = (safe: boolean): void => {
    if (isTold) return
    isTold = true
    done(safe)
  }
  return { kind: 'call', run: () => tell(true), refuse: () => tell(false) }
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
  /** Called before anything else is done for it; false: nothing is to be. */
  begin: (() => boolean) | null
  done: ((count: number, batch: number) => void) | null
}

/** What was found for the topic of the last message that another node published. */
export interface PeerMatches {
  readonly topic: string
  /** Of the trie it was found in. */
  readonly generation: number
  readonly matches: readonly Subscriber[]
  /** All are subscriptions of clean sessions, none a group's. */
  readonly areClean: boolean
}

/** A CONNECT between authentication and an open session. */
export interface Opening {
  connection: Connection
  packet: ConnectPacket
  assigned: boolean
  /** No other node has the client any more. */
  isGranted: boolean
  /** It was connected before, here or at another node: that session counts no more, and this one takes its place. */
  replaces: boolean
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
  /** The timer of a connection fired; one function for all. */
  readonly look: (connection: Connection) => void
  readonly trie: FilterTrie<Subscriber>
  /** Their places on the shelf. */
  readonly retained: RetainedTree<number>
  readonly shelf: Shelf
  retainedBytes: number
  readonly sessions: Map<string, Session>
  /** How many each user name has. */
  readonly sessionsOfUser: Map<string, number>
  /** Of sessions that were published to by client id (`direct_topic`): what takes it. */
  readonly directs: Map<Session, Subscription>
  /** Sessions whose clients other nodes know of for the sake of `direct_topic`. */
  readonly announced: Set<Session>
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
  peerMatches: PeerMatches | null
  cleanSessions: number
  readonly journal: Journal<Connection | Session | Call>
  readonly shapes: Shapes
  readonly delays: Delays
  /** Links with output, flushed once a turn. */
  readonly dirty: Connection[]
  /** By client id, a CONNECT that waits for store or peers, and those that wait behind it. */
  readonly openings: Map<string, Opening[]>
  /** Of sessions that ended for one which is about to begin: they count with those that there are. */
  placesKept: number
  /** CONNECTs that wait for the store, by request. */
  readonly claims: Map<number, Opening>
  /** Looks at queues that wait for the store, by request. */
  readonly looks: Map<number, (entries: readonly StoredDelivery[], more: boolean) => void>
  /** Ended sessions whose shared subscriptions' messages go to others, by client id, and what waits for that. */
  readonly leaving: Map<string, (() => void)[]>
  /** What is due about sessions of which the store has to say whether they are ours to end. */
  readonly settlings: Settlings
  /** What waits for CONNECTs under way here to end, by client id: other nodes, and what is due. */
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
  /** Sessions with a subscription that owes them something retained. */
  readonly owing: Set<Session>
  /** Connections with a retained replay that waits until their client has taken what it was sent. */
  readonly replaying: Set<Connection>
  readonly writers: ByteWriter[]
  /** Arrays for packets that come in pieces. */
  readonly spareInput: SpareArrays
  /** The PUBLISH being handled, as ranges of its bytes; reused. */
  readonly published: PublishView
  /** The message being published: borrows, reused. */
  readonly incoming: Message
  /** The retained message being sent: borrows, reused. */
  readonly replayed: Message
  /** How short memory is; see `pressure.ts`. */
  pressure: PressureLevel
  /** The highest since it was asked for, and how many bytes were in use then. */
  pressurePeak: { level: PressureLevel; usedBytes: number }
  /** Bytes that clients make the broker keep, see `memory.ts`; from `keptBytesNext` on the pressure is a higher one. */
  keptBytes: number
  keptBytesNext: number
  /** `memory_limit`, 0 none, and what is used beside `keptBytes`. */
  memory: { limit: number; others: number }
  /** So many bytes may still come in large reads before garbage must be collected; Infinity: any number. */
  largeReadBytesLeft: number
  /** Who sent what was beyond that: read from again when there is room. */
  readonly heldBack: Connection[]
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
  /** Its clients are sent to other nodes, and nobody is let in. */
  isLeaving: boolean
  stopping: boolean
}

/** May anything leave? Asked at the end of each turn, and wherever something would leave before it. */
export function mayAnswer({ ports }: Core): boolean {
  return ports.mayAnswer === null || ports.mayAnswer()
}

/** Asks once a turn for `endTurn`. */
export function askTurnEnd(core: Core): void {
  if (core.turnEndAsked) return
  core.turnEndAsked = true
  core.ports.requestTurnEnd()
}

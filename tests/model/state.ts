/**
 * What a server knows by the standard: sessions, connections, retained messages, and messages on their way. Lists
 * and loops; nothing is fast.
 */
import type { AckName, Qos, Version } from './steps.ts'
import type { Forwarded } from './wire.ts'

export interface Message {
  /** Ascending in the order of publication. */
  readonly serial: number
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
  readonly publisher: string
  readonly forwarded: Forwarded
  readonly expiresAtMs: number
  readonly isWill: boolean
}

export interface Subscription {
  readonly filter: string
  /** Empty: not shared. */
  readonly group: string
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: none. */
  readonly subscriptionId: number
}

/** One way in which a copy of a message may go out. */
export interface Candidate {
  readonly session: Session
  readonly filter: string
  readonly qos: Qos
  readonly retain: boolean
  readonly subscriptionId: number
}

/** A delivery that has not begun. Several candidates: the server chooses one of them (shared subscriptions). */
export interface Copy {
  readonly message: Message
  candidates: Candidate[]
  /** All there were in the beginning. */
  readonly first: readonly Candidate[]
  /** It may also never be sent. */
  optional: boolean
  /** A retained message for a new subscription, or one that may come behind later ones. */
  readonly isUnordered: boolean
  /** DUP says that it might have been sent before (3.3.1.1), which a server may not know after a restart. */
  dupAllowed: boolean
}

/** Which copy a PUBLISH was taken for. */
export interface Taken {
  copy: Copy
  way: Candidate
  readonly version: Version
}

/** A QoS 1 or 2 message that was sent and is not acknowledged. */
export interface Inflight {
  readonly packetId: number
  readonly message: Message
  way: Candidate
  /** PUBREC came. */
  released: boolean
  /** The connection on which it was last sent. */
  sentOn: Connection | null
  /** The server was down since: it may take what was sent for queued. */
  isUnsure: boolean
  /** Others of its publisher and topic keep their place before or behind it. */
  readonly isOrdered: boolean
  /** It was too long for a connection: the server may have let it go, or not have come to it. */
  optional: boolean
}

export interface Will {
  readonly message: Message
  readonly delayMs: number
  readonly expirySeconds: number
}

export interface Session {
  readonly clientId: string
  version: Version
  /** 0: ends with the connection; Infinity: never. */
  expiryMs: number
  connection: Connection | null
  /** When it ends while nobody is connected. */
  endsAtMs: number
  subscriptions: Subscription[]
  inflight: Inflight[]
  /** Acknowledged. */
  done: Inflight[]
  /** QoS 2 from the client, not released. */
  held: { id: number; message: Message }[]
  /** Waits for its delay. */
  waitingWill: { will: Will; dueAtMs: number } | null
  /** The server was down since its last connection: what was sent before and what was not it may not know. */
  isUnsure: boolean
}

/** A packet the server owes. */
export interface Reply {
  readonly cmd: string
  readonly id: number
  /** Reason codes that are right; empty: any. */
  readonly codes: readonly number[]
  /** SUBACK, UNSUBACK. */
  readonly granted?: readonly (readonly number[])[]
  readonly sessionPresent?: boolean
  readonly optional?: boolean
  /** Sent again on resumption: no order is prescribed. */
  readonly anyOrder?: boolean
}

export interface Connection {
  readonly name: string
  version: Version
  session: Session | null
  phase: 'new' | 'open' | 'closed'
  /** The server has to close it. */
  mustClose: boolean
  replies: Reply[]
  will: Will | null
  receiveMaximum: number
  maximumPacketSize: number
  /** Aliases the server may use. */
  aliasMaximum: number
  keepAliveMs: number
  lastPacketMs: number
  /** From client to server, and back. */
  aliasesIn: { alias: number; topic: string }[]
  aliasesOut: { alias: number; topic: string }[]
  /** QoS 1 and 2 of the client on this connection without PUBACK or PUBCOMP. */
  unfinished: number[]
}

/** What a server may decide for itself. */
export interface Profile {
  /** Sessions and retained messages are there after a restart. */
  readonly survives: boolean
  /** It can be ended without warning, and still have them. */
  readonly crashes: boolean
  /** 5.0 clients are told why the server closes; that is "may" for most reasons. */
  readonly saysWhy: boolean
  /** A takeover publishes a will without delay; mosquitto drops it when the session goes on. */
  readonly willAtTakeover: boolean
  /** What CONNACK must say to 5.0 clients. */
  readonly receiveMaximum: number
  readonly aliasMaximum: number
  /** Messages the server sends without acknowledgement, whatever the client allows. */
  readonly windowMax: number
  /** How exactly remaining seconds of expiry are known, and deadlines kept; ms. */
  readonly clockMs: number
}

export interface State {
  nowMs: number
  /** When everything that had come was last looked at. */
  comparedMs: number
  lastSerial: number
  sessions: Session[]
  /** They ended in the step under way: with what others sent in the same step the server may have begun before. */
  justEnded: Session[]
  connections: Connection[]
  copies: Copy[]
  /** Optional ones that were not sent, as far as one can tell. */
  ghosts: Copy[]
  /** Those that expired before they were sent, as far as one can tell. */
  expired: Copy[]
  taken: Taken[]
  retained: Message[]
  /** Messages may go out in portions: who comes back while one does may get it at QoS 0, too. */
  inPortions: boolean
  readonly profile: Profile
}

export function createState(profile: Profile, nowMs: number): State {
  return {
    nowMs,
    comparedMs: nowMs,
    lastSerial: 0,
    sessions: [],
    justEnded: [],
    connections: [],
    copies: [],
    ghosts: [],
    expired: [],
    taken: [],
    retained: [],
    inPortions: false,
    profile,
  }
}

export function newConnection(state: State, name: string): Connection {
  const connection: Connection = {
    name,
    version: 4,
    session: null,
    phase: 'new',
    mustClose: false,
    replies: [],
    will: null,
    receiveMaximum: 65535,
    maximumPacketSize: Infinity,
    aliasMaximum: 0,
    keepAliveMs: 0,
    lastPacketMs: state.nowMs,
    aliasesIn: [],
    aliasesOut: [],
    unfinished: [],
  }
  state.connections.push(connection)
  return connection
}

export function owe(
  connection: Connection,
  cmd: AckName | 'pingresp' | 'disconnect',
  id: number,
  codes: readonly number[],
  optional = false,
): void {
  connection.replies.push({ cmd, id, codes, optional })
}

/** Section 4.7, level by level. */
export function matches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return levels.length >= index
    if (index >= levels.length) return false
    if (level !== '+' && level !== levels[index]) return false
  }
  return wanted.length === levels.length
}

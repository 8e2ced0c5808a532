/** The client's nouns and who holds whom. What happens to them is in the files of their verbs. */
import { Fifo } from '../base/fifo.ts'
import type { Properties, Qos, SubscribeFilter } from '../codec/packets.ts'
import { PublishView } from '../codec/publish.ts'
import { FilterTrie } from '../topics/filter-trie.ts'
import type { Deferred } from './deferred.ts'
import { Emitter } from './emitter.ts'
import type { MqttError } from './errors.ts'
import { Framer } from '../codec/framer.ts'
import type { Acknowledger, Message } from './message.ts'
import type { Settings } from './options.ts'
import { Output } from './output.ts'
import type { SignsOfLife } from './signs-of-life.ts'
import type { Dial, Login, Runtime, TimerHandle, Wire } from './ports.ts'
import { TopicCache } from './topic-cache.ts'

/**
 *     connecting ──▶ connected ──▶ reconnecting ──▶ connected …
 *         └────────────┴───────────────┴──────────▶ ended        for good
 */
export type ClientState = 'connecting' | 'connected' | 'reconnecting' | 'ended'

/** The server accepted. */
export interface ConnectInfo {
  /** The server kept the session: subscriptions and unacknowledged messages are as they were. */
  readonly sessionPresent: boolean
  /** Of CONNACK, MQTT 5.0: what the server can do, assigned client id, response information, … */
  readonly properties: Properties
  /** Not the first time. */
  readonly reconnected: boolean
}

export interface DisconnectInfo {
  /** Why; `reason` is the server's reason code if it sent a DISCONNECT. */
  readonly error: MqttError
  /** Until the next attempt; null: there will be none. */
  readonly reconnectInMs: number | null
}

export interface ClientEvents {
  connect: ConnectInfo
  disconnect: DisconnectInfo
  /** An attempt begins; the first one after a lost connection is 1. */
  reconnect: { readonly attempt: number }
  /** An attempt to come back failed, a subscription was refused when it was made again, a handler threw. */
  error: Error
  /** The client is done, by `end` (null) or because it cannot go on. */
  end: MqttError | null
}

/** What the server made of a message. */
export interface PublishResult {
  /** 0, or 0x10: nobody was subscribed (MQTT 5.0, where a server says so). */
  readonly reason: number
  /** Of the acknowledgement, MQTT 5.0. */
  readonly properties: Properties
}

/** A message on its way to the server, until it is acknowledged (QoS 0: handed to the network). */
export interface Outgoing {
  readonly kind: 'publish'
  readonly topic: string
  readonly topicBytes: Uint8Array
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: Properties
  /** 0 until it was sent once, and at QoS 0. */
  packetId: number
  /** PUBREC came: from here on it is PUBREL that is sent again [MQTT-4.3.3-4]. */
  released: boolean
  /** Of the network connection it was last sent by; 0: none. */
  epoch: number
  /** Its caller no longer waits; not sent, if it was not yet. */
  cancelled: boolean
  readonly resolve: (result: PublishResult) => void
  readonly reject: (error: Error) => void
}

/** Where the messages of a subscription go. */
export interface Sink {
  take(message: Message): void
  /** Messages of an earlier connection that the server is about to send again: forget them. */
  forgetBefore(epoch: number): void
  /** No more will come. `error`: why; null: it was unsubscribed or the client ended. */
  close(error: Error | null): void
}

/** What the program wants to be subscribed, made again for every new session. */
export interface Wanted {
  readonly filters: readonly SubscribeFilter[]
  readonly properties: Properties
  readonly sink: Sink
  /** One reason code a filter; null: not answered yet. */
  codes: readonly number[] | null
  readonly granted: (codes: readonly number[]) => void
  readonly refused: (error: Error) => void
}

export interface Unwanted {
  readonly filters: readonly string[]
  readonly properties: Properties
  readonly done: (codes: readonly number[]) => void
  readonly failed: (error: Error) => void
}

/** What a packet identifier in use stands for. */
export type Exchange =
  | Outgoing
  | { readonly kind: 'subscribe'; readonly wanted: Wanted }
  | { readonly kind: 'unsubscribe'; readonly unwanted: Unwanted }

/** A message that waits for a subscription. */
export interface Unclaimed {
  readonly message: Message
  /** Of its acknowledgement, when none comes. */
  readonly reason: number
}

/** Before the first {@link Probe} of a connection. */
export interface Quiet {
  readonly timer: TimerHandle
  /** PINGREQ was sent. */
  readonly isAsked: boolean
  go(): void
}

/** A packet that is sent alone, because one like it may have made the server close. */
export interface Probe {
  /** What the exchange is about. */
  readonly what: object
  send(): void
  /** The server closed again: its caller is told, and it is not sent any more. */
  giveUp(error: MqttError): void
}

/** What the server told of itself in CONNACK; in 3.x what the standard grants every client. */
export interface ServerLimits {
  keepAliveMs: number
  /** Messages at QoS 1 and 2 under way to it. */
  receiveMaximum: number
  maximumQos: Qos
  retainAvailable: boolean
  packetBytesMax: number
  topicAliasMaximum: number
  wildcardAvailable: boolean
  subscriptionIdsAvailable: boolean
  sharedAvailable: boolean
}

/** Counted since the client was made. */
export interface ClientStats {
  /** QoS 0 messages that came faster than they were taken, beyond every bound. */
  droppedMessages: number
  /** Messages that no subscription or handler took. */
  unclaimedMessages: number
}

/** Where the current connection stands; `ended` is for good. */
export type Phase = 'idle' | 'dialing' | 'handshake' | 'online' | 'ending' | 'ended'

/** One client. What is said of a connection is valid for the current one; the rest lives on without. */
export interface Core extends Acknowledger {
  readonly settings: Settings
  readonly runtime: Runtime
  readonly dial: Dial
  readonly events: Emitter<ClientEvents>
  readonly stats: ClientStats

  // ── the network connection ──
  state: ClientState
  phase: Phase
  wire: Wire | null
  /** One more with each connection that is made or lost. */
  epoch: number
  /** Connections that the server accepted. */
  connects: number
  /** Attempts since the last time that a connection lasted. */
  attempts: number
  connectedAtMs: number
  readonly output: Output
  framer: Framer
  limits: ServerLimits
  info: ConnectInfo | null
  /** The server may go on where the last connection ended. */
  sessionKept: boolean
  lastReceivedMs: number
  /** null: the server asks for none. */
  life: SignsOfLife | null
  /** Callers who wait for PINGRESP. */
  asking: Deferred<void>[]
  paused: boolean
  /** Connect timeout, keep alive or the wait for the next attempt: never two of them at once. */
  timer: TimerHandle | null
  /** `end` was called: nothing new is taken, what is under way may finish. */
  closing: boolean
  /** Waits for the server's AUTH of success. */
  reauthentication: { resolve: () => void; reject: (error: Error) => void } | null

  // ── the session ──
  clientId: string
  /** For the next CONNECT; the options' own until the function `options` gave another. */
  login: Login
  readonly exchanges: Map<number, Exchange>
  lastPacketId: number
  /** Publishes that wait for an acknowledgement on this connection. */
  inflight: number
  /** Sent on an earlier connection, to be sent again before anything new. */
  readonly resend: Fifo<Outgoing>
  readonly waiting: Fifo<Outgoing>
  /** In {@link waiting}, given up by their callers. */
  cancelledMessages: number
  outgoingMessages: number
  outgoingBytes: number
  /** The send window has opened: {@link Outgoing}s may follow at the end of this chunk. */
  pumpWanted: boolean
  /** The server closed while packets were unanswered: they go one at a time, see `probing.ts`. */
  suspicion: 'none' | 'told' | 'silent'
  /** The connection has to last, then to answer a PINGREQ, before a probe is sent. */
  quiet: Quiet | null
  readonly probes: Fifo<Probe>
  probing: Probe | null
  /** What was unanswered alone when the server closed without a word, and how often. */
  blamed: { readonly what: object; times: number } | null
  /** Topic by alias, both ways. */
  readonly aliasesIn: Map<number, string>
  readonly aliasesOut: Map<string, number>
  readonly topicBytes: Map<string, Uint8Array>
  /** QoS 2 until PUBREL: the message while it is not acknowledged, null afterwards. */
  readonly inbound: Map<number, Message | null>
  /** Those of them that an earlier connection left, and of which nothing came by this one. */
  inboundBefore: Set<number>
  /** QoS 1 and 2, in the order they came, from the first that is not yet acknowledged on. */
  readonly unacknowledged: Fifo<Message>
  /** The message that is being handed out right now. */
  dispatching: Message | null
  /** QoS 1 messages in {@link unacknowledged}. */
  unacknowledgedQos1: number
  /** In iterators. */
  queuedMessages: number
  queuedBytes: number
  /** See `unclaimed.ts`. */
  unclaimed: Unclaimed[]
  claimTimer: TimerHandle | null
  readonly view: PublishView
  readonly topics: TopicCache

  // ── subscriptions ──
  readonly sinks: FilterTrie<Sink>
  readonly sinksById: Map<number, Sink>
  readonly wanted: Set<Wanted>
  readonly unwanted: Set<Unwanted>

  /** Called when {@link state} becomes `connected` for the first time, or can never be. */
  opened: ((error: Error | null) => void) | null
  /** Called when nothing is left to be acknowledged, and when everything is written; `end` waits for both. */
  settledAll: (() => void) | null
}

/** What every server can do; its CONNACK changes what it cannot. */
export function defaultLimits({ keepAliveSeconds, inflightMax }: Settings): ServerLimits {
  return {
    keepAliveMs: keepAliveSeconds * 1000,
    receiveMaximum: inflightMax,
    maximumQos: 2,
    retainAvailable: true,
    packetBytesMax: 268_435_460,
    topicAliasMaximum: 0,
    wildcardAvailable: true,
    subscriptionIdsAvailable: true,
    sharedAvailable: true,
  }
}

/** No QoS 2 message has come. */
function nothingHeld(): Pick<Core, 'inbound' | 'inboundBefore'> {
  return { inbound: new Map(), inboundBefore: new Set() }
}

export function createCore(
  settings: Settings,
  runtime: Runtime,
  dial: Dial,
  settled: (core: Core) => void,
): Core {
  const core: Core = {
    settings,
    runtime,
    dial,
    events: new Emitter<ClientEvents>(),
    stats: { droppedMessages: 0, unclaimedMessages: 0 },
    state: 'connecting',
    phase: 'idle',
    wire: null,
    epoch: 0,
    connects: 0,
    attempts: 0,
    connectedAtMs: 0,
    output: new Output(runtime),
    framer: new Framer(settings.packetBytesMax),
    limits: defaultLimits(settings),
    info: null,
    sessionKept: false,
    lastReceivedMs: 0,
    life: null,
    asking: [],
    paused: false,
    timer: null,
    closing: false,
    claimTimer: null,
    reauthentication: null,
    clientId: settings.clientId,
    login: { username: settings.username, password: settings.password },
    exchanges: new Map(),
    lastPacketId: 0,
    inflight: 0,
    resend: new Fifo(),
    waiting: new Fifo(),
    cancelledMessages: 0,
    outgoingMessages: 0,
    outgoingBytes: 0,
    pumpWanted: false,
    suspicion: 'none',
    quiet: null,
    probes: new Fifo(),
    probing: null,
    blamed: null,
    aliasesIn: new Map(),
    aliasesOut: new Map(),
    topicBytes: new Map(),
    ...nothingHeld(),
    unacknowledged: new Fifo(),
    dispatching: null,
    unacknowledgedQos1: 0,
    queuedMessages: 0,
    queuedBytes: 0,
    unclaimed: [],
    view: new PublishView(true),
    topics: new TopicCache(),
    sinks: new FilterTrie(4096),
    sinksById: new Map(),
    wanted: new Set(),
    unwanted: new Set(),
    opened: null,
    settledAll: null,
    settled: (message) => (core.dispatching === message ? undefined : settled(core)),
  }
  return core
}

/** Throws what a listener or handler of the program threw, where nobody listens to `error`. */
export function report(core: Core, error: Error): void {
  if (core.events.has('error')) {
    core.events.emit('error', error)
    return
  }
  core.runtime.soon(() => {
    throw error
  })
}

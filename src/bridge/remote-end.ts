/**
 * The bridge's end at the other broker: a connection from its first byte to the moment when messages may cross.
 *
 *     dial ─▶ CONNECT ─▶ CONNACK ─▶ notification, UNSUBSCRIBE, SUBSCRIBE ─▶ their answers ─▶ ready ─▶ frames, both ways
 */
import { decodePacket } from '../codec/decode.ts'
import { encodePacket } from '../codec/encode.ts'
import { checkFixedHeader } from '../codec/frame.ts'
import {
  PacketType,
  type ConnackPacket,
  type ConnectPacket,
  type Packet,
  type Properties,
  type Qos,
  type Version,
} from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason, reasonText } from '../codec/reason-codes.ts'
import { connackText } from '../client/errors.ts'
import { Framer } from '../codec/framer.ts'
import { Output } from '../client/output.ts'
import type { Dial, Runtime, Wire } from '../client/ports.ts'
import type { BridgeSettings } from './settings.ts'
import type { TopicMap } from './topic-map.ts'

/** Of the keep alive; the rest is for the way. */
const PING_SHARE = 0.9
const PONG_MS_MAX = 10_000
const PACKET_BYTES_MAX = 268_435_460
const PACKET_IDS = 65_535

const encoder = new TextEncoder()

/** What the remote can do, and what it remembers. */
export interface RemoteInfo {
  readonly sessionPresent: boolean
  /** Unacknowledged messages it takes. */
  readonly receiveMaximum: number
  readonly maximumQos: Qos
  readonly retainAvailable: boolean
  /** Bytes of the largest packet that it, and `bridge_max_packet_size`, allow. */
  readonly packetBytesMax: number
  /** Aliases we may use. */
  readonly topicAliasMaximum: number
}

/** Why a connection ended, or was none. `code`: of CONNACK, 0 when it was not that. */
export interface RemoteEnding {
  readonly why: string
  readonly code: number
}

export interface RemoteEvents {
  /** Everything asked for is granted: packets may cross. */
  ready(info: RemoteInfo): void
  /** A packet that is part of a message's way, also while the handshake is under way. */
  frame(first: number, bytes: Uint8Array, start: number, bodyStart: number, end: number): void
  /** Whether a message of ours is under way under this packet identifier. */
  isUnderWay(packetId: number): boolean
  /** Whether the remote may hold messages that earlier connections sent. After a restart nobody knows which: any that wait. */
  mayHold(): boolean
  /** A chunk is through: what {@link frame} collected may go on. */
  chunkDone(): void
  /** Room again after {@link RemoteEnd.isFull}. */
  drained(): void
  /** Once, as the last event; not after {@link RemoteEnd.close}. */
  ended(ending: RemoteEnding): void
}

export class RemoteEnd {
  readonly output: Output
  readonly version: Version
  private readonly settings: BridgeSettings
  private readonly topics: TopicMap
  private readonly runtime: Runtime
  private readonly events: RemoteEvents
  private readonly framer: Framer
  private readonly wire: Wire
  private phase: 'dialing' | 'greeting' | 'asking' | 'ready' | 'over' = 'dialing'
  private info: RemoteInfo | null = null
  /** Our requests that are not answered, and of a SUBSCRIBE the place of its filter. */
  private readonly due = new Map<number, number>()
  private lastRequestId = 0
  private lastReceivedMs: number
  /** A byte came. */
  private hasSpoken = false
  private pingSentMs = 0
  /** Nothing is read, so no answer can be expected either. */
  private isPaused = false
  private pingTimer: object | number | null = null
  private readonly connectTimer: object | number

  constructor(
    settings: BridgeSettings,
    topics: TopicMap,
    version: Version,
    isPrivate: boolean,
    runtime: Runtime,
    dial: Dial,
    events: RemoteEvents,
  ) {
    this.settings = settings
    this.topics = topics
    this.version = version
    this.runtime = runtime
    this.events = events
    this.framer = new Framer(settings.incomingPacketBytesMax)
    this.output = new Output(runtime)
    this.output.onRested = () => this.events.drained()
    this.lastReceivedMs = runtime.monotonicMs()
    const seconds = settings.connectTimeoutMs / 1000
    this.connectTimer = runtime.setTimer(settings.connectTimeoutMs, () =>
      this.fail(`no connection within ${seconds} seconds`),
    )
    this.wire = dial({
      opened: () => this.opened(isPrivate),
      received: (bytes, start, end) => this.received(bytes, start, end),
      drained: () => {
        this.output.drained()
        if (this.phase === 'ready' && !this.output.isFull) this.events.drained()
      },
      closed: (error) =>
        this.over(error === null ? 'the remote closed the connection' : error.message),
    })
  }

  /** What was written waits in front of the network. */
  get isFull(): boolean {
    return this.output.isFull
  }

  pause(): void {
    this.isPaused = true
    this.wire.pause()
  }

  resume(): void {
    this.isPaused = false
    this.lastReceivedMs = this.runtime.monotonicMs()
    this.wire.resume()
  }

  /** Says the last words, `0` for who watches and DISCONNECT, and closes. No event follows. */
  close(): void {
    if (this.phase === 'over') return
    if (this.phase === 'ready') {
      if (this.tellsRemote()) this.say(this.notification('0', 0, 0))
      this.say({ type: PacketType.disconnect, reason: 0, properties: {} })
      this.output.flush()
      this.wire.end()
    } else this.wire.destroy()
    this.leave()
  }

  /** Closes at once, and says why; the remote publishes our will. */
  fail(why: string, reason: number = Reason.unspecifiedError): void {
    if (this.phase === 'over') return
    if (this.version === 5 && (this.phase === 'ready' || this.phase === 'asking')) {
      this.say({ type: PacketType.disconnect, reason, properties: {} })
      this.output.flush()
      this.wire.end()
    } else this.wire.destroy()
    this.over(why)
  }

  private leave(): void {
    this.phase = 'over'
    this.runtime.clearTimer(this.connectTimer)
    if (this.pingTimer !== null) this.runtime.clearTimer(this.pingTimer)
    this.output.use(null)
  }

  private over(why: string, code = 0): void {
    if (this.phase === 'over') return
    this.leave()
    this.events.ended({ why, code })
  }

  private say(packet: Packet): void {
    encodePacket(this.output.writer, this.version, packet)
    this.output.written()
  }

  private tellsRemote(): boolean {
    const { notifications, notificationsLocalOnly } = this.settings
    return notifications && !notificationsLocalOnly
  }

  private notification(state: '0' | '1', qos: Qos, packetId: number): Packet {
    return {
      type: PacketType.publish,
      dup: false,
      qos,
      retain: this.settings.outgoingRetain && this.info?.retainAvailable !== false,
      topic: this.settings.notificationTopic,
      packetId,
      properties: {},
      payload: encoder.encode(state),
    }
  }

  private opened(isPrivate: boolean): void {
    if (this.phase !== 'dialing') return
    this.phase = 'greeting'
    this.output.use(this.wire)
    try {
      this.say(connectPacket(this.settings, this.version, isPrivate, this.tellsRemote()))
      this.output.flush()
    } catch (error) {
      this.fail((error as Error).message)
    }
  }

  private received(bytes: Uint8Array, start: number, end: number): void {
    if (this.phase === 'over') return
    this.lastReceivedMs = this.runtime.monotonicMs()
    try {
      if (!this.hasSpoken && bytes[start] >> 4 !== PacketType.connack)
        throw new ProtocolError(Reason.protocolError, 'its first bytes are no CONNACK')
      this.hasSpoken = true
      this.framer.push(bytes, start, end, (first, packet, from, bodyStart, to) => {
        this.take(first, packet, from, bodyStart, to)
        return this.phase !== 'over'
      })
      this.events.chunkDone()
    } catch (error) {
      const { message } = error as Error
      const reason =
        error instanceof ProtocolError ? error.reason : Reason.implementationSpecificError
      this.fail(`the remote broke the protocol: ${message}`, reason)
    }
  }

  private take(
    first: number,
    bytes: Uint8Array,
    start: number,
    bodyStart: number,
    end: number,
  ): void {
    checkFixedHeader(first, this.version)
    const type = first >> 4
    const crosses = type >= PacketType.publish && type <= PacketType.pubcomp
    const isIn = this.phase === 'asking' || this.phase === 'ready'
    if (crosses && isIn) {
      if (type !== PacketType.puback || !this.isOwn(bytes, bodyStart))
        return this.events.frame(first, bytes, start, bodyStart, end)
    }
    const packet = decodePacket(this.version, first, bytes, bodyStart, end, { fromClient: false })
    if (packet.type === PacketType.connack && this.phase === 'greeting')
      return this.onConnack(packet)
    if (!isIn) throw new ProtocolError(Reason.protocolError, `packet ${type} before CONNACK`)
    this.onPacket(packet)
  }

  /** The acknowledgement of our notification. */
  private isOwn(bytes: Uint8Array, bodyStart: number): boolean {
    return this.due.has((bytes[bodyStart] << 8) | bytes[bodyStart + 1])
  }

  private onPacket(packet: Packet): void {
    if (packet.type === PacketType.pingresp) this.pingSentMs = 0
    else if (packet.type === PacketType.disconnect) {
      this.wire.end()
      this.over(`the remote disconnected: ${reasonText(packet.reason)}`)
    } else if (packet.type === PacketType.suback) this.onSuback(packet.packetId, packet.codes)
    else if (packet.type === PacketType.unsuback || packet.type === PacketType.puback)
      this.answered(packet.packetId)
    else throw new ProtocolError(Reason.protocolError, `packet ${packet.type} has no place here`)
  }

  private onConnack({ code, sessionPresent, properties }: ConnackPacket): void {
    if (code !== 0) {
      const said = properties.reasonString === undefined ? '' : `: ${properties.reasonString}`
      this.wire.end()
      return this.over(`Connection Refused: ${connackText(this.version, code)}${said}`, code)
    }
    this.phase = 'asking'
    const { cleanSession } = this.settings
    // MQTT 3.1 does not say; who asked for a session must expect one.
    this.info = infoOf(
      this.settings,
      sessionPresent || (this.version === 3 && !cleanSession),
      properties,
    )
    const { serverKeepAliveSeconds = this.settings.keepAliveSeconds } = properties
    this.watch(serverKeepAliveSeconds * 1000)
    this.ask()
    this.answered(0)
  }

  /** Sends everything that must be granted before messages cross: in mosquitto's order, a request for each filter. */
  private ask(): void {
    const { topics, settings } = this
    // The remote may hold as many messages as it takes, and cuts who sends one more; they are only released behind this.
    const mayHold = this.events.mayHold()
    if (this.tellsRemote()) {
      const qos = mayHold ? 0 : (Math.min(1, this.info?.maximumQos ?? 1) as Qos)
      this.say(this.notification('1', qos, qos === 1 ? this.request(mayHold, 0) : 0))
    }
    for (const filter of settings.attemptUnsubscribe ? topics.unwantedFilters : []) {
      const packetId = this.request(mayHold, 0)
      this.say({ type: PacketType.unsubscribe, packetId, filters: [filter], properties: {} })
    }
    for (const [place, { filter, qos }] of topics.remoteFilters.entries()) {
      const options = {
        noLocal: true,
        retainAsPublished: true,
        // Only what is new to the session: before 5.0 every SUBSCRIBE brings all that is retained once more.
        retainHandling: 1 as const,
      }
      const packetId = this.request(mayHold, place)
      const filters = [{ filter, qos, ...options }]
      this.say({ type: PacketType.subscribe, packetId, filters, properties: {} })
    }
  }

  /**
   * An identifier under which no message is under way: the remote may hold that message under it. Where nobody knows what
   * it holds, those that messages, which count up from 1, come to last.
   */
  private request(mayHold: boolean, place: number): number {
    let id = this.lastRequestId
    let left = PACKET_IDS
    do id = mayHold ? (id > 1 ? id - 1 : PACKET_IDS) : (id % PACKET_IDS) + 1
    while (this.events.isUnderWay(id) && --left > 0)
    this.lastRequestId = id
    this.due.set(id, place)
    return id
  }

  private onSuback(packetId: number, codes: readonly number[]): void {
    const place = this.due.get(packetId)
    if (place === undefined) return
    const refusal = codes.find((code) => code >= 0x80)
    if (refusal === undefined) return this.answered(packetId)
    const { filter } = this.topics.remoteFilters[place]
    const why = this.version === 5 ? reasonText(refusal) : 'refused'
    this.fail(`the remote does not let us subscribe to '${filter}': ${why}`)
  }

  private answered(packetId: number): void {
    this.due.delete(packetId)
    if (this.due.size > 0 || this.phase !== 'asking' || this.info === null) return
    this.phase = 'ready'
    this.runtime.clearTimer(this.connectTimer)
    this.events.ready(this.info)
  }

  /** Keep alive (MQTT 5.0, 3.1.2.10): asks after silence, and ends a link that does not answer. */
  private watch(keepAliveMs: number): void {
    if (keepAliveMs === 0) return
    const quietMs = keepAliveMs * PING_SHARE
    const pongMs = Math.min(keepAliveMs, PONG_MS_MAX)
    const look = (): void => {
      const nowMs = this.runtime.monotonicMs()
      if (this.isPaused || this.lastReceivedMs > this.pingSentMs) this.pingSentMs = 0
      if (this.pingSentMs !== 0 && nowMs - this.pingSentMs >= pongMs)
        return this.fail(`no sign of life from the remote for ${pongMs / 1000} seconds`)
      const { lastWriteMs } = this.output
      const sinceMs = this.isPaused ? lastWriteMs : Math.min(lastWriteMs, this.lastReceivedMs)
      if (this.pingSentMs === 0 && nowMs - sinceMs >= quietMs) {
        this.pingSentMs = this.isPaused ? 0 : nowMs
        this.say({ type: PacketType.pingreq })
        this.output.flush()
      }
      const pongDueMs = this.pingSentMs === 0 ? Infinity : this.pingSentMs + pongMs
      const pingDueMs = Math.max(nowMs + quietMs / 10, sinceMs + quietMs)
      const waitMs = Math.min(pingDueMs, pongDueMs) - nowMs
      this.pingTimer = this.runtime.setTimer(waitMs, look)
    }
    this.pingTimer = this.runtime.setTimer(quietMs, look)
  }
}

function connectPacket(
  settings: BridgeSettings,
  version: Version,
  isPrivate: boolean,
  hasWill: boolean,
): ConnectPacket {
  const properties: Properties = {}
  if (version === 5) {
    properties.receiveMaximum = settings.receiveMaximum
    if (settings.topicAliasMaximum > 0) properties.topicAliasMaximum = settings.topicAliasMaximum
    properties.maximumPacketSize = settings.incomingPacketBytesMax
    if (!settings.cleanSession) properties.sessionExpirySeconds = settings.sessionExpirySeconds
  }
  const will = {
    topic: settings.notificationTopic,
    payload: encoder.encode('0'),
    qos: 1 as const,
    retain: settings.outgoingRetain,
    properties: {},
  }
  return {
    type: PacketType.connect,
    version,
    bridge: isPrivate && version < 5,
    cleanStart: settings.cleanSession,
    keepAliveSeconds: settings.keepAliveSeconds,
    clientId: settings.remoteClientId,
    will: hasWill ? will : null,
    username: settings.username,
    password: settings.password,
    properties,
  }
}

function infoOf(
  settings: BridgeSettings,
  sessionPresent: boolean,
  properties: Properties,
): RemoteInfo {
  const theirs = properties.maximumPacketSize ?? PACKET_BYTES_MAX
  const ours = settings.packetBytesMax === 0 ? PACKET_BYTES_MAX : settings.packetBytesMax
  const { maximumQos = 2, topicAliasMaximum = 0 } = properties
  return {
    sessionPresent,
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    maximumQos: maximumQos as Qos,
    retainAvailable: properties.retainAvailable !== 0,
    packetBytesMax: Math.min(theirs, ours),
    topicAliasMaximum: Math.min(topicAliasMaximum, settings.topicAliasMaximum),
  }
}

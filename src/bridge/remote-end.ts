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
  type Packet,
  type Qos,
  type Version,
} from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason, reasonText } from '../codec/reason-codes.ts'
import { connackText } from '../client/errors.ts'
import { Framer } from '../codec/framer.ts'
import { Output } from '../client/output.ts'
import type { Dial, Runtime, Wire } from '../client/ports.ts'
import { connectPacket, infoOf, type RemoteInfo, type Speech } from './greeting.ts'
import type { BridgeSettings } from './settings.ts'
import type { TopicMap } from './topic-map.ts'

/** Of the keep alive; the rest is for the way. */
const PING_SHARE = 0.9
const PONG_MS_MAX = 10_000
const PACKET_IDS = 65_535

const encoder = new TextEncoder()

/** What was asked of the remote and is not answered: by which packet, and of a SUBSCRIBE for which filter. */
interface Request {
  readonly answer: Packet['type']
  readonly filter: string
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
  /** By packet identifier. */
  private readonly due = new Map<number, Request>()
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
    speech: Speech,
    runtime: Runtime,
    dial: Dial,
    events: RemoteEvents,
  ) {
    this.settings = settings
    this.topics = topics
    this.version = speech.version
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
      opened: () => this.opened(speech),
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

  /** False, and nothing is sent: it is larger than the remote takes [MQTT-3.2.2-15]. */
  private say(packet: Packet): boolean {
    const { writer } = this.output
    const start = writer.length
    encodePacket(writer, this.version, packet)
    if (this.info !== null && writer.length - start > this.info.packetBytesMax) {
      writer.length = start
      return false
    }
    this.output.written()
    return true
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

  private opened(speech: Speech): void {
    if (this.phase !== 'dialing') return
    this.phase = 'greeting'
    this.output.use(this.wire)
    try {
      this.say(connectPacket(this.settings, speech, this.tellsRemote()))
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
    const request = this.due.get((bytes[bodyStart] << 8) | bytes[bodyStart + 1])
    return request?.answer === PacketType.puback
  }

  private onPacket(packet: Packet): void {
    if (packet.type === PacketType.pingresp) this.pingSentMs = 0
    else if (packet.type === PacketType.disconnect) {
      this.wire.end()
      this.over(`the remote disconnected: ${reasonText(packet.reason)}`)
    } else if (packet.type === PacketType.suback) this.onSuback(packet.packetId, packet.codes)
    else if (packet.type === PacketType.unsuback || packet.type === PacketType.puback)
      this.onAnswer(packet.packetId, packet.type)
    else throw new ProtocolError(Reason.protocolError, `packet ${packet.type} has no place here`)
  }

  private onConnack({ code, sessionPresent, properties }: ConnackPacket): void {
    if (code !== 0) {
      const said = properties.reasonString === undefined ? '' : `: ${properties.reasonString}`
      this.wire.end()
      return this.over(`Connection Refused: ${connackText(this.version, code)}${said}`, code)
    }
    const { settings } = this
    if (sessionPresent && settings.cleanSession && this.version === 5)
      throw new ProtocolError(Reason.protocolError, 'a session is there that we did not ask for')
    this.phase = 'asking'
    this.info = infoOf(settings, this.version, sessionPresent, properties)
    // 0 frees us from asking. A link that hangs is to be found all the same.
    const keepAliveSeconds = properties.serverKeepAliveSeconds || settings.keepAliveSeconds
    this.watch(keepAliveSeconds * 1000)
    this.ask()
    this.goOn()
  }

  /** Sends everything that must be granted before messages cross: in mosquitto's order, a request for each filter. */
  private ask(): void {
    const { topics, settings } = this
    // The remote may hold as many messages as it takes, and cuts who sends one more; they are only released behind this.
    const mayHold = this.events.mayHold()
    if (this.tellsRemote()) this.tell(mayHold)
    const unwanted = settings.attemptUnsubscribe ? topics.unwantedFilters : []
    for (const filter of unwanted)
      this.request(mayHold, { answer: PacketType.unsuback, filter }, (packetId) => ({
        type: PacketType.unsubscribe,
        packetId,
        filters: [filter],
        properties: {},
      }))
    for (const { filter, qos } of topics.remoteFilters) {
      const options = {
        noLocal: true,
        retainAsPublished: true,
        // Only what is new to the session: before 5.0 every SUBSCRIBE brings all that is retained once more.
        retainHandling: 1 as const,
      }
      const isAsked = this.request(mayHold, { answer: PacketType.suback, filter }, (packetId) => ({
        type: PacketType.subscribe,
        packetId,
        filters: [{ filter, qos, ...options }],
        properties: {},
      }))
      if (!isAsked) return this.fail(`the subscription to '${filter}' is too large for the remote`)
    }
  }

  private tell(mayHold: boolean): void {
    if (mayHold || this.info?.maximumQos === 0) this.say(this.notification('1', 0, 0))
    else
      this.request(mayHold, { answer: PacketType.puback, filter: '' }, (packetId) =>
        this.notification('1', 1, packetId),
      )
  }

  /** False: it is larger than the remote takes, and was not sent. */
  private request(
    mayHold: boolean,
    request: Request,
    packetOf: (packetId: number) => Packet,
  ): boolean {
    const packetId = this.freeId(mayHold)
    if (!this.say(packetOf(packetId))) return false
    this.due.set(packetId, request)
    return true
  }

  /**
   * An identifier under which no message is under way: the remote may hold that message under it. Where nobody knows what
   * it holds, those that messages, which count up from 1, come to last.
   */
  private freeId(mayHold: boolean): number {
    let id = this.lastRequestId
    let left = PACKET_IDS
    do id = mayHold ? (id > 1 ? id - 1 : PACKET_IDS) : (id % PACKET_IDS) + 1
    while (this.events.isUnderWay(id) && --left > 0)
    this.lastRequestId = id
    return id
  }

  private onSuback(packetId: number, codes: readonly number[]): void {
    const request = this.due.get(packetId)
    const refusal = codes.find((code) => code >= 0x80)
    if (request?.answer !== PacketType.suback || refusal === undefined)
      return this.onAnswer(packetId, PacketType.suback)
    const why = this.version === 5 ? reasonText(refusal) : 'refused'
    this.fail(`the remote does not let us subscribe to '${request.filter}': ${why}`)
  }

  private onAnswer(packetId: number, answer: Packet['type']): void {
    if (this.due.get(packetId)?.answer !== answer) return
    this.due.delete(packetId)
    this.goOn()
  }

  /** When all is answered. */
  private goOn(): void {
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

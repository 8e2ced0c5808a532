/**
 * The bridge's end at the other broker: a connection from its first byte to the moment when messages may cross.
 *
 *     dial ─▶ CONNECT ─▶ CONNACK ─▶ notification, UNSUBSCRIBE, SUBSCRIBE ─▶ their answers ─▶ ready ─▶ frames, both ways
 */
import { decodePacket } from '../codec/decode.ts'
import { encodePacket } from '../codec/encode.ts'
import { checkFixedHeader } from '../codec/frame.ts'
import { PacketType, type ConnackPacket, type Packet, type Version } from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason, reasonText } from '../codec/reason-codes.ts'
import { connectionText } from '../client/connection-text.ts'
import { connackText } from '../client/errors.ts'
import { Framer } from '../codec/framer.ts'
import { Output } from '../client/output.ts'
import type { Dial, Runtime, TimerHandle, Wire } from '../client/ports.ts'
import { SignsOfLife } from '../client/signs-of-life.ts'
import {
  connectPacket,
  infoOf,
  lesserSpeech,
  notification,
  type RemoteInfo,
  type Speech,
} from './greeting.ts'
import { Requests, tellsRemote } from './requests.ts'
import type { BridgeSettings } from './settings.ts'
import type { TopicMap } from './topic-map.ts'

/** What a bridge can do without, and is not answered within this, is not asked for any more. */
const ANSWER_MS_MAX = 10_000

/** Why a connection ended, or was none. */
export interface RemoteEnding {
  readonly why: string
  /** How to speak to the remote instead, at once; null: it is not that. */
  readonly lesser: Speech | null
}

export interface RemoteEvents {
  /** Everything asked for is granted: packets may cross. */
  ready(info: RemoteInfo): void
  /** It is, but not as asked for. */
  warn(text: string): void
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
  private readonly speech: Speech
  private readonly settings: BridgeSettings
  private readonly topics: TopicMap
  private readonly runtime: Runtime
  private readonly events: RemoteEvents
  private readonly framer: Framer
  private readonly wire: Wire
  private phase: 'dialing' | 'greeting' | 'asking' | 'ready' | 'over' = 'dialing'
  private info: RemoteInfo | null = null
  private requests: Requests | null = null
  private life: SignsOfLife | null = null
  private lastReceivedMs: number
  /** A byte came. */
  private hasSpoken = false
  /** Nothing is read, so no answer can be expected either. */
  private isPaused = false
  private pingTimer: TimerHandle | null = null
  private answerTimer: TimerHandle | null = null
  private readonly connectTimer: TimerHandle

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
    this.speech = speech
    this.runtime = runtime
    this.events = events
    this.framer = new Framer(settings.incomingPacketBytesMax)
    this.output = new Output(runtime)
    this.output.onRested = () => this.events.drained()
    this.lastReceivedMs = runtime.monotonicMs()
    this.connectTimer = runtime.setTimer(settings.connectTimeoutMs, () => this.tooLate())
    this.wire = dial({
      opened: () => this.opened(),
      received: (bytes, start, end) => this.received(bytes, start, end),
      drained: () => {
        this.output.drained()
        if (this.phase === 'ready' && !this.output.isFull) this.events.drained()
      },
      closed: (error) =>
        this.over(error === null ? 'the remote closed the connection' : connectionText(error)),
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
      if (tellsRemote(this.settings)) this.say(notification(this.settings, this.info, '0', 0, 0))
      this.say({ type: PacketType.disconnect, reason: 0, properties: {} })
      this.output.flush()
      this.wire.end()
    } else this.wire.destroy()
    this.leave()
  }

  /** Closes at once, and says why; the remote publishes our will. `lesser`: as in {@link RemoteEnding}. */
  fail(why: string, reason: number = Reason.unspecifiedError, lesser: Speech | null = null): void {
    if (this.phase === 'over') return
    if (this.version === 5 && (this.phase === 'ready' || this.phase === 'asking')) {
      this.say({ type: PacketType.disconnect, reason, properties: {} })
      this.output.flush()
      this.wire.end()
    } else this.wire.destroy()
    this.over(why, lesser)
  }

  private tooLate(): void {
    const { phase, requests, settings } = this
    const firstDue = requests?.firstDue ?? ''
    const answer = firstDue === '' ? 'CONNACK' : `answer to ${firstDue}`
    const what = phase === 'dialing' ? 'connection' : answer
    this.fail(`no ${what} within ${settings.connectTimeoutMs / 1000} seconds`)
  }

  private leave(): void {
    this.phase = 'over'
    for (const timer of [this.connectTimer, this.pingTimer, this.answerTimer])
      if (timer !== null) this.runtime.clearTimer(timer)
    this.output.use(null)
  }

  private over(why: string, lesser: Speech | null = null): void {
    if (this.phase === 'over') return
    this.leave()
    this.events.ended({ why, lesser })
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

  private opened(): void {
    if (this.phase !== 'dialing') return
    this.phase = 'greeting'
    this.output.use(this.wire)
    try {
      this.say(connectPacket(this.settings, this.speech, tellsRemote(this.settings)))
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
      if (this.phase === 'ready' || type !== PacketType.puback || !this.isOwn(bytes, bodyStart))
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
    return this.requests?.awaitsPuback((bytes[bodyStart] << 8) | bytes[bodyStart + 1]) === true
  }

  private onPacket(packet: Packet): void {
    if (packet.type === PacketType.pingresp) this.life?.answered()
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
      const why = `Connection Refused: ${connackText(this.version, code)}${said}`
      return this.over(why, lesserSpeech(this.speech, code))
    }
    const { settings } = this
    if (sessionPresent && settings.cleanSession && this.version === 5)
      throw new ProtocolError(Reason.protocolError, 'a session is there that we did not ask for')
    this.phase = 'asking'
    const info = infoOf(settings, this.version, sessionPresent, properties)
    this.info = info
    // 0 frees us from asking. A link that hangs is to be found all the same.
    const keepAliveSeconds = properties.serverKeepAliveSeconds || settings.keepAliveSeconds
    this.watch(keepAliveSeconds * 1000)
    this.ask(info)
    this.goOn()
  }

  /** Sends everything that is to be answered before messages cross. */
  private ask(info: RemoteInfo): void {
    const { events, settings, topics, speech } = this
    const asker = {
      say: (packet: Packet) => this.say(packet),
      isUnderWay: (packetId: number) => events.isUnderWay(packetId),
    }
    const requests = new Requests(asker, events.mayHold())
    this.requests = requests
    const why = requests.ask(settings, topics, speech, info)
    if (why !== null) this.fail(why)
  }

  private onSuback(packetId: number, codes: readonly number[]): void {
    const why = this.requests?.granted(packetId, codes, this.version === 5) ?? null
    if (why !== null) this.fail(why)
    else this.goOn()
  }

  private onAnswer(packetId: number, answer: Packet['type']): void {
    this.requests?.answered(packetId, answer)
    this.goOn()
  }

  /** When all is answered. */
  private goOn(): void {
    const { phase, requests, info, runtime } = this
    if (phase !== 'asking' || requests === null || info === null) return
    if (!requests.isAnswered) {
      if (requests.isDispensable)
        this.answerTimer ??= runtime.setTimer(ANSWER_MS_MAX, () => this.askLess(requests))
      return
    }
    this.phase = 'ready'
    for (const timer of [this.connectTimer, this.answerTimer])
      if (timer !== null) runtime.clearTimer(timer)
    const { lowered } = requests
    if (lowered.length > 0) this.events.warn(`the remote sends less: ${lowered.join(', ')}`)
    this.events.ready(info)
  }

  /** An identifier that waits for its answer cannot be a message's: the next connection does not ask. */
  private askLess(requests: Requests): void {
    const why = `no answer to ${requests.firstDue}: the next connection goes without`
    this.fail(why, Reason.unspecifiedError, { ...this.speech, isBrief: true })
  }

  private watch(keepAliveMs: number): void {
    if (keepAliveMs === 0) return
    const life = new SignsOfLife(keepAliveMs)
    this.life = life
    const ask = (): void => {
      this.say({ type: PacketType.pingreq })
      this.output.flush()
    }
    const look = (): void => {
      const { lastReceivedMs, isPaused, output } = this
      const times = { lastWriteMs: output.lastWriteMs, lastReceivedMs, isPaused }
      const waitMs = life.look(this.runtime.monotonicMs(), times, ask)
      if (waitMs > 0) this.pingTimer = this.runtime.setTimer(waitMs, look)
      else this.fail(`no sign of life from the remote for ${life.answerMs / 1000} seconds`)
    }
    this.pingTimer = this.runtime.setTimer(life.quietMs, look)
  }
}

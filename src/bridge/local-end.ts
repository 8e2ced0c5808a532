/**
 * The bridge's end in its own broker: a client that is connected without a network, in MQTT 5.0, so that nothing of a
 * message is lost on the way. Its session is an ordinary one; while the bridge is down it keeps what is to cross.
 *
 *     open ─▶ CONNECT ─▶ CONNACK ─▶ SUBSCRIBE, UNSUBSCRIBE ─▶ their answers ─▶ ready ─▶ frames, both ways
 *
 * The broker writes to it in the middle of its own work: what it sets off in the bridge waits for the end of the turn.
 */
import { ByteWriter } from '../codec/byte-writer.ts'
import { decodePacket } from '../codec/decode.ts'
import { encodePacket } from '../codec/encode.ts'
import {
  PacketType,
  type ConnackPacket,
  type Packet,
  type SubackPacket,
  type SubscribeFilter,
} from '../codec/packets.ts'
import { reasonText } from '../codec/reason-codes.ts'
import { Framer } from '../codec/framer.ts'
import type { Runtime, TimerHandle } from '../client/ports.ts'
import { BRIDGE_LISTENER, type Link } from '../ports/ports.ts'
import type { LocalBroker, LocalConnection } from './local-broker.ts'
import type { BridgeSettings } from './settings.ts'
import type { WantedFilter } from './topic-map.ts'

const PACKET_BYTES_MAX = 268_435_460
const NEVER = 0xffffffff
/** Identifiers of our own requests; the remote's messages count up from 1. */
const SUBSCRIBE_ID = 65_535
const UNSUBSCRIBE_ID = 65_534
/** What the broker has no room for now, it is asked for again. */
const ASK_AGAIN_MS = 10_000

export interface LocalEvents {
  /** The broker has let it in; nothing of the session has come yet. Within the broker's own work. */
  began(sessionPresent: boolean): void
  /** Subscribed: frames may cross. `sessionPresent`: it had been here before. */
  ready(sessionPresent: boolean): void
  /** A packet from the broker, other than those of the handshake. */
  frame(first: number, bytes: Uint8Array, start: number, bodyStart: number, end: number): void
  /** Whether what was taken is too much for now; then {@link LocalEnd.drained} follows. */
  isFull(): boolean
  pause(): void
  resume(): void
  /** The broker let it go, or refused it. Not called after {@link LocalEnd.close}. */
  closed(why: string): void
  /** The broker does not subscribe it to this now; it is asked again. */
  refused(filter: string, why: string): void
}

export interface LocalOptions {
  readonly settings: BridgeSettings
  readonly filters: readonly WantedFilter[]
  /** Sends what is retained of the filters. */
  readonly wantsRetained: boolean
  /** Unacknowledged messages that the broker may send, 1 to 65535. */
  readonly receiveMaximum: number
}

export class LocalEnd implements Link {
  readonly listener = BRIDGE_LISTENER
  readonly tls = null
  readonly writeSome = null
  readonly remote: string
  private readonly broker: LocalBroker
  private readonly runtime: Runtime
  private readonly options: LocalOptions
  private readonly events: LocalEvents
  private readonly framer = new Framer(PACKET_BYTES_MAX)
  private connection: LocalConnection | null = null
  private answersDue = 0
  /** Of the last SUBSCRIBE. */
  private asked: SubscribeFilter[] = []
  private askAgain: TimerHandle | null = null
  private sessionPresent = false
  private isReady = false
  private isHolding = false
  /** {@link close} was called. */
  private isLeft = false
  private refusal = 'this broker closed its side of the bridge'

  constructor(broker: LocalBroker, runtime: Runtime, options: LocalOptions, events: LocalEvents) {
    this.broker = broker
    this.runtime = runtime
    this.options = options
    this.events = events
    this.remote = `bridge ${options.settings.name}`
  }

  open(): void {
    const { settings, receiveMaximum } = this.options
    this.connection = this.broker.accept(this)
    this.say({
      type: PacketType.connect,
      version: 5,
      bridge: false,
      cleanStart: settings.localCleanSession,
      keepAliveSeconds: 0,
      clientId: settings.localClientId,
      will: null,
      username: settings.localUsername,
      password: null,
      properties: {
        sessionExpirySeconds: settings.localCleanSession ? 0 : NEVER,
        receiveMaximum,
      },
    })
  }

  /** Hands packets to the broker: `bytes[0..length)`, which may be reused afterwards. */
  send(bytes: Uint8Array, length: number): void {
    if (this.connection !== null) this.broker.receive(this.connection, bytes, 0, length)
  }

  /** What was too much has left. */
  drained(): void {
    if (!this.isHolding || this.connection === null) return
    this.isHolding = false
    this.broker.linkDrained(this.connection)
  }

  /** Leaves; the session stays if it is one that does. `why`: for the log. */
  close(why: string): void {
    const { connection } = this
    this.isLeft = true
    this.connection = null
    this.stopAsking()
    if (connection !== null) this.broker.linkClosed(connection, why)
  }

  // ── what the broker calls ──

  write(bytes: Uint8Array, length: number): boolean {
    this.framer.push(bytes, 0, length, (first, packet, start, bodyStart, end) => {
      if (first >> 4 === PacketType.disconnect) this.onDisconnect(first, packet, bodyStart, end)
      else if (this.isReady && first >> 4 !== PacketType.suback)
        this.events.frame(first, packet, start, bodyStart, end)
      else this.onAnswer(first, packet, start, bodyStart, end)
      return this.connection !== null
    })
    this.isHolding = this.connection !== null && this.events.isFull()
    return !this.isHolding
  }

  pause(): void {
    this.events.pause()
  }

  resume(): void {
    this.events.resume()
  }

  end(): void {
    const { connection } = this
    this.connection = null
    this.stopAsking()
    if (connection === null) return
    this.runtime.soon(() => {
      this.broker.linkClosed(connection, 'closed')
      if (!this.isLeft) this.events.closed(this.refusal)
    })
  }

  // ── the handshake ──

  /** Not within the call in which the broker writes: it must not be entered from there. */
  private say(packet: Packet): void {
    const out = new ByteWriter(new Uint8Array(512))
    encodePacket(out, 5, packet)
    this.runtime.soon(() => this.send(out.bytes, out.length))
  }

  private onAnswer(
    first: number,
    bytes: Uint8Array,
    start: number,
    bodyStart: number,
    end: number,
  ): void {
    const type = first >> 4
    // Messages of a session that was here before come at once.
    if (type === PacketType.publish || type === PacketType.pubrel)
      return this.events.frame(first, bytes, start, bodyStart, end)
    const packet = decodePacket(5, first, bytes, bodyStart, end, { fromClient: false })
    if (packet.type === PacketType.connack) this.onConnack(packet)
    else if (packet.type === PacketType.suback) this.onSuback(packet)
    else if (packet.type === PacketType.unsuback) this.answered()
  }

  /** To leave would not help: on a full disk what is queued for the bridge has to go out first. */
  private onSuback({ codes }: SubackPacket): void {
    const refused = this.asked.filter((_filter, n) => codes[n] >= 0x80)
    if (refused.length > 0) {
      // What it had before stands, and is asked for again only because it may be meant to change.
      const standing = this.broker.filtersOf(this.options.settings.localClientId)
      const missing = refused.find(({ filter }) => !standing.includes(filter))
      const code = Math.max(...codes)
      if (missing !== undefined) this.events.refused(missing.filter, reasonText(code))
      this.askAgain = this.runtime.setTimer(ASK_AGAIN_MS, () => this.ask(refused))
    }
    if (!this.isReady) this.answered()
  }

  private ask(filters: SubscribeFilter[]): void {
    const { subscribe: type } = PacketType
    this.askAgain = null
    this.asked = filters
    this.say({ type, packetId: SUBSCRIBE_ID, filters, properties: {} })
  }

  private stopAsking(): void {
    if (this.askAgain !== null) this.runtime.clearTimer(this.askAgain)
    this.askAgain = null
  }

  private onDisconnect(first: number, bytes: Uint8Array, bodyStart: number, end: number): void {
    const packet = decodePacket(5, first, bytes, bodyStart, end, { fromClient: false })
    if (packet.type === PacketType.disconnect) this.refusal += `: ${reasonText(packet.reason)}`
  }

  private onConnack({ code, sessionPresent }: ConnackPacket): void {
    if (code === 0) return this.subscribe(sessionPresent)
    this.refusal = `this broker refused its own bridge: ${reasonText(code)}`
  }

  private subscribe(sessionPresent: boolean): void {
    const { filters, wantsRetained, settings } = this.options
    this.sessionPresent = sessionPresent
    this.events.began(sessionPresent)
    const wanted = filters.map(({ filter, qos }): SubscribeFilter => ({
      filter,
      qos,
      noLocal: true,
      retainAsPublished: true,
      retainHandling: wantsRetained ? 0 : 2,
    }))
    const names = new Set(filters.map(({ filter }) => filter))
    const left = this.broker.filtersOf(settings.localClientId).filter((name) => !names.has(name))
    this.answersDue = 1
    if (wanted.length > 0) {
      this.answersDue++
      this.ask(wanted)
    }
    if (left.length > 0) {
      this.answersDue++
      const { unsubscribe: type } = PacketType
      this.say({ type, packetId: UNSUBSCRIBE_ID, filters: left, properties: {} })
    }
    this.answered()
  }

  private answered(): void {
    if (--this.answersDue > 0) return
    this.isReady = true
    this.runtime.soon(() => {
      if (this.connection !== null) this.events.ready(this.sessionPresent)
    })
  }
}

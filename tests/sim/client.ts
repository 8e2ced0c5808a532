/**
 * A client that keeps the protocol: packet ids, windows, QoS 1 and 2 in both directions, resend on resume. It
 * notes whatever the broker says that the protocol does not allow.
 */
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame } from '../../src/codec/frame.ts'
import {
  PacketType,
  type AckPacket,
  type ConnackPacket,
  type Packet,
  type PublishPacket,
  type Qos,
  type SubackPacket,
  type UnsubackPacket,
  type WillPacket,
} from '../../src/codec/packets.ts'
import { Reason } from '../../src/codec/reason-codes.ts'
import { SimLink, type FarEnd, type SimNode } from './world.ts'

interface Sending {
  packet: PublishPacket
  released: boolean
}

export interface Received {
  topic: string
  payload: string
  qos: Qos
  retain: boolean
}

export interface Will {
  topic: string
  payload: string
  delaySeconds?: number
}

export interface ClientOptions {
  /** 5.0 only: what the client says of itself in CONNECT. */
  receiveMaximum?: number
  topicAliasMaximum?: number
}

/** A client that does nothing wrong is not sent away for anything else. */
const EXPECTED_ENDS = new Set<number>([Reason.sessionTakenOver, Reason.serverShuttingDown])

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class SimClient implements FarEnd {
  readonly id: string
  readonly version: 4 | 5
  readonly durable: boolean
  readonly received: Received[] = []
  /** Payloads whose PUBACK or PUBCOMP came. */
  readonly acked = new Set<string>()
  readonly granted = new Set<string>()
  /** A CONNACK said that the session is new though it had one. */
  lostSession = false
  /** What the broker did against the protocol. */
  readonly violations: string[] = []
  sessionPresent = false
  private hasSession = false
  connected = false
  disconnectReason = -1
  /** QoS 1 and 2 sent by the broker and not acknowledged, the most at once. */
  largestWindow = 0
  will: Will | null = null
  /** Acknowledge nothing, to let a queue build up. */
  holdAcks = false
  /** Runs an acknowledgement, now or later, in order. */
  ackLater: (run: () => void) => void = (run) => run()
  /** Subscribed to again whenever a session begins. */
  readonly standing: { filter: string; qos: Qos }[] = []
  onAcked: ((payload: string) => void) | null = null
  onAnswer: ((type: 'suback' | 'unsuback', filter: string) => void) | null = null
  readonly options: ClientOptions
  private link: SimLink | null = null
  private node: SimNode | null = null
  private pending = new Uint8Array(0)
  /** CONNACK came on this connection. */
  private welcomed = false
  private lastPacketId = 0
  private sendMaximum = 65535
  /** Beyond the broker's Receive Maximum. */
  private backlog: PublishPacket[] = []
  private readonly sending = new Map<number, Sending>()
  private readonly asked = new Map<number, string>()
  private readonly aliases = new Map<number, string>()
  /** QoS 2 received and not released, with its payload. */
  private readonly heldIn = new Map<number, { text: string; node: SimNode | null }>()
  private readonly unacknowledged = new Set<number>()

  constructor(id: string, version: 4 | 5, durable: boolean, options: ClientOptions = {}) {
    this.id = id
    this.version = version
    this.durable = durable
    this.options = options
  }

  get idle(): boolean {
    return this.connected && this.sending.size === 0 && this.backlog.length === 0
  }

  /** A SUBSCRIBE or UNSUBSCRIBE has no answer yet. */
  get asking(): boolean {
    return this.asked.size > 0
  }

  connect(node: SimNode, delayMs: number): void {
    this.link?.drop()
    this.pending = new Uint8Array(0)
    this.aliases.clear()
    this.welcomed = false
    this.node = node
    this.disconnectReason = -1
    this.link = new SimLink(node, this, this.id, delayMs)
    const sessionExpirySeconds = this.durable ? 100_000 : 0
    this.send({
      type: PacketType.connect,
      version: this.version,
      bridge: false,
      cleanStart: !this.durable,
      keepAliveSeconds: 0,
      clientId: this.id,
      will: this.willPacket(),
      username: null,
      password: null,
      properties: this.version === 5 ? { sessionExpirySeconds, ...this.options } : {},
    })
  }

  private willPacket(): WillPacket | null {
    if (this.will === null) return null
    const { topic, payload, delaySeconds = 0 } = this.will
    const properties = this.version === 5 ? { willDelaySeconds: delaySeconds } : {}
    return { topic, payload: encoder.encode(payload), qos: 2, retain: false, properties }
  }

  subscribe(filter: string, qos: Qos): void {
    const packetId = this.nextId()
    this.asked.set(packetId, filter)
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 as const }
    const filters = [{ filter, qos, ...options }]
    this.send({ type: PacketType.subscribe, packetId, filters, properties: {} })
  }

  unsubscribe(filter: string): void {
    const packetId = this.nextId()
    this.asked.set(packetId, filter)
    this.send({ type: PacketType.unsubscribe, packetId, filters: [filter], properties: {} })
  }

  publish(topic: string, payload: string, qos: Qos, retain = false): void {
    const packet: PublishPacket = {
      type: PacketType.publish,
      dup: false,
      qos,
      retain,
      topic,
      packetId: 0,
      properties: {},
      payload: encoder.encode(payload),
    }
    if (qos === 0) return this.send(packet)
    this.backlog.push(packet)
    this.sendBacklog()
  }

  private sendBacklog(): void {
    while (this.connected && this.backlog.length > 0 && this.sending.size < this.sendMaximum) {
      const packet = this.backlog.shift() as PublishPacket
      packet.packetId = this.nextId()
      this.sending.set(packet.packetId, { packet, released: false })
      this.send(packet)
    }
  }

  disconnect(): void {
    this.send({ type: PacketType.disconnect, reason: 0, properties: {} })
    this.connected = false
  }

  cut(): void {
    this.link?.drop()
  }

  /** Gone without a trace: the broker still has the connection. */
  abandon(): void {
    const { link } = this
    this.link = null
    link?.abandon()
  }

  closed(): void {
    this.connected = false
    this.unacknowledged.clear()
    this.asked.clear()
    if (this.durable) return
    this.sending.clear()
    this.heldIn.clear()
    this.granted.clear()
    this.backlog = []
  }

  receive(bytes: Uint8Array): void {
    const all = new Uint8Array(this.pending.length + bytes.length)
    all.set(this.pending)
    all.set(bytes, this.pending.length)
    const frame = { first: 0, bodyStart: -1, frameEnd: -1 }
    let at = 0
    try {
      while (readFrame(all, at, all.length, frame)) {
        const { first, bodyStart, frameEnd } = frame
        at = frameEnd
        const options = { fromClient: false }
        this.handle(decodePacket(this.version, first, all, bodyStart, frameEnd, options))
      }
    } catch (error) {
      this.violation(`cannot be read: ${String(error)}`)
      at = all.length
    }
    this.pending = all.slice(at)
  }

  private violation(text: string): void {
    this.violations.push(`${this.id}: ${text}`)
  }

  private nextId(): number {
    do this.lastPacketId = (this.lastPacketId % 65535) + 1
    while (this.sending.has(this.lastPacketId) || this.asked.has(this.lastPacketId))
    return this.lastPacketId
  }

  private send(packet: Packet): void {
    const out = new ByteWriter(new Uint8Array(64))
    encodePacket(out, this.version, packet)
    this.link?.send(out.bytes.slice(0, out.length))
  }

  private ack(type: 4 | 5 | 6 | 7, packetId: number): void {
    this.send({ type, packetId, reason: 0, properties: {} })
  }

  private handle(packet: Packet): void {
    if (packet.type === PacketType.connack) return this.onConnack(packet)
    if (!this.welcomed) return this.violation(`packet ${packet.type} before CONNACK`)
    if (packet.type === PacketType.publish) this.onPublish(packet)
    else if (packet.type === PacketType.suback || packet.type === PacketType.unsuback)
      this.onSubscriptionAck(packet)
    else if (packet.type === PacketType.disconnect) this.onDisconnect(packet.reason)
    else if ('packetId' in packet) this.onAck(packet as AckPacket)
    else this.violation(`packet ${packet.type} is not for a client`)
  }

  private onConnack({ sessionPresent, code, properties }: ConnackPacket): void {
    if (this.welcomed) this.violation('a second CONNACK')
    this.welcomed = true
    if (code !== 0) return this.violation(`refused with ${code}`)
    if (sessionPresent && !this.durable) this.violation('session present for a clean session')
    this.connected = true
    if (this.durable && this.hasSession && !sessionPresent) this.lostSession = true
    this.hasSession = true
    this.sessionPresent = sessionPresent
    this.sendMaximum = properties.receiveMaximum ?? 65535
    if (!sessionPresent) this.heldIn.clear()
    for (const [packetId, { packet, released }] of this.sending) {
      if (released) this.ack(PacketType.pubrel, packetId)
      else this.send({ ...packet, dup: true })
    }
    if (!sessionPresent) for (const { filter, qos } of this.standing) this.subscribe(filter, qos)
    this.sendBacklog()
  }

  private onSubscriptionAck({ type, packetId, codes }: SubackPacket | UnsubackPacket): void {
    const filter = this.asked.get(packetId)
    if (filter === undefined) return this.violation(`SUBACK or UNSUBACK for unknown ${packetId}`)
    this.asked.delete(packetId)
    if (codes.some((code) => code >= 0x80)) this.violation(`${filter} refused with ${codes.join()}`)
    if (type === PacketType.suback) this.granted.add(filter)
    else this.granted.delete(filter)
    this.onAnswer?.(type === PacketType.suback ? 'suback' : 'unsuback', filter)
  }

  private onDisconnect(reason: number): void {
    this.disconnectReason = reason
    if (this.version === 4) this.violation('DISCONNECT to a 3.1.1 client')
    if (!EXPECTED_ENDS.has(reason)) this.violation(`disconnected for ${reason}`)
  }

  private topicOf({ topic, properties: { topicAlias } }: PublishPacket): string {
    if (topicAlias === undefined) return topic
    if (topicAlias > (this.options.topicAliasMaximum ?? 0)) this.violation(`alias ${topicAlias}`)
    if (topic !== '') this.aliases.set(topicAlias, topic)
    return this.aliases.get(topicAlias) ?? `no topic for alias ${topicAlias}`
  }

  private onPublish(packet: PublishPacket): void {
    const { payload, qos, retain, packetId, dup } = packet
    const text = decoder.decode(payload)
    const topic = this.topicOf(packet)
    const held = qos === 2 ? this.heldIn.get(packetId) : undefined
    const isRepeat = held !== undefined
    if (!isRepeat) this.received.push({ topic, payload: text, qos, retain })
    if (qos === 0) return
    if (this.unacknowledged.has(packetId))
      this.violation(`packet id ${packetId} is in use, and comes again on one connection`)
    if (isRepeat && held.text !== text)
      this.violation(`packet id ${packetId} stands for another QoS 2 message than before`)
    // A broker made anew from its store does not know for sure what the one before had sent.
    if (isRepeat && !dup && held.node === this.node)
      this.violation(`QoS 2 message ${packetId} comes again without DUP`)
    this.unacknowledged.add(packetId)
    this.largestWindow = Math.max(this.largestWindow, this.unacknowledged.size)
    if (qos === 2) this.heldIn.set(packetId, { text, node: this.node })
    if (this.holdAcks) return
    const { link } = this
    this.ackLater(() => {
      if (this.link !== link || link?.gone !== false) return
      if (qos === 1) this.unacknowledged.delete(packetId)
      this.ack(qos === 1 ? PacketType.puback : PacketType.pubrec, packetId)
    })
  }

  private onAck({ type, packetId, reason }: AckPacket): void {
    if (type === PacketType.pubrel) {
      this.heldIn.delete(packetId)
      this.unacknowledged.delete(packetId)
      return this.ack(PacketType.pubcomp, packetId)
    }
    const sending = this.sending.get(packetId)
    if (sending === undefined) return this.violation(`packet ${type} for unknown id ${packetId}`)
    // 0x10: no matching subscribers; 0x92: the broker had this PUBREL before.
    if (reason !== 0 && reason !== 0x10 && !(type === PacketType.pubcomp && reason === 0x92))
      this.violation(`packet ${type} says ${reason}`)
    if (type === PacketType.pubrec) {
      sending.released = true
      return this.ack(PacketType.pubrel, packetId)
    }
    const expected = sending.packet.qos === 1 ? PacketType.puback : PacketType.pubcomp
    if (type !== expected) this.violation(`packet ${type} ends a QoS ${sending.packet.qos} message`)
    this.sending.delete(packetId)
    const payload = decoder.decode(sending.packet.payload)
    this.acked.add(payload)
    this.onAcked?.(payload)
    this.sendBacklog()
  }
}

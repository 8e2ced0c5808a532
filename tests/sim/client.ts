/** A client that keeps the protocol: packet ids, windows, QoS 1 and 2 in both directions, resend on resume. */
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame } from '../../src/codec/frame.ts'
import { PacketType, type Packet, type PublishPacket, type Qos } from '../../src/codec/packets.ts'
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
  sessionPresent = false
  private hasSession = false
  connected = false
  disconnectReason = -1
  /** QoS 1 and 2 sent by the broker and not acknowledged, the most at once. */
  largestWindow = 0
  will: { topic: string; payload: string } | null = null
  /** Acknowledge nothing, to let a queue build up. */
  holdAcks = false
  private link: SimLink | null = null
  private pending = new Uint8Array(0)
  private lastPacketId = 0
  private readonly sending = new Map<number, Sending>()
  private readonly subscribing = new Map<number, string>()
  private readonly heldIn = new Set<number>()
  private readonly unacknowledged = new Set<number>()

  constructor(id: string, version: 4 | 5, durable: boolean) {
    this.id = id
    this.version = version
    this.durable = durable
  }

  get idle(): boolean {
    return this.connected && this.sending.size === 0
  }

  connect(node: SimNode, delayMs: number): void {
    this.link?.drop()
    this.pending = new Uint8Array(0)
    this.link = new SimLink(node, this, this.id, delayMs)
    const properties =
      this.version === 5 ? { sessionExpirySeconds: this.durable ? 100_000 : 0 } : {}
    const will =
      this.will === null
        ? null
        : {
            topic: this.will.topic,
            payload: encoder.encode(this.will.payload),
            qos: 2 as const,
            retain: false,
            properties: {},
          }
    this.send({
      type: PacketType.connect,
      version: this.version,
      bridge: false,
      cleanStart: !this.durable,
      keepAliveSeconds: 0,
      clientId: this.id,
      will,
      username: null,
      password: null,
      properties,
    })
  }

  subscribe(filter: string, qos: Qos): void {
    const packetId = this.nextId()
    this.subscribing.set(packetId, filter)
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 as const }
    const filters = [{ filter, qos, ...options }]
    this.send({ type: PacketType.subscribe, packetId, filters, properties: {} })
  }

  publish(topic: string, payload: string, qos: Qos, retain = false): void {
    const packetId = qos === 0 ? 0 : this.nextId()
    const packet: PublishPacket = {
      type: PacketType.publish,
      dup: false,
      qos,
      retain,
      topic,
      packetId,
      properties: {},
      payload: encoder.encode(payload),
    }
    if (qos > 0) this.sending.set(packetId, { packet, released: false })
    this.send(packet)
  }

  disconnect(): void {
    this.send({ type: PacketType.disconnect, reason: 0, properties: {} })
    this.connected = false
  }

  cut(): void {
    this.link?.drop()
  }

  closed(): void {
    this.connected = false
    this.unacknowledged.clear()
    if (!this.durable) {
      this.sending.clear()
      this.heldIn.clear()
    }
  }

  receive(bytes: Uint8Array): void {
    const all = new Uint8Array(this.pending.length + bytes.length)
    all.set(this.pending)
    all.set(bytes, this.pending.length)
    const frame = { first: 0, bodyStart: -1, frameEnd: -1 }
    let at = 0
    while (readFrame(all, at, all.length, frame)) {
      const { first, bodyStart, frameEnd } = frame
      at = frameEnd
      this.handle(
        decodePacket(this.version, first, all, bodyStart, frameEnd, { fromClient: false }),
      )
    }
    this.pending = all.slice(at)
  }

  private nextId(): number {
    do this.lastPacketId = (this.lastPacketId % 65535) + 1
    while (this.sending.has(this.lastPacketId))
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
    if (packet.type === PacketType.connack) return this.onConnack(packet.sessionPresent)
    if (packet.type === PacketType.suback) {
      const filter = this.subscribing.get(packet.packetId)
      if (filter !== undefined) this.granted.add(filter)
    } else if (packet.type === PacketType.publish) this.onPublish(packet)
    else if (packet.type === PacketType.disconnect) this.disconnectReason = packet.reason
    else if ('packetId' in packet) this.onAck(packet.type, packet.packetId)
  }

  private onConnack(sessionPresent: boolean): void {
    this.connected = true
    if (this.hasSession && !sessionPresent) this.lostSession = true
    this.hasSession = true
    this.sessionPresent = sessionPresent
    if (!sessionPresent) this.heldIn.clear()
    for (const [packetId, { packet, released }] of this.sending) {
      if (released) this.ack(PacketType.pubrel, packetId)
      else this.send({ ...packet, dup: true })
    }
  }

  private onPublish({ topic, payload, qos, retain, packetId }: PublishPacket): void {
    const isRepeat = qos === 2 && this.heldIn.has(packetId)
    if (!isRepeat) this.received.push({ topic, payload: decoder.decode(payload), qos, retain })
    if (qos === 0) return
    this.unacknowledged.add(packetId)
    this.largestWindow = Math.max(this.largestWindow, this.unacknowledged.size)
    if (qos === 2) this.heldIn.add(packetId)
    if (this.holdAcks) return
    if (qos === 1) this.unacknowledged.delete(packetId)
    this.ack(qos === 1 ? PacketType.puback : PacketType.pubrec, packetId)
  }

  private onAck(type: number, packetId: number): void {
    if (type === PacketType.pubrel) {
      this.heldIn.delete(packetId)
      this.unacknowledged.delete(packetId)
      return this.ack(PacketType.pubcomp, packetId)
    }
    const sending = this.sending.get(packetId)
    if (sending === undefined) return
    if (type === PacketType.pubrec) {
      sending.released = true
      return this.ack(PacketType.pubrel, packetId)
    }
    this.sending.delete(packetId)
    this.acked.add(decoder.decode(sending.packet.payload))
  }
}

/**
 * A client for the ledgers: durable session, QoS 1 or 2 in both directions, and a line that may break at any time.
 * It comes back by itself, and keeps across connections what the protocol lets it rely on: what it sent and was not
 * acknowledged, and which QoS 2 messages it holds.
 */
import { connect, type Socket } from 'node:net'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { readFrame } from '../../src/codec/frame.ts'
import { PacketType, type Packet, type PublishPacket, type Qos } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'

export interface LedgerClientOptions {
  readonly port: number
  readonly clientId: string
  readonly version: 4 | 5
  /** Kept while offline; 0xFFFFFFFF: for ever. */
  readonly expirySeconds: number
  /** Subscribed to when a session begins; '': nothing. */
  readonly filter: string
  readonly qos: Qos
  /** A message came; not one of QoS 2 that is held already. `retain`: it answers a subscription. */
  onMessage?(topic: string, payload: string, retain: boolean): void
  /** The broker took the message over for good: PUBACK, PUBCOMP. */
  onDone?(payload: string): void
  /** The broker broke the protocol, or lost the session. */
  onViolation(text: string): void
}

interface Sending {
  readonly packet: PublishPacket
  readonly payload: string
  released: boolean
}

const RETRY_MS = 15
const decoder = new TextDecoder()

export class LedgerClient {
  /** CONNACK came, and the subscription stands. */
  ready = false
  /** Wanted online; false: it stays away. */
  private wanted = true
  private isOver = false
  private readonly options: LedgerClientOptions
  private socket: Socket | null = null
  private pending = new Uint8Array(0)
  private hasSession = false
  private isSubscribed = false
  private lastPacketId = 0
  private readonly sending = new Map<number, Sending>()
  private readonly held = new Map<number, string>()
  private output: Packet[] = []

  constructor(options: LedgerClientOptions) {
    this.options = options
    this.connect()
  }

  /** Messages on their way. */
  get inFlight(): number {
    return this.sending.size
  }

  /** Breaks the line; it comes back at once. */
  cut(): void {
    this.socket?.destroy()
  }

  /** Breaks the line and stays away until {@link comeBack}. */
  stayAway(): void {
    this.wanted = false
    this.cut()
  }

  comeBack(): void {
    if (this.wanted || this.isOver) return
    this.wanted = true
    if (this.socket === null) this.connect()
  }

  /** Breaks the line for good. */
  end(): void {
    this.stayAway()
    this.isOver = true
  }

  /** What makes another client with the same session know what this one knows now. */
  fork(): (changes: Partial<LedgerClientOptions>) => LedgerClient {
    const held = new Map(this.held)
    const { hasSession, isSubscribed, options } = this
    return (changes) => {
      const fork = new LedgerClient({ ...options, ...changes })
      for (const [packetId, text] of held) fork.held.set(packetId, text)
      fork.hasSession = hasSession
      fork.isSubscribed = isSubscribed
      return fork
    }
  }

  publish(topic: string, payload: string, retain = false): void {
    const { qos } = this.options
    do this.lastPacketId = (this.lastPacketId % 65535) + 1
    while (this.sending.has(this.lastPacketId))
    const packetId = this.lastPacketId
    const packet = make.publish(topic, payload, { qos, packetId, retain })
    this.sending.set(packetId, { packet, payload, released: false })
    if (this.ready) this.send(packet)
  }

  private connect(): void {
    if (!this.wanted) return
    const { port, clientId, version, expirySeconds } = this.options
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket = socket
    this.pending = new Uint8Array(0)
    socket.on('connect', () =>
      this.send(
        make.connect(version, {
          clientId,
          cleanStart: false,
          properties: version === 5 ? { sessionExpirySeconds: expirySeconds } : {},
        }),
      ),
    )
    socket.on('data', (chunk) => this.take(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ready = false
      this.output = []
      this.socket = null
      setTimeout(() => {
        if (this.socket === null) this.connect()
      }, RETRY_MS)
    })
  }

  /** All packets of a turn leave in one write. */
  private send(packet: Packet): void {
    if (this.output.push(packet) > 1) return
    setImmediate(() => {
      const out = new ByteWriter(new Uint8Array(1024))
      for (const each of this.output) encodePacket(out, this.options.version, each)
      this.output = []
      this.socket?.write(out.bytes.slice(0, out.length))
    })
  }

  private take(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.pending.length + chunk.length)
    bytes.set(this.pending)
    bytes.set(chunk, this.pending.length)
    const frame = { first: 0, bodyStart: 0, frameEnd: 0 }
    let at = 0
    while (readFrame(bytes, at, bytes.length, frame)) {
      const { first, bodyStart, frameEnd } = frame
      const options = { fromClient: false }
      this.handle(decodePacket(this.options.version, first, bytes, bodyStart, frameEnd, options))
      at = frameEnd
    }
    this.pending = bytes.slice(at)
  }

  private handle(packet: Packet): void {
    if (packet.type === PacketType.connack) this.onConnack(packet.sessionPresent, packet.code)
    else if (packet.type === PacketType.suback) this.onReady()
    else if (packet.type === PacketType.publish) this.onPublish(packet)
    else if (packet.type === PacketType.pubrel) {
      this.held.delete(packet.packetId)
      this.send(make.ack('pubcomp', packet.packetId))
    } else if ('packetId' in packet) this.onAck(packet.type, packet.packetId)
  }

  private onConnack(sessionPresent: boolean, code: number): void {
    const { filter, qos, expirySeconds, clientId } = this.options
    if (code !== 0) return this.cut()
    const mayBeGone = expirySeconds < 1000
    if (!sessionPresent) {
      if (this.hasSession && !mayBeGone)
        this.options.onViolation(`${clientId}: its session was lost`)
      this.held.clear()
      this.isSubscribed = false
    }
    this.hasSession = true
    if (filter === '' || this.isSubscribed) return this.onReady()
    this.send(make.subscribe(65535, [{ filter, qos }]))
  }

  private onReady(): void {
    this.isSubscribed = true
    this.ready = true
    for (const [packetId, { packet, released }] of this.sending) {
      if (released) this.send(make.ack('pubrel', packetId))
      else this.send({ ...packet, dup: true })
    }
  }

  private onPublish({ topic, payload, qos, packetId, retain }: PublishPacket): void {
    const text = decoder.decode(payload)
    const held = qos === 2 ? this.held.get(packetId) : undefined
    if (held === undefined) this.options.onMessage?.(topic, text, retain)
    else if (held !== text)
      this.options.onViolation(`packet id ${packetId} stood for '${held}', now for '${text}'`)
    if (qos === 2) this.held.set(packetId, text)
    if (qos > 0) this.send(make.ack(qos === 1 ? 'puback' : 'pubrec', packetId))
  }

  private onAck(type: number, packetId: number): void {
    const sending = this.sending.get(packetId)
    if (sending === undefined) return
    if (type === PacketType.pubrec) {
      sending.released = true
      return this.send(make.ack('pubrel', packetId))
    }
    this.sending.delete(packetId)
    this.options.onDone?.(sending.payload)
  }
}

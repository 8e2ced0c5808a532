import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { EncodeError } from '../../src/codec/encode-error.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { checkFixedHeader, readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import type { Packet, Properties, Qos, Version } from '../../src/codec/packets.ts'
import { encodeCarelessly } from './careless.ts'
import * as make from './packets.ts'
import { waitMsMax } from './patience.ts'
import { nameOf, type PacketName, type PacketOf } from './packets.ts'

/** What is asked of a packet: the fields named must be equal; a text stands for its UTF-8 bytes. */
export type Expected<T> = {
  [K in keyof T]?: T[K] extends Uint8Array ? Uint8Array | string : T[K]
}

/** What goes on the wire: a packet, or bytes as they are or in hex (blanks ignored). */
export type Sendable = Packet | Uint8Array | string

const text = new TextDecoder()

/** Tests say what must be refused as well. */
function encode(out: ByteWriter, version: Version, packet: Packet): void {
  try {
    encodePacket(out, version, packet)
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error
    encodeCarelessly(out, version, packet)
  }
}

/**
 * A client that does only what it is told: packets out, packets in, in order. Nothing is acknowledged,
 * pinged or retried behind a test's back; `receive` and `publish` spell a whole exchange.
 */
export class RawClient {
  readonly version: Version
  /** Packets that came and were not asked for yet. */
  readonly inbox: Packet[] = []
  /** Size of the largest packet that came, in bytes with its header. */
  largestFrame = 0
  /** First bytes of the packets that came. */
  readonly firstBytes: number[] = []
  private readonly socket: Socket
  private pending = new Uint8Array(0)
  private failure: Error | null = null
  private closed = false
  private wake: (() => void) | null = null
  private lastPacketId = 0

  private constructor(socket: Socket, version: Version) {
    this.socket = socket
    this.version = version
    socket.on('data', (chunk) => this.take(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.wake?.()
    })
  }

  /** A TCP connection to the port of a broker, nothing sent yet; from `localAddress` of the loopback net. */
  static async open(port: number, version: Version, localAddress?: string): Promise<RawClient> {
    const from = localAddress === undefined ? {} : { localAddress }
    const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true, ...from })
    await once(socket, 'connect')
    return new RawClient(socket, version)
  }

  /** A connection that stands already: TLS, a unix socket, … */
  static over(socket: Socket, version: Version): RawClient {
    return new RawClient(socket, version)
  }

  /** Everything in one write. */
  send(...items: Sendable[]): void {
    this.socket.write(this.bytesOf(items))
  }

  /** The bytes that `send` would write. */
  bytesOf(items: Sendable[]): Uint8Array {
    const out = new ByteWriter(new Uint8Array(256))
    for (const item of items) {
      if (typeof item === 'string') {
        const bytes = Buffer.from(item.replaceAll(/\s/g, ''), 'hex')
        out.append(bytes, 0, bytes.length)
      } else if (item instanceof Uint8Array) out.append(item, 0, item.length)
      else encode(out, this.version, item)
    }
    return out.bytes.slice(0, out.length)
  }

  /** The next packet, which must be of this type and have these fields. */
  async expect<N extends PacketName>(
    name: N,
    expected: Expected<PacketOf[N]> = {},
  ): Promise<PacketOf[N]> {
    await this.until(() => this.inbox.length > 0, name)
    const packet = this.inbox.shift()!
    assert.equal(nameOf(packet), name, `${name} expected, got ${describe(packet)}`)
    assertFields(packet, expected)
    return packet as PacketOf[N]
  }

  /** The next packet; null: the broker closed the connection. */
  async next(): Promise<Packet | null> {
    await this.until(() => this.closed || this.inbox.length > 0, 'a packet or a close')
    return this.inbox.shift() ?? null
  }

  /** The first packet of this type, whatever came before it, which stays in the inbox. */
  async find<N extends PacketName>(
    name: N,
    expected: Expected<PacketOf[N]> = {},
  ): Promise<PacketOf[N]> {
    const at = () => this.inbox.findIndex((packet) => nameOf(packet) === name)
    await this.until(() => at() >= 0, name)
    const [packet] = this.inbox.splice(at(), 1)
    assertFields(packet, expected)
    return packet as PacketOf[N]
  }

  /** The broker closes the connection within `withinMs` and says no more; resolves to the ms it took. */
  async expectClosed(withinMs = waitMsMax): Promise<number> {
    const start = performance.now()
    await this.until(() => this.closed || this.inbox.length > 0, 'a close', withinMs)
    if (this.inbox.length > 0) assert.fail(`a close expected, got ${describe(this.inbox[0])}`)
    return performance.now() - start
  }

  /** The broker ends the connection for this reason: in 5.0 it says so in a DISCONNECT, below it just closes. */
  async expectDropped(reason: number, withinMs = waitMsMax): Promise<void> {
    if (this.version === 5) {
      await this.until(() => this.closed || this.inbox.length > 0, 'a disconnect', withinMs)
      await this.expect('disconnect', { reason })
    }
    await this.expectClosed(withinMs)
  }

  /**
   * CONNECT is answered by a close; in 5.0 a CONNACK may give the reason first, one of `reasons`. For packets out of shape, where the standard leaves the answer open.
   */
  async expectConnectRefused(...reasons: number[]): Promise<void> {
    await this.until(() => this.closed || this.inbox.length > 0, 'a refusal')
    if (this.version === 5 && this.inbox.length > 0) {
      const { code } = await this.expect('connack', { sessionPresent: false })
      assert.ok(reasons.includes(code), `CONNACK code ${code}`)
    }
    await this.expectClosed()
  }

  /** Nothing is on its way to this client. A PINGRESP is the barrier: what came first would be in front of it. */
  async expectNothing(): Promise<void> {
    await this.ping()
    if (this.inbox.length > 0) assert.fail(`nothing expected, got ${describe(this.inbox[0])}`)
  }

  /** All that this client sent has been processed when this resolves. */
  async ping(): Promise<void> {
    this.send(make.pingreq)
    await this.find('pingresp')
  }

  nextPacketId(): number {
    return ++this.lastPacketId
  }

  /** SUBSCRIBE and its SUBACK; resolves to the codes. A single text is a filter at QoS 0. */
  async subscribe(
    filters: string | make.FilterOptions | make.FilterOptions[],
    properties: Properties = {},
  ): Promise<number[]> {
    const list = typeof filters === 'string' ? [{ filter: filters }] : [filters].flat()
    const packetId = this.nextPacketId()
    this.send(make.subscribe(packetId, list, properties))
    return (await this.find('suback', { packetId })).codes
  }

  /** UNSUBSCRIBE and its UNSUBACK; resolves to the codes, none below 5.0. */
  async unsubscribe(...filters: string[]): Promise<number[]> {
    const packetId = this.nextPacketId()
    this.send(make.unsubscribe(packetId, filters))
    return (await this.find('unsuback', { packetId })).codes
  }

  /** A whole exchange at its QoS, a PING barrier at QoS 0; resolves to the reason of PUBACK or PUBREC. */
  async publish(
    topic: string,
    payload: string | Uint8Array,
    options: make.PublishOptions = {},
  ): Promise<number> {
    const qos: Qos = options.qos ?? 0
    const packetId = options.packetId ?? (qos === 0 ? 0 : this.nextPacketId())
    this.send(make.publish(topic, payload, { ...options, packetId }))
    if (qos === 0) {
      await this.ping()
      return 0
    }
    const { reason } = await this.find(qos === 1 ? 'puback' : 'pubrec', { packetId })
    if (qos === 2 && reason < 0x80) {
      this.send(make.ack('pubrel', packetId))
      await this.find('pubcomp', { packetId, reason: 0 })
    }
    return reason
  }

  /** The next packet is this PUBLISH; it is acknowledged to the end. */
  async receive(expected: Expected<PacketOf['publish']> = {}): Promise<PacketOf['publish']> {
    const packet = await this.expect('publish', expected)
    const { qos, packetId } = packet
    if (qos === 1) this.send(make.ack('puback', packetId))
    if (qos === 2) {
      this.send(make.ack('pubrec', packetId))
      await this.find('pubrel', { packetId, reason: 0 })
      this.send(make.ack('pubcomp', packetId))
    }
    return packet
  }

  /** DISCONNECT; resolves when the broker closed. */
  async disconnect(reason = 0, properties: Properties = {}): Promise<void> {
    this.send(make.disconnect(reason, properties))
    this.socket.end()
    await this.gone()
  }

  /** FIN without DISCONNECT; resolves when the broker closed too. */
  async end(): Promise<void> {
    this.socket.end()
    await this.gone()
  }

  /** RST: the broker sees an I/O error. */
  destroy(): void {
    // A reset behind a FIN under way leaves Node 20 with a handle that keeps the process from ending.
    if (this.socket.writableEnded || this.closed) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  /** Stops reading, so that the broker's writes pile up. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  private async gone(): Promise<void> {
    await this.until(() => this.closed, 'a close')
  }

  private take(chunk: Uint8Array): void {
    // A plain array of its own: what is cut from a Buffer would be a Buffer, and no copy.
    const bytes = new Uint8Array(this.pending.length + chunk.length)
    bytes.set(this.pending)
    bytes.set(chunk, this.pending.length)
    const frame: FrameHeader = { first: 0, bodyStart: 0, frameEnd: 0 }
    let at = 0
    try {
      while (readFrame(bytes, at, bytes.length, frame)) {
        checkFixedHeader(frame.first, this.version)
        this.firstBytes.push(frame.first)
        this.largestFrame = Math.max(this.largestFrame, frame.frameEnd - at)
        const { first, bodyStart, frameEnd } = frame
        const options = { fromClient: false }
        this.inbox.push(decodePacket(this.version, first, bytes, bodyStart, frameEnd, options))
        at = frameEnd
      }
    } catch (error) {
      this.failure ??= error as Error
    }
    this.pending = bytes.slice(at)
    this.wake?.()
  }

  private async until(isDone: () => boolean, what: string, withinMs = waitMsMax): Promise<void> {
    const deadline = performance.now() + withinMs
    while (!isDone()) {
      if (this.failure)
        throw new Error(`the broker sent what is no packet`, { cause: this.failure })
      if (this.closed) assert.fail(`${what} expected, the broker closed the connection`)
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) assert.fail(`${what} expected, nothing came in ${withinMs} ms`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.wake = null
    }
  }
}

function describe(packet: Packet): string {
  const shown = JSON.stringify(packet, (_, value) =>
    value instanceof Uint8Array ? text.decode(value.subarray(0, 100)) : value,
  )
  return `${nameOf(packet)} ${shown}`
}

function assertFields(packet: Packet, expected: object): void {
  for (const [name, value] of Object.entries(expected)) {
    const actual: unknown = packet[name as keyof Packet]
    const readable = typeof value === 'string' && actual instanceof Uint8Array
    assert.deepEqual(
      readable ? text.decode(actual) : actual,
      value,
      `${name} in ${describe(packet)}`,
    )
  }
}

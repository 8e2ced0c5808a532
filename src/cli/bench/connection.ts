/** One connection of a load: as little as MQTT allows between the socket and the counters. */
import { ByteWriter } from '../../codec/byte-writer.ts'
import { decodePacket } from '../../codec/decode.ts'
import { encodePacket } from '../../codec/encode.ts'
import { readFrame, type FrameHeader } from '../../codec/frame.ts'
import {
  PacketType,
  type ConnackPacket,
  type Packet,
  type Qos,
  type Version,
} from '../../codec/packets.ts'
import type { Dial, Wire } from '../../client/ports.ts'

/** What a connection tells its load. */
export interface Receiver {
  /** CONNACK; 0 is welcome. */
  opened(connection: BenchConnection, code: number): void
  /** `bytes[start..end)` is the payload. Called inline for every PUBLISH. */
  message(bytes: Uint8Array, start: number, end: number): void
  subscribed(code: number): void
  acknowledged(connection: BenchConnection, packetId: number): void
  closed(connection: BenchConnection, error: Error | null): void
}

const FIRST_BYTES = 512
const DECODING = { fromClient: false }
const ERRORS_FROM = 0x80

export class BenchConnection {
  readonly index: number
  readonly version: Version
  readonly out = new ByteWriter(new Uint8Array(FIRST_BYTES))
  isOpen = false
  isClosed = false
  /** The broker's, of CONNACK [MQTT-3.2.2-21]. */
  receiveMaximum = 0xffff
  private readonly receiver: Receiver
  private readonly wire: Wire
  private spare = new ByteWriter(new Uint8Array(0))
  private isHeld = false
  private lastPacketId = 0
  private readonly partial = new ByteWriter(new Uint8Array(FIRST_BYTES))
  private readonly frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }

  constructor(index: number, version: Version, dial: Dial, connect: Packet, receiver: Receiver) {
    this.index = index
    this.version = version
    this.receiver = receiver
    this.wire = dial({
      opened: () => this.send(connect),
      received: (bytes, start, end) => this.receive(bytes, start, end),
      drained: () => {
        this.isHeld = false
        this.flush()
      },
      closed: (error) => {
        if (this.isClosed) return
        this.isClosed = true
        receiver.closed(this, error)
      },
    })
  }

  /** The wire takes no more at the moment. */
  get isFull(): boolean {
    return this.isHeld
  }

  send(packet: Packet): void {
    encodePacket(this.out, this.version, packet)
    this.flush()
  }

  /** Sends what `out` holds. While the wire keeps an array, the other one fills. */
  flush(): void {
    const { out, spare } = this
    if (this.isHeld || this.isClosed || out.length === 0) return
    if (this.wire.write(out.bytes, out.length)) {
      out.length = 0
      return
    }
    this.isHeld = true
    const { bytes } = out
    out.bytes = spare.bytes
    out.length = 0
    spare.bytes = bytes
  }

  nextPacketId(): number {
    this.lastPacketId = this.lastPacketId === 0xffff ? 1 : this.lastPacketId + 1
    return this.lastPacketId
  }

  end(): void {
    this.isClosed = true
    this.wire.destroy()
  }

  private receive(bytes: Uint8Array, start: number, end: number): void {
    if (this.isClosed) return
    try {
      this.take(bytes, start, end)
    } catch (error) {
      // The broker said what no broker may say.
      this.end()
      this.receiver.closed(this, error as Error)
      return
    }
    this.flush()
  }

  private take(bytes: Uint8Array, start: number, end: number): void {
    const { partial } = this
    if (partial.length === 0) {
      const rest = this.scan(bytes, start, end)
      partial.append(bytes, rest, end)
    } else {
      partial.append(bytes, start, end)
      const rest = this.scan(partial.bytes, 0, partial.length)
      partial.bytes.copyWithin(0, rest, partial.length)
      partial.length -= rest
    }
  }

  /** Handles whole packets; returns where the first cut one starts. */
  private scan(bytes: Uint8Array, start: number, end: number): number {
    const { frame } = this
    let at = start
    while (at < end && readFrame(bytes, at, end, frame)) {
      const { first, bodyStart, frameEnd } = frame
      if (first >> 4 === PacketType.publish) this.onPublish(first, bytes, bodyStart, frameEnd)
      else this.onControl(first, bytes, bodyStart, frameEnd)
      at = frameEnd
    }
    return at
  }

  private onPublish(first: number, bytes: Uint8Array, bodyStart: number, end: number): void {
    let at = bodyStart + 2 + ((bytes[bodyStart] << 8) | bytes[bodyStart + 1])
    const qos = ((first >> 1) & 3) as Qos
    if (qos > 0) {
      this.answer(qos === 1 ? 0x40 : 0x50, bytes[at], bytes[at + 1])
      at += 2
    }
    if (this.version === 5) {
      let length = 0
      for (let shift = 0; ; shift += 7) {
        if (at >= end) throw new Error('the broker sent a PUBLISH that is cut off')
        length |= (bytes[at] & 0x7f) << shift
        if (bytes[at++] < 0x80) break
      }
      at += length
    }
    this.receiver.message(bytes, at, end)
  }

  private onControl(first: number, bytes: Uint8Array, at: number, end: number): void {
    const type = first >> 4
    if (type === PacketType.puback || type === PacketType.pubcomp)
      this.receiver.acknowledged(this, (bytes[at] << 8) | bytes[at + 1])
    else if (type === PacketType.pubrec) {
      const failed = end - at > 2 && bytes[at + 2] >= ERRORS_FROM
      if (failed) this.receiver.acknowledged(this, (bytes[at] << 8) | bytes[at + 1])
      else this.answer(0x62, bytes[at], bytes[at + 1])
    } else if (type === PacketType.pubrel) this.answer(0x70, bytes[at], bytes[at + 1])
    else if (type === PacketType.connack) {
      this.isOpen = bytes[at + 1] === 0
      const connack = decodePacket(this.version, first, bytes, at, end, DECODING) as ConnackPacket
      this.receiveMaximum = connack.properties.receiveMaximum ?? 0xffff
      this.receiver.opened(this, bytes[at + 1])
    } else if (type === PacketType.suback) this.receiver.subscribed(bytes[end - 1])
  }

  private answer(first: number, idHigh: number, idLow: number): void {
    const { out } = this
    out.reserve(4)
    out.bytes[out.length] = first
    out.bytes[out.length + 1] = 2
    out.bytes[out.length + 2] = idHigh
    out.bytes[out.length + 3] = idLow
    out.length += 4
  }
}

/** A cursor for the packets that are not hot. */
import { ProtocolError } from './protocol-error.ts'
import { Reason } from './reason-codes.ts'
import { decodeUtf8 } from './utf8.ts'

function overrun(): never {
  throw new ProtocolError(Reason.malformedPacket, 'a field runs past its packet')
}

/**
 * A cursor over `bytes[at..end)` for the packets that are not hot. Every read throws ProtocolError 0x81
 * rather than pass `end`.
 */
export class ByteReader {
  readonly bytes: Uint8Array
  at: number
  end: number

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  byte(): number {
    if (this.at >= this.end) overrun()
    return this.bytes[this.at++]
  }

  uint16(): number {
    if (this.at + 2 > this.end) overrun()
    this.at += 2
    return (this.bytes[this.at - 2] << 8) | this.bytes[this.at - 1]
  }

  uint32(): number {
    return this.uint16() * 0x1_0000 + this.uint16()
  }

  /** A variable byte integer of at most four bytes, in its shortest form [MQTT-1.5.5-1]. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (byte === 0 && shift > 0) break
      return value
    }
    throw new ProtocolError(Reason.malformedPacket, 'variable byte integer is too long')
  }

  text(): string {
    const start = this.skipCounted()
    return decodeUtf8(this.bytes, start, this.at)
  }

  /** A copy of a binary field. */
  binary(): Uint8Array {
    const start = this.skipCounted()
    return this.bytes.slice(start, this.at)
  }

  /** A copy of everything that is left. */
  rest(): Uint8Array {
    const start = this.at
    this.at = this.end
    return this.bytes.slice(start, this.end)
  }

  isAtEnd(): boolean {
    return this.at === this.end
  }

  /** Throws ProtocolError 0x81 when bytes are left over. */
  finish(): void {
    if (this.at !== this.end) {
      throw new ProtocolError(Reason.malformedPacket, `${this.end - this.at} trailing bytes`)
    }
  }

  /** Steps over a field with a two-byte length; returns where its content starts. */
  private skipCounted(): number {
    const length = this.uint16()
    const start = this.at
    if (start + length > this.end) overrun()
    this.at = start + length
    return start
  }
}

/** A packet identifier; throws ProtocolError 0x82 on zero [MQTT-2.2.1-3]. */
export function readPacketId(reader: ByteReader): number {
  const packetId = reader.uint16()
  if (packetId === 0) throw new ProtocolError(Reason.protocolError, 'packet identifier 0')
  return packetId
}

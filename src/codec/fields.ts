/** The fields that packets are made of, written. */
import type { ByteWriter } from './byte-writer.ts'
import { EncodeError, checkBytes, checkNumber } from './encode-error.ts'
import { stringLength, writeUtf8 } from './utf8.ts'

const VARINT_MAX = 0xfff_ffff

/** Bytes of `value` as a variable byte integer; EncodeError above 268,435,455. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  if (value <= VARINT_MAX) return 4
  throw new EncodeError(`${value} does not fit a variable byte integer`)
}

/** Stores a variable byte integer at `bytes[at..]`; returns where it ends. */
export function storeVarint(value: number, bytes: Uint8Array, at: number): number {
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  bytes[at++] = value
  return at
}

export function storeUint32(value: number, bytes: Uint8Array, at: number): number {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
  return at + 4
}

export function putByte(out: ByteWriter, value: number): void {
  out.reserve(1)
  out.bytes[out.length++] = value
}

export function putUint16(out: ByteWriter, value: number): void {
  out.reserve(2)
  out.bytes[out.length++] = value >>> 8
  out.bytes[out.length++] = value
}

export function putUint32(out: ByteWriter, value: number): void {
  out.reserve(4)
  out.length = storeUint32(value, out.bytes, out.length)
}

export function putVarint(out: ByteWriter, value: number): void {
  out.reserve(varintSize(value))
  out.length = storeVarint(value, out.bytes, out.length)
}

/** A UTF-8 string behind its two-byte length. EncodeError on what a decoder would refuse. */
export function putText(out: ByteWriter, text: string): void {
  const length = stringLength(text)
  putUint16(out, length)
  out.reserve(length)
  out.length = writeUtf8(text, out.bytes, out.length)
}

/** Binary data behind its two-byte length. EncodeError when it does not fit. */
export function putBinary(out: ByteWriter, data: Uint8Array): void {
  checkBytes('binary data', data)
  if (data.length > 0xffff) throw new EncodeError(`${data.length} bytes, at most 65,535 fit`)
  putUint16(out, data.length)
  out.append(data, 0, data.length)
}

/**
 * Starts a run whose length goes in front of it, when that length is not known yet: leaves one byte for
 * the length and returns its place for {@link closeLength}.
 */
export function openLength(out: ByteWriter): number {
  putByte(out, 0)
  return out.length - 1
}

/** Stores the length of all that was put since {@link openLength}; a long run moves up to make room. */
export function closeLength(out: ByteWriter, mark: number): void {
  const length = out.length - mark - 1
  const extra = varintSize(length) - 1
  if (extra > 0) {
    out.reserve(extra)
    out.bytes.copyWithin(mark + 1 + extra, mark + 1, out.length)
    out.length += extra
  }
  storeVarint(length, out.bytes, mark)
}

/** A packet identifier, which is never 0 [MQTT-2.2.1-3]. */
export function putPacketId(out: ByteWriter, packetId: number): void {
  checkNumber('packet identifier', packetId, 1, 0xffff)
  putUint16(out, packetId)
}

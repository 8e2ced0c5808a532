/**
 * A record with its checksum: the key, then the value, then a CRC of both. LevelDB checks whole blocks, but only
 * when it is told to, which its binding does not offer; and nobody wants a flipped bit to become a message.
 *
 *     scratch  [ key | value | crc ]
 *                      └── what is stored ──┘
 */
import { crc32 } from 'node:zlib'
import { ByteWriter } from '../../codec/byte-writer.ts'
import { RecordError } from './records.ts'

const CRC_BYTES = 4
/** A scratch buffer larger than this is not kept. */
const SCRATCH_BYTES_MAX = 1 << 20

/** The part of a LevelDB batch that is needed here; it copies what it is given. */
export interface Batch {
  put(key: Uint8Array, value: Uint8Array): unknown
  del(key: Uint8Array): unknown
}

let scratch = new ByteWriter(new Uint8Array(4096))

/** Begins the record of `key`; its value is appended to what is returned, then {@link endRecord}. */
export function beginRecord(key: Uint8Array): ByteWriter {
  if (scratch.bytes.length > SCRATCH_BYTES_MAX) scratch = new ByteWriter(new Uint8Array(4096))
  scratch.length = 0
  scratch.append(key, 0, key.length)
  return scratch
}

/** Adds the checksum and puts the record into `batch`. */
export function endRecord(batch: Batch, key: Uint8Array): void {
  scratch.reserve(CRC_BYTES)
  const { bytes, length } = scratch
  const crc = crc32(bytes.subarray(0, length))
  bytes[length] = crc >>> 24
  bytes[length + 1] = crc >>> 16
  bytes[length + 2] = crc >>> 8
  bytes[length + 3] = crc
  batch.put(key, bytes.subarray(key.length, length + CRC_BYTES))
}

/** The value without its checksum; throws {@link RecordError} when they do not match. */
export function openRecord(key: Uint8Array, stored: Uint8Array): Uint8Array {
  const length = checkRecord(key, stored)
  // LevelDB gives a Buffer, whose `slice` would not copy.
  return new Uint8Array(stored.buffer, stored.byteOffset, length)
}

/** Length of the value in `stored`; throws {@link RecordError} when it does not match its checksum. */
export function checkRecord(key: Uint8Array, stored: Uint8Array): number {
  const length = stored.length - CRC_BYTES
  if (length < 0) throw new RecordError('a record has no checksum')
  const crc =
    ((stored[length] << 24) |
      (stored[length + 1] << 16) |
      (stored[length + 2] << 8) |
      stored[length + 3]) >>>
    0
  const found =
    length <= SHORT_BYTES_MAX
      ? shortCrc32(key, stored, length)
      : crc32(new Uint8Array(stored.buffer, stored.byteOffset, length), crc32(key))
  if (found !== crc) throw new RecordError('a record does not match its checksum')
  return length
}

/** Up to here a table is faster than two calls out of JavaScript: a start checks a great many short records. */
const SHORT_BYTES_MAX = 128
const POLYNOMIAL = 0xedb88320
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

/** CRC-32 of `key` and the first `length` bytes of `value`. */
function shortCrc32(key: Uint8Array, value: Uint8Array, length: number): number {
  let crc = -1
  for (let at = 0; at < key.length; at++) crc = TABLE[(crc ^ key[at]) & 0xff] ^ (crc >>> 8)
  for (let at = 0; at < length; at++) crc = TABLE[(crc ^ value[at]) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}

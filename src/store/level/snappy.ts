/**
 * Blocks of tables as Snappy leaves them (format_description.txt of Snappy): the length, then literals and copies of what
 * came before. Only reading: LevelDB compresses, we look at what it wrote.
 */
import { ByteCursor } from './byte-cursor.ts'

/** A block that is longer is none: LevelDB's blocks hold 4 KiB, or one record. */
const LENGTH_MAX = 1 << 30

/** @throws Error when it is not what Snappy writes. */
export function decompress(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const cursor = new ByteCursor(bytes, start, end)
  const length = cursor.varint()
  // Copies of at most 64 bytes take 3: nothing grows more than that.
  if (length > LENGTH_MAX || length > (end - start) * 22 + 64)
    throw new Error('its length is impossible')
  const out = new Uint8Array(length)
  let at = 0
  while (cursor.at < end) {
    const tag = cursor.byte()
    const kind = tag & 3
    if (kind === 0) {
      const size = literalLength(cursor, tag)
      const from = cursor.skip(size)
      if (at + size > length) throw new Error('it is longer than it says')
      out.set(bytes.subarray(from, from + size), at)
      at += size
      continue
    }
    const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const distance = copyDistance(cursor, tag, kind)
    if (distance === 0 || distance > at || at + size > length)
      throw new Error('a copy lies outside of it')
    // What is copied may overlap what it makes.
    for (const copyEnd = at + size; at < copyEnd; at++) out[at] = out[at - distance]
  }
  if (at !== length) throw new Error('it is shorter than it says')
  return out
}

function literalLength(cursor: ByteCursor, tag: number): number {
  const short = tag >>> 2
  return (short < 60 ? short : cursor.uint(short - 59)) + 1
}

function copyDistance(cursor: ByteCursor, tag: number, kind: number): number {
  if (kind === 1) return ((tag >>> 5) << 8) | cursor.byte()
  return cursor.uint(kind === 2 ? 2 : 4)
}

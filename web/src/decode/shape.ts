/** Whether bytes are CBOR or MessagePack: a map with names, read to its very end. Anything shorter of proof stays bytes. */

const DEPTH_MAX = 64
/** Larger ones are not looked through for a guess. */
const BYTES_MAX = 1 << 20

/** Where the item at `at` ends; -1: there is none. */
type End = (bytes: Uint8Array, at: number, depth: number) => number

/** Unsigned, big-endian; -1: not all of it is there. */
function numberAt(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) return -1
  let value = 0
  for (let index = 0; index < length; index++) value = value * 256 + (bytes[at + index] ?? 0)
  return value
}

function skip(bytes: Uint8Array, at: number, length: number): number {
  return length < 0 || at + length > bytes.length ? -1 : at + length
}

function itemsEnd(end: End, bytes: Uint8Array, at: number, count: number, depth: number): number {
  let next = at
  for (let index = 0; index < count && next !== -1; index++) next = end(bytes, next, depth + 1)
  return next
}

const LENGTH_BYTES: Readonly<Record<number, number>> = { 24: 1, 25: 2, 26: 4, 27: 8 }

const cborEnd: End = (bytes, at, depth) => {
  if (depth > DEPTH_MAX || at >= bytes.length) return -1
  const first = bytes[at] ?? 0
  const [major, low] = [first >> 5, first & 31]
  const length = low < 24 ? 0 : LENGTH_BYTES[low]
  if (length === undefined) return -1
  const value = length === 0 ? low : numberAt(bytes, at + 1, length)
  const body = at + 1 + length
  if (value === -1) return -1
  if (major === 2 || major === 3) return skip(bytes, body, value)
  if (major === 4) return itemsEnd(cborEnd, bytes, body, value, depth)
  if (major === 5) return itemsEnd(cborEnd, bytes, body, value * 2, depth)
  if (major === 6) return cborEnd(bytes, body, depth + 1)
  return body
}

/** From 0xc0 on: bytes of the length (negative: of the value itself), and what is counted. */
const MSGPACK: Readonly<
  Record<number, readonly [length: number, of: 'bytes' | 'items' | 'pairs']>
> = {
  0xc4: [1, 'bytes'],
  0xc5: [2, 'bytes'],
  0xc6: [4, 'bytes'],
  0xd9: [1, 'bytes'],
  0xda: [2, 'bytes'],
  0xdb: [4, 'bytes'],
  0xdc: [2, 'items'],
  0xdd: [4, 'items'],
  0xde: [2, 'pairs'],
  0xdf: [4, 'pairs'],
}
const MSGPACK_FIXED: Readonly<Record<number, number>> = {
  0xc0: 0,
  0xc2: 0,
  0xc3: 0,
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
  0xd4: 2,
  0xd5: 3,
  0xd6: 5,
  0xd7: 9,
  0xd8: 17,
}

const msgpackEnd: End = (bytes, at, depth) => {
  if (depth > DEPTH_MAX || at >= bytes.length) return -1
  const first = bytes[at] ?? 0
  if (first < 0x80 || first >= 0xe0) return at + 1
  if (first < 0x90) return itemsEnd(msgpackEnd, bytes, at + 1, (first & 15) * 2, depth)
  if (first < 0xa0) return itemsEnd(msgpackEnd, bytes, at + 1, first & 15, depth)
  if (first < 0xc0) return skip(bytes, at + 1, first & 31)
  const fixed = MSGPACK_FIXED[first]
  if (fixed !== undefined) return skip(bytes, at + 1, fixed)
  const counted = MSGPACK[first]
  if (counted === undefined) return -1
  const [length, of] = counted
  const count = numberAt(bytes, at + 1, length)
  if (count === -1) return -1
  const body = at + 1 + length
  if (of === 'bytes') return skip(bytes, body, count)
  return itemsEnd(msgpackEnd, bytes, body, of === 'pairs' ? count * 2 : count, depth)
}

/** A map of at least one pair whose first key is a text. */
function isCborMap(bytes: Uint8Array): boolean {
  const [first = 0, key = 0] = bytes
  return first > 0xa0 && first <= 0xb7 && key >> 5 === 3
}

function isMsgpackMap(bytes: Uint8Array): boolean {
  const [first = 0] = bytes
  const key = bytes[first === 0xde ? 3 : 1] ?? 0
  const isText = (key >= 0xa0 && key < 0xc0) || key === 0xd9
  return isText && ((first > 0x80 && first < 0x90) || first === 0xde)
}

export function structureOf(bytes: Uint8Array): 'cbor' | 'msgpack' | null {
  if (bytes.length > BYTES_MAX) return null
  if (isCborMap(bytes) && cborEnd(bytes, 0, 0) === bytes.length) return 'cbor'
  if (isMsgpackMap(bytes) && msgpackEnd(bytes, 0, 0) === bytes.length) return 'msgpack'
  return null
}

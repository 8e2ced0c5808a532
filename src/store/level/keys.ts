/**
 * Where a record lies: the keys of the store, in the order LevelDB keeps them.
 *
 *     b  body       number            a message that several queues share
 *     c  chain                        the last operation of every batch: tables tell by it how far they reach
 *     d  delayed    id                a message that is to be published later
 *     f  filter     session, filter   one subscription
 *     i  inbound    session, id       a QoS 2 message between PUBLISH and PUBREL
 *     m  meta                         format version
 *     p  pubrec     session, sequence the entry is released: PUBREC came
 *     q  queue      session, sequence one queued message
 *     r  retained   topic
 *     s  session    client id
 *
 * A session is named by a number that is never used again, so a session that was deleted and made anew does not
 * meet what is still being cleared of the old one. Numbers take 6 bytes, the highest first: keys sort as numbers do.
 */
import { encodedLength, writeUtf8 } from '../../codec/utf8.ts'

export const Kind = {
  body: 0x62,
  chain: 0x63,
  delayed: 0x64,
  filter: 0x66,
  inbound: 0x69,
  meta: 0x6d,
  pubrec: 0x70,
  queue: 0x71,
  retained: 0x72,
  session: 0x73,
} as const

export type Kind = (typeof Kind)[keyof typeof Kind]

export const NUMBER_BYTES = 6
const HIGH = 2 ** 32
const INTEGER_MAX = 2 ** 31 - 1

export function writeNumber(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / HIGH)
  bytes[at] = high >>> 8
  bytes[at + 1] = high
  bytes[at + 2] = value >>> 24
  bytes[at + 3] = value >>> 16
  bytes[at + 4] = value >>> 8
  bytes[at + 5] = value
}

export function readNumber(bytes: Uint8Array, at: number): number {
  const high = bytes[at] * 256 + bytes[at + 1]
  const low = ((bytes[at + 2] << 24) | (bytes[at + 3] << 16) | (bytes[at + 4] << 8)) >>> 0
  return compactNumber(high * HIGH + low + bytes[at + 5])
}

/**
 * The same number, as V8 keeps small ones: within the field. What came out of a calculation beyond 31 bits is a double, and
 * that is an object of its own for every field it stands in.
 */
export function compactNumber(number: number): number {
  return number <= INTEGER_MAX ? number | 0 : number
}

/** The key of a body, or the first bytes of all that belongs to a session. */
export function numberKey(kind: Kind, number: number): Uint8Array {
  const key = new Uint8Array(1 + NUMBER_BYTES)
  key[0] = kind
  writeNumber(key, 1, number)
  return key
}

/** The key of a queue entry or its release. */
export function entryKey(kind: Kind, session: number, sequence: number): Uint8Array {
  const key = new Uint8Array(1 + 2 * NUMBER_BYTES)
  writeEntryKey(key, kind, session, sequence)
  return key
}

export const ENTRY_KEY_BYTES = 1 + 2 * NUMBER_BYTES

export function writeEntryKey(
  bytes: Uint8Array,
  kind: Kind,
  session: number,
  sequence: number,
): void {
  bytes[0] = kind
  writeNumber(bytes, 1, session)
  writeNumber(bytes, 1 + NUMBER_BYTES, sequence)
}

export function inboundKey(session: number, packetId: number): Uint8Array {
  const key = new Uint8Array(1 + NUMBER_BYTES + 2)
  key[0] = Kind.inbound
  writeNumber(key, 1, session)
  key[7] = packetId >>> 8
  key[8] = packetId
  return key
}

/** The key of a retained or delayed message, or of a session. */
export function textKey(kind: Kind, text: string): Uint8Array {
  const key = new Uint8Array(1 + encodedLength(text))
  key[0] = kind
  writeUtf8(text, key, 1)
  return key
}

export function filterKey(session: number, filter: string): Uint8Array {
  const key = new Uint8Array(1 + NUMBER_BYTES + encodedLength(filter))
  key[0] = Kind.filter
  writeNumber(key, 1, session)
  writeUtf8(filter, key, 1 + NUMBER_BYTES)
  return key
}

/** The smallest key behind all that begin with `prefix`. */
export function keyBehind(prefix: Uint8Array): Uint8Array {
  const key = prefix.slice()
  let at = key.length - 1
  while (key[at] === 0xff) at--
  key[at]++
  return key.slice(0, at + 1)
}

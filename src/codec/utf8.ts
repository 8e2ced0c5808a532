/** Text of MQTT: checked, measured, read and written. */
import { EncodeError } from './encode-error.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason } from './reason-codes.ts'

const UTF8_BYTES_MAX = 65_535
/** Characters turned into text by one call; the engine limits the arguments of a call. */
const CHUNK_CHARACTERS = 4_096

const SCRATCH_UNITS_MAX = 64
/**
 * One array for each length, filled anew by each call: the engine makes a string fastest from an array
 * that is exactly full. Measured at 20 bytes against chunks of 4 (1.5 times as long), byte by byte (3),
 * a spread subarray (1.7) and TextDecoder (1.2).
 */
const scratch = Array.from({ length: SCRATCH_UNITS_MAX + 1 }, (_, length) =>
  Array.from({ length }, () => 0),
)

function malformed(): never {
  throw new ProtocolError(Reason.malformedPacket, 'string is not well-formed UTF-8')
}

/**
 * The text of `bytes[start..end)`. A leading U+FEFF stays [MQTT-1.5.4-3].
 * Throws ProtocolError 0x81 on ill-formed UTF-8 and surrogates [MQTT-1.5.4-1], on U+0000 [MQTT-1.5.4-2],
 * and on what a receiver may close for: control characters and non-characters.
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  let at = start
  do {
    const units = scratch[Math.min(end - at, SCRATCH_UNITS_MAX)]
    // Printable ASCII is nearly every topic and client id: checked and collected in one pass.
    for (let i = 0; i < units.length; i++) {
      const byte = bytes[at++]
      if (!isPlain(byte)) return decodeAny(bytes, start, end)
      units[i] = byte
    }
    text += String.fromCharCode(...units)
  } while (at < end)
  return text
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f
}

/** Throws as {@link decodeUtf8} does, without making the text. */
export function validateUtf8(bytes: Uint8Array, start: number, end: number): void {
  let at = start
  while (at < end) {
    if (isPlain(bytes[at])) at++
    else at += sequenceLength(readCodePoint(bytes, at, end))
  }
}

function decodeAny(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  let units: number[] = []
  let at = start
  while (at < end) {
    const codePoint = readCodePoint(bytes, at, end)
    at += sequenceLength(codePoint)
    if (codePoint < 0x1_0000) units.push(codePoint)
    else units.push(0xd7c0 + (codePoint >> 10), 0xdc00 + (codePoint & 0x3ff))
    if (units.length < CHUNK_CHARACTERS) continue
    text += String.fromCharCode(...units)
    units = []
  }
  return text + String.fromCharCode(...units)
}

function sequenceLength(codePoint: number): number {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  return codePoint < 0x1_0000 ? 3 : 4
}

/** The character at `at`, of those that a string may have. */
function readCodePoint(bytes: Uint8Array, at: number, end: number): number {
  const codePoint = codePointAt(bytes, at, end)
  const isFine = codePoint < 0x80 ? isPlain(codePoint) : isAllowed(codePoint)
  return isFine ? codePoint : malformed()
}

/** The character at `at`; its length follows from its value, as overlong forms are none. -1: no UTF-8. */
function codePointAt(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]
  if (first < 0x80) return first
  // Below C2: a stray continuation byte, or an overlong form of ASCII.
  if (first < 0xc2 || first > 0xf4) return -1
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (at + length > end) return -1
  let codePoint = first & (0x7f >> length)
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i]
    if ((next & 0xc0) !== 0x80) return -1
    codePoint = (codePoint << 6) | (next & 0x3f)
  }
  if (isSurrogate(codePoint) || codePoint > 0x10_ffff) return -1
  return sequenceLength(codePoint) === length ? codePoint : -1
}

/** Is it UTF-8? For payloads, which may hold what a string must not: control characters, NUL, non-characters. */
export function isWellFormedUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    if (bytes[at] < 0x80) at++
    else {
      const codePoint = codePointAt(bytes, at, end)
      if (codePoint < 0) return false
      at += sequenceLength(codePoint)
    }
  }
  return true
}

/** Of what lies above ASCII: no C1 controls, no non-characters. */
function isAllowed(codePoint: number): boolean {
  if (codePoint < 0xa0) return false
  if (codePoint >= 0xfdd0 && codePoint <= 0xfdef) return false
  return (codePoint & 0xfffe) !== 0xfffe
}

/** Bytes that `text` takes in UTF-8. A lone surrogate counts as three; {@link writeUtf8} refuses it. */
export function encodedLength(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    length += unit < 0x800 ? 1 : 2
    // A pair is four bytes for two units, so its second half adds nothing.
    if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) i++
  }
  return length
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}

/**
 * Stores `text` at `bytes[at..]`, which must have {@link encodedLength} bytes; returns where it ends.
 * Throws EncodeError on a lone surrogate: such a string has no UTF-8 form.
 */
export function writeUtf8(text: string, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) bytes[at++] = unit
    else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6)
      bytes[at++] = 0x80 | (unit & 0x3f)
    } else if (unit < 0xd800 || unit > 0xdfff) {
      bytes[at++] = 0xe0 | (unit >> 12)
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f)
      bytes[at++] = 0x80 | (unit & 0x3f)
    } else at = writePair(unit, text.charCodeAt(++i), bytes, at)
  }
  return at
}

function writePair(high: number, low: number, bytes: Uint8Array, at: number): number {
  if (high > 0xdbff || !isLowSurrogate(low))
    throw new EncodeError('text holds half of a surrogate pair')
  const codePoint = 0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff)
  bytes[at++] = 0xf0 | (codePoint >> 18)
  bytes[at++] = 0x80 | ((codePoint >> 12) & 0x3f)
  bytes[at++] = 0x80 | ((codePoint >> 6) & 0x3f)
  bytes[at++] = 0x80 | (codePoint & 0x3f)
  return at
}

/**
 * Bytes of `text` as an MQTT string. Throws EncodeError on what {@link decodeUtf8} refuses, and on more than the
 * two-byte length can say.
 */
export function stringLength(text: string): number {
  if (typeof text !== 'string') throw new EncodeError(`text is a ${typeof text}`)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x20 && unit < 0x7f) continue
    const codePoint = text.codePointAt(i) as number
    if (isSurrogate(codePoint) || !isAllowed(codePoint)) throw new EncodeError(refusalOf(codePoint))
    if (codePoint > 0xffff) i++
  }
  const length = encodedLength(text)
  if (length > UTF8_BYTES_MAX) throw new EncodeError(`text of ${length} bytes, at most 65,535 fit`)
  return length
}

/** Whether an MQTT string can hold `text`. */
export function isText(text: string): boolean {
  try {
    return stringLength(text) <= UTF8_BYTES_MAX
  } catch {
    return false
  }
}

function isSurrogate(codePoint: number): boolean {
  return codePoint >= 0xd800 && codePoint < 0xe000
}

function refusalOf(codePoint: number): string {
  if (isSurrogate(codePoint)) return 'text holds half of a surrogate pair'
  return `text holds U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}, which MQTT does not allow`
}

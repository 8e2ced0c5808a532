/** What the pieces of `-F` print for a message. */
import { strftime } from '../../base/strftime.ts'
import { columnsOf, firstCharacters, firstColumns } from './columns.ts'
import type { Conversion, Piece } from './format.ts'
import { indentJson } from './json-text.ts'
import { messageJson, messageJsonParsed } from './message-json.ts'
import type { ShownMessage } from './shown-message.ts'

/** What is written, in order. `error` lines go to standard error. */
export interface Print {
  /** From the format, as it is. */
  text(text: string): void
  /** From the network: a terminal gets it with control characters escaped; line breaks too, unless it `hasLines`. */
  foreign(bytes: Uint8Array, hasLines: boolean): void
  /** JSON with line breaks of our own making. */
  json(text: string): void
  error(line: string): void
}

export interface PrintOptions {
  readonly pretty: boolean
}

const encoder = new TextEncoder()
const CHARACTER_BYTES_MAX = 64
const DEFAULT_FLOAT_DIGITS = 6

type Printer = (
  out: Print,
  message: ShownMessage,
  conversion: Conversion,
  options: PrintOptions,
) => void

function blanks(out: Print, { width, zero }: Conversion): void {
  out.text((zero ? '0' : ' ').repeat(width))
}

function padded(text: string, { left, zero, width }: Conversion): string {
  const padding = (zero && !left ? '0' : ' ').repeat(Math.max(0, width - columnsOf(text)))
  return left ? text + padding : padding + text
}

/** Numbers; absent ones are as many blanks as the conversion is wide. */
function int(valueOf: (message: ShownMessage) => number | undefined): Printer {
  return (out, message, conversion) => {
    const value = valueOf(message)
    if (value === undefined) blanks(out, conversion)
    else out.text(padded(String(value), conversion))
  }
}

/** Texts, cut at the precision; zeros never pad them. Absent ones print as `absent` says. */
function string(
  valueOf: (message: ShownMessage) => string | undefined,
  absent: 'blanks' | 'nothing',
): Printer {
  return (out, message, conversion) => {
    const value = valueOf(message)
    if (value === undefined) {
      if (absent === 'blanks') blanks(out, conversion)
      return
    }
    const { precision } = conversion
    // By characters, not by bytes: a cut never leaves half of one.
    const cut = precision < 0 ? value : firstCharacters(value, precision)
    out.foreign(encoder.encode(padded(cut, { ...conversion, zero: false })), false)
  }
}

/** The begin of a payload that fills at most so many columns; of one that is no text, bytes. */
function cutAt(payload: Uint8Array, width: number): { bytes: Uint8Array; columns: number } {
  // No character of a reader is longer than this in practice; a payload may be 256 MB.
  const begin = payload.subarray(0, width * CHARACTER_BYTES_MAX)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text: string
  try {
    text = decoder.decode(begin, { stream: begin.length < payload.length })
  } catch {
    const bytes = payload.subarray(0, width)
    return { bytes, columns: bytes.length }
  }
  const cut = firstColumns(text, width)
  return { bytes: encoder.encode(cut), columns: columnsOf(cut) }
}

function printPayload(out: Print, { shown }: ShownMessage, conversion: Conversion): void {
  const { left, zero, width } = conversion
  const { bytes, columns } = width > 0 ? cutAt(shown, width) : { bytes: shown, columns: 0 }
  const padding = (zero && !left ? '0' : ' ').repeat(Math.max(0, width - columns))
  if (!left) out.text(padding)
  out.foreign(bytes, true)
  if (left) out.text(padding)
}

/** Digits in groups of `precision`, no separator behind the last. At most `width` bytes, at least `width` digits. */
function hex(upper: boolean): Printer {
  return (out, { shown }, conversion) => {
    const { width, precision, separator } = conversion
    const bytes = width > 0 ? shown.subarray(0, width) : shown
    const digits = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
    const groups = precision > 0 ? digits.match(new RegExp(`.{1,${precision}}`, 'g')) : [digits]
    const grouped = (groups ?? []).join(separator)
    out.text(padded(upper ? grouped.toUpperCase() : grouped, conversion))
  }
}

/** The payload as one number of this machine's byte order. */
function float(size: 4 | 8): Printer {
  return (out, { payload }, conversion) => {
    if (payload.length !== size) {
      out.error('requested float printing, but non-float data received')
      return
    }
    const view = new DataView(payload.buffer, payload.byteOffset, size)
    const value = size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
    const { precision } = conversion
    const digits = Math.min(100, precision < 0 ? DEFAULT_FLOAT_DIGITS : precision)
    out.text(padded(cFixed(value, digits), conversion))
  }
}

/** As C's `%.*f` writes it: no exponent, `inf` and `nan` in lower case. */
function cFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value).toLowerCase().replace('infinity', 'inf')
  const size = Math.abs(value)
  if (size < 1e21) return value.toFixed(digits)
  const whole = `${value < 0 ? '-' : ''}${BigInt(size)}`
  return digits === 0 ? whole : `${whole}.${'0'.repeat(digits)}`
}

function printJson(
  out: Print,
  message: ShownMessage,
  options: PrintOptions,
  json: string | null,
): void {
  if (json === null) {
    out.error(`Error: Message payload is not valid JSON on topic ${message.topic}.`)
  } else out.json(options.pretty ? indentJson(json) : json)
}

function userPairs({ properties }: ShownMessage): string | undefined {
  return properties.userProperties?.map(([name, value]) => `${name}:${value}`).join(' ')
}

const PRINTERS: Readonly<Record<string, Printer>> = {
  '%': (out) => out.text('%'),
  A: int(({ properties }) => properties.topicAlias),
  C: string(({ properties }) => properties.contentType, 'blanks'),
  D: (out, { properties }) => out.foreign(properties.correlationData ?? new Uint8Array(0), false),
  E: int(({ properties }) => properties.messageExpirySeconds),
  F: int(({ properties }) => properties.payloadFormat),
  I: (out, { receivedAt }) => out.text(strftime('%Y-%m-%dT%H:%M:%S%z', receivedAt.date)),
  U: (out, { receivedAt: { seconds, nanoseconds } }) =>
    out.text(`${seconds}.${String(nanoseconds).padStart(9, '0')}`),
  j: (out, message, _, options) => printJson(out, message, options, messageJson(message)),
  J: (out, message, _, options) => printJson(out, message, options, messageJsonParsed(message)),
  l: int(({ payload }) => payload.length),
  m: int(({ packetId }) => packetId),
  P: string(userPairs, 'nothing'),
  p: printPayload,
  q: (out, { qos }) => out.text(String(qos)),
  r: (out, { retain }) => out.text(retain ? '1' : '0'),
  R: string(({ properties }) => properties.responseTopic, 'nothing'),
  S: int(({ properties }) => properties.subscriptionIds?.[0]),
  t: string(({ topic }) => topic, 'nothing'),
  x: hex(false),
  X: hex(true),
  f: float(4),
  d: float(8),
}

function printTime(out: Print, letter: string, { receivedAt }: ShownMessage): void {
  if (letter === 'N') out.text(String(receivedAt.nanoseconds).padStart(9, '0'))
  else out.text(strftime(`%${letter}`, receivedAt.date))
}

/** Prints a message as `pieces` say, without an end of line. */
export function printFormat(
  out: Print,
  pieces: readonly Piece[],
  message: ShownMessage,
  options: PrintOptions,
): void {
  for (const piece of pieces) {
    if (piece.kind === 'text') out.text(piece.text)
    else if (piece.kind === 'time') printTime(out, piece.letter, message)
    else PRINTERS[piece.letter](out, message, piece, options)
  }
}

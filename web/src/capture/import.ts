/**
 * Messages out of files: what this page exports, what `mozzie sub --output jsonl` and `-F %J` (`%j`) of `mozzie sub` and
 * `mosquitto_sub` wrote. Payloads that stand in the file as JSON keep their text, so every digit; where a file cannot say
 * what was sent, that is counted.
 */
import { fromBase64, utf8 } from '../decode/bytes.ts'
import { elements, sourceAt } from '../decode/json-source.ts'
import type { Unread } from '../protocol/protocol.ts'
import type { Arrival } from './capture.ts'
import { isLoose, propertiesOf, type Loose } from './import-properties.ts'

/** What is wrong with one record of a file, in a few words. */
class RecordError extends Error {}

export interface Imported {
  readonly records: Arrival[]
  /** Payloads that are not of the length the file gives: bytes that were no text, digits that a tool rounded. */
  readonly altered: number
  readonly unread: Unread
}

/** More reasons than anybody reads. */
const UNREAD_NAMED_MAX = 200
/** Without a message among as many, it is another file: to look at millions takes minutes. */
const UNREAD_FIRST_MAX = 100_000
/** Either way: more no date can be. */
const TIME_MS_MAX = 8.64e15

/**
 * What can be read of it: a tool that was ended, or a disk that was full, cuts off a file within a line.
 * Throws where there is nothing of a message in it.
 */
export function importRecords(text: string): Imported {
  let altered = 0
  const records: Arrival[] = []
  const unread: { line: number; reason: string }[] = []
  let total = 0
  let saysEnd = false
  let isTool = false
  for (const { line, source, isBlank, isCut } of sources(text)) {
    // Between the lines of other programs a blank one means nothing.
    if (isBlank && !isTool) continue
    try {
      if (isBlank) throw new RecordError('empty, as for a payload that -F %J cannot write')
      const record = parse(source, isCut)
      isTool ||= record.tst !== undefined
      const arrival = arrivalOf(record, source)
      const { payloadlen: said } = record
      if (typeof said === 'number' && said !== arrival.payload.length) altered++
      records.push(arrival)
    } catch (error) {
      if (!(error instanceof RecordError)) throw error
      if (isCut && saysEnd) continue
      saysEnd ||= isCut
      if (total++ < UNREAD_NAMED_MAX) unread.push({ line, reason: error.message })
      if (total === UNREAD_FIRST_MAX && records.length === 0) break
    }
  }
  const [first] = unread
  if (records.length === 0 && first !== undefined)
    throw new Error(`line ${first.line}: ${first.reason}`)
  return { records, altered, unread: { total, first: unread } }
}

interface Source {
  readonly line: number
  readonly source: string
  readonly isBlank: boolean
  /** The file ends with it, and without the end of a line or a list. */
  readonly isCut: boolean
}

function sources(text: string): Generator<Source> {
  // Files of Windows programs begin with a mark.
  const at = text.startsWith('\uFEFF') ? 1 : 0
  return /^\s*\[/.test(text.slice(at, at + 1000)) ? listed(text.slice(at)) : lines(text.slice(at))
}

function* lines(text: string): Generator<Source> {
  let line = 1
  for (let at = 0; at < text.length; line++) {
    const found = text.indexOf('\n', at)
    const end = found === -1 ? text.length : found
    const source = text.slice(at, end)
    yield { line, source, isBlank: source.trim() === '', isCut: found === -1 }
    at = end + 1
  }
}

function* listed(text: string): Generator<Source> {
  let line = 1
  let counted = 0
  for (const { at, end } of elements(text)) {
    for (; counted < at; counted++) if (text[counted] === '\n') line++
    yield { line, source: text.slice(at, end), isBlank: false, isCut: end >= text.length }
  }
}

function parse(source: string, isCut: boolean): Loose {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch {
    throw new RecordError(isCut && /^\s*(?:\{|$)/.test(source) ? 'cut off' : 'no JSON')
  }
  if (!isLoose(value)) throw new RecordError('no object')
  return value
}

function arrivalOf(record: Loose, source: string): Arrival {
  const { topic, qos = 0, time, timestamp, tst, direction, retain } = record
  if (typeof topic !== 'string' || topic === '') throw new RecordError('topic is missing')
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new RecordError(`qos is ${JSON.stringify(qos)}`)
  const timeMs = timeOf(time ?? timestamp ?? tst)
  if (timeMs === null || Math.abs(timeMs) > TIME_MS_MAX) throw new RecordError('time is not a time')
  return {
    topic,
    qos,
    retain: retain === true || retain === 1,
    dup: false,
    outgoing: direction === 'out',
    timeMs,
    payload: payloadOf(record, source),
    properties: propertiesOf(record.properties, (name) => {
      throw new RecordError(`${name} is not as MQTT has it`)
    }),
  }
}

/** ISO 8601; the tools write microseconds, `+0100` without a colon, mosquitto a Z before that. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z?([+-]\d\d):?(\d\d)|Z)?$/

function timeOf(time: unknown): number | null {
  if (time === undefined) return Date.now()
  if (typeof time === 'number') return time
  if (typeof time !== 'string') return null
  const found = TIME.exec(time)
  const other = Date.parse(time)
  if (found === null) return Number.isNaN(other) ? null : other
  const [, date = '', fraction = '', hours, minutes] = found
  const ms = Date.parse(`${date}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
  return Number.isNaN(ms) ? null : ms + Number(`0.${fraction || '0'}`) * 1000
}

function payloadOf(record: Loose, source: string): Uint8Array {
  const base64 = record.payloadBase64 ?? record.payload_base64
  if (typeof base64 === 'string') {
    const bytes = fromBase64(base64)
    if (bytes === null) throw new RecordError('the payload is no base64')
    return bytes
  }
  const { payload, payloadlen: said } = record
  if (payload === undefined) return new Uint8Array()
  const asJson = utf8(sourceAt(source, ['payload']) ?? '')
  // What looks the same in the file, a payload of JSON and one that is its text, differs in length.
  if (payload === null) return said === asJson.length ? asJson : new Uint8Array()
  if (typeof payload !== 'string') return asJson
  const asText = utf8(payload)
  return said === asJson.length && said !== asText.length ? asJson : asText
}

/**
 * Messages out of files: what this page exports, what `mozzie sub --output jsonl` and `-F %J` (`%j`) of `mozzie sub` and
 * `mosquitto_sub` wrote. Payloads that stand in the file as JSON keep their text, so every digit; where a file cannot say
 * what was sent, that is counted.
 */
import { fromBase64, utf8 } from '../decode/bytes.ts'
import { elementSources, sourceAt } from '../decode/json-source.ts'
import type { Properties } from '../model/message.ts'
import type { Arrival } from './capture.ts'
import { BINARY } from './records.ts'

/** What is wrong with a file: the record's number, counted from 1. */
export class RecordError extends Error {
  readonly record: number
  constructor(record: number, message: string) {
    super(message)
    this.record = record
  }
}

export interface Imported {
  readonly records: Arrival[]
  /** Payloads that are not of the length the file gives: bytes that were no text, digits that a tool rounded. */
  readonly altered: number
}

type Loose = Readonly<Record<string, unknown>>

const isLoose = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Throws RecordError. */
export function importRecords(text: string): Imported {
  let altered = 0
  const records: Arrival[] = []
  for (const source of sources(text)) {
    const at = records.length + 1
    const record = parse(source, at)
    const arrival = arrivalOf(record, source, at)
    const { payloadlen: said } = record
    if (typeof said === 'number' && said !== arrival.payload.length) altered++
    records.push(arrival)
  }
  return { records, altered }
}

/** The text of each record. */
function* sources(text: string): Generator<string> {
  const trimmed = text.trim()
  if (!trimmed.startsWith('[')) {
    for (const line of trimmed.split('\n')) if (line.trim() !== '') yield line
    return
  }
  try {
    JSON.parse(trimmed)
  } catch (error) {
    throw new RecordError(0, error instanceof Error ? error.message : String(error))
  }
  yield* elementSources(trimmed)
}

function parse(source: string, at: number): Loose {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch {
    throw new RecordError(at, `record ${at}: no JSON`)
  }
  if (!isLoose(value)) throw new RecordError(at, `record ${at}: no object`)
  return value
}

function arrivalOf(record: Loose, source: string, at: number): Arrival {
  const { topic, qos = 0, time, timestamp, tst, direction, retain } = record
  if (typeof topic !== 'string' || topic === '')
    throw new RecordError(at, `record ${at}: topic is missing`)
  if (qos !== 0 && qos !== 1 && qos !== 2)
    throw new RecordError(at, `record ${at}: qos is ${JSON.stringify(qos)}`)
  const timeMs = timeOf(time ?? timestamp ?? tst)
  if (timeMs === null) throw new RecordError(at, `record ${at}: time is not a time`)
  return {
    topic,
    qos,
    retain: retain === true || retain === 1,
    dup: false,
    outgoing: direction === 'out',
    timeMs,
    payload: payloadOf(record, source, at),
    properties: propertiesOf(record.properties),
  }
}

/** ISO 8601; the tools write microseconds, `+0100` without a colon, mosquitto a Z before that. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z?([+-]\d\d):?(\d\d)|Z)?$/

function timeOf(time: unknown): number | null {
  if (time === undefined) return Date.now()
  if (typeof time === 'number') return Number.isFinite(time) ? time : null
  if (typeof time !== 'string') return null
  const found = TIME.exec(time)
  const other = Date.parse(time)
  if (found === null) return Number.isNaN(other) ? null : other
  const [, date = '', fraction = '', hours, minutes] = found
  const ms = Date.parse(`${date}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
  return Number.isNaN(ms) ? null : ms + Number(`0.${fraction || '0'}`) * 1000
}

function payloadOf(record: Loose, source: string, at: number): Uint8Array {
  const base64 = record.payloadBase64 ?? record.payload_base64
  if (typeof base64 === 'string') {
    const bytes = fromBase64(base64)
    if (bytes === null) throw new RecordError(at, `record ${at}: the payload is no base64`)
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

/** Names of properties in the files of the tools. */
const TOOL_NAMES: Readonly<Record<string, keyof Properties>> = {
  'payload-format-indicator': 'payloadFormat',
  'message-expiry-interval': 'messageExpirySeconds',
  'content-type': 'contentType',
  'response-topic': 'responseTopic',
  'correlation-data': 'correlationData',
  'subscription-identifier': 'subscriptionIds',
  'topic-alias': 'topicAlias',
  'user-properties': 'userProperties',
}

function propertiesOf(value: unknown): Properties | null {
  if (!isLoose(value)) return null
  const properties: Record<string, unknown> = {}
  for (const [name, held] of Object.entries(value)) {
    const known = TOOL_NAMES[name]
    if (known === undefined) properties[name] = held
    else if (known === 'userProperties') properties[known] = pairsOf(held)
    else properties[known] = known === 'subscriptionIds' ? [held].flat() : held
  }
  for (const name of BINARY) {
    const held = properties[name]
    if (isLoose(held)) properties[name] = fromBase64(String(held.base64)) ?? new Uint8Array()
    else if (typeof held === 'string') properties[name] = utf8(held)
  }
  return properties
}

/** A list of objects with one member each; mosquitto: one object. */
function pairsOf(value: unknown): [string, string][] {
  const objects = (Array.isArray(value) ? value : [value]).filter(isLoose)
  return objects.flatMap((each) =>
    Object.entries(each).map(([name, held]): [string, string] => [name, String(held)]),
  )
}

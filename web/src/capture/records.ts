/** Messages as files: JSON lines, one JSON list, or CSV, one row a message; and the first two back again. */
import { csvField } from '../publish/csv.ts'
import { asText, fromBase64, toBase64 } from '../decode/bytes.ts'
import type { Properties, Qos } from '../model/message.ts'
import type { ExportFormat } from '../protocol/protocol.ts'
import type { Arrival, Capture } from './capture.ts'

/** A message in a file. Payloads that are no text are in `payloadBase64`. */
interface FileRecord {
  time: string
  direction: 'in' | 'out'
  topic: string
  qos: Qos
  retain: boolean
  payload?: string
  payloadBase64?: string
  properties?: Record<string, unknown>
}

const BINARY = ['correlationData', 'authenticationData'] as const

function recordOf(capture: Capture, seq: number): FileRecord {
  const { ring } = capture
  const payload = ring.payload(seq)
  const text = asText(payload)
  const properties = ring.properties(seq)
  return {
    time: new Date(ring.timeMs(seq)).toISOString(),
    direction: ring.isOutgoing(seq) ? 'out' : 'in',
    topic: capture.topicOf(seq).name,
    qos: ring.qos(seq),
    retain: ring.isRetained(seq),
    ...(text === null ? { payloadBase64: toBase64(payload) } : { payload: text }),
    ...(properties === null ? {} : { properties: plainProperties(properties) }),
  }
}

function plainProperties(properties: Properties): Record<string, unknown> {
  const plain: Record<string, unknown> = { ...properties }
  for (const name of BINARY) {
    const bytes = properties[name]
    if (bytes !== undefined) plain[name] = { base64: toBase64(bytes) }
  }
  return plain
}

const CSV_HEAD = 'time,direction,topic,qos,retain,size,payload,payload_base64\r\n'

function csvRow(record: FileRecord, size: number): string {
  const { time, direction, topic, qos, retain, payload = '', payloadBase64 = '' } = record
  const fields = [
    time,
    direction,
    topic,
    String(qos),
    retain ? '1' : '0',
    String(size),
    payload,
    payloadBase64,
  ]
  return `${fields.map(csvField).join(',')}\r\n`
}

/** The parts of a file with these messages. */
export function* exportParts(
  capture: Capture,
  seqs: Iterable<number>,
  format: ExportFormat,
): Generator<string> {
  if (format === 'csv') yield `\uFEFF${CSV_HEAD}`
  if (format === 'json') yield '[\n'
  let isFirst = true
  for (const seq of seqs) {
    const record = recordOf(capture, seq)
    if (format === 'csv') yield csvRow(record, capture.ring.size(seq))
    else if (format === 'jsonl') yield `${JSON.stringify(record)}\n`
    else yield `${isFirst ? '' : ',\n'}${JSON.stringify(record)}`
    isFirst = false
  }
  if (format === 'json') yield '\n]\n'
}

/** What is wrong with a file: the record's number, counted from 1. */
export class RecordError extends Error {
  readonly record: number
  constructor(record: number, message: string) {
    super(message)
    this.record = record
  }
}

/** Messages of a JSON or JSON lines file. Throws RecordError. */
export function importRecords(text: string): Arrival[] {
  const trimmed = text.trim()
  const values = trimmed.startsWith('[')
    ? (JSON.parse(trimmed) as unknown[])
    : trimmed
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map(parseLine)
  return values.map((value, at) => arrivalOf(value, at + 1))
}

function parseLine(line: string, at: number): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new RecordError(at + 1, 'no JSON')
  }
}

function arrivalOf(value: unknown, at: number): Arrival {
  if (typeof value !== 'object' || value === null) throw new RecordError(at, 'no object')
  const { topic, qos = 0, time, timestamp, direction, retain } = value as Record<string, unknown>
  if (typeof topic !== 'string' || topic === '') throw new RecordError(at, 'topic is missing')
  if (qos !== 0 && qos !== 1 && qos !== 2)
    throw new RecordError(at, `qos is ${JSON.stringify(qos)}`)
  const timeMs = timeOf(time ?? timestamp)
  if (timeMs === null) throw new RecordError(at, 'time is not a time')
  return {
    topic,
    qos,
    retain: retain === true || retain === 1,
    dup: false,
    outgoing: direction === 'out',
    timeMs,
    payload: payloadOf(value as Record<string, unknown>, at),
    properties: propertiesOf((value as Record<string, unknown>).properties),
  }
}

function timeOf(time: unknown): number | null {
  if (time === undefined) return Date.now()
  const ms =
    typeof time === 'number' ? time : typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isFinite(ms) ? ms : null
}

function payloadOf({ payload, payloadBase64 }: Record<string, unknown>, at: number): Uint8Array {
  if (typeof payloadBase64 === 'string') {
    const bytes = fromBase64(payloadBase64)
    if (bytes === null) throw new RecordError(at, 'payloadBase64 is no base64')
    return bytes
  }
  const text =
    payload === undefined ? '' : typeof payload === 'string' ? payload : JSON.stringify(payload)
  return new TextEncoder().encode(text)
}

function propertiesOf(value: unknown): Properties | null {
  if (typeof value !== 'object' || value === null) return null
  const properties: Record<string, unknown> = { ...value }
  for (const name of BINARY) {
    const held = properties[name]
    if (typeof held !== 'object' || held === null) continue
    properties[name] =
      fromBase64(String((held as Record<string, unknown>).base64)) ?? new Uint8Array()
  }
  return properties
}

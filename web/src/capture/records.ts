/** Messages as files: JSON lines, one JSON list, or CSV, one row a message. */
import { csvField } from '../publish/csv.ts'
import { asText, toBase64 } from '../decode/bytes.ts'
import type { Properties, Qos } from '../model/message.ts'
import type { ExportFormat } from '../protocol/protocol.ts'
import type { Capture } from './capture.ts'

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

/** Properties that are bytes. */
const BINARY = ['correlationData', 'authenticationData'] as const

/** With microseconds where there are some. */
function isoTime(ms: number): string {
  const allMicros = Math.round((ms - Math.floor(ms)) * 1000)
  const micros = allMicros % 1000
  const text = new Date(Math.floor(ms) + (allMicros - micros) / 1000).toISOString()
  return micros === 0 ? text : text.replace('Z', `${String(micros).padStart(3, '0')}Z`)
}

function recordOf(capture: Capture, seq: number): FileRecord {
  const { ring } = capture
  const payload = ring.payload(seq)
  const text = asText(payload)
  const properties = ring.properties(seq)
  return {
    time: isoTime(ring.timeMs(seq)),
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

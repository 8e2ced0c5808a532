/** How a line of the log is written. */
import { escapeControls } from '../base/escape-controls.ts'
import { LogType, type LogFields, type LogTypeBit } from '../base/log.ts'
import { strftime } from '../base/strftime.ts'

/** Bytes of a line without its end, at most. */
const LINE_BYTES_MAX = 1000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What a line begins with. */
export interface TimestampFormat {
  readonly enabled: boolean
  /** For strftime; null: seconds since 1970. */
  readonly format: string | null
}

/** `<timestamp>: text` on one line without line end: control characters escaped, {@link LINE_BYTES_MAX} bytes. */
export function logLine(
  text: string,
  { enabled, format }: TimestampFormat,
  wallMs: number,
): string {
  const safe = escapeControls(text)
  if (!enabled) return cut(safe)
  const time =
    format === null ? String(Math.floor(wallMs / 1000)) : strftime(format, new Date(wallMs))
  return cut(`${time}: ${safe}`)
}

const typeNames = new Map<LogTypeBit, string>(
  Object.entries(LogType).map(([name, bit]) => [bit, name]),
)

const FIELD_CHARACTERS_MAX = 256

/** The same as one JSON object: `time` (ISO 8601, UTC), `level` (a log type), `message`, then `fields`. */
export function jsonLogLine(
  type: LogTypeBit,
  text: string,
  fields: LogFields | undefined,
  wallMs: number,
): string {
  const line: Record<string, string | number | boolean> = {
    time: new Date(wallMs).toISOString(),
    level: typeNames.get(type) ?? '',
    message: cut(escapeControls(text)),
  }
  for (const [name, value] of Object.entries(fields ?? {}))
    line[name] =
      typeof value === 'string' ? escapeControls(value.slice(0, FIELD_CHARACTERS_MAX)) : value
  return JSON.stringify(line)
}

/** One line without time. */
export function plainLine(text: string): string {
  return cut(escapeControls(text))
}

function cut(line: string): string {
  if (line.length * 3 <= LINE_BYTES_MAX) return line
  const bytes = encoder.encode(line)
  if (bytes.length <= LINE_BYTES_MAX) return line
  let end = LINE_BYTES_MAX - 3
  while ((bytes[end] & 0xc0) === 0x80) end--
  return `${decoder.decode(bytes.subarray(0, end))}...`
}

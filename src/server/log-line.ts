/** How a line of the log is written. */
import { LogType, type LogFields, type LogTypeBit } from '../base/log.ts'
import { strftime } from '../base/strftime.ts'

/** Bytes of a line without its end, at most. */
const LINE_BYTES_MAX = 1000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Controls but tab, what ends lines elsewhere, and what turns the direction of writing. */
const UNSAFE = /(?!\t)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

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

/** Tab stays: some lines begin with it on purpose. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0)
    return code < 256
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

function cut(line: string): string {
  if (line.length * 3 <= LINE_BYTES_MAX) return line
  const bytes = encoder.encode(line)
  if (bytes.length <= LINE_BYTES_MAX) return line
  let end = LINE_BYTES_MAX - 3
  while ((bytes[end] & 0xc0) === 0x80) end--
  return `${decoder.decode(bytes.subarray(0, end))}...`
}

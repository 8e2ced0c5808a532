/**
 * The log port. One bit a type, mosquitto's own set (mosquitto.conf, `log_type`), so that a disabled
 * type costs one `&` and the text is never built:
 *
 *     if (log.mask & LogType.debug) log.write(LogType.debug, `Received PINGREQ from ${id}`)
 */
export const LogType = {
  error: 1,
  warning: 2,
  notice: 4,
  information: 8,
  debug: 16,
  subscribe: 32,
  unsubscribe: 64,
  websockets: 128,
  internal: 256,
} as const

export type LogTypeBit = (typeof LogType)[keyof typeof LogType]

/**
 * What a line says, for programs (`log_format json`): `event` first, as `client_connected`. Names stay as they
 * are once released.
 */
export type LogFields = Readonly<Record<string, string | number | boolean>> & {
  readonly event: string
}

export interface Log {
  /** The types that are written somewhere, or-ed. */
  readonly mask: number
  /** Writes one line. `text` may hold bytes from the network: the adapter escapes control characters. */
  write(type: LogTypeBit, text: string, fields?: LogFields): void
  /**
   * Whether lines of an event have come too often of late: one more is counted as left out, and need not be built. Absent:
   * never.
   */
  isTooOften?(event: string): boolean
}

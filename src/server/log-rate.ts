/** Bounds the lines that strangers cause by connecting: a storm of them must not become a storm of lines. */

const LINES_PER_SECOND = 100
const WINDOW_MS = 1000

/** How lines of a kind begin; the event, where lines need not be built to be left out. */
const KINDS: readonly (readonly [prefix: string, event?: string])[] = [
  ['New connection from', 'connection_opened'],
  ['New client connected from', 'client_connected'],
  ['Client connection from'],
  ['Client '],
  ['Login refused: '],
  ['Denied: '],
]

interface Kind {
  readonly prefix: string
  readonly event: string | null
  startMs: number
  written: number
  suppressed: number
}

export interface LogRate {
  /** Whether a line may be written now. */
  admits(text: string, nowMs: number): boolean
  /** Whether a line of this event may not be written now; it is counted as left out. */
  isTooOften(event: string, nowMs: number): boolean
  /** Says once what was left out in windows that are over. */
  report(nowMs: number, write: (text: string) => void): void
}

export function createLogRate(): LogRate {
  const table: Kind[] = KINDS.map(([prefix, event = null]) => ({
    prefix,
    event,
    startMs: 0,
    written: 0,
    suppressed: 0,
  }))
  let suppressing = false
  const leaveOut = (kind: Kind, nowMs: number): boolean => {
    if (nowMs - kind.startMs >= WINDOW_MS && kind.suppressed === 0) {
      kind.startMs = nowMs
      kind.written = 0
    }
    if (kind.written < LINES_PER_SECOND) return false
    kind.suppressed++
    suppressing = true
    return true
  }
  return {
    admits(text, nowMs) {
      const kind = table.find(({ prefix }) => text.startsWith(prefix))
      if (kind === undefined) return true
      const admitted = !leaveOut(kind, nowMs)
      if (admitted) kind.written++
      return admitted
    },
    isTooOften(event, nowMs) {
      const kind = table.find((each) => each.event === event)
      return kind !== undefined && leaveOut(kind, nowMs)
    },
    report(nowMs, write) {
      if (!suppressing) return
      suppressing = false
      for (const kind of table) {
        if (kind.suppressed === 0) continue
        if (nowMs - kind.startMs < WINDOW_MS) {
          suppressing = true
          continue
        }
        const count = kind.suppressed
        kind.suppressed = 0
        write(`${count} lines suppressed: ${kind.prefix.trim()} ...`)
      }
    },
  }
}

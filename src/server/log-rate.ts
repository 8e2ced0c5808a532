/** Bounds the lines that strangers cause by connecting: a storm of them must not become a storm of lines. */

const LINES_PER_SECOND = 100
const WINDOW_MS = 1000

const KINDS = [
  'New connection from',
  'New client connected from',
  'Client connection from',
  'Client ',
  'Login refused: ',
  'Denied: ',
] as const

interface Kind {
  readonly prefix: string
  startMs: number
  written: number
  suppressed: number
}

export interface LogRate {
  /** Whether a line may be written now. */
  admits(text: string, nowMs: number): boolean
  /** Says once what was left out in windows that are over. */
  report(nowMs: number, write: (text: string) => void): void
}

export function createLogRate(): LogRate {
  const table: Kind[] = KINDS.map((prefix) => ({ prefix, startMs: 0, written: 0, suppressed: 0 }))
  let suppressing = false
  return {
    admits(text, nowMs) {
      const kind = table.find(({ prefix }) => text.startsWith(prefix))
      if (kind === undefined) return true
      if (nowMs - kind.startMs >= WINDOW_MS && kind.suppressed === 0) {
        kind.startMs = nowMs
        kind.written = 0
      }
      if (kind.written++ < LINES_PER_SECOND) return true
      kind.suppressed++
      suppressing = true
      return false
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

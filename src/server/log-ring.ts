/** The last lines of the log, for whoever opens it late. */
import { LogType, type LogTypeBit } from '../base/log.ts'
import type { RecentLine } from '../admin/source.ts'
import { plainLine } from './log-line.ts'

const LINES_MAX = 1000

export interface LogRing {
  /** Debug lines are left out: they come by the thousand. Returns the number of the line, 0: it was left out. */
  note(type: LogTypeBit, text: string): number
  /** Oldest first. */
  lines(): RecentLine[]
}

export function createLogRing(): LogRing {
  const ring: RecentLine[] = []
  let last = 0
  return {
    note(type, text) {
      if (type === LogType.debug) return 0
      const number = ++last
      ring[number % LINES_MAX] = { number, timeMs: Date.now(), type, text: plainLine(text) }
      return number
    },
    lines: () => ring.filter(() => true).sort((left, right) => left.number - right.number),
  }
}

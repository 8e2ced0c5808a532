/** The last lines of the log, for whoever opens it late. */
import { LogType, type LogTypeBit } from '../base/log.ts'
import type { RecentLine } from '../admin/source.ts'
import { plainLine } from './log-line.ts'

const LINES_MAX = 1000

export interface LogRing {
  /** Keeps a line written now, controls escaped. Debug lines are left out, and have the number 0: they come by the thousand. */
  note(type: LogTypeBit, text: string): RecentLine
  /** Oldest first. */
  lines(): RecentLine[]
}

export function createLogRing(): LogRing {
  const ring: RecentLine[] = []
  let last = 0
  return {
    note(type, text) {
      const number = type === LogType.debug ? 0 : ++last
      const line = { number, timeMs: Date.now(), type, text: plainLine(text) }
      if (number > 0) ring[number % LINES_MAX] = line
      return line
    },
    lines: () => ring.filter(() => true).sort((left, right) => left.number - right.number),
  }
}

/** Those who watch the log while it is written, and its last lines. */
import { LogType, type LogTypeBit } from '../base/log.ts'
import { plainLine } from './log-line.ts'

/** @param number Of the line, ascending; 0: it is not among the last lines that are kept. */
export type LogWatch = (type: LogTypeBit, text: string, number: number) => void

/** Those who look at the log while it is written, besides its destinations. */
export interface LogWatchers {
  /** The types that somebody wants. */
  readonly mask: number
  tell: LogWatch
  /** Hands on lines of the types in `mask`, controls escaped; returns what ends that. */
  add(mask: number, line: LogWatch): () => void
}

/** @param onChange Is called when the mask may have changed. */
export function createLogWatchers(onChange: () => void): LogWatchers {
  const watchers = new Set<{ readonly mask: number; readonly line: LogWatch }>()
  const all = Object.values(LogType)
  return {
    get mask() {
      const wanted = all.filter((type) => [...watchers].some(({ mask }) => mask & type))
      return wanted.reduce<number>((mask, type) => mask | type, 0)
    },
    tell(type, text, number) {
      for (const { mask, line } of watchers) if (mask & type) line(type, plainLine(text), number)
    },
    add(mask, line) {
      const watcher = { mask, line }
      watchers.add(watcher)
      onChange()
      return () => {
        watchers.delete(watcher)
        onChange()
      }
    },
  }
}

/** Those who watch the log while it is written, and its last lines. */
import type { RecentLine } from '../admin/source.ts'
import { LogType } from '../base/log.ts'

export type LogWatch = (line: RecentLine) => void

/** Those who look at the log while it is written, besides its destinations. */
export interface LogWatchers {
  /** The types that somebody wants. */
  readonly mask: number
  /** Nobody watches. */
  readonly isEmpty: boolean
  tell: LogWatch
  /** Hands on lines of the types in `mask`; returns what ends that. */
  add(mask: number, watch: LogWatch): () => void
}

/** @param onChange Is called when the mask may have changed. */
export function createLogWatchers(onChange: () => void): LogWatchers {
  const watchers = new Set<{ readonly mask: number; readonly watch: LogWatch }>()
  const all = Object.values(LogType)
  return {
    get mask() {
      const wanted = all.filter((type) => [...watchers].some(({ mask }) => mask & type))
      return wanted.reduce<number>((mask, type) => mask | type, 0)
    },
    get isEmpty() {
      return watchers.size === 0
    },
    tell(line) {
      for (const { mask, watch } of watchers) if (mask & line.type) watch(line)
    },
    add(mask, watch) {
      const watcher = { mask, watch }
      watchers.add(watcher)
      onChange()
      return () => {
        watchers.delete(watcher)
        onChange()
      }
    },
  }
}

/** How often something happened lately, by a key: bounded, whatever clients invent. */
import { shortKey } from './short-key.ts'

const ENTRIES_MAX = 10_000

export interface RecentCounts {
  /** Counts once more; returns how often it was within the window that began with its first time. */
  note(name: string, nowMs: number, windowMs: number): number
  forget(name: string): void
}

export function createRecentCounts(): RecentCounts {
  const table = new Map<string, { count: number; sinceMs: number }>()
  return {
    note(name, nowMs, windowMs) {
      const key = shortKey(name)
      let entry = table.get(key)
      if (entry === undefined) {
        entry = { count: 0, sinceMs: nowMs }
        const oldest = table.size < ENTRIES_MAX ? undefined : table.keys().next().value
        if (oldest !== undefined) table.delete(oldest)
        table.set(key, entry)
      }
      if (nowMs - entry.sinceMs >= windowMs) {
        entry.count = 0
        entry.sinceMs = nowMs
      }
      return ++entry.count
    },
    forget: (name) => void table.delete(shortKey(name)),
  }
}

/** Counts failed logins by address: guessing must be slow. */

const FAILURES_MAX = 5
const WINDOW_MS = 60_000
const ADDRESSES_MAX = 10_000

interface Count {
  failures: number
  startMs: number
}

export interface Attempts {
  /** Seconds to wait before another try; 0: go on. */
  waitSeconds(address: string): number
  failed(address: string): void
  succeeded(address: string): void
}

/** @param now Monotonic ms. */
export function createAttempts(now: () => number): Attempts {
  const counts = new Map<string, Count>()
  const countOf = (address: string): Count | undefined => {
    const count = counts.get(address)
    if (count === undefined || now() - count.startMs < WINDOW_MS) return count
    counts.delete(address)
    return undefined
  }
  return {
    waitSeconds(address) {
      const count = countOf(address)
      if (count === undefined || count.failures < FAILURES_MAX) return 0
      return Math.ceil((count.startMs + WINDOW_MS - now()) / 1000)
    },
    failed(address) {
      const count = countOf(address)
      if (count !== undefined) {
        count.failures++
        return
      }
      // The oldest entry goes: it is the one whose time is up first.
      const [oldest] = counts.keys()
      if (counts.size >= ADDRESSES_MAX && oldest !== undefined) counts.delete(oldest)
      counts.set(address, { failures: 1, startMs: now() })
    },
    succeeded: (address) => void counts.delete(address),
  }
}

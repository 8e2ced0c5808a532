/** Counts failed logins by address: guessing must be slow, also for who guesses many times at once. */

const FAILURES_MAX = 5
const WINDOW_MS = 60_000
const ADDRESSES_MAX = 10_000

interface Count {
  failures: number
  startMs: number
}

/** Passwords of an address that are being looked at, and those that may be, if these are right. */
interface Turns {
  open: number
  waiting: (() => void)[]
}

export interface Attempts {
  /**
   * Waits until a password may be looked at; {@link ended} is due then. Resolves with the seconds to wait before another try,
   * 0: go on.
   */
  begin(address: string): Promise<number>
  /** A right one does not make wrong ones undone: whoever has a password may guess others'. */
  ended(address: string, isRight: boolean): void
}

/** @param now Monotonic ms. */
export function createAttempts(now: () => number): Attempts {
  const counts = new Map<string, Count>()
  const turns = new Map<string, Turns>()
  const countOf = (address: string): Count | undefined => {
    const count = counts.get(address)
    if (count === undefined || now() - count.startMs < WINDOW_MS) return count
    counts.delete(address)
    return undefined
  }
  const failed = (address: string): void => {
    const count = countOf(address)
    if (count !== undefined) {
      count.failures++
      return
    }
    // The oldest entry goes: it is the one whose time is up first.
    const [oldest] = counts.keys()
    if (counts.size >= ADDRESSES_MAX && oldest !== undefined) counts.delete(oldest)
    counts.set(address, { failures: 1, startMs: now() })
  }
  return {
    async begin(address) {
      for (;;) {
        const { failures = 0, startMs = 0 } = countOf(address) ?? {}
        if (failures >= FAILURES_MAX) return Math.ceil((startMs + WINDOW_MS - now()) / 1000)
        const own = turns.get(address) ?? { open: 0, waiting: [] }
        turns.set(address, own)
        if (failures + own.open < FAILURES_MAX) {
          own.open++
          return 0
        }
        await new Promise<void>((resolve) => own.waiting.push(resolve))
      }
    },
    ended(address, isRight) {
      if (!isRight) failed(address)
      const own = turns.get(address)
      if (own === undefined) return
      own.open--
      const { failures = 0 } = countOf(address) ?? {}
      // No more than may go on, or to each that ends all would come and wait again; when none may, all are told so.
      const room =
        failures >= FAILURES_MAX ? own.waiting.length : FAILURES_MAX - failures - own.open
      const woken = own.waiting.splice(0, Math.max(0, room))
      if (own.open === 0 && own.waiting.length === 0) turns.delete(address)
      for (const next of woken) next()
    },
  }
}

/**
 * Slows down guessing. The answer to a failed login is held back the longer, the more have failed lately for the
 * same address or the same user; a right password is answered at once, so nobody is locked out by someone who
 * guesses from elsewhere. While too many answers are held for one user at one address, or for one address, no
 * more passwords are checked there.
 */
import { createRecentCounts } from './recent-counts.ts'

export interface LoginThrottle {
  /** Whether nobody at `address` may try to be `user` at the moment. */
  isExhausted(address: string, user: string): boolean
  /** A login failed: notes it, and calls `answer` when the refusal may go out. */
  failed(address: string, user: string, answer: () => void): void
}

/** Fails of the last minute that cost nothing. */
const FREE_FAILURES = 10
const WINDOW_MS = 60_000
const DELAY_STEP_MS = 500
/** Below the 10 s that a client has for its CONNECT. */
const DELAY_MS_MAX = 8000
const HELD_PER_USER_MAX = 20
const HELD_PER_ADDRESS_MAX = 200

export interface ThrottleWorld {
  nowMs(): number
  later(delayMs: number, call: () => void): void
}

export function createLoginThrottle({ nowMs, later }: ThrottleWorld): LoginThrottle {
  const byAddress = createRecentCounts()
  const byUser = createRecentCounts()
  const held = new Map<string, number>()
  const hold = (key: string, more: number): void => {
    const count = (held.get(key) ?? 0) + more
    if (count === 0) held.delete(key)
    else held.set(key, count)
  }
  return {
    isExhausted: (address, user) =>
      (held.get(address) ?? 0) >= HELD_PER_ADDRESS_MAX ||
      (held.get(pairOf(address, user)) ?? 0) >= HELD_PER_USER_MAX,
    failed(address, user, answer) {
      const now = nowMs()
      const failures = Math.max(
        byAddress.note(address, now, WINDOW_MS),
        byUser.note(user, now, WINDOW_MS),
      )
      const excess = failures - FREE_FAILURES
      if (excess <= 0) return answer()
      const pair = pairOf(address, user)
      hold(address, 1)
      hold(pair, 1)
      later(Math.min(DELAY_MS_MAX, excess * DELAY_STEP_MS), () => {
        hold(address, -1)
        hold(pair, -1)
        answer()
      })
    },
  }
}

/** No address holds a blank. */
function pairOf(address: string, user: string): string {
  return `${address} ${user}`
}

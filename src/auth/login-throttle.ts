/**
 * Slows down guessing. The answer to a failed login is held back the longer, the more have failed lately for
 * the same address or the same user; a right password is answered at once, so nobody is locked out by someone
 * who guesses. An address with too many held answers gets no more passwords checked until some are out.
 */

export interface LoginThrottle {
  /** Whether `address` has no more attempts at the moment. */
  isExhausted(address: string): boolean
  /** A login failed: notes it, and calls `answer` when the refusal may go out. */
  failed(address: string, user: string, answer: () => void): void
}

/** Fails of the last minute that cost nothing. */
const freeFailures = 10
const windowMs = 60_000
const delayStepMs = 500
/** Below the 10 s that a client has for its CONNECT. */
const delayMsMax = 8000
const heldPerAddressMax = 20
const entriesMax = 10_000

interface Failures {
  count: number
  sinceMs: number
  held: number
}

export interface ThrottleWorld {
  nowMs(): number
  later(delayMs: number, call: () => void): void
}

export function createLoginThrottle({ nowMs, later }: ThrottleWorld): LoginThrottle {
  const byAddress = new Map<string, Failures>()
  const byUser = new Map<string, Failures>()
  return {
    isExhausted: (address) => (byAddress.get(address)?.held ?? 0) >= heldPerAddressMax,
    failed(address, user, answer) {
      const origin = note(byAddress, address, nowMs())
      const name = note(byUser, user, nowMs())
      const excess = Math.max(origin.count, name.count) - freeFailures
      if (excess <= 0) return answer()
      origin.held++
      later(Math.min(delayMsMax, excess * delayStepMs), () => {
        origin.held--
        answer()
      })
    },
  }
}

function note(table: Map<string, Failures>, key: string, now: number): Failures {
  let failures = table.get(key)
  if (failures === undefined) {
    failures = { count: 0, sinceMs: now, held: 0 }
    if (table.size >= entriesMax) dropOldest(table)
    table.set(key, failures)
  }
  if (now - failures.sinceMs >= windowMs) {
    failures.count = 0
    failures.sinceMs = now
  }
  failures.count++
  return failures
}

/** An address with held answers stays: forgetting it would free it. */
function dropOldest(table: Map<string, Failures>): void {
  for (const [key, { held }] of table) {
    if (held > 0) continue
    table.delete(key)
    return
  }
}

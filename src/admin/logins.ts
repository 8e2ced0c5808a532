/** Who is logged in at the page: one random token each, kept in memory, sent as a cookie. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Identity } from '../ports/ports.ts'

const TOKEN_BYTES = 32
const LOGINS_MAX = 1000
const IDLE_MS_MAX = 8 * 3600_000
const LIFE_MS_MAX = 24 * 3600_000

export interface Login {
  readonly who: Identity
  /** To come back in a header with all that changes something. */
  readonly csrfToken: string
  readonly beganMs: number
  seenMs: number
}

export interface Logins {
  /** Returns the new token. */
  begin(who: Identity): { token: string; login: Login }
  find(token: string): Login | null
  end(token: string): boolean
}

/** @param now Monotonic ms. */
export function createLogins(now: () => number): Logins {
  // By the hash of the token: a look-up whose time depends on its key tells nothing about the token.
  const logins = new Map<string, Login>()
  return {
    begin(who) {
      const [oldest] = logins.keys()
      if (logins.size >= LOGINS_MAX && oldest !== undefined) logins.delete(oldest)
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      const csrfToken = randomBytes(TOKEN_BYTES).toString('base64url')
      const login = { who, csrfToken, beganMs: now(), seenMs: now() }
      logins.set(hashOf(token), login)
      return { token, login }
    },
    find(token) {
      const key = hashOf(token)
      const login = logins.get(key)
      if (login === undefined) return null
      const isOver = now() - login.seenMs > IDLE_MS_MAX || now() - login.beganMs > LIFE_MS_MAX
      if (isOver) logins.delete(key)
      login.seenMs = now()
      return isOver ? null : login
    },
    end: (token) => logins.delete(hashOf(token)),
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}

export function sameText(left: string, right: string): boolean {
  return timingSafeEqual(
    createHash('sha256').update(left).digest(),
    createHash('sha256').update(right).digest(),
  )
}

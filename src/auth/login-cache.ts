/** Verified logins, remembered for a short while. */
import { createHmac, randomBytes, randomInt } from 'node:crypto'

/**
 * Logins that were verified a short while ago, so that a fleet that reconnects does not have to be asked again.
 * What is kept is an HMAC under a key of this process: no password, and nothing that can be guessed from a
 * memory dump of another run.
 */
export interface LoginCache<T> {
  /** Names a login: its user, its password, and what else it depends on. */
  keyOf(username: string, password: Uint8Array, context: string): string
  get(key: string): T | undefined
  add(key: string, value: T): void
  clear(): void
}

const ENTRIES_MAX = 50_000

/** @param jitterMs How much longer or shorter a login may be remembered, so that not all of them end at once. */
export function createLoginCache<T>(
  nowMs: () => number,
  lifeMs: number,
  jitterMs = 0,
): LoginCache<T> {
  let secret: Buffer | null = null
  const verified = new Map<string, { untilMs: number; value: T }>()
  return {
    keyOf: (username, password, context) =>
      createHmac('sha256', (secret ??= randomBytes(32)))
        .update(`${Buffer.byteLength(username)}:${username}`)
        .update(`${Buffer.byteLength(context)}:${context}`)
        .update(password)
        .digest('base64'),
    get(key) {
      const entry = verified.get(key)
      if (entry === undefined) return undefined
      if (nowMs() < entry.untilMs) return entry.value
      verified.delete(key)
      return undefined
    },
    add(key, value) {
      verified.delete(key)
      const oldest = verified.size < ENTRIES_MAX ? undefined : verified.keys().next().value
      if (oldest !== undefined) verified.delete(oldest)
      verified.set(key, { untilMs: nowMs() + lifeMs + jitterOf(jitterMs), value })
    },
    clear: () => verified.clear(),
  }
}

/** From `-jitterMs` to `jitterMs`. */
export function jitterOf(jitterMs: number): number {
  return jitterMs === 0 ? 0 : randomInt(-jitterMs, jitterMs + 1)
}

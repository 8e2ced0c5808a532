import { createHmac, randomBytes } from 'node:crypto'

/**
 * Logins that were verified a short while ago, so that a fleet that reconnects does not hash again. What is kept
 * is an HMAC under a key of this process: no password, and nothing that can be guessed from a memory dump of
 * another run.
 */
export interface LoginCache {
  /** Names a login: its user, password, and the hash it was checked against. */
  keyOf(username: string, password: Uint8Array, encoded: string): string
  has(key: string): boolean
  add(key: string): void
  clear(): void
}

const lifeMs = 10 * 60_000
const entriesMax = 50_000

export function createLoginCache(nowMs: () => number): LoginCache {
  const secret = randomBytes(32)
  const verifiedAtMs = new Map<string, number>()
  return {
    keyOf: (username, password, encoded) =>
      createHmac('sha256', secret)
        .update(`${Buffer.byteLength(username)}:${username}${encoded.length}:${encoded}`)
        .update(password)
        .digest('base64'),
    has(key) {
      const atMs = verifiedAtMs.get(key)
      if (atMs === undefined) return false
      if (nowMs() - atMs < lifeMs) return true
      verifiedAtMs.delete(key)
      return false
    },
    add(key) {
      verifiedAtMs.delete(key)
      const oldest = verifiedAtMs.size < entriesMax ? undefined : verifiedAtMs.keys().next().value
      if (oldest !== undefined) verifiedAtMs.delete(oldest)
      verifiedAtMs.set(key, nowMs())
    },
    clear: () => verifiedAtMs.clear(),
  }
}

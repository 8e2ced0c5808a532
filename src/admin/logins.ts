/**
 * Who is logged in at the pages: one random token each, sent as a cookie. Of the token only a hash is known here, and in
 * the file that keeps logins over a restart.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Identity, ListenerOptions } from '../ports/ports.ts'

const TOKEN_BYTES = 32
const LOGINS_MAX = 1000
const IDLE_MS_MAX = 8 * 3600_000
const LIFE_MS_MAX = 24 * 3600_000
/** That somebody is still there need not be written at once. */
const SAVE_MS = 60_000

export interface Login {
  readonly who: Identity
  /** Wall clock, ms since 1970. */
  readonly beganMs: number
  seenMs: number
}

/** A login in the file. */
export interface KeptLogin {
  /** The hash of its token. */
  readonly key: string
  readonly username: string
  readonly realm: string
  readonly proof: string
  readonly beganMs: number
  readonly seenMs: number
}

/** Keeps logins beyond the process. */
export interface LoginKeeper {
  load(): readonly KeptLogin[]
  /** Never throws: whoever is logged in stays so. */
  save(list: readonly KeptLogin[]): void
  /** What is to be kept of a login whose key is this; null: it ends with the process. */
  proofOf(who: Identity, key: string): Pick<KeptLogin, 'realm' | 'proof'> | null
  /** Who came in by `listener` and was kept; null: not there, or the proof does not hold any more. */
  again(kept: KeptLogin, listener: ListenerOptions): Identity | null
}

export interface Logins {
  /** Returns the new token. */
  begin(who: Identity): { token: string; login: Login }
  find(token: string): Login | null
  end(token: string): boolean
  /** Lets in again who was kept for this listener. */
  restore(listener: ListenerOptions): void
  /** Writes what is not written yet. */
  close(): void
}

/**
 * @param now Wall clock, ms since 1970.
 * @param keeper null: logins end with the process.
 */
export function createLogins(now: () => number, keeper: LoginKeeper | null): Logins {
  // By the hash of the token: a look-up whose time depends on its key tells nothing about the token.
  const logins = new Map<string, Login>()
  const kept = keeper?.load() ?? []
  let savedMs = now()
  const save = (): void => {
    if (keeper === null) return
    savedMs = now()
    keeper.save(
      [...logins].flatMap(([key, { who, beganMs, seenMs }]) => {
        const proof = keeper.proofOf(who, key)
        return proof === null || who.username === null
          ? []
          : [{ key, username: who.username, ...proof, beganMs, seenMs }]
      }),
    )
  }
  return {
    begin(who) {
      const [oldest] = logins.keys()
      if (logins.size >= LOGINS_MAX && oldest !== undefined) logins.delete(oldest)
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      const login = { who, beganMs: now(), seenMs: now() }
      logins.set(hashOf(token), login)
      save()
      return { token, login }
    },
    find(token) {
      const key = hashOf(token)
      const login = logins.get(key)
      if (login === undefined) return null
      if (isOver(login, now())) {
        logins.delete(key)
        save()
        return null
      }
      login.seenMs = now()
      if (now() - savedMs > SAVE_MS) save()
      return login
    },
    end(token) {
      const done = logins.delete(hashOf(token))
      if (done) save()
      return done
    },
    restore(listener) {
      for (const entry of kept.slice(-LOGINS_MAX)) {
        const who = isOver(entry, now()) ? null : (keeper?.again(entry, listener) ?? null)
        const { beganMs, seenMs } = entry
        if (who !== null && !logins.has(entry.key)) logins.set(entry.key, { who, beganMs, seenMs })
      }
    },
    close: save,
  }
}

/** Too long without use, too old, or of a clock that is wrong. */
function isOver({ beganMs, seenMs }: Pick<Login, 'beganMs' | 'seenMs'>, nowMs: number): boolean {
  const [idleMs, ageMs] = [nowMs - seenMs, nowMs - beganMs]
  return idleMs > IDLE_MS_MAX || ageMs > LIFE_MS_MAX || ageMs < -SAVE_MS
}

/** To come back in a header with all that changes something: only who has the cookie can be told it. */
export function csrfTokenOf(token: string): string {
  return createHmac('sha256', token).update('csrf').digest('base64url')
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

/** A bounded line of password checks, a few at a time. */
import type { Argon2id } from './password-hash.ts'
import { verifyPassword, type PasswordHash } from './password-hash.ts'

/** Password checks that are under way or wait. */
export interface PasswordChecks {
  /**
   * Whether `password` is what `hash` was made of; null: too many checks wait already. Calls back later, never
   * within the call.
   */
  check(password: Uint8Array, hash: PasswordHash, done: (matches: boolean | null) => void): void
}

/** Checks at a time: half of libuv's threads, so that the disk has the others. */
const RUNNING_MAX = 2
/** Logins that may wait for their turn; a slow hash makes it seconds. */
const WAITING_MAX = 1000
const WAITING_BYTES_MAX = 4 << 20

interface Check {
  password: Uint8Array
  hash: PasswordHash
  done: (matches: boolean | null) => void
}

/** @param onError Told of a hash that could not be computed; the login is refused. */
export function createPasswordChecks(
  argon2id: Argon2id,
  onError: (error: Error) => void,
): PasswordChecks {
  const waiting: Check[] = []
  let waitingBytes = 0
  let running = 0
  const next = (): void => {
    const check = running < RUNNING_MAX ? waiting.shift() : undefined
    if (check === undefined) return
    waitingBytes -= check.password.length
    running++
    void run(check)
  }
  const run = async ({ password, hash, done }: Check): Promise<void> => {
    let matches = false
    try {
      matches = await verifyPassword(password, hash, argon2id)
    } catch (error) {
      onError(error as Error)
    }
    running--
    done(matches)
    next()
  }
  return {
    check(password, hash, done) {
      const full =
        waiting.length >= WAITING_MAX || waitingBytes + password.length > WAITING_BYTES_MAX
      if (full) {
        setImmediate(done, null)
        return
      }
      // The caller's bytes may lie in a read buffer that is used again.
      waiting.push({ password: password.slice(), hash, done })
      waitingBytes += password.length
      next()
    },
  }
}

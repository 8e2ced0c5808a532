/** What the ways to log in share: the attempt, how it is refused, and how guessing is slowed down. */
import { addressOf } from '../base/address.ts'
import { LogType, type Log } from '../base/log.ts'
import { isToken } from '../base/token-form.ts'
import { Reason } from '../codec/reason-codes.ts'
import { isText } from '../codec/utf8.ts'
import type { Auth, AuthRequest } from '../ports/ports.ts'
import type { LoginCache } from './login-cache.ts'
import type { LoginThrottle } from './login-throttle.ts'
import type { PasswordChecks } from './password-checks.ts'
import type { Argon2id } from './password-hash.ts'
import { welcomes, type Login, type Realm, type RealmOf } from './realm.ts'

export interface AuthenticatorWorld {
  readonly log: Log
  readonly argon2id: Argon2id
  readonly realmOf: RealmOf
  nowMs(): number
  /** Time of day, ms: tokens go by it. */
  wallMs(): number
  /** The next login that ends has ended: whoever is here is to be asked again. */
  loginEnded(): void
  later(delayMs: number, call: () => void): void
}

export interface LoginDesk {
  readonly world: AuthenticatorWorld
  /** Logins that were verified a short while ago. */
  readonly verified: LoginCache<true>
  readonly throttle: LoginThrottle
  readonly checks: PasswordChecks
  /** When logins by token end, wall clock in ms: whose timers run. */
  readonly endings: Set<number>
}

export type Answer = Parameters<Auth['authenticate']>[1]

/** A login with a user name, on its way. */
export interface Attempt {
  readonly request: AuthRequest
  readonly realm: Realm
  readonly username: string
  readonly password: Uint8Array
  readonly answer: Answer
}

/**
 * Lets in whom somebody else has proved, unless the users here say that such a one is out. `username`: null: as CONNECT said. What
 * CONNECT could not say names nobody: with a NUL it would be a bridge of the broker.
 */
export function letIn(
  desk: LoginDesk,
  attempt: Attempt,
  login: Login,
  username: string | null,
): void {
  const { realm, request, answer } = attempt
  // Any number of guesses may have been asked about before the first of them failed.
  if (isExhausted(desk, attempt)) return answer(Reason.quotaExceeded)
  const isName = username === null || isText(username)
  if (!isName || !welcomes(realm, username ?? request.username, request.clientId))
    return refuse(desk, attempt)
  answer(0, login, username ?? undefined)
}

export function refuse({ world, throttle }: LoginDesk, attempt: Attempt): void {
  const { request, username, answer } = attempt
  const { log } = world
  if (log.mask & LogType.notice)
    log.write(
      LogType.notice,
      `Login refused: user '${isToken(username) ? 'of a token' : username}', client ${request.clientId} [${request.remote}].`,
    )
  const address = addressOf(request.remote)
  // Of a burst that came at once: held answers are bounded, and this one says no more than an unchecked one.
  if (throttle.isExhausted(address, username)) return answer(Reason.quotaExceeded)
  throttle.failed(address, username, () => answer(Reason.notAuthorized))
}

export function isExhausted({ throttle }: LoginDesk, { request, username }: Attempt): boolean {
  return throttle.isExhausted(addressOf(request.remote), username)
}

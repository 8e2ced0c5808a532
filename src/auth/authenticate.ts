/** Who may come in: by password file, by hook, or as anonymous. */
import { addressOf } from '../base/address.ts'
import { LogType, type Log } from '../base/log.ts'
import type { Auth, AuthRequest } from '../ports/ports.ts'
import { Reason } from '../codec/reason-codes.ts'
import { createLoginCache } from './login-cache.ts'
import { createLoginThrottle } from './login-throttle.ts'
import { createPasswordChecks } from './password-checks.ts'
import type { Argon2id } from './password-hash.ts'
import {
  checksUsers,
  dummyOf,
  Login,
  passwordOf,
  welcomes,
  type Realm,
  type RealmOf,
} from './realm.ts'

export interface AuthenticatorWorld {
  readonly log: Log
  readonly argon2id: Argon2id
  readonly realmOf: RealmOf
  nowMs(): number
  later(delayMs: number, call: () => void): void
}

export interface Authenticator {
  readonly authenticate: Auth['authenticate']
  /** Forgets which logins were verified. */
  forget(): void
}

/** How long a verified password is not hashed again. */
const VERIFIED_MS = 10 * 60_000

type Answer = Parameters<Auth['authenticate']>[1]

/** A login with a user name and a password, on its way. */
interface Attempt {
  readonly request: AuthRequest
  readonly realm: Realm
  readonly username: string
  readonly password: Uint8Array
  readonly answer: Answer
}

/** Lets clients in by dynamic security, by password file, by hook, or as anonymous. */
export function createAuthenticator(world: AuthenticatorWorld): Authenticator {
  const { log, realmOf } = world
  const cache = createLoginCache<true>(world.nowMs, VERIFIED_MS)
  const throttle = createLoginThrottle(world)
  const checks = createPasswordChecks(world.argon2id, (error) =>
    log.write(LogType.error, `Error: a password could not be checked: ${error.message}`),
  )

  const refuse = ({ request, username, answer }: Attempt): void => {
    if (log.mask & LogType.notice)
      log.write(
        LogType.notice,
        `Login refused: user '${username}', client ${request.clientId} [${request.remote}].`,
      )
    // Of a burst that came at once: held answers are bounded, and this one says no more than an unchecked one.
    if (throttle.isExhausted(addressOf(request.remote), username))
      return answer(Reason.quotaExceeded)
    throttle.failed(addressOf(request.remote), username, () => answer(Reason.notAuthorized))
  }

  const isExhausted = ({ request, username }: Attempt): boolean =>
    throttle.isExhausted(addressOf(request.remote), username)

  const checkPassword = (attempt: Attempt): void => {
    const { request, realm, username, password, answer } = attempt
    const entry = passwordOf(realm, username)
    const dummy = dummyOf(realm)
    const isWelcome = welcomes(realm, username, request.clientId)
    const isHooks = isWelcome && entry === undefined && realm.hook !== null
    if (dummy === undefined || isHooks) return askHook(attempt)
    // Whatever a hash was made of: an empty password is what a client sends that has none.
    if (password.length === 0) return refuse(attempt)
    const key = cache.keyOf(username, password, entry?.encoded ?? '')
    if (isWelcome && cache.get(key) === true)
      return answer(0, new Login(realm, { encoded: entry?.encoded }))
    if (isExhausted(attempt)) return answer(Reason.quotaExceeded)
    // An unknown user costs the same as a known one, or the time would tell which is which.
    checks.check(password, entry?.hash ?? dummy, (matches) => {
      if (matches === null) return answer(Reason.quotaExceeded)
      // A change meanwhile may have taken the user out. Who is not welcome waits as long as others, and is told no more.
      const isCurrent = passwordOf(realm, username)?.encoded === entry?.encoded
      const isIn = isCurrent && welcomes(realm, username, request.clientId)
      if (!matches || entry === undefined || !isIn) return refuse(attempt)
      cache.add(key, true)
      answer(0, new Login(realm, { encoded: entry.encoded }))
    })
  }

  const askHook = (attempt: Attempt): void => {
    const { realm, request, answer } = attempt
    const { hook } = realm
    if (hook === null) return refuse(attempt)
    if (isExhausted(attempt)) return answer(Reason.quotaExceeded)
    hook.ask(request, (verdict) => {
      if (verdict === 'busy') return answer(Reason.quotaExceeded)
      if (verdict === 'unavailable') return answer(Reason.serverUnavailable)
      if (verdict === null || realm.hook === null) return refuse(attempt)
      answer(0, new Login(realm, { rights: verdict.rights }))
    })
  }

  return {
    forget: () => cache.clear(),
    authenticate(request, answer) {
      const realm = realmOf(request.listener)
      const { username, password, listener } = request
      if (request.proven)
        return welcomes(realm, username, request.clientId)
          ? answer(0, new Login(realm, { proven: true }))
          : answer(Reason.notAuthorized)
      const isOpen = username === null || !checksUsers(realm)
      if (isOpen)
        return listener.allowAnonymous ? answer(0, new Login(realm)) : answer(Reason.notAuthorized)
      const attempt = { request, realm, username, password: password ?? noPassword, answer }
      if (password === null) return refuse(attempt)
      checkPassword(attempt)
    },
  }
}

const noPassword = new Uint8Array(0)

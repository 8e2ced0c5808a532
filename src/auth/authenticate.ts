/** Who may come in: by go-auth's backends, by token, by dynamic security, by password file, by hook, or as anonymous. */
import { addressOf } from '../base/address.ts'
import { LogType } from '../base/log.ts'
import type { Auth, AuthRequest } from '../ports/ports.ts'
import { Reason } from '../codec/reason-codes.ts'
import { createExchange, type ExchangeWorld } from './exchanges.ts'
import type { GoAuth } from './go-auth/go-auth.ts'
import { createLoginCache } from './login-cache.ts'
import {
  isExhausted,
  letIn,
  refuse,
  type Answer,
  type Attempt,
  type AuthenticatorWorld,
  type LoginDesk,
} from './login-desk.ts'
import { createLoginThrottle } from './login-throttle.ts'
import { createPasswordChecks } from './password-checks.ts'
import { checksUsers, dummyOf, Login, passwordOf, usualOf, welcomes, type Realm } from './realm.ts'
import { checkToken, endingAt, takesToken } from './token-login.ts'

export interface Authenticator {
  readonly authenticate: Auth['authenticate']
  readonly exchange: NonNullable<Auth['exchange']>
  /** Forgets which logins were verified. */
  forget(): void
}

/** How long a verified password is not hashed again. */
const VERIFIED_MS = 10 * 60_000
const NO_PASSWORD = new Uint8Array(0)

export function createAuthenticator(world: AuthenticatorWorld): Authenticator {
  const desk: LoginDesk = {
    world,
    verified: createLoginCache<true>(world.nowMs, VERIFIED_MS),
    throttle: createLoginThrottle(world),
    checks: createPasswordChecks(world.argon2id, (error) =>
      world.log.write(LogType.error, `Error: a password could not be checked: ${error.message}`),
    ),
    endings: new Set(),
  }
  return {
    forget: () => desk.verified.clear(),
    authenticate: (request, answer) => authenticate(desk, request, answer),
    exchange: (request, method) => exchange(desk, request, method),
  }
}

function authenticate(desk: LoginDesk, request: AuthRequest, answer: Answer): void {
  const { username, password, listener } = request
  const realm = desk.world.realmOf(listener)
  if (request.proven)
    return welcomes(realm, username, request.clientId)
      ? answer(0, new Login(realm, { proven: true }))
      : answer(Reason.notAuthorized)
  if (username === null || !checksUsers(realm))
    return listener.allowAnonymous ? answer(0, new Login(realm)) : answer(Reason.notAuthorized)
  const attempt = { request, realm, username, password: password ?? NO_PASSWORD, answer }
  if (realm.goAuth !== null) return askGoAuth(desk, attempt, realm.goAuth)
  if (takesToken(desk, attempt)) return
  if (password === null) refuse(desk, attempt)
  else checkPassword(desk, attempt)
}

function checkPassword(desk: LoginDesk, attempt: Attempt): void {
  const { request, realm, username, password, answer } = attempt
  const { verified, checks } = desk
  const entry = passwordOf(realm, username)
  const dummy = dummyOf(realm)
  const isWelcome = welcomes(realm, username, request.clientId)
  const isHooks = isWelcome && entry === undefined && realm.hook !== null
  if (dummy === undefined || isHooks) return askHook(desk, attempt)
  // Whatever a hash was made of: an empty password is what a client sends that has none.
  if (password.length === 0) return refuse(desk, attempt)
  // An unknown user costs the same as a known one all along, or the time would tell which is which.
  const checked = entry ?? dummy
  const key = verified.keyOf(username, password, checked.encoded)
  if (isWelcome && verified.get(key) === true)
    return answer(0, new Login(realm, { encoded: entry?.encoded }))
  if (isExhausted(desk, attempt)) return answer(Reason.quotaExceeded)
  checks.check(password, checked.hash, (matches) => {
    // Any number of guesses may have stood in line before the first of them failed.
    if (matches === null || isExhausted(desk, attempt)) return answer(Reason.quotaExceeded)
    // A change meanwhile may have taken the user out. Who is not welcome waits as long as others, and is told no more.
    const isCurrent = passwordOf(realm, username)?.encoded === entry?.encoded
    const isIn = isCurrent && welcomes(realm, username, request.clientId)
    if (!matches || entry === undefined || !isIn) return refuse(desk, attempt)
    verified.add(key, true)
    answer(0, new Login(realm, { encoded: entry.encoded }))
  })
}

function askGoAuth(desk: LoginDesk, attempt: Attempt, goAuth: GoAuth): void {
  const { realm, request, answer } = attempt
  if (isExhausted(desk, attempt)) return answer(Reason.quotaExceeded)
  // It may lie in a read buffer that is used again.
  const password = request.password?.slice() ?? null
  goAuth.login(request, (verdict) => {
    // A reload meanwhile may have taken the user out, or not: who decides now is asked.
    if (realm.goAuth !== goAuth) return authenticate(desk, { ...request, password }, answer)
    if (verdict === 'unavailable') return answer(Reason.serverUnavailable)
    if (verdict === null) return refuse(desk, attempt)
    const { name: goAuthName, encoded, expiresAtMs, username } = verdict
    const login = new Login(realm, { encoded: encoded ?? undefined, expiresAtMs, goAuthName })
    letIn(desk, attempt, endingAt(desk, login), username)
  })
}

function askHook(desk: LoginDesk, attempt: Attempt): void {
  const { realm, request, answer } = attempt
  const { hook } = realm
  if (hook === null) return refuse(desk, attempt)
  if (isExhausted(desk, attempt)) return answer(Reason.quotaExceeded)
  hook.ask(request, (verdict) => {
    if (verdict === 'busy') return answer(Reason.quotaExceeded)
    if (verdict === 'unavailable') return answer(Reason.serverUnavailable)
    if (verdict === null || realm.hook === null) return refuse(desk, attempt)
    letIn(desk, attempt, new Login(realm, { rights: verdict.rights }), null)
  })
}

/** What an exchange proved: that the client knows the password that `encoded` spells. */
interface Proved {
  readonly realm: Realm
  readonly user: string
  readonly encoded: string
}

/** A user who proved the password by an exchange; it is not known here, and may be empty, which is never right. */
function letInProved(
  { checks, verified }: LoginDesk,
  { clientId }: AuthRequest,
  { realm, user, encoded }: Proved,
  answer: Parameters<ExchangeWorld['letIn']>[2],
): void {
  const current = () => (welcomes(realm, user, clientId) ? passwordOf(realm, user) : undefined)
  const entry = current()
  // A change since the exchange began may have taken the user out, or the password.
  if (entry === undefined || entry.encoded !== encoded) return answer(null)
  const { hash } = entry
  // No login by password has this key: an empty one is refused before it is looked up.
  const key = verified.keyOf(user, NO_PASSWORD, encoded)
  if (verified.get(key) === true) return answer(new Login(realm, { encoded }))
  checks.check(NO_PASSWORD, hash, (isEmpty) => {
    // No failure of the client's: it is not to count as a guess.
    if (isEmpty === null) return answer('busy')
    if (isEmpty || current()?.encoded !== encoded) return answer(null)
    verified.add(key, true)
    answer(new Login(realm, { encoded }))
  })
}

function exchange(desk: LoginDesk, request: AuthRequest, method: string) {
  const realm = desk.world.realmOf(request.listener)
  const attemptOf = (username: string, answer: Answer): Attempt => ({
    request,
    realm,
    username,
    password: NO_PASSWORD,
    answer,
  })
  return createExchange(
    {
      takesTokens: realm.tokens !== null,
      find: (user) => passwordOf(realm, user),
      usual: (scheme) => usualOf(realm, scheme),
      isExhausted: (user) => desk.throttle.isExhausted(addressOf(request.remote), user),
      letIn: (user, encoded, answer) =>
        letInProved(desk, request, { realm, user, encoded }, answer),
      refuse: (user, answer) => refuse(desk, attemptOf(user, answer)),
      checkToken(token, answer) {
        const attempt = attemptOf(request.username ?? '', (reason, login, username) => {
          if (reason !== 0 || login === undefined) answer({ kind: 'refused', reason })
          else answer({ kind: 'done', data: null, username: username ?? null, login })
        })
        checkToken(desk, token, attempt)
      },
    },
    request,
    method,
  )
}

/** Logins by token: as password, as user name, or by enhanced authentication; and their end. */
import { isToken } from '../base/token-form.ts'
import { Reason } from '../codec/reason-codes.ts'
import { isExhausted, letIn, refuse, type Attempt, type LoginDesk } from './login-desk.ts'
import { Login, type Realm } from './realm.ts'
import type { TokenLogin } from './tokens.ts'

/** Logins that end within the same while are looked at together. */
const ENDINGS_MS = 1000
const TIMER_MS_MAX = 0x7fff_ffff

/** Takes an attempt that has a token. @returns false: it has none, and comes in another way or not at all. */
export function takesToken(desk: LoginDesk, attempt: Attempt): boolean {
  const { realm, username, password } = attempt
  if (realm.tokens === null) return false
  const isName = realm.tokens.from === 'username'
  const text = isName ? username : Buffer.from(password).toString('latin1')
  if (!isToken(text)) return false
  checkToken(desk, text, attempt)
  return true
}

export function checkToken(desk: LoginDesk, text: string, attempt: Attempt): void {
  const { request, realm, answer } = attempt
  const { tokens } = realm
  if (tokens === null) return refuse(desk, attempt)
  if (isExhausted(desk, attempt)) return answer(Reason.quotaExceeded)
  tokens.check(text, request, (verdict) => {
    if (verdict === 'busy') return answer(Reason.quotaExceeded)
    if (verdict === 'unavailable') return answer(Reason.serverUnavailable)
    if (verdict === null || realm.tokens === null) return refuse(desk, attempt)
    letIn(desk, attempt, loginOf(desk, realm, verdict), verdict.username)
  })
}

function loginOf(desk: LoginDesk, realm: Realm, { rights, expiresAtMs }: TokenLogin): Login {
  return endingAt(desk, new Login(realm, { rights, expiresAtMs }))
}

/** The same login, whose end will be seen when it is there. */
export function endingAt({ endings, world }: LoginDesk, login: Login): Login {
  const slot = Math.ceil(login.expiresAtMs / ENDINGS_MS) * ENDINGS_MS
  if (slot === Infinity || endings.has(slot)) return login
  endings.add(slot)
  waitUntil(world, slot, () => {
    endings.delete(slot)
    world.loginEnded()
  })
  return login
}

/** However long that is, and wherever the clock was set meanwhile. */
function waitUntil(world: LoginDesk['world'], wallMs: number, call: () => void): void {
  const leftMs = wallMs - world.wallMs()
  if (leftMs <= 0) return call()
  world.later(Math.min(leftMs, TIMER_MS_MAX), () => waitUntil(world, wallMs, call))
}

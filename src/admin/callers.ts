/** Who sends a request, and whether they may. */
import type { IncomingHttpHeaders } from 'node:http'
import { createHmac, randomBytes } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { Auth, Identity, ListenerOptions, Refusal } from '../ports/ports.ts'
import { createAttempts, type Attempts } from './attempts.ts'
import type { Access } from './contract.ts'
import { HttpError } from './http-error.ts'
import { csrfTokenOf, sameText, type Logins } from './logins.ts'
import { proxyUser } from './proxy-login.ts'

/** The client id of everybody who comes by HTTP, as in mosquitto. */
export const HTTP_CLIENT_ID = 'http-api'
const COOKIE_NAME = 'mozzie_session'
const REALM = 'Mosquitto API'
/** A verified `Authorization` header is not verified again for so long. */
const BASIC_MS_MAX = 30_000
const BASIC_MAX = 1000
/** As an `http_admin_user`. */
const EVERYBODY = '*'

export interface Caller {
  /** null: nobody is logged in. */
  readonly who: Identity | null
  readonly admin: boolean
  /** To come back with all that changes something; null: nobody came by cookie. */
  readonly csrfToken: string | null
}

/** What a request shows of who sent it. */
export interface Credentials {
  readonly headers: IncomingHttpHeaders
  readonly method: string
  /** The peer's address. */
  readonly address: string
  readonly remote: string
}

export interface CallersOptions {
  readonly auth: Auth
  readonly listener: ListenerOptions
  readonly logins: Logins
  /** Everybody who reaches the listener owns the machine: no logins. */
  isOpen(): boolean
  readonly secure: boolean
  checksPasswords(): boolean
  adminUsers(): readonly string[]
  /** Whether a role makes this user an administrator. */
  mayAdminister(who: Identity): boolean
  /** A proxy says who it is. */
  readonly behindProxy: boolean
  now(): number
}

/** Everybody who comes by one HTTP listener. */
export class Callers {
  private readonly options: CallersOptions
  private readonly logins: Logins
  private readonly attempts: Attempts
  private readonly verified: Verified

  constructor(options: CallersOptions) {
    this.options = options
    this.logins = options.logins
    this.logins.restore(options.listener)
    this.attempts = createAttempts(options.now)
    this.verified = createVerified(options.now)
  }

  /** @throws HttpError 401 for credentials that are wrong, 429 after too many of them. */
  async identify(credentials: Credentials): Promise<Caller> {
    if (this.options.behindProxy) return this.byProxy(credentials)
    const { authorization } = credentials.headers
    if (authorization?.startsWith('Basic '))
      return this.callerOf(await this.byBasic(authorization, credentials), null)
    const token = tokenOf(credentials)
    const who = token === null ? null : (this.logins.find(token)?.who ?? null)
    if (token === null || who === null || who.listener !== this.options.listener)
      return this.callerOf(null, null)
    // The login came from somewhere else, and stays good there.
    if (this.outBefore(who.username, credentials.remote) !== null) return this.callerOf(null, null)
    if (this.isWelcome(who)) return this.callerOf(who, csrfTokenOf(token))
    // The password changed, or the user is gone: what comes back later is to log in again.
    this.logins.end(token)
    return this.callerOf(null, null)
  }

  private async byProxy({ headers, remote }: Credentials): Promise<Caller> {
    const user = proxyUser(headers)
    if (user === null) throw new HttpError(401, 'The proxy does not say who this is.')
    const isOut = this.outBefore(user, remote) !== null
    const who = isOut ? null : await this.ask(user, null, remote, true)
    if (who === null) throw new HttpError(403, `User "${user}" may not come in.`)
    return this.callerOf(who, null)
  }

  /** @throws HttpError 401 or 403. */
  async demand(
    access: Access,
    caller: Caller,
    path: string,
    credentials: Credentials,
  ): Promise<void> {
    checkForgery(caller, credentials)
    if (access === 'open') return
    if (this.options.isOpen() && isForwarded(credentials)) throw new HttpError(403, NO_PROXY)
    if (caller.admin) return
    if (access === 'admin') throw noAdmin(caller)
    const { deliver } = this.options.auth
    const isOut = this.outBefore(null, credentials.remote) !== null
    const who = isOut ? null : (caller.who ?? (await this.ask(null, null, credentials.remote)))
    if (who === null || (deliver !== null && !(await deliver(who, path))))
      throw new HttpError(401, 'Not authorised')
  }

  /** Logs in; returns the caller and the Set-Cookie header. @throws HttpError as {@link identify}. */
  async login(
    username: string,
    password: string,
    credentials: Credentials,
  ): Promise<{ caller: Caller; cookie: string }> {
    const who = await this.verify(username, password, credentials)
    const old = tokenOf(credentials)
    if (old !== null) this.logins.end(old)
    const { token } = this.logins.begin(who)
    const cookie = stringifySetCookie(COOKIE_NAME, token, this.cookieOptions())
    return { caller: this.callerOf(who, csrfTokenOf(token)), cookie }
  }

  /** Logs out; returns whether somebody was logged in, and the Set-Cookie header. */
  logout(credentials: Credentials): { done: boolean; cookie: string } {
    const token = tokenOf(credentials)
    const done = token !== null && this.logins.end(token)
    const cookie = stringifySetCookie(COOKIE_NAME, '', { ...this.cookieOptions(), maxAge: 0 })
    return { done, cookie }
  }

  private cookieOptions() {
    return { httpOnly: true, sameSite: 'strict', path: '/', secure: this.options.secure } as const
  }

  private isWelcome(who: Identity): boolean {
    const { recheck } = this.options.auth
    return recheck === null || recheck(who) === null
  }

  private callerOf(who: Identity | null, csrfToken: string | null): Caller {
    const { isOpen, adminUsers, mayAdminister } = this.options
    const user = who?.username ?? null
    const admins = adminUsers()
    const isNamed = user !== null && (admins.includes(user) || admins.includes(EVERYBODY))
    return { who, csrfToken, admin: isOpen() || isNamed || (who !== null && mayAdminister(who)) }
  }

  private ask(
    username: string | null,
    password: string | null,
    remote: string,
    proven = false,
  ): Promise<Identity | null> {
    const { auth, listener } = this.options
    const request = {
      clientId: HTTP_CLIENT_ID,
      username,
      password: password === null ? null : new TextEncoder().encode(password),
      version: 5 as const,
      remote,
      listener,
      tls: null,
      proven,
    }
    return new Promise((resolve) => {
      auth.authenticate(request, (reason, login, named) => {
        const where = { remote, listener, login: login ?? null, origin: '' }
        const who = { clientId: HTTP_CLIENT_ID, username: named ?? username, ...where }
        resolve(reason === 0 ? who : null)
      })
    })
  }

  /** What keeps somebody out before any password is looked at. */
  private outBefore(username: string | null, remote: string): Refusal | null {
    const { auth, listener } = this.options
    const who = { clientId: HTTP_CLIENT_ID, username, remote, listener, login: null, origin: '' }
    return auth.recheck === null ? null : auth.recheck(who)
  }

  private async verify(
    username: string,
    password: string,
    { address, remote }: Credentials,
  ): Promise<Identity> {
    const refusal = this.outBefore(username, remote)
    if (refusal !== null) throw new HttpError(403, `Not let in: ${refusal.detail}.`)
    // A name that nobody checks proves nothing, though the broker may let such clients in.
    if (!this.options.checksPasswords())
      throw new HttpError(401, 'Nobody can log in here: the listener has no "password_file".')
    const seconds = await this.attempts.begin(address)
    if (seconds > 0)
      throw new HttpError(429, `Too many failed logins. Try again in ${seconds} seconds.`)
    let who: Identity | null = null
    try {
      if (username !== '') who = await this.ask(username, password, remote)
    } finally {
      this.attempts.ended(address, who !== null)
    }
    if (who === null) throw new HttpError(401, 'Wrong user name or password.')
    // A token may name another user, and to look at a password takes time.
    if (!this.isWelcome(who)) throw new HttpError(403, 'Not let in.')
    return who
  }

  private async byBasic(header: string, credentials: Credentials): Promise<Identity> {
    const known = this.verified.find(header)
    const isIn = known !== null && this.outBefore(known.username, credentials.remote) === null
    if (isIn && this.isWelcome(known)) return known
    const text = Buffer.from(header.slice('Basic '.length), 'base64').toString('utf8')
    const colon = text.indexOf(':')
    const username = colon < 0 ? text : text.slice(0, colon)
    const password = colon < 0 ? '' : text.slice(colon + 1)
    const who = await this.verify(username, password, credentials)
    this.verified.add(header, who)
    return who
  }
}

/** Tells a browser to ask for a name, where mosquitto does. */
export const CHALLENGE = `Basic realm="${REALM}"`

function tokenOf({ headers }: Credentials): string | null {
  return (headers.cookie === undefined ? null : parseCookie(headers.cookie)[COOKIE_NAME]) ?? null
}

const NO_PROXY =
  'Without logins the broker serves this machine alone, and this came by a proxy: configure a listener and users.'

/** A proxy on this machine would open the door without a lock to everybody whom it serves. */
function isForwarded({ headers }: Credentials): boolean {
  const { via, forwarded, 'x-forwarded-for': addresses } = headers
  return via !== undefined || forwarded !== undefined || addresses !== undefined
}

function noAdmin({ who }: Caller): HttpError {
  if (who === null) return new HttpError(401, 'Log in first.')
  const text = `User "${who.username}" is not an administrator: see "http_admin_user" of the listener.`
  return new HttpError(403, text)
}

/** A page of another site can send a form, and the cookie with it, but not this header. */
function checkForgery({ csrfToken }: Caller, { method, headers }: Credentials): void {
  if (method === 'GET' || method === 'HEAD') return
  const token = headers['x-csrf-token']
  const isOurs =
    typeof token === 'string' && token !== '' && (csrfToken === null || sameText(token, csrfToken))
  if (!isOurs) throw new HttpError(403, 'The header X-CSRF-Token is missing or wrong.')
}

interface Verified {
  find(header: string): Identity | null
  add(header: string, who: Identity): void
}

/** `Authorization` headers that were right a moment ago, by a keyed hash. */
function createVerified(now: () => number): Verified {
  const key = randomBytes(32)
  const known = new Map<string, { who: Identity; untilMs: number }>()
  const keyOf = (header: string): string =>
    createHmac('sha256', key).update(header).digest('base64')
  return {
    find(header: string): Identity | null {
      const entry = known.get(keyOf(header))
      return entry === undefined || entry.untilMs < now() ? null : entry.who
    },
    add(header: string, who: Identity): void {
      const [oldest] = known.keys()
      if (known.size >= BASIC_MAX && oldest !== undefined) known.delete(oldest)
      known.set(keyOf(header), { who, untilMs: now() + BASIC_MS_MAX })
    },
  }
}

/**
 * The backend `jwt`: the user name of a client is its token. In the mode `remote` another program is asked, with the token as
 * bearer; in the mode `files` the signature is checked here, and rights come out of a file.
 */
import { createSecretKey } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { createHttpClient } from '../http-client.ts'
import type { Backend, Welcome } from './backend.ts'
import { filesAclAllows, type FilesAcl } from './files-acl.ts'
import { askerOf, type HttpSettings, type Params } from './http-backend.ts'

export interface JwtSettings {
  readonly mode: 'remote' | 'files'
  /** null: tokens are not looked into here. */
  readonly secret: string | null
  /** The claim with the user's name. */
  readonly userClaim: 'sub' | 'username'
  /** Whether the mode `remote` sends the name out of the token as well. */
  readonly parsesToken: boolean
  readonly skipsUserExpiration: boolean
  readonly skipsAclExpiration: boolean
  /** Of the mode `remote`. */
  readonly http: HttpSettings | null
  /** Of the mode `files`. */
  readonly aclPath: string | null
}

const ALGORITHMS = ['HS256', 'HS384', 'HS512']
const RUNNING_MAX = 20

interface Claims {
  readonly username: string
  readonly expiresAtMs: number
}

export function jwtBackend(settings: JwtSettings, acl: FilesAcl | null): Backend {
  return settings.mode === 'files' ? filesMode(settings, acl) : remoteMode(settings)
}

function filesMode(settings: JwtSettings, acl: FilesAcl | null): Backend {
  const verify = verifierOf(settings)
  // The rights of every message are asked for: a token is not verified anew each time, only its end is looked at.
  const known = new Map<string, Claims>()
  const { skipsUserExpiration, skipsAclExpiration } = settings
  return {
    name: 'jwt',
    async login({ username: token }) {
      const claims = await verify(token, skipsUserExpiration)
      if (claims === null) return null
      remember(known, token, claims)
      return welcomeOf(claims, skipsAclExpiration)
    },
    isSuperuser: () => false,
    allows(question) {
      const judge = (claims: Claims | null): boolean =>
        claims !== null &&
        acl !== null &&
        (skipsAclExpiration || claims.expiresAtMs > Date.now()) &&
        filesAclAllows(acl, { ...question, username: claims.username })
      const claims = known.get(question.username)
      if (claims !== undefined) return judge(claims)
      return verify(question.username, skipsAclExpiration).then(judge)
    },
    encodedOf: () => undefined,
    close() {},
  }
}

const KNOWN_MAX = 50_000

function remember(known: Map<string, Claims>, token: string, claims: Claims): void {
  const oldest = known.size < KNOWN_MAX ? undefined : known.keys().next().value
  if (oldest !== undefined) known.delete(oldest)
  known.set(token, claims)
}

function remoteMode(settings: JwtSettings): Backend {
  const { http: place, parsesToken, skipsUserExpiration, skipsAclExpiration } = settings
  if (place === null) throw new Error('the mode remote needs a server')
  const http = createHttpClient({ runningMax: RUNNING_MAX, verifiesPeer: place.verifiesPeer })
  const askWith = askerOf(place, http)
  const verify = verifierOf(settings)
  /** null: the token is none of ours, and nobody is asked. */
  const nameOf = async (token: string, skipsExpiration: boolean): Promise<Params | null> => {
    if (!parsesToken) return {}
    const claims = await verify(token, skipsExpiration)
    return claims === null ? null : { username: claims.username }
  }
  const ask = async (path: string, token: string, skips: boolean, params: Params = {}) => {
    const name = isBearer(token) ? await nameOf(token, skips) : null
    if (name === null) return false
    return askWith(path, { ...params, ...name }, { authorization: `Bearer ${token}` })
  }
  return {
    name: 'jwt',
    async login({ username: token }) {
      if (!(await ask(place.userPath, token, skipsUserExpiration))) return null
      // Whoever was asked has found the token to be good; it is shown to nobody as a name.
      return {
        encoded: null,
        username: shownName(token, settings.userClaim),
        expiresAtMs: Infinity,
      }
    },
    isSuperuser: (token) =>
      place.superuserPath !== null && ask(place.superuserPath, token, skipsUserExpiration),
    allows: ({ username: token, clientId, topic, access }) =>
      ask(place.aclPath, token, skipsAclExpiration, { clientid: clientId, topic, acc: access }),
    encodedOf: () => undefined,
    close: () => http.close(),
  }
}

/** Whether it can stand in a header: everything else is no token. */
function isBearer(token: string): boolean {
  return /^[\w.~+/-]+=*$/.test(token)
}

function shownName(token: string, claim: JwtSettings['userClaim']): string {
  try {
    const [, payload] = token.split('.')
    const text = Buffer.from(payload, 'base64url').toString()
    return nameIn(JSON.parse(text) as JWTPayload, claim) || 'token'
  } catch {
    return 'token'
  }
}

function welcomeOf({ username, expiresAtMs }: Claims, isEndless: boolean): Welcome {
  return {
    encoded: null,
    username: username === '' ? 'token' : username,
    expiresAtMs: isEndless ? Infinity : expiresAtMs,
  }
}

/** Checks a token by the secret; null: it is not good. */
function verifierOf({ secret, userClaim }: JwtSettings) {
  const key = createSecretKey(Buffer.from(secret ?? ''))
  return async (token: string, skipsExpiration: boolean): Promise<Claims | null> => {
    const { jwtVerify, errors } = await import('jose')
    const expired = (error: unknown): JWTPayload | null =>
      skipsExpiration && error instanceof errors.JWTExpired ? error.payload : null
    const payload = await jwtVerify(token, key, { algorithms: ALGORITHMS }).then(
      (verified) => verified.payload,
      expired,
    )
    return payload === null ? null : claimsOf(payload, userClaim)
  }
}

function claimsOf(payload: JWTPayload, userClaim: JwtSettings['userClaim']): Claims | null {
  const { exp } = payload
  try {
    const username = nameIn(payload, userClaim)
    return { username, expiresAtMs: exp === undefined ? Infinity : exp * 1000 }
  } catch {
    return null
  }
}

/** @throws Error when the claim is no text. */
function nameIn(payload: JWTPayload, claim: string): string {
  const name = payload[claim] ?? ''
  if (typeof name !== 'string') throw new Error(`"${claim}" is no text`)
  return name
}

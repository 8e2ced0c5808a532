/** Logins by JSON Web Token: signature, time and claims by `jose`, what follows from them here. */
import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { LogType, type Log } from '../base/log.ts'
import { topicFilterProblem } from '../topics/names.ts'
import { rightsOfRules, type Rights } from './acl.ts'
import { aclAccessOf, type AclRule } from './acl-file.ts'
import { AuthFileError } from './auth-file.ts'

export interface TokenSettings {
  /** A PEM public key or certificate, a JWK or JWK set, or a secret; null: with `jwksUrl`. */
  readonly key: TokenKey | null
  readonly jwksUrl: string | null
  /** Which signatures are good; empty: those that the key can make. */
  readonly algorithms: readonly string[]
  readonly issuer: string | null
  readonly audience: string | null
  /** Where a client puts its token. */
  readonly from: 'password' | 'username'
  readonly userClaim: string
  /** What `userClaim` must be equal to. */
  readonly match: 'username' | 'clientid' | 'none'
  /** The claim with rights in the words of the ACL file; null: the ACL file counts. */
  readonly rightsClaim: string | null
}

/** What a token is checked with, read from a file. */
export type TokenKey =
  | { readonly kind: 'key'; readonly key: KeyObject; readonly algorithms: readonly string[] }
  | { readonly kind: 'set'; readonly set: object }

export interface TokenLogin {
  readonly username: string | null
  readonly rights: Rights | null
  /** Wall clock, ms. */
  readonly expiresAtMs: number
}

/** null: refused. 'unavailable': its key could not be had. */
export type TokenAnswer = TokenLogin | null | 'busy' | 'unavailable'

export interface TokenNames {
  readonly username: string | null
  readonly clientId: string
}

export interface TokenChecker {
  readonly from: TokenSettings['from']
  /** Calls back once, later. */
  check(token: string, names: TokenNames, done: (answer: TokenAnswer) => void): void
}

const RUNNING_MAX = 200
const RIGHTS_MAX = 1000
/** Clocks differ. */
const LEEWAY_SECONDS = 30
/** A key that is not in the set makes it be fetched again, no sooner than this after the last time. */
const FETCH_AGAIN_MS = 30_000
const FETCH_MS_MAX = 5_000
const SET_BYTES_MAX = 1 << 20
const SET_LIFE_MS = 10 * 60_000
const ASYMMETRIC = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const BY_KEY_TYPE: Readonly<Record<string, RegExp>> = {
  rsa: /^[RP]S/,
  'rsa-pss': /^PS/,
  ec: /^ES/,
  ed25519: /^Ed/,
}
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512']
/** Errors of `jose` that are the token's fault; others are the key's, or of the way to it. */
const OF_TOKEN = /^ERR_(?:JWT_|JWS_|JWKS_NO_|JWKS_MULTIPLE_|JOSE_ALG_|JOSE_NOT_)/
const SECRET_BYTES_MIN = 32

/** @param text Of the file. @throws AuthFileError */
export function readTokenKey(text: string, file: string): TokenKey {
  const fail = (why: string): never => {
    throw new AuthFileError(`auth_jwt_key_file ${file}: ${why}`, file)
  }
  try {
    if (text.startsWith('{')) {
      const parsed = JSON.parse(text) as { keys?: unknown }
      return { kind: 'set', set: Array.isArray(parsed.keys) ? parsed : { keys: [parsed] } }
    }
    if (text.includes('-----BEGIN')) {
      if (/PRIVATE KEY/.test(text)) fail('it is a private key; the broker needs the public one')
      const key = createPublicKey(text)
      const able = BY_KEY_TYPE[key.asymmetricKeyType ?? '']
      if (able === undefined) fail(`keys of the kind ${key.asymmetricKeyType} sign no tokens`)
      return { kind: 'key', key, algorithms: ASYMMETRIC.filter((name) => able.test(name)) }
    }
  } catch (error) {
    if (error instanceof AuthFileError) throw error
    fail(`it cannot be read: ${(error as Error).message}`)
  }
  const secret = Buffer.from(text.trim())
  if (secret.length < SECRET_BYTES_MIN)
    fail(`a secret of less than ${SECRET_BYTES_MIN} characters can be guessed`)
  return { kind: 'key', key: createSecretKey(secret), algorithms: SECRET_ALGORITHMS }
}

export function createTokenChecker(settings: TokenSettings, log: Log): TokenChecker {
  const { issuer, audience } = settings
  let running = 0
  let verify: ((token: string) => Promise<JWTPayload>) | null = null
  const prepare = async (): Promise<(token: string) => Promise<JWTPayload>> => {
    const jose = await import('jose')
    const { getKey, algorithms } = await keysOf(settings)
    const options = {
      algorithms: [...(settings.algorithms.length > 0 ? settings.algorithms : algorithms)],
      clockTolerance: LEEWAY_SECONDS,
      requiredClaims: ['exp'],
      ...(issuer !== null && { issuer }),
      ...(audience !== null && { audience }),
    }
    return async (token) => (await jose.jwtVerify(token, getKey, options)).payload
  }
  const run = async (token: string, names: TokenNames): Promise<TokenAnswer> => {
    try {
      verify ??= await prepare()
      return loginOf(await verify(token), names, settings)
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      const isOurs = !OF_TOKEN.test(code)
      log.write(
        isOurs ? LogType.error : LogType.notice,
        `${isOurs ? 'Error: the key of a token could not be had' : 'Token refused'}: client ${names.clientId}: ${message}.`,
      )
      return isOurs ? 'unavailable' : null
    }
  }
  return {
    from: settings.from,
    check(token, names, done) {
      if (running >= RUNNING_MAX) {
        setImmediate(done, 'busy')
        return
      }
      running++
      void run(token, names).then((answer) => {
        running--
        done(answer)
      })
    },
  }
}

/** Where the key of a token comes from. A public key never checks an HS signature: whoever has it could make one. */
async function keysOf({
  key,
  jwksUrl,
}: TokenSettings): Promise<{ getKey: JWTVerifyGetKey; algorithms: readonly string[] }> {
  const { createLocalJWKSet, createRemoteJWKSet, customFetch } = await import('jose')
  if (key === null) {
    const getKey = createRemoteJWKSet(new URL(jwksUrl ?? ''), {
      cooldownDuration: FETCH_AGAIN_MS,
      timeoutDuration: FETCH_MS_MAX,
      cacheMaxAge: SET_LIFE_MS,
      [customFetch]: fetchBounded,
    })
    return { getKey, algorithms: ASYMMETRIC }
  }
  if (key.kind === 'key') return { getKey: () => key.key, algorithms: key.algorithms }
  const set = key.set as Parameters<typeof createLocalJWKSet>[0]
  const isSecret = set.keys.every(({ kty }) => kty === 'oct')
  return { getKey: createLocalJWKSet(set), algorithms: isSecret ? SECRET_ALGORITHMS : ASYMMETRIC }
}

/** As fetch; an answer that has no end, or nearly none, is an error. */
async function fetchBounded(url: string, options: RequestInit): Promise<Response> {
  const { body, status, headers } = await fetch(url, options)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length
    if (length > SET_BYTES_MAX)
      throw new Error(`${url} answers with more than ${SET_BYTES_MAX >> 20} MiB`)
    parts.push(part)
  }
  return new Response(Buffer.concat(parts), { status, headers })
}

/** What a good token says of its client; throws what is wrong with its claims. */
function loginOf(
  payload: JWTPayload,
  { username, clientId }: TokenNames,
  { userClaim, match, rightsClaim, from }: TokenSettings,
): TokenLogin {
  const name = payload[userClaim]
  if (name !== undefined && typeof name !== 'string') throw claimError(`"${userClaim}" is no text`)
  if (match !== 'none' && (name === undefined || name === ''))
    throw claimError(`there is no claim "${userClaim}"`)
  if (match === 'clientid' && name !== clientId) throw claimError(`it is for the client "${name}"`)
  const expiresAtMs = (payload.exp ?? 0) * 1000
  // No leeway: the connection would end at once.
  if (expiresAtMs <= Date.now()) throw claimError('it has expired')
  if (from === 'username' && !name) throw claimError(`there is no claim "${userClaim}"`)
  const isNamed = username !== null && from === 'password'
  if (match === 'username' && isNamed && name !== username)
    throw claimError(`it is for the user "${name}"`)
  return {
    username: match === 'none' && isNamed ? null : (name ?? null),
    rights: rightsClaim === null ? null : rightsOf(payload[rightsClaim], rightsClaim),
    expiresAtMs,
  }
}

function claimError(text: string): Error {
  return Object.assign(new Error(text), { code: 'ERR_JWT_CLAIM' })
}

/** `["read news/#", {"access": "write", "topic": "a"}]`; absent: none. */
function rightsOf(claim: unknown, name: string): Rights {
  if (claim === undefined) return rightsOfRules([])
  if (!Array.isArray(claim) || claim.length > RIGHTS_MAX)
    throw claimError(`"${name}" is no list of up to ${RIGHTS_MAX}`)
  return rightsOfRules(claim.map((right) => ruleOf(right, name)))
}

function ruleOf(right: unknown, name: string): AclRule {
  const [word, topic] = wordsOf(right)
  const access = typeof word === 'string' ? aclAccessOf(word) : null
  if (access === null) throw claimError('an access is none of read, write, readwrite and deny')
  if (typeof topic !== 'string') throw claimError('a right has no topic')
  const problem = topicFilterProblem(topic)
  if (problem !== null) throw claimError(`"${topic}": ${problem}`)
  return { access, filter: topic, place: `token "${name}": ${access} ${topic}` }
}

function wordsOf(right: unknown): [access: unknown, topic: unknown] {
  if (typeof right === 'string') {
    const space = right.indexOf(' ')
    return [right.slice(0, space), right.slice(space + 1)]
  }
  if (typeof right !== 'object' || right === null) return [null, null]
  const { access, topic } = right as { access?: unknown; topic?: unknown }
  return [access, topic]
}

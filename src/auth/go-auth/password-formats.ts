/**
 * Password hashes as mosquitto-go-auth's `pw` and ChirpStack write them:
 *
 *     PBKDF2$sha512$ITERATIONS$SALT$HASH     sha256 as well
 *     $pbkdf2-sha512$i=ITERATIONS,l=BYTES$SALT$HASH
 *     $argon2id$v=19$m=..,t=..,p=..$SALT$HASH
 *     $2a$COST$SALT and HASH                 bcrypt; $2b$ and $2y$ are the same
 *
 * Salt and hash are base64, with or without padding; bcrypt's is its own.
 */
import { parsePasswordHash, type PasswordHash } from '../password-hash.ts'

/** How the salt of PBKDF2 is spelled. */
export type SaltEncoding = 'base64' | 'utf-8'

const ITERATIONS_MAX = 100_000_000
const HASH_BYTES_MIN = 16
const SALT_CHARS = 22
const HASH_CHARS = 31
const COST_MAX = 20
const BCRYPT = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{53})$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const BCRYPT_DIGITS = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const NO_ARGON2 = { memoryKib: 0, passes: 0, lanes: 0 }
const SCHEMES = new Map([
  ['sha512', 'sha512-pbkdf2'],
  ['sha256', 'sha256-pbkdf2'],
] as const)

/** The hash that `text` spells, or in words what is wrong with it. */
export function parseGoAuthHash(text: string, saltEncoding: SaltEncoding): PasswordHash | string {
  if (text.startsWith('$argon2id$')) return parsePasswordHash(text)
  if (text.startsWith('$2')) return parseBcrypt(text)
  const [kind, ...parts] = text.split('$').filter((part) => part !== '')
  if (kind === 'PBKDF2' && parts.length === 4)
    return pbkdf2(parts[0], parts[1], parts[2], parts[3], saltEncoding)
  if (kind === 'pbkdf2-sha512' && parts.length === 3) {
    const iterations = /(?:^|,)i=(\d+)(?:,|$)/.exec(parts[0])?.[1] ?? ''
    return pbkdf2('sha512', iterations, parts[1], parts[2], saltEncoding)
  }
  return 'the password hash is none of PBKDF2$, $pbkdf2-sha512$, $argon2id$ and bcrypt ($2a$)'
}

function pbkdf2(
  algorithm: string,
  iterationsText: string,
  saltText: string,
  hashText: string,
  saltEncoding: SaltEncoding,
): PasswordHash | string {
  const scheme = SCHEMES.get(algorithm as 'sha512' | 'sha256')
  if (scheme === undefined) return `PBKDF2 with "${algorithm}": only sha512 and sha256 are known`
  const iterations = /^\d{1,9}$/.test(iterationsText) ? Number(iterationsText) : 0
  if (iterations === 0 || iterations > ITERATIONS_MAX)
    return `"${iterationsText}" is no number of iterations`
  if (!BASE64.test(hashText)) return 'the password hash is not base64'
  if (saltEncoding === 'base64' && !BASE64.test(saltText))
    return 'the salt of the password hash is not base64; for plain text "auth_opt_hasher_salt_encoding utf-8"'
  const hash = Buffer.from(hashText, 'base64')
  // A hash cut short would match too many passwords.
  if (hash.length < HASH_BYTES_MIN) return 'the password hash is cut short'
  const salt = Buffer.from(saltText, saltEncoding)
  return { scheme, iterations, ...NO_ARGON2, salt, hash }
}

function parseBcrypt(text: string): PasswordHash | string {
  const [, costText, rest] = BCRYPT.exec(text) ?? []
  if (rest === undefined) return 'the bcrypt hash is cut short or damaged'
  const cost = Number(costText)
  if (cost < 4 || cost > COST_MAX) return `the cost of bcrypt is 4 to ${COST_MAX}, not ${cost}`
  const salt = rest
    .slice(0, SALT_CHARS)
    .split('')
    .map((digit) => {
      return BASE64_DIGITS[BCRYPT_DIGITS.indexOf(digit)]
    })
  return {
    scheme: 'bcrypt',
    iterations: cost,
    ...NO_ARGON2,
    salt: Buffer.from(salt.join(''), 'base64'),
    hash: Buffer.from(rest.slice(-HASH_CHARS)),
  }
}

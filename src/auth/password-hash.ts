/**
 * Password hashes as mosquitto's password files have them:
 *
 *     $6$SALT$HASH               SHA-512 of password and salt, one round
 *     $7$ITERATIONS$SALT$HASH    PBKDF2 with HMAC-SHA-512
 *     $argon2id$v=19$m=..,t=..,p=..$SALT$HASH
 *     $scram-sha-256$ITERATIONS$SALT$HASH      StoredKey and ServerKey of SCRAM (RFC 7677), ours alone
 *
 * Two more come out of files of mosquitto-go-auth alone (`go-auth/password-formats.ts`): PBKDF2 with HMAC-SHA-256, and bcrypt.
 *
 * Salt and hash are base64, without padding in the last one.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'

/** What it costs to check a password against a hash. */
export interface HashKind {
  readonly scheme:
    'sha512' | 'sha512-pbkdf2' | 'sha256-pbkdf2' | 'argon2id' | 'bcrypt' | 'scram-sha-256'
  /** PBKDF2 and SCRAM; of bcrypt its cost. */
  readonly iterations: number
  /** argon2id only: memory in KiB, passes, lanes. */
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

export interface PasswordHash extends HashKind {
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** A hash that is one, its bytes still in base64: those of 100,000 are much work for the garbage collector. */
export interface SpelledHash {
  readonly kind: HashKind
  readonly salt: string
  readonly hash: string
}

/** Computes a raw argon2id or bcrypt hash; where it runs is the caller's business. */
export type Argon2id = (password: Uint8Array, wanted: PasswordHash) => Promise<Uint8Array>

/** mosquitto 2.0 takes no other length in `$6$` and `$7$`; 96 random bits are not drawn twice. */
const SALT_BYTES = 12
/** Of what only 2.1 and we read: as 2.1 has it. */
const LONG_SALT_BYTES = 64
const HASH_BYTES = 64
const SHA256_BYTES = 32
const ITERATIONS_MAX = 100_000_000
const MEMORY_KIB_MAX = 1 << 22
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const ITERATED: ReadonlyMap<string, 'sha512-pbkdf2' | 'scram-sha-256'> = new Map([
  ['7', 'sha512-pbkdf2'],
  ['scram-sha-256', 'scram-sha-256'],
] as const)
const NO_ARGON2 = { memoryKib: 0, passes: 0, lanes: 0 }

/** The hash that `text` spells, or in words what is wrong with it. */
export function parsePasswordHash(text: string): PasswordHash | string {
  const spelled = spellPasswordHash(text)
  if (typeof spelled === 'string') return spelled
  const { kind, salt, hash } = spelled
  return { ...kind, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

/** The same without its bytes. */
export function spellPasswordHash(text: string): SpelledHash | string {
  const [before, scheme, ...parts] = text.split('$')
  if (before !== '') return 'the password is in plain text; hash it with "mozzie passwd -U FILE"'
  if (scheme === '6' && parts.length === 2)
    return checked({ scheme: 'sha512', iterations: 1, ...NO_ARGON2 }, parts[0], parts[1])
  const iterated = ITERATED.get(scheme)
  if (iterated !== undefined && parts.length === 3) {
    const iterations = wholeNumber(parts[0], ITERATIONS_MAX)
    if (iterations === 0) return `"${parts[0]}" is no number of iterations`
    return checked({ scheme: iterated, iterations, ...NO_ARGON2 }, parts[1], parts[2])
  }
  if (scheme === 'argon2id' && parts.length === 4) return parseArgon2(parts)
  return 'the password hash is none of $6$, $7$, $argon2id$ and $scram-sha-256$'
}

function parseArgon2([version, parameters, salt, hash]: string[]): SpelledHash | string {
  if (version !== 'v=19') return `argon2id "${version}" is not supported, only v=19`
  const match = /^m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})$/.exec(parameters)
  if (match === null) return `"${parameters}" is not of the form m=..,t=..,p=..`
  const [memoryKib, passes, lanes] = match.slice(1).map(Number)
  if (lanes < 1 || lanes > 255 || passes < 1 || passes > 1000)
    return `"${parameters}": t is 1 to 1000, p 1 to 255`
  if (memoryKib < 8 * lanes || memoryKib > MEMORY_KIB_MAX)
    return `"${parameters}": m is ${8 * lanes} to ${MEMORY_KIB_MAX}`
  const hashed = { scheme: 'argon2id', iterations: 0, memoryKib, passes, lanes } as const
  return checked(hashed, salt, hash)
}

function checked(kind: HashKind, salt: string, hash: string): SpelledHash | string {
  if (!BASE64.test(salt)) return 'the salt of the password hash is not base64'
  if (!BASE64.test(hash)) return 'the password hash is not base64'
  const bytes = bytesOfBase64(hash)
  // A hash cut short would match too many passwords.
  if (bytes < 16) return 'the password hash is cut short'
  const isWhole = kind.scheme === 'sha512' || kind.scheme === 'scram-sha-256'
  if (isWhole && bytes !== HASH_BYTES) return 'the password hash is cut short'
  return { kind, salt, hash }
}

function bytesOfBase64(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return Math.floor(((text.length - padding) * 3) / 4)
}

function wholeNumber(text: string, max: number): number {
  if (!/^\d{1,9}$/.test(text)) return 0
  const value = Number(text)
  return value <= max ? value : 0
}

/** The text that {@link parsePasswordHash} reads. */
export function formatPasswordHash(hashed: PasswordHash): string {
  const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const salt = encode(hashed.salt)
  const hash = encode(hashed.hash)
  if (hashed.scheme === 'sha512') return `$6$${salt}$${hash}`
  if (hashed.scheme === 'sha512-pbkdf2') return `$7$${hashed.iterations}$${salt}$${hash}`
  if (hashed.scheme === 'scram-sha-256')
    return `$scram-sha-256$${hashed.iterations}$${salt}$${hash}`
  const { memoryKib, passes, lanes } = hashed
  const unpadded = [salt, hash].map((text) => text.replace(/=+$/, '')).join('$')
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${unpadded}`
}

/** What a password costs that no hash can be compared with: the same as `like`. */
export function dummyLike(like: PasswordHash): PasswordHash {
  return { ...like, salt: randomBytes(like.salt.length), hash: randomBytes(like.hash.length) }
}

/** The parameters of new hashes: mosquitto 2.1's, or what `-I` asks for; salts such as 2.0 reads as well. */
export function newPasswordHash(scheme: PasswordHash['scheme'], iterations: number): PasswordHash {
  const isOld = scheme === 'sha512' || scheme === 'sha512-pbkdf2'
  return {
    scheme,
    iterations,
    memoryKib: 47_104,
    passes: 1,
    lanes: 1,
    salt: randomBytes(isOld ? SALT_BYTES : LONG_SALT_BYTES),
    hash: new Uint8Array(HASH_BYTES),
  }
}

/** The hash of `password` under the parameters and the salt of `like`. */
export function hashPassword(
  password: Uint8Array,
  like: PasswordHash,
  argon2id: Argon2id,
): Promise<Uint8Array> {
  if (like.scheme === 'argon2id' || like.scheme === 'bcrypt') return argon2id(password, like)
  if (like.scheme === 'sha512')
    return Promise.resolve(createHash('sha512').update(password).update(like.salt).digest())
  const { salt, iterations } = like
  if (like.scheme === 'sha512-pbkdf2')
    return salted(password, salt, iterations, like.hash.length, 'sha512')
  if (like.scheme === 'sha256-pbkdf2')
    return salted(password, salt, iterations, like.hash.length, 'sha256')
  return salted(password, salt, iterations, SHA256_BYTES, 'sha256').then((saltedPassword) => {
    const { storedKey, serverKey } = keysOf('sha256', saltedPassword)
    return Buffer.concat([storedKey, serverKey])
  })
}

function salted(
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
  digest: 'sha256' | 'sha512',
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    pbkdf2(password, salt, iterations, length, digest, (error, hash) => {
      if (error === null) resolve(hash)
      else reject(error)
    })
  })
}

/** What SCRAM compares: for a hash of the schemes `scram-sha-256` and `sha512-pbkdf2`. */
export function scramKeys({ scheme, hash }: Pick<PasswordHash, 'scheme' | 'hash'>): {
  storedKey: Uint8Array
  serverKey: Uint8Array
} {
  if (scheme === 'sha512-pbkdf2') return keysOf('sha512', hash)
  return { storedKey: hash.subarray(0, SHA256_BYTES), serverKey: hash.subarray(SHA256_BYTES) }
}

function keysOf(
  digest: 'sha256' | 'sha512',
  saltedPassword: Uint8Array,
): { storedKey: Uint8Array; serverKey: Uint8Array } {
  const clientKey = createHmac(digest, saltedPassword).update('Client Key').digest()
  return {
    storedKey: createHash(digest).update(clientKey).digest(),
    serverKey: createHmac(digest, saltedPassword).update('Server Key').digest(),
  }
}

/** Whether `password` is the one that `expected` was made of; in constant time. */
export async function verifyPassword(
  password: Uint8Array,
  expected: PasswordHash,
  argon2id: Argon2id,
): Promise<boolean> {
  const hash = await hashPassword(password, expected, argon2id)
  return hash.length === expected.hash.length && timingSafeEqual(hash, expected.hash)
}

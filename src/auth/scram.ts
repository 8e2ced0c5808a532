/**
 * SCRAM (RFC 5802, 7677) as enhanced authentication of MQTT 5.0, the broker's side. The password never travels, and who steals the
 * file cannot log in with what is in it.
 *
 *     client   n,,n=user,r=C                     in CONNECT
 *     broker   r=C S,s=salt,i=iterations         AUTH
 *     client   c=biws,r=C S,p=proof              AUTH
 *     broker   v=signature                       CONNACK
 *
 * SCRAM-SHA-256 needs `$scram-sha-256$` in the password file; SCRAM-SHA-512 works with mosquitto's `$7$`, which is its salted password.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { PasswordHash } from './password-hash.ts'
import { scramKeys } from './password-hash.ts'

export interface ScramMethod {
  readonly hash: 'sha256' | 'sha512'
  readonly scheme: PasswordHash['scheme']
}

export const SCRAM_METHODS: ReadonlyMap<string, ScramMethod> = new Map([
  ['SCRAM-SHA-256', { hash: 'sha256', scheme: 'scram-sha-256' }],
  ['SCRAM-SHA-512', { hash: 'sha512', scheme: 'sha512-pbkdf2' }],
])

/** Sent to the client after its first message; `isKnown` false: it will be refused, and learns so last. */
export interface ScramOffer {
  readonly user: string
  readonly text: string
  readonly clientFirst: string
  readonly nonce: string
  readonly header: string
  readonly isKnown: boolean
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

const NONCE_BYTES = 18
/** Where nothing says what is usual. */
const NOBODY = { salt: new Uint8Array(32), iterations: 4096 }
/** For salts of users that are not there: the same each time, and nobody's to guess. Made when one is asked for. */
let saltKey: Uint8Array | null = null
/** `m=` must be understood, and nothing is behind it yet (RFC 5802, 5.1): who sends it is refused. */
const CLIENT_FIRST =
  /^[ny],(?:a=([^,]*))?,(n=([^,]*),r=([\u0021-\u002b\u002d-\u007e]+)(?:,(?!m=).*)?)$/
const CLIENT_FINAL = /^(c=([^,]*),r=([^,]*)(?:,(?!m=)[a-zA-Z]=[^,]*)*),p=([A-Za-z0-9+/=]+)$/

/** All threads have the same: two salts of one user would say that there is no such user. */
export function shareSaltKey(key: Uint8Array): void {
  saltKey = key
}

/**
 * Answers the client's first message; null: it is none.
 *
 * @param find The password of a user, in the form of the method.
 * @param usual What most passwords look like there: so does what is offered to users that there are not.
 */
export function offerScram(
  method: ScramMethod,
  message: string,
  find: (user: string) => PasswordHash | undefined,
  usual?: PasswordHash,
): ScramOffer | null {
  const match = CLIENT_FIRST.exec(message)
  if (match === null) return null
  const [, actFor, clientFirst, name, clientNonce] = match
  const user = nameOf(name)
  // Nobody acts for another user.
  if (actFor !== undefined && nameOf(actFor) !== user) return null
  const found = find(user)
  const isKnown = found !== undefined && found.scheme === method.scheme
  const like = usual?.scheme === method.scheme ? usual : NOBODY
  const salt = isKnown ? found.salt : saltOfNobody(method, user, like.salt.length)
  const iterations = isKnown ? found.iterations : like.iterations
  const { storedKey, serverKey } = scramKeys(isKnown ? found : hashOfNobody(method))
  const nonce = clientNonce + randomBytes(NONCE_BYTES).toString('base64')
  const text = `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`
  const header = message.slice(0, message.length - clientFirst.length)
  return { user, text, clientFirst, nonce, header, isKnown, storedKey, serverKey }
}

/** The broker's last words; null: the client does not know the password. */
export function verifyScram(
  { hash }: ScramMethod,
  offer: ScramOffer,
  message: string,
): string | null {
  const match = CLIENT_FINAL.exec(message)
  if (match === null) return null
  const [, withoutProof, channel, nonce, proofText] = match
  if (nonce !== offer.nonce || Buffer.from(channel, 'base64').toString() !== offer.header)
    return null
  const authMessage = `${offer.clientFirst},${offer.text},${withoutProof}`
  const proof = Buffer.from(proofText, 'base64')
  const signature = createHmac(hash, offer.storedKey).update(authMessage).digest()
  if (proof.length !== signature.length) return null
  const clientKey = proof.map((byte, index) => byte ^ signature[index])
  const isRight = timingSafeEqual(createHash(hash).update(clientKey).digest(), offer.storedKey)
  if (!isRight || !offer.isKnown) return null
  return `v=${createHmac(hash, offer.serverKey).update(authMessage).digest('base64')}`
}

function nameOf(text: string): string {
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

/** Another one for each method, as users have who are there. */
function saltOfNobody({ hash }: ScramMethod, user: string, length: number): Uint8Array {
  saltKey ??= randomBytes(32)
  return createHmac('sha512', saltKey).update(`${hash} ${user}`).digest().subarray(0, length)
}

/** Costs what somebody's does. */
function hashOfNobody({ scheme }: ScramMethod): Pick<PasswordHash, 'scheme' | 'hash'> {
  return { scheme, hash: randomBytes(64) }
}

/** SCRAM (RFC 5802, 7677) as an {@link Authenticator}, by Web Crypto: the same in Node and in browsers. */
import { MqttError } from './errors.ts'
import type { Authenticator } from './options.ts'

export interface ScramLogin {
  username: string
  password: string
  /** Absent: `SHA-256`. `SHA-512` also works with the hashes of mosquitto's password files. */
  hash?: 'SHA-256' | 'SHA-512'
}

const NONCE_BYTES = 18
/** A server that asks for more keeps its clients busy. */
const ITERATIONS_MAX = 10_000_000
const SERVER_FIRST = /^r=([^,]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,.*)?$/
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Proves to a server that the password is known, without sending it, and has the server prove the same. For
 * `ConnectOptions.authenticate`; leave `password` out there. MQTT 5.0 only.
 */
export function scram({ username, password, hash = 'SHA-256' }: ScramLogin): Authenticator {
  const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C')
  let clientFirst = ''
  let nonce = ''
  let serverSignature = ''
  return {
    method: `SCRAM-${hash}`,
    start() {
      nonce = base64(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)))
      clientFirst = `n=${name},r=${nonce}`
      serverSignature = ''
      return encoder.encode(`n,,${clientFirst}`)
    },
    async respond(challenge) {
      const serverFirst = decoder.decode(challenge)
      const match = SERVER_FIRST.exec(serverFirst)
      const iterations = Number(match?.[3] ?? 0)
      const isAnswer = match !== null && match[1].startsWith(nonce) && match[1] !== nonce
      if (!isAnswer || iterations < 1 || iterations > ITERATIONS_MAX)
        throw new MqttError('PROTOCOL', `${this.method}: what the server says is no challenge`)
      const salted = await saltedPassword(password.normalize('NFKC'), match[2], iterations, hash)
      const withoutProof = `c=biws,r=${match[1]}`
      const authMessage = `${clientFirst},${serverFirst},${withoutProof}`
      const clientKey = await hmac(hash, salted, 'Client Key')
      const storedKey = new Uint8Array(await crypto.subtle.digest(hash, clientKey))
      const signature = await hmac(hash, storedKey, authMessage)
      const proof = clientKey.map((byte, index) => byte ^ signature[index])
      const serverKey = await hmac(hash, salted, 'Server Key')
      serverSignature = base64(await hmac(hash, serverKey, authMessage))
      return encoder.encode(`${withoutProof},p=${base64(proof)}`)
    },
    finish(data) {
      const said = data === undefined ? '' : decoder.decode(data)
      if (serverSignature === '' || said !== `v=${serverSignature}`)
        throw new MqttError('PROTOCOL', `${this.method}: the server does not know the password`)
    },
  }
}

async function saltedPassword(
  password: string,
  salt: string,
  iterations: number,
  hash: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(password), 'PBKDF2', false, [
    'deriveBits',
  ])
  const bytes = Uint8Array.from(atob(salt), (character) => character.charCodeAt(0))
  const bits = hash === 'SHA-512' ? 512 : 256
  const derived = await crypto.subtle.deriveBits(
    { name: 'PBKDF2', salt: bytes, iterations, hash },
    key,
    bits,
  )
  return new Uint8Array(derived)
}

async function hmac(
  hash: string,
  key: Uint8Array<ArrayBuffer>,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash }, false, [
    'sign',
  ])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text)))
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

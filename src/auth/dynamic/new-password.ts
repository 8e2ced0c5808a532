/** Hashes of new passwords. */
import { randomInt } from 'node:crypto'
import { formatPasswordHash, hashPassword, newPasswordHash } from '../password-hash.ts'

/** Two hundred times mosquitto 2.0's; a login costs 10 ms of another thread, and is remembered for a while. */
export const NEW_PASSWORD_ITERATIONS = 20_000

/** The text of a new hash. */
export async function encodePassword(password: string): Promise<string> {
  const like = newPasswordHash('sha512-pbkdf2', NEW_PASSWORD_ITERATIONS)
  const noArgon2 = () => Promise.reject(new Error('argon2id is not asked for'))
  const hash = await hashPassword(new TextEncoder().encode(password), like, noArgon2)
  return formatPasswordHash({ ...like, hash })
}

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-=_+.,@~'
const RANDOM_LENGTH = 20

/** A password that nobody chose: 122 bits. */
export function randomPassword(): string {
  return Array.from({ length: RANDOM_LENGTH }, () => CHARACTERS[randomInt(CHARACTERS.length)]).join(
    '',
  )
}

/** Worker thread: argon2id and bcrypt in WebAssembly, one hash after the other. */
import { parentPort } from 'node:worker_threads'
import { bcrypt } from 'hash-wasm'
import { argon2idOf } from './argon2id.ts'
import type { PasswordHash } from './password-hash.ts'

export interface Argon2Job {
  readonly id: number
  readonly password: Uint8Array
  readonly wanted: PasswordHash
}

export interface Argon2Result {
  readonly id: number
  /** null: it could not be computed. */
  readonly hash: Uint8Array | null
  readonly error: string
}

parentPort?.on('message', (job: Argon2Job) => {
  void compute(job).then((result) => parentPort?.postMessage(result))
})

async function compute({ id, password, wanted }: Argon2Job): Promise<Argon2Result> {
  try {
    const hash = await (wanted.scheme === 'bcrypt' ? bcryptOf : argon2idOf)(password, wanted)
    return { id, hash, error: '' }
  } catch (error) {
    return { id, hash: null, error: String(error) }
  }
}

/** The hash as its text spells it, for bcrypt has a base64 of its own. */
async function bcryptOf(password: Uint8Array, wanted: PasswordHash): Promise<Uint8Array> {
  const text = await bcrypt({
    password,
    salt: wanted.salt,
    costFactor: wanted.iterations,
    outputType: 'encoded',
  })
  return Buffer.from(text.slice(-wanted.hash.length))
}

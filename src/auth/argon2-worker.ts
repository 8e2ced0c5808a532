/** Worker thread: argon2id in WebAssembly, one hash after the other. */
import { parentPort } from 'node:worker_threads'
import { argon2id } from 'hash-wasm'
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
    const hash = await argon2id({
      password,
      salt: wanted.salt,
      iterations: wanted.passes,
      parallelism: wanted.lanes,
      memorySize: wanted.memoryKib,
      hashLength: wanted.hash.length,
      outputType: 'binary',
    })
    return { id, hash, error: '' }
  } catch (error) {
    return { id, hash: null, error: String(error) }
  }
}

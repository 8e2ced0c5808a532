/** argon2id in WebAssembly: a tenth of a second of this thread. Load it only when there is something to hash. */
import { argon2id } from 'hash-wasm'
import type { PasswordHash } from './password-hash.ts'

/** With the salt and the parameters of `wanted`, as long as its hash. */
export function argon2idOf(password: Uint8Array, wanted: PasswordHash): Promise<Uint8Array> {
  return argon2id({
    password,
    salt: wanted.salt,
    iterations: wanted.passes,
    parallelism: wanted.lanes,
    memorySize: wanted.memoryKib,
    hashLength: wanted.hash.length,
    outputType: 'binary',
  })
}

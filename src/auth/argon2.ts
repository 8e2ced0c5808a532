/** Argon2id and bcrypt in a worker thread, so that a login does not stop the others. */
import { Worker } from 'node:worker_threads'
import type { Argon2Result } from './argon2-worker.ts'
import type { Argon2id, PasswordHash } from './password-hash.ts'

interface Waiting {
  resolve(hash: Uint8Array): void
  reject(error: Error): void
}

/**
 * argon2id (and bcrypt) in a thread of its own, started with the first password that needs it: it computes for a tenth of a
 * second at a time. The thread does not keep the process alive; one that dies is started again.
 */
export function createArgon2(): Argon2id {
  let worker: Worker | null = null
  let lastId = 0
  const waiting = new Map<number, Waiting>()
  const start = (): Worker => {
    const started = new Worker(new URL('argon2-worker.js', import.meta.url))
    const fail = (error: Error): void => {
      if (worker === started) worker = null
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    started.on('message', ({ id, hash, error }: Argon2Result) => {
      const { resolve, reject } = waiting.get(id) ?? { resolve: () => {}, reject: () => {} }
      waiting.delete(id)
      if (waiting.size === 0) started.unref()
      if (hash === null) reject(new Error(error))
      else resolve(hash)
    })
    started.on('error', fail)
    started.on('exit', () => fail(new Error('the argon2id thread ended')))
    started.unref()
    return started
  }
  return (password: Uint8Array, wanted: PasswordHash) =>
    new Promise((resolve, reject) => {
      worker ??= start()
      const id = ++lastId
      waiting.set(id, { resolve, reject })
      worker.ref()
      worker.postMessage({ id, password, wanted })
    })
}

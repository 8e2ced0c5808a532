/** Opens and closes a store in a thread of its own, over and over, as a broker does that starts on a large one. */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { openLevel, StoreError } from '../../src/store/level/database.ts'

interface Place {
  readonly location: string
  /** 1: it is enough. */
  readonly isOver: Int32Array
}

/** It is at work when this resolves; what it resolves to ends it. */
export async function reopenForever(location: string): Promise<() => Promise<void>> {
  const isOver = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL(import.meta.url), { workerData: { location, isOver } })
  await once(worker, 'message')
  return async () => {
    Atomics.store(isOver, 0, 1)
    await once(worker, 'exit')
  }
}

async function run({ location, isOver }: Place): Promise<void> {
  for (let count = 0; Atomics.load(isOver, 0) === 0; count++) {
    try {
      await (await openLevel(location)).close()
      if (count === 0) parentPort?.postMessage('at work')
    } catch (error) {
      // Whoever looks at it may have it for a moment.
      if (!(error instanceof StoreError)) throw error
    }
  }
}

if (!isMainThread) await run(workerData as Place)

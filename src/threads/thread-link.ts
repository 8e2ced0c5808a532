/** Both ends of what joins two threads: a port, what is to go over it, and what comes. */
import type { MessagePort } from 'node:worker_threads'
import type { Flow } from './flow.ts'
import { WireReader, WireWriter } from './wire.ts'

/** Anything that posts and gets arrays: a MessagePort, a Worker, or a worker's parent. */
export type Port = Pick<MessagePort, 'postMessage'> & {
  on(event: 'message', listen: (value: unknown) => void): unknown
}

export interface ThreadLink {
  readonly out: WireWriter
  /** Sends what waits, if it may go. */
  flush(): void
}

/**
 * @param read Reads one call or event from `reader`, which is behind its number.
 * @param isWhole May what was written so far go? A batch goes as a whole.
 * @param flow null: nobody counts what is on its way.
 */
export function linkThread(
  port: Port,
  read: (op: number, reader: WireReader) => void,
  isWhole: () => boolean,
  flow: Flow | null = null,
): ThreadLink {
  const flush = (): void => {
    if (out.length === 0) return
    if (!isWhole()) return void setImmediate(flush)
    const bytes = out.take()
    const { length } = bytes
    port.postMessage(bytes, [bytes.buffer])
    flow?.sent(length)
  }
  const out = new WireWriter(() => void setImmediate(flush))
  const reader = new WireReader()
  port.on('message', (bytes) => {
    if (!(bytes instanceof Uint8Array)) return
    reader.open(bytes)
    while (!reader.isAtEnd()) read(reader.u8(), reader)
    flow?.taken(bytes.length)
  })
  return { out, flush }
}

/**
 * How the core in the thread of junction and store is told: at once while nothing of it runs, that is from bytes of another
 * thread; otherwise a moment later. In order, whoever tells.
 */
export class LocalWay {
  private isIdle = false
  private waiting = 0

  /** Calls `run`, bytes of another thread are handled: no core is in the middle of anything. */
  whileIdle(run: () => void): void {
    this.isIdle = true
    try {
      run()
    } finally {
      this.isIdle = false
    }
  }

  readonly defer = (run: () => void): void => {
    if (this.copies) {
      // What it leads to is within a call.
      this.isIdle = false
      run()
      this.isIdle = true
      return
    }
    this.waiting++
    queueMicrotask(() => {
      this.waiting--
      run()
    })
  }

  /** It is told at once: what is borrowed need not be copied. */
  get copies(): boolean {
    return this.isIdle && this.waiting === 0
  }
}

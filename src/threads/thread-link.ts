/** Both ends of what joins two threads: a port, what is to go over it, and what comes. */
import type { MessagePort } from 'node:worker_threads'
import type { Flow } from './flow.ts'
import { Event } from './ops.ts'
import type { Tickets } from './tickets.ts'
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

/** How what is written to a port leaves. */
export interface Leaving {
  /** May what was written so far go? A batch goes as a whole. Absent: always. */
  isWhole?(): boolean
  /** null: nobody counts what is on its way. */
  readonly flow: Flow | null
  /** Where there are direct links each bundle says behind its end when it left. Absent: there are none. */
  readonly tickets?: Tickets
  /** Sends what is to leave before it. */
  before?(): void
}

/**
 * @param read Reads one call or event from `reader`, which is behind its number.
 * @param isWhole As in {@link Leaving}.
 */
export function linkThread(
  port: Port,
  read: (op: number, reader: WireReader) => void,
  isWhole: () => boolean,
  flow: Flow | null = null,
): ThreadLink {
  readFrom(port, read, flow)
  return sendTo(port, { isWhole, flow })
}

export function readFrom(
  port: Port,
  read: (op: number, reader: WireReader) => void,
  flow: Flow | null,
): void {
  const reader = new WireReader()
  port.on('message', (bytes) => {
    if (!(bytes instanceof Uint8Array)) return
    reader.open(bytes)
    while (!reader.isAtEnd()) read(reader.u8(), reader)
    flow?.taken(bytes.length)
  })
}

export function sendTo(port: Port, leaving: Leaving): ThreadLink {
  const { flow, tickets } = leaving
  const flush = (): void => {
    if (out.length === 0) return
    if (leaving.isWhole?.() === false) return void setImmediate(flush)
    leaving.before?.()
    if (tickets !== undefined) {
      out.op(Event.ticket)
      out.number(tickets.next())
    }
    const bytes = out.take()
    const { length } = bytes
    port.postMessage(bytes, [bytes.buffer])
    flow?.sent(length)
  }
  const out = new WireWriter(() => void setImmediate(flush))
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

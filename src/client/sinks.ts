/** Where messages end: in a handler, or in the queue behind an iterator. */
import { Fifo } from '../base/fifo.ts'
import { thrownError } from '../base/thrown.ts'
import { Reason } from '../codec/reason-codes.ts'
import { taken } from './flow.ts'
import type { Message } from './message.ts'
import { report, type Core, type Sink } from './model.ts'
import type { MessageHandler } from './options.ts'
import { leaveUnclaimed } from './unclaimed.ts'

/**
 * Calls `handler`. One that throws, or whose promise rejects, is reported, and the message refused: 0x83 in MQTT
 * 5.0; 3.x has no way to say so.
 */
export function callHandler(core: Core, handler: MessageHandler, message: Message): void {
  try {
    const pending = handler(message)
    // A handler in JavaScript may return anything.
    if (typeof pending?.then !== 'function') return
    message.addKeeper()
    pending.then(
      () => message.dropKeeper(),
      (error: unknown) => {
        refuse(core, message, error)
        message.dropKeeper()
      },
    )
  } catch (error) {
    refuse(core, message, error)
  }
}

function refuse(core: Core, message: Message, error: unknown): void {
  message.reason = Reason.implementationSpecificError
  report(core, thrownError(error))
}

export class HandlerSink implements Sink {
  private readonly core: Core
  private readonly handler: MessageHandler
  private readonly isManual: boolean
  private readonly closed: () => void

  /** `closed`: no more will come. */
  constructor(core: Core, handler: MessageHandler, isManual: boolean, closed: () => void) {
    this.core = core
    this.handler = handler
    this.isManual = isManual
    this.closed = closed
  }

  take(message: Message): void {
    if (this.isManual && message.qos > 0) message.addManualKeeper()
    callHandler(this.core, this.handler, message)
  }

  forgetBefore(): void {
    // Nothing is kept here.
  }

  close(): void {
    this.closed()
  }
}

interface Reader {
  /** The loop that waits. */
  readonly give: Give
  take(message: Message): void
  resolve(result: IteratorResult<Message, undefined>): void
  reject(error: Error): void
}

/** Hands a message to one loop. */
type Give = (message: Message) => IteratorResult<Message, undefined>

const FINISHED: IteratorReturnResult<undefined> = { done: true, value: undefined }
/** What a queued message weighs beside its payload. */
const MESSAGE_BYTES = 200

/**
 * A queue that is iterated, by one loop or by several that share its messages. A message counts as done with when its loop
 * asks for the next one, or is left, and is acknowledged then; with manual acknowledgement when the program says so.
 */
export class QueueSink implements Sink {
  private readonly core: Core
  private readonly isManual: boolean
  /** Called when the last loop is left. */
  private readonly leave: () => void
  private readonly queue = new Fifo<Message>()
  private readonly readers = new Fifo<Reader>()
  private loops = 0
  private isClosed = false
  private error: Error | null = null

  constructor(core: Core, isManual: boolean, leave: () => void) {
    this.core = core
    this.isManual = isManual
    this.leave = leave
  }

  take(message: Message): void {
    if (this.isClosed) return
    if (message.qos > 0) message.addKeeper()
    const reader = this.readers.shift()
    if (reader !== undefined) return reader.take(message)
    this.enqueue(message)
  }

  private enqueue(message: Message): void {
    this.queue.push(message)
    this.core.queuedMessages++
    this.core.queuedBytes += message.payload.length + MESSAGE_BYTES
  }

  /** One more loop over the messages. */
  loop(): AsyncIterator<Message, undefined> {
    let current: Message | null = null
    let isLeft = false
    const finishCurrent = (): void => {
      const done = current
      current = null
      done?.dropKeeper()
    }
    const give: Give = (message) => {
      if (message.qos > 0 && this.isManual) {
        message.addManualKeeper()
        message.dropKeeper()
      } else if (message.qos > 0) current = message
      return { done: false, value: message }
    }
    this.loops++
    return {
      next: () => {
        finishCurrent()
        return isLeft ? Promise.resolve(FINISHED) : this.next(give)
      },
      return: () => {
        finishCurrent()
        if (isLeft) return Promise.resolve(FINISHED)
        isLeft = true
        this.dismiss(give)
        if (--this.loops === 0) this.leaveAll()
        return Promise.resolve(FINISHED)
      },
    }
  }

  /** Readers of a loop that is left wait no more. */
  private dismiss(give: Give): void {
    for (let left = this.readers.length; left > 0; left--) {
      const reader = this.readers.shift() as Reader
      if (reader.give === give) reader.resolve(FINISHED)
      else this.readers.push(reader)
    }
  }

  private next(give: Give): Promise<IteratorResult<Message, undefined>> {
    const message = this.queue.shift()
    if (message !== undefined) {
      taken(this.core, message.payload.length + MESSAGE_BYTES)
      return Promise.resolve(give(message))
    }
    if (this.error !== null) {
      const { error } = this
      this.error = null
      return Promise.reject(error)
    }
    if (this.isClosed) return Promise.resolve(FINISHED)
    return new Promise((resolve, reject) => {
      this.readers.push({ give, take: (next) => resolve(give(next)), resolve, reject })
    })
  }

  /** What nobody was handed is not acknowledged: another subscription may take it, or the session's next connection. */
  private leaveAll(): void {
    this.leave()
    this.close(null)
    this.drop((message) => {
      if (message.qos > 0) leaveUnclaimed(this.core, message)
    })
  }

  forgetBefore(epoch: number): void {
    this.drop((message) => {
      if (message.qos === 1 && message.epoch < epoch) message.dropKeeper()
      else this.enqueue(message)
    })
  }

  /** What is queued can still be taken; then the iterator ends, or throws `error`. */
  close(error: Error | null): void {
    if (this.isClosed) return
    this.isClosed = true
    this.error = error
    for (const reader of this.readers) {
      if (error === null) reader.resolve(FINISHED)
      else reader.reject(error)
      this.error = null
    }
    this.readers.clear()
  }

  /** Takes all messages out of the queue; `put` may give one back. */
  private drop(put: (message: Message) => void): void {
    for (let left = this.queue.length; left > 0; left--) {
      const message = this.queue.shift() as Message
      taken(this.core, message.payload.length + MESSAGE_BYTES)
      put(message)
    }
  }
}

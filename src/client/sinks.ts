/** Where messages end: in a handler, or in the queue behind an iterator. */
import { Fifo } from '../base/fifo.ts'
import { Reason } from '../codec/reason-codes.ts'
import { taken } from './flow.ts'
import type { Message } from './message.ts'
import { report, type Core, type Sink } from './model.ts'
import type { MessageHandler } from './options.ts'

/**
 * Calls `handler`. One that throws, or whose promise rejects, is reported, and the message refused: 0x83 in MQTT
 * 5.0; 3.x has no way to say so.
 */
export function callHandler(core: Core, handler: MessageHandler, message: Message): void {
  try {
    const pending = handler(message)
    if (pending === undefined) return
    message.hold()
    pending.then(
      () => message.release(),
      (error: unknown) => {
        refuse(core, message, error)
        message.release()
      },
    )
  } catch (error) {
    refuse(core, message, error)
  }
}

function refuse(core: Core, message: Message, error: unknown): void {
  message.reason = Reason.implementationSpecificError
  report(core, error instanceof Error ? error : new Error(String(error)))
}

export class HandlerSink implements Sink {
  private readonly core: Core
  private readonly handler: MessageHandler
  private readonly isManual: boolean

  constructor(core: Core, handler: MessageHandler, isManual: boolean) {
    this.core = core
    this.handler = handler
    this.isManual = isManual
  }

  take(message: Message): void {
    if (this.isManual && message.qos > 0) message.holdForAck()
    callHandler(this.core, this.handler, message)
  }

  forgetBefore(): void {
    // Nothing is kept here.
  }

  close(): void {
    // A handler is just not called any more.
  }
}

interface Reader {
  resolve(result: IteratorResult<Message, undefined>): void
  reject(error: Error): void
}

const FINISHED: IteratorReturnResult<undefined> = { done: true, value: undefined }
/** What a queued message weighs beside its payload. */
const MESSAGE_BYTES = 200

/**
 * A queue that is iterated. A message counts as done with when the next one is asked for, or the loop is left, and
 * is acknowledged then; with manual acknowledgement when the program says so.
 */
export class QueueSink implements Sink, AsyncIterator<Message, undefined> {
  private readonly core: Core
  private readonly isManual: boolean
  /** Called when the loop is left. */
  private readonly leave: () => void
  private readonly queue = new Fifo<Message>()
  private readonly readers = new Fifo<Reader>()
  private current: Message | null = null
  private isClosed = false
  private error: Error | null = null

  constructor(core: Core, isManual: boolean, leave: () => void) {
    this.core = core
    this.isManual = isManual
    this.leave = leave
  }

  take(message: Message): void {
    if (this.isClosed) return
    if (message.qos > 0) message.hold()
    const reader = this.readers.shift()
    if (reader !== undefined) return reader.resolve({ done: false, value: this.give(message) })
    this.queue.push(message)
    this.core.queuedMessages++
    this.core.queuedBytes += message.payload.length + MESSAGE_BYTES
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    this.finishCurrent()
    const message = this.queue.shift()
    if (message !== undefined) {
      taken(this.core, message.payload.length + MESSAGE_BYTES)
      return Promise.resolve({ done: false, value: this.give(message) })
    }
    if (this.error !== null) {
      const { error } = this
      this.error = null
      return Promise.reject(error)
    }
    if (this.isClosed) return Promise.resolve(FINISHED)
    return new Promise((resolve, reject) => this.readers.push({ resolve, reject }))
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.finishCurrent()
    this.leave()
    this.close(null)
    this.drop(() => true)
    return Promise.resolve(FINISHED)
  }

  forgetBefore(epoch: number): void {
    this.drop((message) => message.qos === 1 && message.epoch < epoch)
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

  private give(message: Message): Message {
    if (message.qos === 0) return message
    if (this.isManual) {
      message.holdForAck()
      message.release()
    } else this.current = message
    return message
  }

  private finishCurrent(): void {
    const { current } = this
    this.current = null
    current?.release()
  }

  private drop(isUnwanted: (message: Message) => boolean): void {
    for (let left = this.queue.length; left > 0; left--) {
      const message = this.queue.shift()
      if (message === undefined) return
      if (!isUnwanted(message)) {
        this.queue.push(message)
        continue
      }
      taken(this.core, message.payload.length + MESSAGE_BYTES)
      if (message.qos > 0) message.release()
    }
  }
}

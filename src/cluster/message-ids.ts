/**
 * Under which identity a QoS 2 message goes into queues. A message that was held for its publisher keeps the identity that it
 * was held under, on whichever node it is handed on in the end, so that the server knows it again.
 */
import type { Message } from '../ports/message.ts'

interface Known {
  readonly id: string
  /** How often it went into the queue of each session: once a subscription. */
  readonly times: Map<string, number>
}

export class MessageIds {
  private readonly run: string
  private readonly known = new WeakMap<Message, Known>()
  private last = 0

  constructor(run: string) {
    this.run = run
  }

  of(message: Message): string {
    return this.entryOf(message).id
  }

  remember(message: Message, id: string): void {
    this.known.set(message, { id, times: new Map() })
  }

  /** Of the message's next copy for a session. */
  next(message: Message, sid: string): string {
    const { id, times } = this.entryOf(message)
    const time = (times.get(sid) ?? 0) + 1
    times.set(sid, time)
    return `${id}.${sid}.${time}`
  }

  private entryOf(message: Message): Known {
    let entry = this.known.get(message)
    if (entry === undefined) {
      entry = { id: `${this.run}.${++this.last}`, times: new Map() }
      this.known.set(message, entry)
    }
    return entry
  }
}

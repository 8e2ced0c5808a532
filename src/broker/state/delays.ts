/** Publishes that wait for their time; see `routing/delayed.ts`. */
import { Fifo } from '../../base/fifo.ts'
import type { Timer } from '../../base/timer-wheel.ts'
import type { Message } from '../../ports/message.ts'
import type { Identity } from '../../ports/ports.ts'

/** A publish that waits for its time (`$delayed/…`); its topic is the one it will have. */
export interface Delayed {
  readonly id: string
  readonly message: Message
  /** Wall clock, ms. */
  readonly dueAtMs: number
  /** Who sent it: it is published in this name. */
  readonly author: Identity
  /** null: not armed yet, or on its way. */
  timer: Timer | null
}

export class Delays {
  readonly byId = new Map<string, Delayed>()
  bytes = 0
  /** Part of the id of the next one. */
  serial = 0
  /** Those whose time has come, until this turn or a later one has published them. */
  readonly due = new Fifo<Delayed>()
}

/** A will that waits for its delay. */
import type { Timer } from '../../base/timer-wheel.ts'
import type { Message } from '../../ports/message.ts'
import type { Identity } from '../../ports/ports.ts'

export interface PendingWill {
  message: Message
  timer: Timer
  /** Who left it: it is published in this name. */
  author: Identity
}

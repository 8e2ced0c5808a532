/** What a client may still send, where a rate is set. */
import type { Timer } from '../../base/timer-wheel.ts'

/** What one client may send before it has to wait; grows with time (`max_message_rate`, `max_byte_rate`). */
export interface Rate {
  messages: number
  bytes: number
  filledMs: number
  /** Armed while it is not read from. */
  timer: Timer | null
}

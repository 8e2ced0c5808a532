/** What is due about sessions, and is the store's to allow; see `settle.ts`. */
import { Fifo } from '../../base/fifo.ts'
import type { Session } from './model.ts'

/** Something that is due about a session whose client left then. */
export interface Due {
  readonly session: Session
  readonly leftAtMs: number
  act(): void
}

export class Settlings {
  /** What waits for its turn. */
  readonly waiting = new Fifo<Due>()
  /** What its session was claimed for, by request. */
  readonly claimed = new Map<number, Due>()
  /** Not through: claimed, or not safe yet. */
  count = 0
}

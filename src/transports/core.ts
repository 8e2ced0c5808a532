/** The side of the core that transports feed. */
import type { Link } from '../ports/ports.ts'

/** The side of the core that transports feed; `Broker` is it. `C` is what the core knows a link by. */
export interface LinkCore<C> {
  accept(link: Link): C
  /** `bytes` is no Buffer, and is reused after the call. */
  receive(connection: C, bytes: Uint8Array, start: number, end: number): void
  linkDrained(connection: C): void
  /** The peer has ended its side: calls `then` when all that it asked for is answered. */
  whenAnswered(connection: C, then: () => void): void
  linkClosed(connection: C, reason: string): void
}

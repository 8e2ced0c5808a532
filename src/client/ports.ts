/** What the client asks of the world: a network connection, timers, chance. `node.ts` and `web.ts` give them. */
import type { Random } from '../base/random.ts'

/** One network connection. Nothing of {@link WireEvents} is called from within a call of these. */
export interface Wire {
  /**
   * Takes `bytes[0..length)`. True: the array is the caller's again. False: it is the wire's until `drained`,
   * and nothing more is written before.
   */
  write(bytes: Uint8Array, length: number): boolean
  /** Reads no more until {@link resume}, where the transport can do that (a browser's WebSocket cannot). */
  pause(): void
  resume(): void
  /** Sends what was written, then closes. `closed` follows. */
  end(): void
  /** Closes at once. `closed` follows. */
  destroy(): void
}

/** Who a client says it is; null: it does not. */
export interface Login {
  readonly username: string | null
  readonly password: Uint8Array | null
}

export interface WireEvents {
  /** Before {@link opened}: from now on CONNECT has these. */
  login?(login: Login): void
  /** Bytes may be written from now on: TCP, TLS, the proxy and the WebSocket are through. */
  opened(): void
  /** The array may be reused after the call. */
  received(bytes: Uint8Array, start: number, end: number): void
  drained(): void
  /** Once, as the last event. `error`: why, null after an orderly end. */
  closed(error: Error | null): void
}

/** Opens a connection to the server that the client was made for. */
export type Dial = (events: WireEvents) => Wire

/** A pending timer; only given back to {@link Runtime.clearTimer}. */
export type TimerHandle = object | number

export interface Runtime {
  readonly random: Random
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number
  setTimer(delayMs: number, fire: () => void): TimerHandle
  clearTimer(timer: TimerHandle): void
  /** Calls at the end of this turn: everything written until then goes out in one piece. */
  soon(call: () => void): void
}

/** What operators see of bridges, and what they may do to them. */

/**
 * `waiting`: for the next attempt, or, a lazy one, for something to do; `stopped`: a `start_type once` that was lost.
 */
export type BridgeState = 'waiting' | 'connecting' | 'up' | 'paused' | 'stopped'

/** What an operator sees of a bridge. Times are the wall clock's, ms; null: never, none. */
export interface BridgeStatus {
  readonly name: string
  readonly state: BridgeState
  /** The address in use, or tried last. */
  readonly address: string
  readonly remoteClientId: string
  readonly localClientId: string
  /** Messages that wait to cross, sent and unacknowledged ones among them. */
  readonly queued: number
  readonly sent: number
  readonly received: number
  readonly dropped: number
  /** Times that it was up. */
  readonly connects: number
  readonly upSinceMs: number | null
  readonly lastError: string | null
  readonly lastErrorMs: number | null
  readonly reconnectAtMs: number | null
}

export interface BridgeControl {
  list(): BridgeStatus[]
  /** Disconnects it until `resume`; what is to cross is kept. False: there is none of this name. */
  pause(name: string): boolean
  resume(name: string): boolean
}

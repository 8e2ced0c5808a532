/** What nodes say of themselves with their heartbeats. */

/** What a node says of itself. */
export interface NodeReport {
  readonly node: string
  /** Of one process: another run of the same node has another. */
  readonly run: string
  /** It has left by itself. */
  readonly isLeaving: boolean
  readonly version: string
  readonly connected: number
  readonly sessions: number
  /** Its clients are sent to other nodes; absent: a version that does not know of that. */
  readonly isDraining?: boolean
  /** Since it started; absent as above. */
  readonly figures?: NodeFigures
  /** Names of the bridges that it may run; absent as above. */
  readonly bridges?: readonly string[]
  /** It has the users that all nodes share; absent as above. */
  readonly sharesUsers?: boolean
}

/** PUBLISH packets of a node. */
export interface NodeFigures {
  readonly received: number
  readonly sent: number
  readonly dropped: number
}

/** What a node says of itself that changes. */
export type NodeCounts = Required<
  Pick<NodeReport, 'connected' | 'sessions' | 'isDraining' | 'figures' | 'bridges' | 'sharesUsers'>
>

export interface NodeView extends NodeReport {
  /** Monotonic ms until which it may answer a client. */
  readonly aliveUntilMs: number
}

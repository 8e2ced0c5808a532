/** What a node of a cluster is told by its broker. */
import type { Log } from '../base/log.ts'
import type { NodeCounts } from './node-report.ts'
import type { Wire } from './wire.ts'

export interface ClusterOptions {
  /** In front of every stream and subject; letters, digits, `-` and `_`. */
  readonly name: string
  readonly node: string
  /** Of this process alone. */
  readonly run: string
  readonly replicas: number
  readonly partitions: number
  readonly leaseMs: number
  /** Most messages of one session's queue; 0: any number. */
  readonly queuedMax: number
  readonly version: string
  readonly log: Log
  nowMs(): number
  wallMs(): number
  /** Opens the connection; again and again until there is one. */
  connect(): Promise<Wire>
  counts(): NodeCounts
  /** The lease is over: nothing may leave this process any more. */
  onFenced(): void
}

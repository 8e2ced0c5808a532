/** The load client's nouns: a link, and the load that all links make together. */
import type { Socket } from 'node:net'
import type { ProtocolVersion } from './frames.ts'
import type { Latency } from './latency.ts'

/** One MQTT connection of the load client. */
export interface Link {
  readonly id: number
  readonly socket: Socket
  /** Bytes to send next; swapped with `spare` when the kernel did not take all of them at once. */
  out: Buffer
  outLength: number
  spare: Buffer
  writing: boolean
  readonly onWritten: () => void
  /** The cut-off frame at the end of the last read. */
  carry: Buffer
  carryLength: number
  packetId: number
  /** PUBLISH sent at QoS 1 or 2 and not yet acknowledged. */
  inflight: number
  sent: number
  /** Deliveries, to any receiver, of what this link published. */
  done: number
  /** When each packet id was last sent, when acknowledgements are timed. */
  sentMs: Float64Array | null
  /** The owner closed it: its end is no loss. */
  closing: boolean
  dead: boolean
}

/** All links of a run, and what they counted together. */
export interface Load {
  readonly port: number
  readonly tls: boolean
  readonly version: ProtocolVersion
  /** When sessions that last end, if nobody uses them, ms since 1970; null: never. */
  expiresAtMs: number | null
  readonly links: Link[]
  readonly latency: Latency
  /** From PUBLISH to PUBACK or PUBCOMP; null: not of interest. */
  ackLatency: Latency | null
  connected: number
  subscribed: number
  acked: number
  delivered: number
  dead: number
  /** The first refusal or protocol error seen, in words. */
  failure: string
  /** Called after every read that held whole frames. */
  onProgress: () => void
}

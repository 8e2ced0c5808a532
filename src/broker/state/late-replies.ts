/** What a client is answered when the disk has it. */
import { Fifo } from '../../base/fifo.ts'
import type { Packet } from '../../codec/packets.ts'

/** An acknowledgement that waits for its batch, and for those in front of it [MQTT-4.6.0-2]. */
export interface LateReply {
  batch: number
  /** 0: `packet` says it all. */
  ackType: 0 | 4 | 5 | 6 | 7
  packetId: number
  reason: number
  packet: Packet | null
}

export class LateReplies extends Fifo<LateReply> {
  /** All of them are safe with this batch, and all that are a SUBACK with that one. */
  batch = 0
  subackBatch = 0
  /** What the client is sent waits until this batch is safe, for a SUBACK goes before it; 0: it does not wait. */
  corkedUntil = 0
}

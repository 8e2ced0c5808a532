/** What waits for a session that several doors share, counted by who knows of all of them. */
import type { Qos } from '../codec/packets.ts'
import type { Backlog } from '../ports/store.ts'

export interface JointQueue extends Backlog {
  /** Sequences of what waits at QoS 0, as far as this process has queued it; null: nothing does. */
  atQos0: Set<number> | null
  bytesAtQos0: number
}

export interface Waiting {
  readonly count: number
  /** Of their payloads. */
  readonly bytes: number
}

export const EMPTY_QUEUE = { queuedCount: 0, queuedBytes: 0, lastSequence: 0 }
export const NONE_AT_QOS0 = { atQos0: null, bytesAtQos0: 0 }

export function countIn(queue: JointQueue, sequence: number, bytes: number, qos: Qos): void {
  queue.lastSequence = sequence
  queue.queuedCount++
  queue.queuedBytes += bytes
  if (qos > 0) return
  queue.atQos0 ??= new Set()
  queue.atQos0.add(sequence)
  queue.bytesAtQos0 += bytes
}

export function countOut(queue: JointQueue, sequence: number, bytes: number): void {
  queue.queuedCount--
  queue.queuedBytes -= bytes
  if (queue.atQos0?.delete(sequence) !== true) return
  queue.bytesAtQos0 -= bytes
  if (queue.atQos0.size === 0) queue.atQos0 = null
}

/** How much counts against the bounds for a message at `qos`: QoS 0 that waits takes no room from the others. */
export function waitingBefore(queue: JointQueue, qos: Qos): Waiting {
  const { queuedCount, queuedBytes, atQos0, bytesAtQos0, foundAtQos0 } = queue
  if (qos === 0) return { count: queuedCount, bytes: queuedBytes }
  return {
    count: queuedCount - (atQos0?.size ?? 0) - (foundAtQos0?.count ?? 0),
    bytes: queuedBytes - bytesAtQos0 - (foundAtQos0?.bytes ?? 0),
  }
}

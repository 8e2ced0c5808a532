/** What waits for a session that several doors share, counted by who knows of all of them. */
import type { Qos } from '../codec/packets.ts'
import type { AtQos0, Backlog, ClaimedSession, StoredDelivery } from '../ports/store.ts'

export interface JointQueue extends Backlog {
  /** Sequences of what waits at QoS 0, as far as this process has queued or read it; null: nothing does. */
  atQos0: Set<number> | null
  bytesAtQos0: number
  /** The rest of what an earlier process left at QoS 0. */
  foundAtQos0: AtQos0 | null
  /** Claimed, and its owner has no answer yet: what comes for it meanwhile is told behind that. */
  claiming: StoredDelivery[] | null
}

export interface Waiting {
  readonly count: number
  /** Of their payloads. */
  readonly bytes: number
}

const NOTHING: Readonly<AtQos0> = { count: 0, bytes: 0 }
export const EMPTY_QUEUE = { queuedCount: 0, queuedBytes: 0, lastSequence: 0 }
export const NONE_AT_QOS0 = { atQos0: null, bytesAtQos0: 0, foundAtQos0: null }

export function countIn(queue: JointQueue, sequence: number, bytes: number, qos: Qos): void {
  queue.lastSequence = sequence
  queue.queuedCount++
  queue.queuedBytes += bytes
  if (qos === 0) noteAtQos0(queue, sequence, bytes)
}

function noteAtQos0(queue: JointQueue, sequence: number, bytes: number): void {
  queue.atQos0 ??= new Set()
  queue.atQos0.add(sequence)
  queue.bytesAtQos0 += bytes
}

/** Entries are read, which comes before they can go: of those that an earlier process left it is known from now on which they are. */
export function noteRead(queue: JointQueue, entries: readonly StoredDelivery[]): void {
  const { foundAtQos0: found } = queue
  if (found === null) return
  for (const { qos, sequence, message } of entries) {
    if (qos > 0 || queue.atQos0?.has(sequence) === true) continue
    noteAtQos0(queue, sequence, message.payloadLength)
    found.count--
    found.bytes -= message.payloadLength
  }
  if (found.count <= 0) queue.foundAtQos0 = null
}

export function countOut(queue: JointQueue, sequence: number, bytes: number): void {
  queue.queuedCount--
  queue.queuedBytes -= bytes
  if (queue.atQos0?.delete(sequence) !== true) return
  queue.bytesAtQos0 -= bytes
  if (queue.atQos0.size === 0) queue.atQos0 = null
}

/** How much of it waits at QoS 0. */
function allAtQos0({ atQos0, bytesAtQos0, foundAtQos0 }: JointQueue): AtQos0 {
  return {
    count: (atQos0?.size ?? 0) + (foundAtQos0?.count ?? 0),
    bytes: bytesAtQos0 + (foundAtQos0?.bytes ?? 0),
  }
}

/** How much counts against the bounds for a message at `qos`: QoS 0 that waits takes no room from the others. */
export function waitingBefore(queue: JointQueue, qos: Qos): Waiting {
  const { queuedCount, queuedBytes } = queue
  const { count, bytes } = qos === 0 ? NOTHING : allAtQos0(queue)
  return { count: queuedCount - count, bytes: queuedBytes - bytes }
}

/** What the store does not know of a session that is claimed. */
export function withCounts(state: ClaimedSession, queue: JointQueue): ClaimedSession {
  const atQos0 = allAtQos0(queue)
  for (const { sequence, qos, message } of queue.claiming ?? []) {
    if (qos > 0 || sequence <= state.lastSequence) continue
    atQos0.count--
    atQos0.bytes -= message.payloadLength
  }
  return { ...state, atQos0 }
}

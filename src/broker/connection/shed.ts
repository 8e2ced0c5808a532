/** The last resort when memory runs short; `pressure.ts` has what comes before. */
import { heldBytes } from '../state/held.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { closeFor } from './closing.ts'
import { Bytes } from '../state/memory.ts'
import type { Core } from '../state/core.ts'
import type { Connection, Session } from '../state/model.ts'
import { pendingBytes } from '../delivery/outbox.ts'

/** Less than this in memory is not worth a connection. */
const SHED_BYTES_MIN = 64 * 1024

/** Who has begun a packet may send it for so long: when it is whole, its memory is free, and its sender is told. */
const FINISHING_MS = 5000

/**
 * Disconnects the client whose leaving frees most memory: output it does not read, packets it does not finish, topic
 * aliases, and unless its session stays, what is queued for it, held of it, and its subscriptions.
 *
 * @returns its client id; null when none holds a considerable amount.
 */
export function shedLargest(core: Core): string | null {
  const { connection } = largestOf(core)
  if (connection === null) return null
  closeFor(core, connection, Reason.quotaExceeded, 'the broker is short of memory')
  return connection.identity?.clientId ?? connection.link.remote
}

/** How much memory that would free; 0 when no client holds a considerable amount. */
export function largestHeld(core: Core): number {
  return largestOf(core).bytes
}

function largestOf(core: Core): { connection: Connection | null; bytes: number } {
  const nowMs = core.ports.clock.monotonicMs()
  let largest: Connection | null = null
  let most = SHED_BYTES_MIN
  for (const connection of core.connections) {
    const bytes = heldBy(connection, nowMs)
    if (bytes <= most) continue
    largest = connection
    most = bytes
  }
  return { connection: largest, bytes: largest === null ? 0 : most }
}

function heldBy(connection: Connection, nowMs: number): number {
  const { session, keptBytes, partial, partialSinceMs, will } = connection
  const isFinishing = partial !== null && nowMs - partialSinceMs < FINISHING_MS
  const kept = isFinishing ? keptBytes - partial.capacity : keptBytes
  const own = pendingBytes(connection) + kept + (will === null ? 0 : will.message.size)
  // What a durable session has stays.
  if (session === null || session.durable) return own
  return own + queuedFor(session) + heldBytes(session) + session.subscriptionBytes
}

/** What waits for it, and what it has not acknowledged, however short. */
function queuedFor({ outbound }: Session): number {
  if (outbound === null) return 0
  const { queue, inflight, queuedBytes } = outbound
  return queuedBytes + (queue.length + inflight.size) * Bytes.entry
}

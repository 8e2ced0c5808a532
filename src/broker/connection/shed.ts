/** The last resort when memory runs short; `pressure.ts` has what comes before. */
import { Reason } from '../../codec/reason-codes.ts'
import { closeFor } from './closing.ts'
import type { Connection, Core } from '../state/model.ts'
import { pendingBytes } from '../delivery/outbox.ts'

/** Less than this in memory is not worth a connection. */
const SHED_BYTES_MIN = 64 * 1024

/**
 * Disconnects the client that holds most memory: output it does not read, and what is queued for it. Its
 * durable session stays.
 *
 * @returns its client id; null when none holds a considerable amount.
 */
export function shedLargest(core: Core): string | null {
  let largest: Connection | null = null
  let most = SHED_BYTES_MIN
  for (const connection of core.connections) {
    const { session } = connection
    // The queue of a durable session is the store's.
    const queuedBytes = session?.durable === false ? (session.outbound?.queuedBytes ?? 0) : 0
    const bytes = pendingBytes(connection) + queuedBytes
    if (bytes <= most) continue
    largest = connection
    most = bytes
  }
  if (largest === null) return null
  closeFor(core, largest, Reason.quotaExceeded, 'the broker is short of memory')
  return largest.identity?.clientId ?? largest.link.remote
}

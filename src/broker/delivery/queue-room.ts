/** Whether there is room for one more message in a session's queue (`max_queued_messages`, `max_queued_bytes`). */
import type { Qos } from '../../codec/packets.ts'
import type { Core } from '../state/core.ts'
import type { Outbound, Session } from '../state/model.ts'
import { waitingBefore, waitingBytesBefore } from './backlog.ts'
import { hasRoom } from './window.ts'

/** Nothing waits before it and the window is open: whatever it weighs, it weighs nothing in the queue. A full disk has no room. */
export function goesAtOnce(core: Core, { connection }: Session, outbound: Outbound): boolean {
  if (core.full || connection === null) return false
  if (outbound.queuedCount > 0 || outbound.unsent !== null) return false
  return hasRoom(core, connection, outbound)
}

export function hasStoreRoom(core: Core, outbound: Outbound, published: Qos, qos: Qos): boolean {
  const { limits } = core.ports
  // While the disk is full only QoS 0 still gets this far.
  if (core.full && published === 0) return false
  if (!core.journal.survives) return hasQueueRoom(core, outbound, qos)
  return takesMore(outbound, qos, limits.queuedMax, limits.storedBytesMax)
}

export function hasQueueRoom(core: Core, outbound: Outbound, qos: Qos): boolean {
  const { queuedMax, queuedBytesMax } = core.ports.limits
  return takesMore(outbound, qos, queuedMax, queuedBytesMax)
}

/** As in mosquitto the bytes of the message do not count: one that is larger than the bound waits too, in a queue below it. */
function takesMore(
  outbound: Outbound,
  qos: Qos,
  queuedMax: number,
  queuedBytesMax: number,
): boolean {
  return (
    (queuedMax === 0 || waitingBefore(outbound, qos) < queuedMax) &&
    (queuedBytesMax === 0 || waitingBytesBefore(outbound, qos) < queuedBytesMax)
  )
}

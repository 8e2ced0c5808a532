/** What others queue for a session that is held here. */
import type { StoredDelivery } from '../../ports/store.ts'
import type { Core } from '../state/core.ts'
import { dropped } from '../state/drops.ts'
import type { Outbound, Session } from '../state/model.ts'
import { countGone, countStored, noteLoaded, outboundOf } from './backlog.ts'
import { noteEntry } from './outbound.ts'
import { goesAtOnce, hasStoreRoom } from './queue-room.ts'
import { noteDone } from './window.ts'

/** An entry that was queued for a session held here, by another node or where the store had to say its place. */
export function arrived(core: Core, session: Session, entry: StoredDelivery): void {
  if (session.ended || session.foreign) return
  const outbound = outboundOf(session)
  // Batches become safe in their order: the next one of this node's is so behind the one that has it.
  const batch = entry.safe || entry.qos < 2 ? 0 : core.journal.note()
  if (entry.sequence <= outbound.lastSequence) return
  if (hasRoomFor(core, session, outbound, entry))
    noteEntry(core, session, outbound, entry, batch, null)
  else refuseArrived(core, session, outbound, entry)
}

function hasRoomFor(
  core: Core,
  session: Session,
  outbound: Outbound,
  { isUnbound = false, message, qos }: StoredDelivery,
): boolean {
  if (!isUnbound || session.connection === null) return true
  return hasStoreRoom(core, outbound, message.qos, qos) || goesAtOnce(core, session, outbound)
}

/** The store has it by now, and is told that it is done with. */
function refuseArrived(
  core: Core,
  session: Session,
  outbound: Outbound,
  { sequence, message, qos }: StoredDelivery,
): void {
  const behind = outbound.loadedTo < outbound.lastSequence
  countStored(outbound, sequence, message.payloadLength, qos)
  countGone(outbound, message.payloadLength, qos)
  if (!behind) noteLoaded(outbound, sequence)
  noteDone(outbound, sequence)
  core.journal.acknowledge(session.clientId, sequence, message)
  dropped(core, session, 'queueFull')
}

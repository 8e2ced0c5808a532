/** The window: what was sent to a client at QoS 1 or 2 and is not acknowledged, by packet identifier. */
import type { Fifo } from '../../base/fifo.ts'
import type { Core } from '../state/core.ts'
import {
  Phase,
  type Connection,
  type Delivery,
  type Outbound,
  type Session,
} from '../state/model.ts'
import type { Message } from '../../ports/message.ts'
import { Bytes, charge, dropKeeper } from '../state/memory.ts'
import { pendingBytes } from './outbox.ts'

export const PACKET_IDS = 65535

/** The power of two of identifiers that are looked at in a unit of work. */
const IDS_SHIFT = 6

/** Of an entry of a durable session. */
export function packetIdOf({ idShift }: Outbound, sequence: number): number {
  return 1 + ((sequence - 1 + idShift) % PACKET_IDS)
}

/** May one more message of the queue be sent? */
export function hasRoom(core: Core, connection: Connection, outbound: Outbound): boolean {
  const limits = core.ports.limits
  if (connection.phase !== Phase.open) return false
  const sent = outbound.inflight.size
  if (sent >= connection.receiveMaximum) return false
  if (
    limits.inflightMax > 0 &&
    sent >= limits.inflightMax &&
    outbound.inflightBytes > limits.windowBytes
  )
    return false
  if (limits.inflightBytesMax > 0 && outbound.inflightBytes >= limits.inflightBytesMax) return false
  return hasLinkRoom(core, connection)
}

/** May one more be sent of those that were in flight before? What they weigh was judged then. */
export function hasRoomAgain(core: Core, connection: Connection, outbound: Outbound): boolean {
  const sent = outbound.inflight.size - outbound.unsentCount
  return sent < connection.receiveMaximum && hasLinkRoom(core, connection)
}

function hasLinkRoom(core: Core, connection: Connection): boolean {
  return connection.inLink === null || pendingBytes(connection) < core.ports.limits.outputBytesMax
}

/**
 * Of the next entry of a durable session: one whose identifier nobody uses. Where all are in use it waits for its own, which the client
 * is to free first.
 */
export function nextSequence(core: Core, outbound: Outbound): number {
  const { inflight, lastSequence } = outbound
  let sequence = lastSequence + 1
  if (inflight.size < PACKET_IDS) while (inflight.has(packetIdOf(outbound, sequence))) sequence++
  core.work -= (sequence - lastSequence) >> IDS_SHIFT
  return sequence
}

/** The next identifier nobody uses [MQTT-2.2.1-4]; the window is smaller than the number of ids. */
export function freePacketId(core: Core, outbound: Outbound): number {
  let id = outbound.lastPacketId
  let looks = 0
  do {
    id = id === PACKET_IDS ? 1 : id + 1
    looks++
  } while (outbound.inflight.has(id))
  core.work -= looks >> IDS_SHIFT
  return id
}

export function enterWindow(
  core: Core,
  outbound: Outbound,
  delivery: Delivery,
  packetId: number,
): void {
  charge(core, Bytes.entry)
  outbound.lastPacketId = packetId
  putInWindow(outbound, delivery, packetId)
}

/** It is in flight from now on; its entry is charged for already. */
export function putInWindow(outbound: Outbound, delivery: Delivery, packetId: number): void {
  delivery.packetId = packetId
  outbound.inflight.set(packetId, delivery)
  outbound.inflightBytes += delivery.payloadBytes
}

/**
 * An entry of the store that got as far as PUBREC before the broker went down. Not `lastPacketId`: that is the last one
 * sent in order.
 */
export function enterReleased(core: Core, outbound: Outbound, delivery: Delivery): void {
  charge(core, Bytes.entry)
  putInWindow(outbound, delivery, packetIdOf(outbound, delivery.sequence))
}

/** The exchange is over, or never comes to its end. */
export function leaveWindow(
  core: Core,
  session: Session,
  outbound: Outbound,
  delivery: Delivery,
): void {
  noteAnswered(outbound, delivery)
  noteDone(outbound, delivery.sequence)
  charge(core, -Bytes.entry)
  outbound.inflight.delete(delivery.packetId)
  outbound.inflightBytes -= delivery.payloadBytes
  forget(core, session, delivery)
  freeDelivery(core, delivery)
}

/** An entry is done with that may be in the page under way, which was made before the store hears of it. */
export function noteDone(outbound: Outbound, sequence: number): void {
  if (outbound.readingTo < 0 || sequence <= outbound.loadedTo) return
  outbound.doneAhead ??= new Set()
  outbound.doneAhead.add(sequence)
}

/** What was done with since that page was asked for; the next one will not have it. */
export function takeDone(outbound: Outbound): ReadonlySet<number> | null {
  const { doneAhead } = outbound
  outbound.doneAhead = null
  return doneAhead
}

/** A delivery needs its message no more. */
export function freeDelivery(core: Core, delivery: Delivery): void {
  if (delivery.message !== null) dropKeeper(core, delivery.message)
}

/** A client is back: these are to be sent again, as the window has room. */
export function noteUnsent(outbound: Outbound, unsent: Fifo<Delivery>): void {
  outbound.unsent = unsent.length > 0 ? unsent : null
  outbound.unsentCount = unsent.length
}

/** All of them were, or the client is gone again. */
export function endUnsent(outbound: Outbound): void {
  outbound.unsent = null
  outbound.unsentCount = 0
}

/** Sent again, marked DUP [MQTT-3.3.1-1]. */
export function noteSentAgain(outbound: Outbound, delivery: Delivery): void {
  outbound.unsentCount--
  delivery.dup = true
}

/** Whatever the client says of one that waits to be sent again, it need not be sent any more. */
export function noteAnswered(outbound: Outbound, delivery: Delivery): void {
  if (outbound.unsent !== null && !delivery.dup && !delivery.released) outbound.unsentCount--
}

/** A durable session's entry is done with. */
export function forget(core: Core, session: Session, delivery: Delivery): void {
  if (!session.durable) return
  core.journal.acknowledge(session.clientId, delivery.sequence, delivery.message as Message)
}

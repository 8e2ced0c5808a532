/**
 * QoS 1 and 2 towards one session: the window of what was sent and not acknowledged, and the queue behind.
 *
 *     clean     queue ──▶ inflight ──▶ acknowledged          all of it in memory, gone with the connection
 *
 *     durable   store: [ acknowledged | inflight | queue | only in the store ............ ]
 *                                                  loadedTo ^             lastSequence ^
 *
 * A durable session's entries are numbered from 1. The number makes the packet identifier (the same up to
 * 65535, then from 1 again), so that whoever sends an entry again, after a crash or on another node, sends it under the same one
 * without having stored it.
 */
import { PacketType, type Qos } from '../../codec/packets.ts'
import { dropped } from '../state/drops.ts'
import { isExpired } from '../state/expiry.ts'
import type { Message } from '../../ports/message.ts'
import { askTurnEnd, type Core } from '../state/core.ts'
import {
  Delivery,
  type Connection,
  type Outbound,
  type Ruling,
  type Session,
  type Subscription,
} from '../state/model.ts'
import {
  countGone,
  countQueued,
  countStored,
  noteLoaded,
  noteSentTo,
  outboundOf,
  takesDup,
  unloadQueue,
} from './backlog.ts'
import { sendAck } from './outbox.ts'
import type { StoredDelivery } from '../../ports/store.ts'
import { goesAtOnce, hasQueueRoom, hasStoreRoom } from './queue-room.ts'
import { replyAck } from './replies.ts'
import { beginResend, leaveOut, resendMore, resumeRelease, sendDelivery } from './resend.ts'
import { mayBeSent, sendUnruled } from './rulings.ts'
import { Bytes, charge, addKeeper } from '../state/memory.ts'
import { Work } from '../state/work.ts'
import { publishFlags, sendPublish, sendShaped } from './send-publish.ts'
import {
  enterWindow,
  forget,
  freePacketId,
  hasRoom,
  leaveWindow,
  freeDelivery,
  nextSequence,
  noteAnswered,
  endUnsent,
  packetIdOf,
  takeDone,
} from './window.ts'

/** Hands a QoS 1 or 2 message (or a QoS 0 one that is to be queued) to a session. `ruling`: it waits for its right. */
export function deliver(
  core: Core,
  session: Session,
  message: Message,
  qos: Qos,
  retain: boolean,
  subscription: Subscription,
  ruling: Ruling | null,
): void {
  // Some of its subscriptions may still be there.
  if (session.ended) return
  const outbound = outboundOf(session)
  if (session.durable)
    enqueueDurable(core, session, outbound, message, qos, retain, subscription, ruling)
  else deliverClean(core, session, outbound, message, qos, retain, subscription, ruling)
}

function deliverClean(
  core: Core,
  session: Session,
  outbound: Outbound,
  message: Message,
  qos: Qos,
  retain: boolean,
  subscription: Subscription,
  ruling: Ruling | null,
): void {
  const connection = session.connection
  if (connection === null) return
  const ids = subscription.subscriptionIds
  if (ruling === null && outbound.queue.length === 0 && hasRoom(core, connection, outbound)) {
    const packetId = freePacketId(core, outbound)
    const flags = publishFlags(qos, retain)
    const sent =
      ids === null
        ? sendShaped(core, connection, message, flags, packetId)
        : sendPublish(core, connection, message, flags, packetId, ids)
    if (!sent) return dropped(core, session, 'overClientMaximum')
    const group = qos === 1 ? subscription.group : null
    const kept = group === null ? null : message.kept()
    const delivery = new Delivery(kept, qos, retain, ids, 0, message.payloadLength)
    delivery.group = group
    if (kept !== null) addKeeper(core, kept)
    enterWindow(core, outbound, delivery, packetId)
    return
  }
  if (!hasQueueRoom(core, outbound, qos)) return dropped(core, session, 'queueFull')
  noteWait(core, message)
  const kept = message.kept()
  const delivery = new Delivery(kept, qos, retain, ids, 0, kept.payloadLength)
  if (qos === 1) delivery.group = subscription.group
  delivery.ruling = ruling
  enqueue(core, outbound, delivery)
  countQueued(outbound, kept.payloadLength, qos)
}

function enqueueDurable(
  core: Core,
  session: Session,
  outbound: Outbound,
  message: Message,
  qos: Qos,
  retain: boolean,
  subscription: Subscription,
  ruling: Ruling | null,
): void {
  // What waits for a client that is not here the store knows, if there are other nodes.
  const isCounted = session.connection !== null || core.ports.peers === null
  const isFull = isCounted && !hasStoreRoom(core, outbound, message.qos, qos)
  const atOnce = goesAtOnce(core, session, outbound)
  if (isFull && (ruling !== null || !atOnce)) return dropped(core, session, 'queueFull')
  core.work -= Work.store
  const sequence = nextSequence(core, outbound)
  const id = subscription.subscriptionId
  const { journal } = core
  const { mark } = journal
  if (!atOnce) noteWait(core, message)
  const given = journal.append(session.clientId, sequence, message, qos, retain, id)
  if (given === 0 || session.foreign) return
  if (session.connection === null) return countStored(outbound, given, message.payloadLength, qos)
  noteEntry(
    core,
    session,
    outbound,
    {
      sequence: given,
      message: message.kept(),
      qos,
      retain,
      subscriptionId: id,
      released: false,
      safe: false,
    },
    qos === 2 ? journal.since(mark) : 0,
    ruling,
  )
}

/** Notes a stored entry and, while the memory part is not behind, queues it for sending. */
export function noteEntry(
  core: Core,
  session: Session,
  outbound: Outbound,
  entry: StoredDelivery,
  batch: number,
  ruling: Ruling | null,
): void {
  const behind = outbound.loadedTo < outbound.lastSequence
  countStored(outbound, entry.sequence, entry.message.payloadLength, entry.qos)
  const connection = session.connection
  if (connection === null || behind || outbound.queue.length >= core.ports.limits.queueWindow)
    return
  noteLoaded(outbound, entry.sequence)
  const delivery = toDelivery(entry, batch)
  delivery.ruling = ruling
  enqueue(core, outbound, delivery)
  if (batch > core.journal.done) core.journal.wait(batch, session)
  pump(core, session)
}

function toDelivery(entry: StoredDelivery, batch: number): Delivery {
  const ids = entry.subscriptionId === 0 ? null : [entry.subscriptionId]
  const { message, qos, retain, sequence } = entry
  const delivery = new Delivery(message, qos, retain, ids, sequence, message.payloadLength)
  delivery.released = entry.released
  delivery.batch = batch
  return delivery
}

/** A page of the queue that was only in the store. */
export function pageRead(
  core: Core,
  session: Session,
  request: number,
  entries: StoredDelivery[],
  more: boolean,
): void {
  const { outbound, connection } = session
  if (outbound === null || connection === null || outbound.readRequest !== request) return
  if (outbound.readingTo < 0) return
  const to = outbound.readingTo
  outbound.readingTo = -1
  const done = takeDone(outbound)
  for (const entry of entries) {
    if (entry.sequence <= outbound.loadedTo) continue
    noteLoaded(outbound, entry.sequence)
    if (done?.has(entry.sequence) === true) continue
    // Went ahead of the queue when it was read before.
    if (outbound.inflight.get(packetIdOf(outbound, entry.sequence))?.sequence === entry.sequence)
      continue
    const batch = entry.safe ? 0 : core.journal.latest
    const delivery = toDelivery(entry, batch)
    if (batch > core.journal.done) core.journal.wait(batch, session)
    delivery.dup = takesDup(outbound, entry.sequence)
    if (!delivery.released) enqueue(core, outbound, delivery)
    else {
      resumeRelease(core, outbound, delivery)
      sendAck(core, connection, PacketType.pubrel, delivery.packetId, 0)
    }
  }
  if (!more && to > outbound.loadedTo) noteLoaded(outbound, to)
  pump(core, session)
}

/** It waits for somebody: of several the first is when. */
function noteWait(core: Core, message: Message): void {
  if (message.madeAtMs === 0) message.waitsSince(core.ports.clock.wallMs())
}

/** A delivery holds its message until it is sent (clean) or acknowledged (durable), and its place in queue or window. */
function enqueue(core: Core, outbound: Outbound, delivery: Delivery): void {
  addKeeper(core, delivery.message as Message)
  charge(core, Bytes.entry)
  outbound.queue.push(delivery)
}

/** Sends from the queue while the window is open, and asks the store for more ahead of need. */
export function pump(core: Core, session: Session): void {
  const { outbound, connection } = session
  if (outbound === null || connection === null) return
  if (outbound.unsent !== null && !resendMore(core, session, connection, outbound)) return
  while (outbound.queue.length > 0 && hasRoom(core, connection, outbound)) {
    if (!sendNext(core, session, connection, outbound)) break
  }
  if (session.durable) readAhead(core, session, outbound)
}

/** Hooks have said what some sessions may be sent. */
export function goOnRuled(core: Core): void {
  for (const session of core.ruled) {
    core.ruled.delete(session)
    if (session.connection !== null) sendUnruled(core, session, session.connection)
    pump(core, session)
  }
}

function readAhead(core: Core, session: Session, outbound: Outbound): void {
  const { queueWindow } = core.ports.limits
  if (outbound.readingTo >= 0 || outbound.loadedTo >= outbound.lastSequence) return
  if (outbound.queue.length * 2 >= queueWindow) return
  outbound.readingTo = outbound.lastSequence
  outbound.readRequest = ++core.lastRequest
  core.journal.read(outbound.readRequest, session.clientId, outbound.loadedTo, queueWindow)
}

/** Sends the head of the queue; false: it has to wait. */
function sendNext(
  core: Core,
  session: Session,
  connection: Connection,
  outbound: Outbound,
): boolean {
  const delivery = outbound.queue.peek() as Delivery
  if (delivery.batch > core.journal.done) return false
  const packetId = session.durable
    ? packetIdOf(outbound, delivery.sequence)
    : freePacketId(core, outbound)
  if (delivery.qos > 0 && outbound.inflight.has(packetId)) return false
  const message = delivery.message as Message
  // Who was sent it is sent it again [MQTT-4.4.0-1]; who may have been and holds its identifier would take a later message for it.
  const mustGo = delivery.dup && (outbound.knowsSent || delivery.qos === 2)
  const isLate = isExpired(core, message) && !mustGo
  const allowed = isLate || mayBeSent(core, session, outbound.queue)
  if (allowed === undefined) return false
  outbound.queue.shift()
  // What an earlier process may have sent lies before it and behind it.
  noteSentTo(outbound, delivery.sequence)
  charge(core, -Bytes.entry)
  countGone(outbound, message.payloadLength, delivery.qos)
  const id = delivery.qos > 0 ? packetId : 0
  const isSent =
    allowed && !isLate
      ? sendDelivery(core, session, connection, delivery, id)
      : leaveOut(core, session, delivery, isLate ? 'expired' : 'notAllowed')
  if (!isSent || delivery.qos === 0) {
    forget(core, session, delivery)
    freeDelivery(core, delivery)
    return true
  }
  enterWindow(core, outbound, delivery, packetId)
  if (session.durable || delivery.group !== null) return true
  freeDelivery(core, delivery)
  delivery.message = null
  return true
}

/** PUBACK, PUBCOMP, or a PUBREC that refuses: the exchange is over. */
export function finish(core: Core, session: Session, delivery: Delivery): void {
  const outbound = session.outbound as Outbound
  leaveWindow(core, session, outbound, delivery)
  // What is retained may have waited for this, and nothing else does.
  if (outbound.replays !== null) askTurnEnd(core)
  if (
    outbound.queue.length > 0 ||
    outbound.unsent !== null ||
    outbound.loadedTo < outbound.lastSequence
  )
    pump(core, session)
}

/**
 * PUBREC: from here on only PUBREL is sent again, never the PUBLISH [MQTT-4.3.3-1]. In a durable session the
 * PUBREL waits until that is written, or a crash could bring the PUBLISH back.
 */
export function released(
  core: Core,
  session: Session,
  connection: Connection,
  delivery: Delivery,
): void {
  const { packetId } = delivery
  let batch = 0
  if (!delivery.released) {
    noteAnswered(session.outbound as Outbound, delivery)
    delivery.released = true
    if (!session.durable) {
      freeDelivery(core, delivery)
      delivery.message = null
    } else batch = delivery.batch = core.journal.release(session.clientId, delivery.sequence)
  }
  replyAck(core, connection, PacketType.pubrel, packetId, 0, batch)
}

/** A connection resumed the session: what was in flight comes first, then the queue. */
export function resume(core: Core, session: Session, connection: Connection): void {
  if (session.outbound === null) return
  beginResend(core, connection, session.outbound)
  pump(core, session)
}

/** The connection is gone: what the store has need not be in memory. The window stays, it will be resent. */
export function suspend(core: Core, session: Session): void {
  if (session.drops !== null) session.drops.isNoted = false
  const outbound = session.outbound
  if (outbound === null) return
  outbound.readingTo = -1
  takeDone(outbound)
  endUnsent(outbound)
  unloadQueue(core, outbound, session.durable)
}

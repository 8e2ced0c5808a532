/**
 * A client is back: what was in flight is sent again, in the order of old [MQTT-4.4.0-1]. Every PUBREL at once; of the
 * PUBLISHes no more than the Receive Maximum of this connection [MQTT-3.3.4-9], the rest as acknowledgements come.
 *
 *     inflight   [ PUBREL | sent again, DUP | sent again, DUP | unsent | unsent ]  then the queue
 *
 * What has been sent once is sent again whether its expiry has passed or not [MQTT-4.3.3-7].
 */
import { Fifo } from '../../base/fifo.ts'
import { PacketType } from '../../codec/packets.ts'
import type { Message } from '../../ports/message.ts'
import type { DropReason } from '../../ports/stats.ts'
import { addKeeper } from '../state/memory.ts'
import { dropped } from '../state/drops.ts'
import type { Core } from '../state/core.ts'
import type { Connection, Delivery, Outbound, Session } from '../state/model.ts'
import { countGone } from './backlog.ts'
import { mayBeSent, refuse } from './rulings.ts'
import { replyAck } from './replies.ts'
import { publishFlags, sendPublish } from './send-publish.ts'
import {
  endUnsent,
  enterReleased,
  hasRoomAgain,
  leaveWindow,
  noteSentAgain,
  noteUnsent,
} from './window.ts'

/** Sends every PUBREL, and queues the PUBLISHes for {@link resendMore}. */
export function beginResend(core: Core, connection: Connection, outbound: Outbound): void {
  const unsent = new Fifo<Delivery>()
  for (const [packetId, delivery] of outbound.inflight.entriesBehind(outbound.lastPacketId)) {
    if (delivery.released)
      replyAck(core, connection, PacketType.pubrel, packetId, 0, delivery.batch)
    else {
      delivery.dup = false
      delivery.ruling = null
      unsent.push(delivery)
    }
  }
  noteUnsent(outbound, unsent)
}

/**
 * An entry of the store that got as far as PUBREC before the broker went down: its PUBREL needs no room in the window,
 * and does not wait for the entries before it.
 */
export function resumeRelease(core: Core, outbound: Outbound, delivery: Delivery): void {
  addKeeper(core, delivery.message as Message)
  countGone(outbound, delivery.payloadBytes, delivery.qos)
  enterReleased(core, outbound, delivery)
}

/** Sends again what the window has room for; true: nothing of it is left. */
export function resendMore(
  core: Core,
  session: Session,
  connection: Connection,
  outbound: Outbound,
): boolean {
  const unsent = outbound.unsent as Fifo<Delivery>
  for (let next = unsent.peek(); next !== undefined; next = unsent.peek()) {
    const isAnswered = next.released || outbound.inflight.get(next.packetId) !== next
    if (!isAnswered) {
      if (!hasRoomAgain(core, connection, outbound)) return false
      const allowed = mayBeSent(core, session, unsent)
      if (allowed === undefined) return false
      resendOne(core, session, connection, outbound, next, allowed)
    }
    unsent.shift()
  }
  endUnsent(outbound)
  return true
}

function resendOne(
  core: Core,
  session: Session,
  connection: Connection,
  outbound: Outbound,
  delivery: Delivery,
  allowed: boolean,
): void {
  noteSentAgain(outbound, delivery)
  const isSent = allowed
    ? sendDelivery(core, session, connection, delivery, delivery.packetId)
    : leaveOut(core, session, delivery, 'notAllowed')
  if (!isSent) leaveWindow(core, session, outbound, delivery)
}

/** Sends what has waited; false: it is larger than the client takes, and dropped. `packetId` 0: QoS 0. */
export function sendDelivery(
  core: Core,
  session: Session,
  connection: Connection,
  delivery: Delivery,
  packetId: number,
): boolean {
  const message = delivery.message as Message
  const { qos, retain, subscriptionIds: ids, dup } = delivery
  const flags = publishFlags(qos, retain, dup)
  const sent = sendPublish(core, connection, message, flags, packetId, ids)
  return sent || leaveOut(core, session, delivery, 'overClientMaximum')
}

/** Counts what is not sent; false. */
export function leaveOut(
  core: Core,
  session: Session,
  { ruling }: Delivery,
  reason: DropReason,
): false {
  if (reason === 'notAllowed' && ruling !== null) refuse(core, ruling)
  else dropped(core, session, reason)
  return false
}

/** PUBLISH at QoS 2 on its way in: held under its identifier until its PUBREL (MQTT 5.0, 4.3.3). */
import { PacketType } from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import type { Message } from '../../ports/message.ts'
import { isControl } from '../../topics/reserved.ts'
import { replyAck } from '../delivery/replies.ts'
import type { Core } from '../state/core.ts'
import { dropped } from '../state/drops.ts'
import { isExpired } from '../state/expiry.ts'
import {
  dropUnreleased,
  heldBytes,
  heldCount,
  heldMessage,
  holdUntilPubrel,
} from '../state/held.ts'
import type { OpenConnection, Session } from '../state/model.ts'
import { mayPublish } from '../state/rights.ts'
import { ruled, rulingOf } from '../state/waiting.ts'
import { delay, isDelayed } from './delayed.ts'
import { afterFanOut, keepWhole, mayBegin, UNDER_WAY } from './fan-out-later.ts'
import { matchesOf } from './published-topic.ts'
import { dropRetained, storeRetained } from './retained.ts'
import { replyRefusal } from './refusal.ts'
import { publish, routeLater } from './routing.ts'

/** QoS 2: held under its identifier until PUBREL. */
export function holdQos2(
  core: Core,
  connection: OpenConnection,
  session: Session,
  message: Message,
  refusal: number,
): void {
  const { packetId } = core.published
  const known = heldMessage(session, packetId)
  if (known !== undefined) return holdAgain(core, connection, session, known, refusal)
  if (refusal !== 0) return replyRefusal(core, connection, PacketType.pubrec, message, refusal)
  checkHeld(core, connection, session, message)
  const kept = message.kept()
  holdUntilPubrel(core, session, packetId, kept)
  const isForNobody =
    !isDelayed(core, connection.mount, message.topicName) &&
    matchesOf(core, connection)?.length === 0
  const reason = isForNobody ? Reason.noMatchingSubscribers : 0
  const batch = session.durable ? core.journal.holdInbound(session.clientId, packetId, kept) : 0
  replyAck(core, connection, PacketType.pubrec, packetId, reason, batch)
}

/**
 * The same identifier again is the same message [MQTT-4.3.3-10]. One that is refused now is dropped, because behind
 * such a PUBREC the identifier means a new message [MQTT-4.3.3-9]; 3.x has no word for that and goes on with it.
 */
function holdAgain(
  core: Core,
  connection: OpenConnection,
  session: Session,
  held: Message,
  refusal: number,
): void {
  const { packetId } = core.published
  const reason = connection.version === 5 ? refusal : 0
  let batch = 0
  connection.heldBefore?.delete(packetId)
  if (reason !== 0) {
    // It would be back after a crash: nothing can be said yet.
    if (core.full && session.durable)
      throw new ProtocolError(Reason.quotaExceeded, 'the store is full')
    batch = dropHeld(core, connection, packetId, held)
  } else if (session.durable) {
    // The first one may not be safe yet, or never was: the disk was full.
    batch = core.journal.holdInbound(session.clientId, packetId, held)
  }
  replyAck(core, connection, PacketType.pubrec, packetId, reason, batch)
}

/** The identifier is free again; returns the batch that says so, 0: none. */
function dropHeld(
  core: Core,
  connection: OpenConnection,
  packetId: number,
  message: Message,
): number {
  const { session } = connection
  connection.heldBefore?.delete(packetId)
  if (!dropUnreleased(core, session, packetId, message) || !session.durable) return 0
  return core.journal.dropInbound(session.clientId, packetId)
}

/**
 * A client that leaves too many QoS 2 messages unreleased [MQTT-3.3.4-8]. Receive Maximum counts those of this connection
 * alone (MQTT 5.0, 4.9), the other bounds all that is held.
 */
function checkHeld(
  core: Core,
  connection: OpenConnection,
  session: Session,
  message: Message,
): void {
  const { limits } = core.ports
  const count = heldCount(session)
  const countHere = count - (connection.heldBefore?.size ?? 0)
  const isBound = connection.version === 5 && limits.inflightMax > 0 && !connection.isOurs
  if (isBound && countHere >= limits.inflightMax)
    throw new ProtocolError(Reason.receiveMaximumExceeded, 'Receive Maximum exceeded')
  const bytes = heldBytes(session) + message.size
  // A bridge's remote may send all that it has before it reads an answer, and sends it all again after a cut: it would never
  // get through. There are no more than 65,535 identifiers.
  const isMany = count >= limits.heldInboundMax || bytes > limits.heldInboundBytesMax
  if (isMany && !connection.isOurs)
    throw new ProtocolError(Reason.quotaExceeded, 'too many unreleased QoS 2 messages')
}

/** PUBREL: the message goes on its way; the right to publish is asked again [MQTT-4.3.3-11]. */
export function releaseHeld(core: Core, connection: OpenConnection, packetId: number): void {
  const { session } = connection
  const message = heldMessage(session, packetId)
  if (message === undefined) {
    const reason = connection.version === 5 ? Reason.packetIdentifierNotFound : 0
    return replyAck(core, connection, PacketType.pubcomp, packetId, reason, 0)
  }
  const isDone = isControl(message.topicName)
  const isToWait = isDelayed(core, connection.mount, message.topicName)
  // A delayed one is asked about when it is due.
  const verdict = isDone
    ? false
    : (rulingOf(connection) ?? (isToWait || mayPublish(core, session, message)))
  const allowed = ruled(core, connection, verdict)
  if (allowed === undefined) return
  const { mark } = core.journal
  if (!allowed) dropHeld(core, connection, packetId, message)
  else if (isExpired(core, message)) expireHeld(core, connection, packetId, message)
  else if (isToWait) {
    dropHeld(core, connection, packetId, message)
    delay(core, connection.mount, message, connection.identity)
  } else if (!mayBegin(core, message.publisher))
    return releaseLater(core, connection, packetId, message)
  else {
    dropHeld(core, connection, packetId, message)
    if (publish(core, message, session) === UNDER_WAY)
      return completeLater(core, connection, packetId, message.publisher, mark)
  }
  replyAck(core, connection, PacketType.pubcomp, packetId, 0, core.journal.since(mark))
}

/** Another exchange is being written as one batch: this one's writes must be one as well, so it waits. */
function releaseLater(
  core: Core,
  connection: OpenConnection,
  packetId: number,
  message: Message,
): void {
  const later = routeLater(core, message, connection.session)
  later.whole = true
  later.begin = () => {
    if (isLeftToOthers(core, connection, packetId, message)) return false
    dropHeld(core, connection, packetId, message)
    if (message.retain) storeRetained(core, message)
    return true
  }
  later.done = (_count, batch) => replyAck(core, connection, PacketType.pubcomp, packetId, 0, batch)
}

/** Its client has left, and may be at another node by now, or have been there: no PUBCOMP came, so it says PUBREL again. */
function isLeftToOthers(
  core: Core,
  { session }: OpenConnection,
  packetId: number,
  message: Message,
): boolean {
  if (core.ports.peers === null || !session.durable || session.ended) return false
  return session.connection === null || heldMessage(session, packetId) !== message
}

/** The fan-out goes on in later turns: PUBCOMP comes behind its last receiver. */
function completeLater(
  core: Core,
  connection: OpenConnection,
  packetId: number,
  publisher: string,
  mark: number,
): void {
  keepWhole(core, publisher)
  const batch = core.journal.since(mark)
  afterFanOut(core, publisher, (_count, last) =>
    replyAck(core, connection, PacketType.pubcomp, packetId, 0, Math.max(batch, last)),
  )
}

/** Its expiry passed while it was held: it reaches nobody, and has replaced what was retained all the same. */
function expireHeld(
  core: Core,
  connection: OpenConnection,
  packetId: number,
  message: Message,
): void {
  dropHeld(core, connection, packetId, message)
  if (message.retain) dropRetained(core, message.topicName)
  dropped(core, null, 'expired')
}

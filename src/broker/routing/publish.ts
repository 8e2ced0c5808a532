/** PUBLISH from a client (MQTT 5.0, 3.3): the way in. */
import { LogType } from '../../base/log.ts'
import { isPadded } from '../../codec/frame.ts'
import { PacketType } from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { forwardableProperties, parsePublish } from '../../codec/publish.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { isControl } from '../../topics/reserved.ts'
import { dropped } from '../state/drops.ts'
import { isExpired } from '../state/expiry.ts'
import type { Message } from '../../ports/message.ts'
import type { Core } from '../state/core.ts'
import type { OpenConnection, Session } from '../state/model.ts'
import { mountTopic } from '../state/mount-point.ts'
import { replyAck } from '../delivery/replies.ts'
import {
  dropUnreleased,
  heldBytes,
  heldCount,
  heldMessage,
  holdUntilPubrel,
} from '../state/held.ts'
import { mayPublish } from '../state/rights.ts'
import { ruled, rulingOf } from '../state/waiting.ts'
import { delay, isDelayed } from './delayed.ts'
import { DELAYS, OBEYED, refusalOf } from './refusal.ts'
import { dropRetained, storeRetained } from './retained.ts'
import { afterFanOut, keepWhole, mayBegin, UNDER_WAY } from './fan-out-later.ts'
import { matchesOf, resolveAlias, takeTopic } from './published-topic.ts'
import { publish, route, routeLater } from './routing.ts'
import { logPublish } from '../state/words.ts'

/** In front of the topic, where the body begins. */
const TOPIC_LENGTH_BYTES = 2

/** Handles the PUBLISH in `bytes[frameStart..frameEnd)`; throws ProtocolError on what ends the connection. */
export function onPublish(
  core: Core,
  connection: OpenConnection,
  bytes: Uint8Array,
  frameStart: number,
  bodyStart: number,
  frameEnd: number,
): void {
  const view = core.published
  view.limits = core.ports.limits
  parsePublish(view, connection.version, bytes, frameStart, bodyStart, frameEnd)
  const stats = core.stats
  stats.publishReceived++
  stats.publishBytesReceived += view.payloadEnd - view.payloadStart
  const { session } = connection
  const message = core.incoming
  message.reuse()
  if (view.topicAlias === 0) {
    takeTopic(core, connection)
    message.topic = bytes
    message.topicStart = view.topicStart
    message.topicEnd = view.topicEnd
  } else resolveAlias(core, connection, message)
  if (connection.mount !== null) mountTopic(connection.mount, connection.topicName, message)
  borrow(core, connection, message)
  checkAgreed(core, connection)
  if (core.ports.log.mask & LogType.debug) logPublish(core, connection, message, 'Received')
  const refusal = refusalOf(core, connection, message)
  if (refusal < 0) return settle(core, connection, message, refusal)
  if (view.qos === 0) {
    if (refusal === 0) accept(core, connection, message)
    else if (refusal === Reason.payloadFormatInvalid)
      throw new ProtocolError(refusal, 'payload is not UTF-8')
    return
  }
  if (view.qos === 1) acknowledge(core, connection, message, refusal)
  else receive(core, connection, session, message, refusal)
}

/** What is not passed on now: it waits for its time, was a command, or comes again. */
function settle(core: Core, connection: OpenConnection, message: Message, outcome: number): void {
  const { stats, published: view } = core
  if (outcome === DELAYS) return receiveDelayed(core, connection, message)
  if (outcome === OBEYED) {
    if (view.qos === 1)
      replyAck(core, connection, PacketType.puback, view.packetId, Reason.success, 0)
    return
  }
  stats.publishReceived--
  stats.publishBytesReceived -= view.payloadEnd - view.payloadStart
}

/** Fills the reused message with what was parsed; nothing is copied but properties that must change. */
function borrow(core: Core, connection: OpenConnection, message: Message): void {
  const view = core.published
  message.borrowed = true
  message.topicName = connection.topicName
  message.qos = view.qos
  message.retain = view.retain
  message.payload = view.bytes
  message.payloadStart = view.payloadStart
  message.payloadEnd = view.payloadEnd
  message.publisher = connection.identity.clientId
  message.publisherUser = connection.identity.username
  message.publisherOrigin = connection.identity.origin
  const isReusable =
    view.plain &&
    connection.mount === null &&
    !isPadded(view.bytes, view.frameStart, view.topicStart - TOPIC_LENGTH_BYTES)
  message.frameVersion = isReusable ? connection.version : 0
  message.frameStart = view.frameStart
  message.frameEnd = view.frameEnd
  message.expiresAtMs = Infinity
  message.size = message.topicEnd - message.topicStart + message.payloadLength
  if (view.plain) {
    message.properties = view.bytes
    message.propertiesStart = view.propertiesStart
    message.propertiesEnd = view.propertiesEnd
    message.size += view.propertiesEnd - view.propertiesStart
  } else borrowChanged(core, message)
}

/** Properties that are not forwarded as they came. */
function borrowChanged(core: Core, message: Message): void {
  const view = core.published
  message.properties = forwardableProperties(view)
  message.propertiesStart = 0
  message.propertiesEnd = message.properties.length
  message.size += message.propertiesEnd
  if (view.messageExpirySeconds >= 0)
    message.expiresAtMs = core.ports.clock.wallMs() + view.messageExpirySeconds * 1000
}

/** What CONNACK told the client not to do [MQTT-3.2.2-11, -14]. */
function checkAgreed(core: Core, connection: OpenConnection): void {
  const view = core.published
  if (view.qos > connection.link.listener.maxQos)
    throw new ProtocolError(Reason.qosNotSupported, `QoS ${view.qos} is not supported`)
  if (view.retain && !core.ports.limits.retainAvailable)
    throw new ProtocolError(Reason.retainNotSupported, 'retain is not supported')
}

/** A `$delayed/…` that may wait: it does from now on; at QoS 2 from its PUBREL on. */
function receiveDelayed(core: Core, connection: OpenConnection, message: Message): void {
  const { qos, packetId } = core.published
  if (qos === 2) return receive(core, connection, connection.session, message, 0)
  const { mark } = core.journal
  delay(core, connection.mount, message, connection.identity)
  if (qos === 0) return
  replyAck(core, connection, PacketType.puback, packetId, 0, core.journal.since(mark))
}

/** Passes a message on, with the match result of the topic's last time when nothing changed since. */
function accept(core: Core, connection: OpenConnection, message: Message): number {
  if (message.retain) storeRetained(core, message)
  const matches = matchesOf(core, connection)
  return route(core, message, matches, connection.session)
}

/** QoS 1: passed on, then acknowledged once what was written for it is safe [MQTT-4.3.2-4]. */
function acknowledge(
  core: Core,
  connection: OpenConnection,
  message: Message,
  refusal: number,
): void {
  const { packetId } = core.published
  const { mark } = core.journal
  const count = refusal === 0 ? accept(core, connection, message) : 0
  const batch = core.journal.since(mark)
  if (count === UNDER_WAY) confirmLater(core, connection, packetId, message.publisher, batch)
  else if (refusal === 0) confirm(core, connection, packetId, count, batch)
  else replyAck(core, connection, PacketType.puback, packetId, refusal, batch)
}

/** A function of its own: what a closure holds is allocated where its function begins, for every message. */
function confirmLater(
  core: Core,
  connection: OpenConnection,
  packetId: number,
  publisher: string,
  batch: number,
): void {
  afterFanOut(core, publisher, (taken, last) =>
    confirm(core, connection, packetId, taken, Math.max(batch, last)),
  )
}

/** PUBACK for a message that `count` subscriptions took. */
function confirm(
  core: Core,
  connection: OpenConnection,
  packetId: number,
  count: number,
  batch: number,
): void {
  const reason = count === 0 ? Reason.noMatchingSubscribers : 0
  replyAck(core, connection, PacketType.puback, packetId, reason, batch)
}

/** QoS 2: held under its identifier until PUBREL. */
function receive(
  core: Core,
  connection: OpenConnection,
  session: Session,
  message: Message,
  refusal: number,
): void {
  const { packetId } = core.published
  const known = heldMessage(session, packetId)
  if (known !== undefined) return receiveAgain(core, connection, session, known, refusal)
  let reason = refusal
  let batch = 0
  if (refusal === 0) {
    checkHeld(core, connection, session, message)
    const kept = message.kept()
    holdUntilPubrel(core, session, packetId, kept)
    if (
      !isDelayed(core, connection.mount, message.topicName) &&
      matchesOf(core, connection)?.length === 0
    )
      reason = Reason.noMatchingSubscribers
    if (session.durable) batch = core.journal.holdInbound(session.clientId, packetId, kept)
  }
  replyAck(core, connection, PacketType.pubrec, packetId, reason, batch)
}

/**
 * The same identifier again is the same message [MQTT-4.3.3-10]. One that is refused now is dropped, because behind
 * such a PUBREC the identifier means a new message [MQTT-4.3.3-9]; 3.x has no word for that and goes on with it.
 */
function receiveAgain(
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
  const isMany = count >= limits.heldInboundMax && !connection.isOurs
  if (isMany || bytes > limits.heldInboundBytesMax)
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
  } else if (!mayBegin(core)) return releaseLater(core, connection, packetId, message)
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
    dropHeld(core, connection, packetId, message)
    if (message.retain) storeRetained(core, message)
  }
  later.done = (_count, batch) => replyAck(core, connection, PacketType.pubcomp, packetId, 0, batch)
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

/** PUBLISH from a client (MQTT 5.0, 3.3): the way in. */
import { LogType } from '../../base/log.ts'
import { isPadded } from '../../codec/frame.ts'
import { PacketType } from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { NO_PROPERTY_LIMITS } from '../../codec/properties.ts'
import { forwardableProperties, parsePublish } from '../../codec/publish.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { lifeMsOf, type Message } from '../../ports/message.ts'
import type { Core } from '../state/core.ts'
import type { OpenConnection } from '../state/model.ts'
import { mountTopic } from '../state/mount-point.ts'
import { replyAck } from '../delivery/replies.ts'
import { delay } from './delayed.ts'
import { DELAYS, OBEYED, publishRefusal, replyRefusal } from './refusal.ts'
import { storeRetained } from './retained.ts'
import { afterFanOut, UNDER_WAY } from './fan-out-later.ts'
import { matchesOf, resolveAlias, takeTopic } from './published-topic.ts'
import { holdQos2 } from './qos2.ts'
import { route } from './routing.ts'
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
  // What comes over a bridge may have more of them than clients: one that counts its hops, or what its remote lets pass.
  view.limits = connection.isOurs ? NO_PROPERTY_LIMITS : core.ports.limits
  parsePublish(view, connection.version, bytes, frameStart, bodyStart, frameEnd)
  const stats = core.stats
  stats.publishReceived++
  connection.traffic.publishReceived++
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
  // One whose answer has come is here again, and was logged the first time.
  if (core.ports.log.mask & LogType.debug && connection.waits === null)
    logPublish(core, connection, message, 'Received')
  const refusal = publishRefusal(core, connection, message)
  if (refusal < 0) return settle(core, connection, message, refusal)
  if (view.qos === 0) {
    if (refusal === 0) accept(core, connection, message)
    else if (refusal === Reason.payloadFormatInvalid && !connection.isOurs)
      throw new ProtocolError(refusal, 'payload is not UTF-8')
    return
  }
  if (view.qos === 1) acknowledge(core, connection, message, refusal)
  else holdQos2(core, connection, session, message, refusal)
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
  connection.traffic.publishReceived--
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
    message.expiresAtMs = core.ports.clock.wallMs() + lifeMsOf(view.messageExpirySeconds)
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
  if (qos === 2) return holdQos2(core, connection, connection.session, message, 0)
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
  if (refusal !== 0) return replyRefusal(core, connection, PacketType.puback, message, refusal)
  const { packetId } = core.published
  const { mark } = core.journal
  const count = accept(core, connection, message)
  const batch = core.journal.since(mark)
  if (count === UNDER_WAY) confirmLater(core, connection, packetId, message.publisher, batch)
  else confirm(core, connection, packetId, count, batch)
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

/**
 * Messages from the server: handed to whoever subscribed, then acknowledged.
 *
 *     PUBLISH ──▶ Message ──▶ sinks ──▶ settled? ──yes──▶ PUBACK, PUBREC
 *                                          └─ no: an iterator or a handler still has it;
 *                                             waits in `unacknowledged`, and so do those behind it
 *
 * Acknowledgements leave in the order of arrival [MQTT-4.6.0-2] [MQTT-4.6.0-3]. At QoS 2 a packet identifier
 * stays in `inbound` until PUBREL, and a PUBLISH that repeats it is not delivered again [MQTT-4.3.3-10].
 */
import { PacketType, type Properties } from '../codec/packets.ts'
import { readProperties } from '../codec/properties.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { parsePublish, type PublishView } from '../codec/publish.ts'
import { Reason } from '../codec/reason-codes.ts'
import { isOverrun } from './flow.ts'
import { Message } from './message.ts'
import type { Core, Sink } from './model.ts'
import { sendAck } from './send.ts'
import { callHandler } from './sinks.ts'
import { forgetUnclaimed, keepUnclaimed } from './unclaimed.ts'

const NO_PROPERTIES: Properties = Object.freeze({})
/** Up to here an array of its own lies within the engine's heap and is made quickly. */
const SMALL_BYTES = 64

/** Takes the PUBLISH `bytes[start..end)`, whose first byte passed `checkFixedHeader`. Throws ProtocolError. */
export function onPublish(
  core: Core,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
): void {
  const { view, settings } = core
  parsePublish(view, settings.version, bytes, start, bodyStart, end)
  const topic = topicOf(core, view)
  if (view.qos === 2 && core.inbound.has(view.packetId)) return onRepeated(core, view.packetId)
  const properties =
    view.propertiesStart === view.propertiesEnd
      ? NO_PROPERTIES
      : readProperties(PacketType.publish, bytes, view.propertiesStart, view.propertiesEnd)
  const payload = copyOf(bytes, view.payloadStart, view.payloadEnd)
  const { qos, retain, dup, packetId } = view
  const message = new Message(topic, payload, qos, retain, dup, packetId, properties, core)
  message.epoch = core.epoch
  if (settings.onPacket !== null && settings.onPacket !== undefined) {
    const type = PacketType.publish
    settings.onPacket('in', { type, dup, qos, retain, topic, packetId, properties, payload })
  }
  if (qos === 0) return dispatch(core, message)
  admit(core, message)
  core.dispatching = message
  dispatch(core, message)
  core.dispatching = null
  const isSettled = message.keepers === 0
  if (isSettled && core.unacknowledged.length === 0) acknowledge(core, message)
  else core.unacknowledged.push(message)
}

/**
 * Throws ProtocolError 0x93 when the server sends more than we said we take [MQTT-3.3.4-7]. What it sent by earlier connections does
 * not count (MQTT 5.0, 4.9).
 */
function admit(core: Core, message: Message): void {
  const max = core.settings.properties.receiveMaximum ?? 0xffff
  const inbound = core.inbound.size - core.inboundBefore.size
  if (core.unacknowledgedQos1 + inbound >= max)
    throw new ProtocolError(Reason.receiveMaximumExceeded, `more than ${max} unacknowledged`)
  if (message.qos === 1) core.unacknowledgedQos1++
  else core.inbound.set(message.packetId, message)
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start
  if (length > SMALL_BYTES) return bytes.slice(start, end)
  const copy = new Uint8Array(length)
  for (let at = 0; at < length; at++) copy[at] = bytes[start + at]
  return copy
}

/** Throws ProtocolError 0x94 on an alias beyond what we allow, or that stands for nothing [MQTT-3.3.2-9]. */
function topicOf(core: Core, view: PublishView): string {
  const { bytes, topicStart, topicEnd, topicAlias } = view
  if (topicAlias === 0) return core.topics.textOf(bytes, topicStart, topicEnd)
  if (topicAlias > core.settings.topicAliasMaximum)
    throw new ProtocolError(Reason.topicAliasInvalid, `topic alias ${topicAlias}`)
  if (topicStart < topicEnd) {
    const topic = core.topics.textOf(bytes, topicStart, topicEnd)
    core.aliasesIn.set(topicAlias, topic)
    return topic
  }
  const topic = core.aliasesIn.get(topicAlias)
  if (topic === undefined)
    throw new ProtocolError(Reason.topicAliasInvalid, `unknown topic alias ${topicAlias}`)
  return topic
}

/** A QoS 2 message again, because the connection was lost before our PUBREC arrived. */
function onRepeated(core: Core, packetId: number): void {
  const message = core.inbound.get(packetId) ?? null
  core.inboundBefore.delete(packetId)
  if (message === null) return sendAck(core, PacketType.pubrec, packetId, 0)
  if (message.epoch === core.epoch) return
  // Still with the program, which will acknowledge it on this connection instead.
  message.epoch = core.epoch
  core.unacknowledged.push(message)
  settle(core)
}

function dispatch(core: Core, message: Message): void {
  const ids = message.properties.subscriptionIds
  const sinks = ids === undefined ? core.sinks.match(message.topic) : sinksOf(core, ids, message)
  if (sinks.length === 0) unclaimed(core, message)
  else if (message.qos === 0 && isOverrun(core)) core.stats.droppedMessages++
  else for (let i = 0; i < sinks.length; i++) sinks[i].take(message)
  message.dropKeeper()
}

/** By the subscription identifiers it carries; by its topic, if one of them is not ours. */
function sinksOf(core: Core, ids: readonly number[], message: Message): readonly Sink[] {
  const sinks: Sink[] = []
  for (const id of ids) {
    const sink = core.sinksById.get(id)
    if (sink === undefined) return core.sinks.match(message.topic)
    sinks.push(sink)
  }
  return sinks
}

/**
 * No subscription takes it. In a session that the server kept, the program may only be about to subscribe
 * again: at QoS 1 and 2 the message waits for that, unacknowledged, for a while.
 */
function unclaimed(core: Core, message: Message): void {
  const { onMessage } = core.settings
  if (onMessage !== null) return callHandler(core, onMessage, message)
  if (message.qos === 0 || !core.sessionKept) {
    core.stats.unclaimedMessages++
    return
  }
  keepUnclaimed(core, message)
}

/** Acknowledges, from the oldest on, what nobody needs any more. */
export function settle(core: Core): void {
  const { unacknowledged } = core
  for (;;) {
    const message = unacknowledged.peek()
    if (message === undefined || message.keepers > 0) return
    unacknowledged.shift()
    acknowledge(core, message)
  }
}

function acknowledge(core: Core, message: Message): void {
  if (core.phase !== 'online' && core.phase !== 'ending') return
  const { packetId, qos, reason } = message
  if (qos === 1) {
    core.unacknowledgedQos1--
    return sendAck(core, PacketType.puback, packetId, reason)
  }
  // With a refusal the exchange is over, no PUBREL will come [MQTT-4.3.3-9].
  if (reason >= 0x80 && core.settings.version === 5) core.inbound.delete(packetId)
  else core.inbound.set(packetId, null)
  sendAck(core, PacketType.pubrec, packetId, reason)
}

/** The connection is lost: nothing that came by it can be acknowledged any more. */
export function forgetAcknowledgements(core: Core): void {
  core.unacknowledged.clear()
  core.unacknowledgedQos1 = 0
  core.aliasesIn.clear()
}

/**
 * A new connection. With the session kept, QoS 1 messages will come again, so those not yet taken from iterators
 * are forgotten; without it nothing comes again, and the identifiers of QoS 2 mean nothing any more.
 */
export function resumeReceiving(core: Core, sessionPresent: boolean): void {
  if (!sessionPresent) core.inbound.clear()
  core.inboundBefore = new Set(core.inbound.keys())
  if (!sessionPresent) return
  for (const { sink } of core.wanted) sink.forgetBefore(core.epoch)
  forgetUnclaimed(core)
}

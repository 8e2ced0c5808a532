/** How a PUBLISH is written: the bytes of its topic, its alias, and what the server said that it takes. */
import { checkTopic } from '../codec/message-check.ts'
import { PacketType, type Properties, type Qos } from '../codec/packets.ts'
import {
  appendPublish,
  emptyParts,
  encodeForwardableProperties,
  publishSize,
} from '../codec/encode-publish.ts'
import { Reason, reasonText } from '../codec/reason-codes.ts'
import { writeUtf8 } from '../codec/utf8.ts'
import { PublishRefusedError } from './errors.ts'
import type { Core, Outgoing } from './model.ts'

const NO_BYTES = new Uint8Array(0)
export const NO_PROPERTIES: Properties = Object.freeze({})

const TOPICS_KEPT_MAX = 4096
/** Throws EncodeError when `topic` is none. */
export function topicBytesOf(core: Core, topic: string): Uint8Array {
  const known = core.topicBytes.get(topic)
  if (known !== undefined) return known
  const bytes = new Uint8Array(checkTopic(topic))
  writeUtf8(topic, bytes, 0)
  if (core.topicBytes.size >= TOPICS_KEPT_MAX) core.topicBytes.clear()
  core.topicBytes.set(topic, bytes)
  return bytes
}

function refused(reason: number, why: string): PublishRefusedError {
  return new PublishRefusedError('REFUSED', `${reasonText(reason)}: ${why}`, { reason })
}

/** Why the server would close the connection for this message; null: it would not (MQTT 5.0, 3.2.2.3). */
export function limitProblem(core: Core, message: Outgoing): PublishRefusedError | null {
  const { maximumQos, retainAvailable, packetBytesMax, topicAliasMaximum } = core.limits
  const { qos, retain, properties, payload } = message
  if (qos > maximumQos)
    return refused(Reason.qosNotSupported, `the server takes at most QoS ${maximumQos}`)
  if (retain && !retainAvailable)
    return refused(Reason.retainNotSupported, 'the server keeps no retained messages')
  if ((properties.topicAlias ?? 0) > topicAliasMaximum)
    return refused(Reason.topicAliasInvalid, `the server takes aliases up to ${topicAliasMaximum}`)
  // The exact size is asked for only where it could matter.
  if (payload.length + 131_072 < packetBytesMax) return null
  const size = sizeOf(core, message)
  if (size > packetBytesMax)
    return refused(Reason.packetTooLarge, `${size} bytes, the server takes ${packetBytesMax}`)
  return null
}

const PARTS = emptyParts()

function fillParts(topic: Uint8Array, payload: Uint8Array, properties: Properties): void {
  PARTS.topic = topic
  PARTS.topicEnd = topic.length
  PARTS.payload = payload
  PARTS.payloadEnd = payload.length
  PARTS.properties =
    properties === NO_PROPERTIES ? NO_BYTES : encodeForwardableProperties(properties)
  PARTS.propertiesEnd = PARTS.properties.length
}

function clearParts(): void {
  PARTS.topic = PARTS.payload = PARTS.properties = NO_BYTES
}

function sizeOf(core: Core, { topicBytes, payload, properties, qos }: Outgoing): number {
  fillParts(topicBytes, payload, properties)
  const expiry = properties.messageExpirySeconds ?? -1
  const { version } = core.settings
  const size = publishSize(version, qos << 1, 1, PARTS, expiry, null, 1, false)
  clearParts()
  return size
}

/** The alias to send with `topic`, 0: none; negative: the server knows it, the topic can be left out. */
function aliasFor(core: Core, topic: string, properties: Properties): number {
  const { aliasesOut, limits, settings } = core
  const known = aliasesOut.get(topic)
  if (properties.topicAlias !== undefined) {
    if (known === properties.topicAlias) return -known
    for (const [other, alias] of aliasesOut)
      if (alias === properties.topicAlias) aliasesOut.delete(other)
    aliasesOut.set(topic, properties.topicAlias)
    return properties.topicAlias
  }
  if (known !== undefined) return -known
  const free = aliasesOut.size + 1
  if (free > Math.min(settings.topicAliases, limits.topicAliasMaximum)) return 0
  aliasesOut.set(topic, free)
  return free
}

/** Writes a PUBLISH. Throws EncodeError on more bytes than a packet can have. */
export function writePublish(
  core: Core,
  topic: string,
  topicBytes: Uint8Array,
  payload: Uint8Array,
  flags: number,
  packetId: number,
  properties: Properties,
): void {
  const { output, settings } = core
  fillParts(topicBytes, payload, properties)
  const usesAliases = settings.topicAliases > 0 || properties.topicAlias !== undefined
  const alias = usesAliases ? aliasFor(core, topic, properties) : 0
  const expiry = properties.messageExpirySeconds ?? -1
  const { writer } = output
  const id = Math.abs(alias)
  appendPublish(writer, settings.version, flags, packetId, PARTS, expiry, null, id, alias < 0)
  clearParts()
  output.written()
  settings.onPacket?.('out', {
    type: PacketType.publish,
    dup: (flags & 8) !== 0,
    qos: ((flags >> 1) & 3) as Qos,
    retain: (flags & 1) !== 0,
    topic,
    packetId,
    properties,
    payload,
  })
}

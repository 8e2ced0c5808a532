/** Writes PUBLISH: in one pass for many receivers, or as a value. */
import { copyBytes, ByteWriter } from './byte-writer.ts'
import { EncodeError, checkBytes, checkNumber } from './encode-error.ts'
import {
  closeLength,
  openLength,
  putText,
  putPacketId,
  storeUint32,
  storeVarint,
  varintSize,
} from './fields.ts'
import { PacketType, type Properties, type PublishPacket, type Version } from './packets.ts'
import { putProperties, writeProperties } from './properties.ts'

const FIRST_BYTE = PacketType.publish << 4

/** What is the same for every receiver of a message, as ranges of bytes. */
export interface PublishParts {
  topic: Uint8Array
  topicStart: number
  topicEnd: number
  /** As `forwardableProperties` gives them: no length in front, nothing of one receiver's own. */
  properties: Uint8Array
  propertiesStart: number
  propertiesEnd: number
  payload: Uint8Array
  payloadStart: number
  payloadEnd: number
}

const NO_BYTES = new Uint8Array(0)

/** Of an empty message, to be filled in again and again. */
export function emptyParts(): PublishParts {
  return {
    topic: NO_BYTES,
    topicStart: 0,
    topicEnd: 0,
    properties: NO_BYTES,
    propertiesStart: 0,
    propertiesEnd: 0,
    payload: NO_BYTES,
    payloadStart: 0,
    payloadEnd: 0,
  }
}

function propertiesLength(
  parts: PublishParts,
  messageExpirySeconds: number,
  subscriptionIds: readonly number[] | null,
  topicAlias: number,
): number {
  let length = parts.propertiesEnd - parts.propertiesStart
  if (messageExpirySeconds >= 0) length += 5
  if (topicAlias > 0) length += 3
  if (subscriptionIds !== null) {
    for (let i = 0; i < subscriptionIds.length; i++) length += 1 + varintSize(subscriptionIds[i])
  }
  return length
}

/** The remaining length, given the length of the properties (ignored below 5.0). */
function remainingLength(
  version: Version,
  flags: number,
  parts: PublishParts,
  properties: number,
  omitTopic: boolean,
): number {
  let length = 2 + parts.payloadEnd - parts.payloadStart
  if (!omitTopic) length += parts.topicEnd - parts.topicStart
  if ((flags & 6) !== 0) length += 2
  if (version === 5) length += varintSize(properties) + properties
  return length
}

/** Bytes of the whole frame that {@link appendPublish} makes of the same arguments. */
export function publishSize(
  version: Version,
  flags: number,
  _packetId: number,
  parts: PublishParts,
  messageExpirySeconds: number,
  subscriptionIds: readonly number[] | null,
  topicAlias: number,
  omitTopic: boolean,
): number {
  const properties = propertiesLength(parts, messageExpirySeconds, subscriptionIds, topicAlias)
  const length = remainingLength(version, flags, parts, properties, omitTopic)
  return 1 + varintSize(length) + length
}

/**
 * Appends a PUBLISH frame in one pass. `flags` is the low nibble: DUP 8, QoS 2 or 4, retain 1.
 * `messageExpirySeconds` -1, `subscriptionIds` null and `topicAlias` 0 stand for none and, like the
 * properties of `parts`, are left out below 5.0. `omitTopic` sends the alias alone.
 * Returns the index of the packet id in `out.bytes`, so that the frame can be reused for a receiver with
 * another id, or -1 at QoS 0. Throws EncodeError on a packet of over 268,435,455 bytes.
 */
export function appendPublish(
  out: ByteWriter,
  version: Version,
  flags: number,
  packetId: number,
  parts: PublishParts,
  messageExpirySeconds: number,
  subscriptionIds: readonly number[] | null,
  topicAlias: number,
  omitTopic: boolean,
): number {
  const payloadLength = parts.payloadEnd - parts.payloadStart
  const packetIdAt = appendPublishHead(
    out,
    version,
    flags,
    packetId,
    parts,
    messageExpirySeconds,
    subscriptionIds,
    topicAlias,
    omitTopic,
    payloadLength,
  )
  copyBytes(parts.payload, parts.payloadStart, parts.payloadEnd, out.bytes, out.length)
  out.length += payloadLength
  return packetIdAt
}

/**
 * Appends what {@link appendPublish} does but the payload, for one that is sent from where it is: the remaining length
 * counts it. Reserves `room` bytes behind.
 */
export function appendPublishHead(
  out: ByteWriter,
  version: Version,
  flags: number,
  packetId: number,
  parts: PublishParts,
  messageExpirySeconds: number,
  subscriptionIds: readonly number[] | null,
  topicAlias: number,
  omitTopic: boolean,
  room = 0,
): number {
  const properties =
    version === 5 ? propertiesLength(parts, messageExpirySeconds, subscriptionIds, topicAlias) : 0
  const length = remainingLength(version, flags, parts, properties, omitTopic)
  const payloadLength = parts.payloadEnd - parts.payloadStart
  out.reserve(1 + varintSize(length) + length - payloadLength + room)
  const bytes = out.bytes
  let at = out.length
  bytes[at++] = FIRST_BYTE | flags
  at = storeVarint(length, bytes, at)
  const topicLength = omitTopic ? 0 : parts.topicEnd - parts.topicStart
  bytes[at++] = topicLength >> 8
  bytes[at++] = topicLength
  if (topicLength > 0) copyBytes(parts.topic, parts.topicStart, parts.topicEnd, bytes, at)
  at += topicLength
  let packetIdAt = -1
  if ((flags & 6) !== 0) {
    packetIdAt = at
    bytes[at++] = packetId >> 8
    bytes[at++] = packetId
  }
  if (version === 5) {
    at = storeVarint(properties, bytes, at)
    if (properties > 0) {
      at = storeProperties(bytes, at, parts, messageExpirySeconds, subscriptionIds, topicAlias)
    }
  }
  out.length = at
  return packetIdAt
}

function storeProperties(
  bytes: Uint8Array,
  at: number,
  parts: PublishParts,
  messageExpirySeconds: number,
  subscriptionIds: readonly number[] | null,
  topicAlias: number,
): number {
  const { properties, propertiesStart, propertiesEnd } = parts
  copyBytes(properties, propertiesStart, propertiesEnd, bytes, at)
  at += propertiesEnd - propertiesStart
  if (messageExpirySeconds >= 0) {
    bytes[at++] = 0x02
    at = storeUint32(messageExpirySeconds, bytes, at)
  }
  if (subscriptionIds !== null) {
    for (let i = 0; i < subscriptionIds.length; i++) {
      bytes[at++] = 0x0b
      at = storeVarint(subscriptionIds[i], bytes, at)
    }
  }
  if (topicAlias > 0) {
    bytes[at++] = 0x23
    bytes[at++] = topicAlias >> 8
    bytes[at++] = topicAlias
  }
  return at
}

/**
 * The properties of a message published from inside the process, as {@link PublishParts} wants them.
 * Alias, expiry and subscription identifiers are left out. Throws EncodeError as `putProperties` does.
 */
export function encodeForwardableProperties(properties: Properties): Uint8Array {
  const {
    topicAlias: _topicAlias,
    messageExpirySeconds: _messageExpirySeconds,
    subscriptionIds: _subscriptionIds,
    ...forwarded
  } = properties
  const out = new ByteWriter(new Uint8Array(64))
  putProperties(out, PacketType.publish, forwarded)
  return out.bytes.slice(0, out.length)
}

/** Appends `packet`; the cold counterpart of {@link appendPublish}. */
export function writePublish(out: ByteWriter, version: Version, packet: PublishPacket): void {
  checkNumber('QoS', packet.qos, 0, 2)
  checkBytes('payload', packet.payload)
  if (packet.dup && packet.qos === 0) throw new EncodeError('DUP at QoS 0')
  if (packet.topic === '' && (version < 5 || packet.properties.topicAlias === undefined))
    throw new EncodeError('neither topic nor alias')
  out.reserve(1)
  const flags = (packet.dup ? 8 : 0) | (packet.qos << 1) | (packet.retain ? 1 : 0)
  out.bytes[out.length++] = FIRST_BYTE | flags
  const mark = openLength(out)
  putText(out, packet.topic)
  if (packet.qos > 0) putPacketId(out, packet.packetId)
  if (version === 5) writeProperties(out, PacketType.publish, packet.properties)
  out.append(packet.payload, 0, packet.payload.length)
  closeLength(out, mark)
}

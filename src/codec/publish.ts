/** Reads PUBLISH, the packet that everything else is for; `encode-publish.ts` writes it. */
import type { ByteReader } from './byte-reader.ts'
import type { DecodeOptions } from './decode-options.ts'
import { PacketType, type PublishPacket, type Qos, type Version } from './packets.ts'
import { NO_PROPERTY_LIMITS, readProperties, type PropertyLimits } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import {
  copyForwardable,
  scanPublishProperties,
  type PublishPropertyFields,
} from './publish-properties.ts'
import { Reason } from './reason-codes.ts'
import { decodeUtf8 } from './utf8.ts'

const NO_BYTES = new Uint8Array(0)

/**
 * One PUBLISH as ranges of the bytes it came in; filled by {@link parsePublish} and reused for the next.
 *
 *     frameStart                                                                       frameEnd
 *     | first | length | 2 | topic | packet id (QoS > 0) | length | properties | payload |
 */
export class PublishView implements PublishPropertyFields {
  bytes: Uint8Array = NO_BYTES
  frameStart = 0
  frameEnd = 0
  /** The first byte as it came. */
  first = 0
  dup = false
  qos: Qos = 0
  retain = false
  topicStart = 0
  topicEnd = 0
  /** 0 at QoS 0. */
  packetId = 0
  /** The range without the length in front; empty below 5.0. */
  propertiesStart = 0
  propertiesEnd = 0
  payloadStart = 0
  payloadEnd = 0
  /** 0: none. */
  topicAlias = 0
  /** -1: none. */
  messageExpirySeconds = -1
  /** 0 bytes, 1 UTF-8, -1: not said. */
  payloadFormat = -1
  hasSubscriptionId = false
  /** An empty range: none. */
  responseTopicStart = 0
  responseTopicEnd = 0
  /** The properties can be forwarded as they are: no alias, no expiry, no subscription identifier. */
  plain = true
  /** For parsing what a server sent; from a client a subscription identifier is an error. */
  readonly allowSubscriptionId: boolean
  limits: PropertyLimits = NO_PROPERTY_LIMITS

  constructor(allowSubscriptionId = false) {
    this.allowSubscriptionId = allowSubscriptionId
  }
}

function cut(): never {
  throw new ProtocolError(Reason.malformedPacket, 'PUBLISH is cut short')
}

/**
 * Fills `view` from the whole frame `bytes[frameStart..frameEnd)` whose first byte passed
 * `checkFixedHeader`. Allocates nothing. The topic is not decoded; the caller does, and may know the
 * bytes already. Throws ProtocolError: 0x81 malformed; 0x82 packet id 0 [MQTT-2.2.1-3], empty topic
 * without an alias [MQTT-4.7.3-1], a repeated property, a wildcard in the response topic
 * [MQTT-3.3.2-14], a subscription identifier from a client [MQTT-3.3.4-6]; 0x94 alias 0 [MQTT-3.3.2-8];
 * 0x97 too many user properties.
 */
export function parsePublish(
  view: PublishView,
  version: Version,
  bytes: Uint8Array,
  frameStart: number,
  bodyStart: number,
  frameEnd: number,
): void {
  view.frameStart = frameStart
  parseBody(view, version, bytes[frameStart], bytes, bodyStart, frameEnd)
}

function parseBody(
  view: PublishView,
  version: Version,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): void {
  const qos = ((first >> 1) & 3) as Qos
  view.bytes = bytes
  view.frameEnd = frameEnd
  view.first = first
  view.dup = (first & 8) !== 0
  view.qos = qos
  view.retain = (first & 1) !== 0
  resetProperties(view)
  if (bodyStart + 2 > frameEnd) cut()
  const topicStart = bodyStart + 2
  let at = topicStart + ((bytes[bodyStart] << 8) | bytes[bodyStart + 1])
  if (at > frameEnd) cut()
  view.topicStart = topicStart
  view.topicEnd = at
  let packetId = 0
  if (qos > 0) {
    if (at + 2 > frameEnd) cut()
    packetId = (bytes[at] << 8) | bytes[at + 1]
    if (packetId === 0) throw new ProtocolError(Reason.protocolError, 'packet identifier 0')
    at += 2
  }
  view.packetId = packetId
  if (version === 5) at = parseProperties(view, at)
  else view.propertiesStart = view.propertiesEnd = at
  if (view.topicEnd === topicStart && view.topicAlias === 0) {
    throw new ProtocolError(Reason.protocolError, 'neither topic nor alias')
  }
  view.payloadStart = at
  view.payloadEnd = frameEnd
}

function resetProperties(view: PublishView): void {
  view.topicAlias = 0
  view.messageExpirySeconds = -1
  view.payloadFormat = -1
  view.hasSubscriptionId = false
  view.responseTopicStart = 0
  view.responseTopicEnd = 0
  view.plain = true
}

/** Reads the properties field at `at`; returns where the payload starts. */
function parseProperties(view: PublishView, at: number): number {
  const { bytes, frameEnd } = view
  if (at >= frameEnd) cut()
  let byte = bytes[at++]
  let length = byte & 0x7f
  for (let shift = 7; byte >= 0x80; shift += 7) {
    if (shift > 21 || at >= frameEnd) cut()
    byte = bytes[at++]
    if (byte === 0) throw new ProtocolError(Reason.malformedPacket, 'property length is padded')
    length |= (byte & 0x7f) << shift
  }
  const end = at + length
  if (end > frameEnd) cut()
  view.propertiesStart = at
  view.propertiesEnd = end
  if (length > 0) scanPublishProperties(view, at, end)
  return end
}

/**
 * A copy of a parsed view's properties as every receiver gets them [MQTT-3.3.2-4, -15, -16, -17, -20]:
 * without the length in front, and without topic alias, message expiry and subscription identifiers, which
 * are told anew to each.
 */
export function forwardableProperties(view: PublishView): Uint8Array {
  const { bytes, propertiesStart, propertiesEnd } = view
  if (view.plain) return bytes.slice(propertiesStart, propertiesEnd)
  return copyForwardable(bytes, propertiesStart, propertiesEnd)
}

/** A PUBLISH as a value, every byte field copied; throws as {@link parsePublish} does, 0x81 on a bad topic. */
export function readPublish(
  reader: ByteReader,
  version: Version,
  first: number,
  options: DecodeOptions,
): PublishPacket {
  const { bytes } = reader
  const view = new PublishView(options.fromClient !== true)
  parseBody(view, version, first, bytes, reader.at, reader.end)
  reader.at = reader.end
  return {
    type: PacketType.publish,
    dup: view.dup,
    qos: view.qos,
    retain: view.retain,
    topic: decodeUtf8(bytes, view.topicStart, view.topicEnd),
    packetId: view.packetId,
    properties: readProperties(
      PacketType.publish,
      bytes,
      view.propertiesStart,
      view.propertiesEnd,
      options.limits,
    ),
    payload: bytes.slice(view.payloadStart, view.payloadEnd),
  }
}

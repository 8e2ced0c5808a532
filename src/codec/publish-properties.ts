/** The properties of a PUBLISH, checked without making an object. */
import { checkUserProperties, type PropertyLimits } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason } from './reason-codes.ts'
import { validateUtf8 } from './utf8.ts'

const PLUS = 0x2b
const HASH = 0x23

const SUBSCRIPTION_ID = 0x0b
const TOPIC_ALIAS = 0x23
const MESSAGE_EXPIRY = 0x02
const USER_PROPERTY = 0x26

/** What the properties of a PUBLISH tell a broker; `PublishView` holds them and describes each. */
export interface PublishPropertyFields {
  readonly bytes: Uint8Array
  readonly allowSubscriptionId: boolean
  /** What user properties are held against. */
  readonly limits: PropertyLimits
  topicAlias: number
  messageExpirySeconds: number
  payloadFormat: number
  hasSubscriptionId: boolean
  responseTopicStart: number
  responseTopicEnd: number
  plain: boolean
}

/** Checks one property whose value starts at `at`, notes it in the view, returns where it ends. */
type Scanner = (view: PublishPropertyFields, at: number, end: number) => number

function need(at: number, count: number, end: number): void {
  if (at + count > end) throw new ProtocolError(Reason.malformedPacket, 'a property is cut short')
}

/** End of a field with a two-byte length. */
function countedEnd(bytes: Uint8Array, at: number, end: number): number {
  need(at, 2, end)
  const length = (bytes[at] << 8) | bytes[at + 1]
  need(at + 2, length, end)
  return at + 2 + length
}

function textEnd(view: PublishPropertyFields, at: number, end: number): number {
  const stop = countedEnd(view.bytes, at, end)
  validateUtf8(view.bytes, at + 2, stop)
  return stop
}

function scanPayloadFormat(view: PublishPropertyFields, at: number, end: number): number {
  need(at, 1, end)
  view.payloadFormat = view.bytes[at]
  if (view.payloadFormat > 1) {
    throw new ProtocolError(Reason.protocolError, `payload format ${view.payloadFormat}`)
  }
  return at + 1
}

function scanMessageExpiry(view: PublishPropertyFields, at: number, end: number): number {
  need(at, 4, end)
  const { bytes } = view
  view.messageExpirySeconds =
    ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
  view.plain = false
  return at + 4
}

/** A response topic is a topic name: one character at least and no wildcard [MQTT-3.3.2-14]. */
function scanResponseTopic(view: PublishPropertyFields, at: number, end: number): number {
  const stop = textEnd(view, at, end)
  const { bytes } = view
  let wrong = stop === at + 2
  for (let i = at + 2; i < stop; i++) wrong ||= bytes[i] === PLUS || bytes[i] === HASH
  if (wrong) throw new ProtocolError(Reason.protocolError, 'response topic is not a topic name')
  view.responseTopicStart = at + 2
  view.responseTopicEnd = stop
  return stop
}

/** Clients must not send one [MQTT-3.3.4-6]; 0 is not an identifier. */
function scanSubscriptionId(view: PublishPropertyFields, at: number, end: number): number {
  if (!view.allowSubscriptionId) {
    throw new ProtocolError(Reason.protocolError, 'a client sent a subscription identifier')
  }
  const start = at
  const { bytes } = view
  for (;;) {
    need(at, 1, end)
    const byte = bytes[at++]
    if (byte >= 0x80 && at - start < 4) continue
    if (byte >= 0x80 || (byte === 0 && at - start > 1)) {
      throw new ProtocolError(Reason.malformedPacket, 'variable byte integer is too long')
    }
    if (byte === 0) throw new ProtocolError(Reason.protocolError, 'subscription identifier 0')
    break
  }
  view.hasSubscriptionId = true
  view.plain = false
  return at
}

function scanTopicAlias(view: PublishPropertyFields, at: number, end: number): number {
  need(at, 2, end)
  view.topicAlias = (view.bytes[at] << 8) | view.bytes[at + 1]
  view.plain = false
  if (view.topicAlias === 0) throw new ProtocolError(Reason.topicAliasInvalid, 'topic alias 0')
  return at + 2
}

function scanUserProperty(view: PublishPropertyFields, at: number, end: number): number {
  return textEnd(view, textEnd(view, at, end), end)
}

const scanners = Array.from<Scanner | undefined>({ length: 256 })
scanners[0x01] = scanPayloadFormat
scanners[MESSAGE_EXPIRY] = scanMessageExpiry
scanners[0x03] = textEnd
scanners[0x08] = scanResponseTopic
scanners[0x09] = (view, at, end) => countedEnd(view.bytes, at, end)
scanners[SUBSCRIPTION_ID] = scanSubscriptionId
scanners[TOPIC_ALIAS] = scanTopicAlias
scanners[USER_PROPERTY] = scanUserProperty

/** Ids of the properties that may come once, one bit each; ids from 32 on fold onto bits nothing else uses. */
function onceBit(id: number): number {
  return id === SUBSCRIPTION_ID || id === USER_PROPERTY ? 0 : 1 << (id === TOPIC_ALIAS ? 31 : id)
}

/**
 * Checks the properties `view.bytes[at..end)` of a PUBLISH and notes what a broker acts on. Throws
 * ProtocolError as `readProperties` does, without making a value.
 */
export function scanPublishProperties(view: PublishPropertyFields, at: number, end: number): void {
  const { bytes } = view
  let seen = 0
  let userProperties = 0
  let userPropertyBytes = 0
  while (at < end) {
    const id = bytes[at]
    const scan = scanners[id]
    if (scan === undefined) {
      throw new ProtocolError(Reason.malformedPacket, `property 0x${id.toString(16)} in PUBLISH`)
    }
    const bit = onceBit(id)
    if ((seen & bit) !== 0) {
      throw new ProtocolError(Reason.protocolError, `property 0x${id.toString(16)} is given twice`)
    }
    seen |= bit
    const start = at + 1
    at = scan(view, start, end)
    if (id !== USER_PROPERTY) continue
    userPropertyBytes += at - start - 4
    checkUserProperties(++userProperties, userPropertyBytes, view.limits)
  }
}

/** End of the value at `at` of property `id`, in a block that {@link scanPublishProperties} passed. */
function valueEnd(bytes: Uint8Array, id: number, at: number): number {
  if (id === 0x01) return at + 1
  if (id === MESSAGE_EXPIRY) return at + 4
  if (id === TOPIC_ALIAS) return at + 2
  if (id === SUBSCRIPTION_ID) {
    while (bytes[at] >= 0x80) at++
    return at + 1
  }
  const stop = countedEnd(bytes, at, bytes.length)
  return id === USER_PROPERTY ? countedEnd(bytes, stop, bytes.length) : stop
}

function isForwarded(id: number): boolean {
  return id !== SUBSCRIPTION_ID && id !== TOPIC_ALIAS && id !== MESSAGE_EXPIRY
}

/** A copy of the scanned block `bytes[start..end)` without what is told anew to each receiver. */
export function copyForwardable(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const all = bytes.slice(start, end)
  let kept = 0
  let at = 0
  while (at < all.length) {
    const stop = valueEnd(all, all[at], at + 1)
    if (isForwarded(all[at])) {
      all.copyWithin(kept, at, stop)
      kept += stop - at
    }
    at = stop
  }
  return all.slice(0, kept)
}

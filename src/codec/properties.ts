/** The properties of MQTT 5.0. */
import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { EncodeError, checkNumber } from './encode-error.ts'
import {
  closeLength,
  openLength,
  putBinary,
  putByte,
  putText,
  putUint16,
  putUint32,
  putVarint,
} from './fields.ts'
import { PacketType, type Properties } from './packets.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason } from './reason-codes.ts'

/** Stands where a packet type would, for the properties of a will inside CONNECT. */
export const WILL_PROPERTIES = 0

const WILL = 1 << WILL_PROPERTIES
const CONNECT = 1 << PacketType.connect
const CONNACK = 1 << PacketType.connack
const PUBLISH = 1 << PacketType.publish
const SUBSCRIBE = 1 << PacketType.subscribe
const DISCONNECT = 1 << PacketType.disconnect
const AUTH = 1 << PacketType.auth
const MESSAGE = PUBLISH | WILL
const SESSION = CONNECT | CONNACK
const EXPLAINED = 0xffff ^ (WILL | CONNECT | PUBLISH | SUBSCRIBE | (1 << PacketType.unsubscribe))

type WireType = 'byte' | 'uint16' | 'uint32' | 'varint' | 'text' | 'binary' | 'pair'

interface PropertyRow {
  readonly id: number
  readonly name: keyof Properties
  readonly wire: WireType
  /** Mask of `1 << PacketType` (and {@link WILL_PROPERTIES}) of the packets that may carry it. */
  readonly packets: number
  readonly min: number
  readonly max: number
  /** For values outside min..max. */
  readonly reason: number
}

function row(
  id: number,
  name: keyof Properties,
  wire: WireType,
  packets: number,
  min = 0,
  max = Infinity,
  reason: number = Reason.protocolError,
): PropertyRow {
  return { id, name, wire, packets, min, max, reason }
}

/**
 * Every property of MQTT 5.0 (2.2.2.2), in the order in which packets are written: those of CONNACK as mosquitto
 * writes them, because people compare bytes.
 */
// prettier-ignore
const PROPERTIES: readonly PropertyRow[] = [
  row(0x01, 'payloadFormat', 'byte', MESSAGE, 0, 1),
  row(0x02, 'messageExpirySeconds', 'uint32', MESSAGE),
  row(0x03, 'contentType', 'text', MESSAGE),
  row(0x08, 'responseTopic', 'text', MESSAGE),
  row(0x09, 'correlationData', 'binary', MESSAGE),
  row(0x0b, 'subscriptionIds', 'varint', PUBLISH | SUBSCRIBE, 1),
  row(0x11, 'sessionExpirySeconds', 'uint32', SESSION | DISCONNECT),
  row(0x13, 'serverKeepAliveSeconds', 'uint16', CONNACK),
  row(0x22, 'topicAliasMaximum', 'uint16', SESSION),
  row(0x12, 'assignedClientId', 'text', CONNACK),
  row(0x15, 'authenticationMethod', 'text', SESSION | AUTH),
  row(0x16, 'authenticationData', 'binary', SESSION | AUTH),
  row(0x17, 'requestProblemInformation', 'byte', CONNECT, 0, 1),
  row(0x18, 'willDelaySeconds', 'uint32', WILL),
  row(0x19, 'requestResponseInformation', 'byte', CONNECT, 0, 1),
  row(0x1a, 'responseInformation', 'text', CONNACK),
  row(0x1c, 'serverReference', 'text', CONNACK | DISCONNECT),
  row(0x1f, 'reasonString', 'text', EXPLAINED),
  row(0x23, 'topicAlias', 'uint16', PUBLISH, 1, Infinity, Reason.topicAliasInvalid),
  row(0x25, 'retainAvailable', 'byte', CONNACK, 0, 1),
  row(0x27, 'maximumPacketSize', 'uint32', SESSION, 1),
  row(0x21, 'receiveMaximum', 'uint16', SESSION, 1),
  row(0x24, 'maximumQos', 'byte', CONNACK, 0, 1),
  row(0x26, 'userProperties', 'pair', 0xffff),
  row(0x28, 'wildcardSubscriptionAvailable', 'byte', CONNACK, 0, 1),
  row(0x29, 'subscriptionIdsAvailable', 'byte', CONNACK, 0, 1),
  row(0x2a, 'sharedSubscriptionAvailable', 'byte', CONNACK, 0, 1),
]

const rowOfId = Array.from<PropertyRow | undefined>({ length: 256 })
for (const property of PROPERTIES) rowOfId[property.id] = property

const NAMES: ReadonlySet<string> = new Set(PROPERTIES.map(({ name }) => name))

/** What one packet may carry of user properties before it is refused with 0x97. */
export interface PropertyLimits {
  readonly userPropertiesMax: number
  /** Bytes of all names and values. */
  readonly userPropertyBytesMax: number
}

/** What a packet has room for: who sent it was judged before, or is bound by the size of its packets alone. */
export const NO_PROPERTY_LIMITS: PropertyLimits = {
  userPropertiesMax: Infinity,
  userPropertyBytesMax: Infinity,
}

/** Throws ProtocolError 0x97 when a packet has more user properties than `limits` allow. */
export function checkUserProperties(count: number, bytes: number, limits: PropertyLimits): void {
  if (count > limits.userPropertiesMax || bytes > limits.userPropertyBytesMax) {
    throw new ProtocolError(Reason.quotaExceeded, 'too many user properties')
  }
}

/**
 * The row of property `id` if a packet of `kind` may carry it. Throws ProtocolError 0x81 on an unknown id
 * and on one that the packet may not carry.
 */
function rowFor(kind: number, id: number): PropertyRow {
  const found = rowOfId[id]
  if (found === undefined || (found.packets & (1 << kind)) === 0) {
    throw new ProtocolError(
      Reason.malformedPacket,
      `property 0x${id.toString(16)} is not allowed here`,
    )
  }
  return found
}

const READERS: Record<WireType, (reader: ByteReader) => unknown> = {
  byte: (reader) => reader.byte(),
  uint16: (reader) => reader.uint16(),
  uint32: (reader) => reader.uint32(),
  varint: (reader) => reader.varint(),
  text: (reader) => reader.text(),
  binary: (reader) => reader.binary(),
  pair: (reader) => [reader.text(), reader.text()],
}

/**
 * Reads the properties in `bytes[at..end)`, without the length in front of them. `kind` is a PacketType or
 * {@link WILL_PROPERTIES}. Throws ProtocolError: 0x81 malformed or not of this packet, 0x82 repeated or out
 * of range, 0x94 topic alias 0, 0x97 more user properties than `limits`.
 */
export function readProperties(
  kind: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  limits: PropertyLimits = NO_PROPERTY_LIMITS,
): Properties {
  const properties: Properties = {}
  const reader = new ByteReader(bytes, at, end)
  let userPropertyBytes = 0
  while (!reader.isAtEnd()) {
    const { name, wire, min, max, reason } = rowFor(kind, reader.byte())
    const start = reader.at
    const value = READERS[wire](reader)
    if (typeof value === 'number' && (value < min || value > max)) {
      throw new ProtocolError(reason, `${name} of ${value}`)
    }
    if (name === 'responseTopic') checkTopicName(value as string)
    addProperty(properties, name, value, kind === PacketType.publish)
    if (name !== 'userProperties') continue
    userPropertyBytes += reader.at - start - 4
    checkUserProperties(properties.userProperties?.length ?? 0, userPropertyBytes, limits)
  }
  return properties
}

function addProperty(
  properties: Properties,
  name: keyof Properties,
  value: unknown,
  repeatIds: boolean,
): void {
  if (name === 'userProperties') {
    ;(properties.userProperties ??= []).push(value as [string, string])
  } else if (name === 'subscriptionIds' && repeatIds) {
    ;(properties.subscriptionIds ??= []).push(value as number)
  } else if (properties[name] !== undefined) {
    throw new ProtocolError(Reason.protocolError, `${name} is given twice`)
  } else {
    // The table, not the type checker, ties a name to the type of its value.
    ;(properties as Record<string, unknown>)[name] = name === 'subscriptionIds' ? [value] : value
  }
}

/** Whether a message may have this name: not empty and without wildcards [MQTT-4.7.1-1]. */
export function isTopicName(name: string): boolean {
  return typeof name === 'string' && name !== '' && !name.includes('+') && !name.includes('#')
}

/** Throws ProtocolError 0x82 unless {@link isTopicName}. */
export function checkTopicName(name: string): void {
  if (!isTopicName(name)) throw new ProtocolError(Reason.protocolError, 'not a topic name')
}

/** Reads a properties field: its length, then {@link readProperties}. */
export function readPropertyField(
  reader: ByteReader,
  kind: number,
  limits?: PropertyLimits,
): Properties {
  const length = reader.varint()
  const start = reader.at
  if (start + length > reader.end) {
    throw new ProtocolError(Reason.malformedPacket, 'properties run past their packet')
  }
  reader.at = start + length
  return readProperties(kind, reader.bytes, start, reader.at, limits)
}

const WRITERS: Record<WireType, (out: ByteWriter, value: never) => void> = {
  byte: putByte,
  uint16: putUint16,
  uint32: putUint32,
  varint: putVarint,
  text: putText,
  binary: putBinary,
  pair: (out, pair: readonly [string, string]) => {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new EncodeError('a user property is a pair of name and value')
    putText(out, pair[0])
    putText(out, pair[1])
  },
}

/** The largest number that each kind of field holds; the others hold none. */
const WIRE_MAX: Partial<Record<WireType, number>> = {
  byte: 0xff,
  uint16: 0xffff,
  uint32: 0xffff_ffff,
  varint: 0xfff_ffff,
}

/**
 * Throws EncodeError on a name that is none of MQTT's: it would be left out without a word, and other libraries have
 * other names (`messageExpiryInterval`).
 */
function checkNames(properties: Properties): void {
  if (typeof properties !== 'object' || properties === null)
    throw new EncodeError('the properties are no object')
  for (const name in properties)
    if (!NAMES.has(name) && Object.hasOwn(properties, name))
      throw new EncodeError(`${name}: there is no property of this name`)
}

/**
 * Writes `properties` without the length in front. Throws EncodeError on one that a packet of `kind` may not carry, on
 * a name that is none and on a value that {@link readProperties} would refuse.
 */
export function putProperties(out: ByteWriter, kind: number, properties: Properties): void {
  checkNames(properties)
  const start = out.length
  for (const property of PROPERTIES) {
    const value = properties[property.name]
    if (value === undefined) continue
    try {
      putProperty(out, kind, property, value)
    } catch (error) {
      out.length = start
      if (!(error instanceof EncodeError)) throw error
      throw new EncodeError(`${property.name}: ${error.message}`)
    }
  }
}

function putProperty(
  out: ByteWriter,
  kind: number,
  { id, name, wire, packets, min, max }: PropertyRow,
  value: unknown,
): void {
  if ((packets & (1 << kind)) === 0) throw new EncodeError(`${nameOf(kind)} cannot carry it`)
  const repeated = name === 'userProperties' || name === 'subscriptionIds'
  if (repeated && !Array.isArray(value)) throw new EncodeError('not an array')
  if (name === 'subscriptionIds' && kind === PacketType.subscribe && (value as []).length > 1)
    throw new EncodeError('a subscription has at most one')
  if (name === 'responseTopic' && !isTopicName(value as string))
    throw new EncodeError('not a topic name')
  const wireMax = WIRE_MAX[wire]
  for (const one of repeated ? (value as unknown[]) : [value]) {
    if (wireMax !== undefined) checkNumber('the value', one, min, Math.min(max, wireMax))
    putByte(out, id)
    WRITERS[wire](out, one as never)
  }
}

function nameOf(kind: number): string {
  const found = Object.entries(PacketType).find(([, type]) => type === kind)
  return found === undefined ? 'a will' : found[0].toUpperCase()
}

/** Writes a properties field: its length, then the properties. */
export function writeProperties(out: ByteWriter, kind: number, properties: Properties): void {
  const mark = openLength(out)
  putProperties(out, kind, properties)
  closeLength(out, mark)
}

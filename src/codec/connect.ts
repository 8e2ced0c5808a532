/** CONNECT. */
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { DecodeOptions } from './decode-options.ts'
import { EncodeError, checkNumber } from './encode-error.ts'
import { closeLength, openLength, putBinary, putByte, putText, putUint16 } from './fields.ts'
import {
  PacketType,
  type ConnectPacket,
  type Qos,
  type Version,
  type WillPacket,
} from './packets.ts'
import {
  WILL_PROPERTIES,
  checkTopicName,
  isTopicName,
  readPropertyField,
  writeProperties,
  type PropertyLimits,
} from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason } from './reason-codes.ts'

const USERNAME = 0x80
const PASSWORD = 0x40
const WILL_RETAIN = 0x20
const WILL_QOS_SHIFT = 3
const WILL = 0x04
const CLEAN = 0x02
const RESERVED = 0x01

const NAME = 'MQTT'
/** That of 3.1. */
const NAME_3 = 'MQIsdp'

/** Top bit of the protocol level, set by bridges that ask to be treated as such. */
const BRIDGE = 0x80

/**
 * The version that a CONNECT body asks for, or 0 if it does not name one we speak; never throws. For
 * answering in the peer's version a CONNECT that `decodePacket` refused.
 */
export function connectVersion(
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): Version | 0 {
  const nameLength = bodyStart + 2 <= frameEnd ? (bytes[bodyStart] << 8) | bytes[bodyStart + 1] : 0
  const levelAt = bodyStart + 2 + nameLength
  if (levelAt >= frameEnd) return 0
  const level = bytes[levelAt] & ~BRIDGE
  if (level === 3) return isAt(bytes, bodyStart + 2, levelAt, NAME_3) ? 3 : 0
  if (level !== 4 && level !== 5) return 0
  return isAt(bytes, bodyStart + 2, levelAt, NAME) ? level : 0
}

function isAt(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start !== name.length) return false
  for (let at = 0; at < name.length; at++)
    if (bytes[start + at] !== name.charCodeAt(at)) return false
  return true
}

/** Throws ProtocolError 0x82 for another protocol's name, 0x84 for a level we do not speak [MQTT-3.1.2-2]. */
function checkProtocol(name: string, level: number): Version {
  if (name !== NAME && name !== NAME_3) {
    throw new ProtocolError(Reason.protocolError, 'not the name of the MQTT protocol')
  }
  if (name === NAME_3 ? level === 3 : level === 4 || level === 5) return level as Version
  throw new ProtocolError(Reason.unsupportedProtocolVersion, `${name} level ${level}`)
}

/**
 * Throws ProtocolError 0x81 or 0x82 on flags that contradict each other (MQTT 5.0, 3.1.2.3 to 3.1.2.9). 3.1 disregards
 * what is said of a will that there is not, and has no reserved flag.
 */
function checkFlags(flags: number, version: Version): void {
  const willQos = (flags >> WILL_QOS_SHIFT) & 3
  if (willQos === 3) throw new ProtocolError(Reason.malformedPacket, 'will with QoS 3')
  if ((flags & RESERVED) !== 0 && version >= 4) {
    throw new ProtocolError(Reason.malformedPacket, 'reserved connect flag')
  }
  if (version >= 4 && (flags & WILL) === 0 && (willQos !== 0 || (flags & WILL_RETAIN) !== 0)) {
    throw new ProtocolError(Reason.protocolError, 'will QoS or retain without a will')
  }
  if (version < 5 && (flags & USERNAME) === 0 && (flags & PASSWORD) !== 0) {
    throw new ProtocolError(Reason.protocolError, 'password without user name')
  }
}

function readWill(
  reader: ByteReader,
  version: Version,
  flags: number,
  limits?: PropertyLimits,
): WillPacket {
  const properties = version === 5 ? readPropertyField(reader, WILL_PROPERTIES, limits) : {}
  const topic = reader.text()
  checkTopicName(topic)
  return {
    topic,
    payload: reader.binary(),
    qos: ((flags >> WILL_QOS_SHIFT) & 3) as Qos,
    retain: (flags & WILL_RETAIN) !== 0,
    properties,
  }
}

/**
 * Reads a CONNECT, whose version it names itself. Rules on the client id are the broker's. In 3.1 the
 * user name and password that the flags announce may be missing at the end (MQTT 3.1, CONNECT).
 */
export function readConnect(
  reader: ByteReader,
  _version: Version,
  _first: number,
  options: DecodeOptions,
): ConnectPacket {
  const name = reader.text()
  const level = reader.byte()
  const version = checkProtocol(name, level & ~BRIDGE)
  const bridge = (level & BRIDGE) !== 0
  if (bridge && version === 5)
    throw new ProtocolError(Reason.unsupportedProtocolVersion, 'MQTT 133')
  const flags = reader.byte()
  checkFlags(flags, version)
  const keepAliveSeconds = reader.uint16()
  const properties =
    version === 5 ? readPropertyField(reader, PacketType.connect, options.limits) : {}
  if (
    properties.authenticationData !== undefined &&
    properties.authenticationMethod === undefined
  ) {
    throw new ProtocolError(Reason.protocolError, 'authentication data without a method')
  }
  const clientId = reader.text()
  const will = (flags & WILL) === 0 ? null : readWill(reader, version, flags, options.limits)
  const mayLack = version === 3
  const username = (flags & USERNAME) === 0 || (mayLack && reader.isAtEnd()) ? null : reader.text()
  const password =
    (flags & PASSWORD) === 0 || (mayLack && reader.isAtEnd()) ? null : reader.binary()
  return {
    type: PacketType.connect,
    version,
    bridge,
    cleanStart: (flags & CLEAN) !== 0,
    keepAliveSeconds,
    clientId,
    will,
    username,
    password,
    properties,
  }
}

function connectFlags({ username, password, will, cleanStart }: ConnectPacket): number {
  let flags = cleanStart ? CLEAN : 0
  if (username !== null) flags |= USERNAME
  if (password !== null) flags |= PASSWORD
  if (will === null) return flags
  return flags | WILL | (will.qos << WILL_QOS_SHIFT) | (will.retain ? WILL_RETAIN : 0)
}

function refuse(why: string): never {
  throw new EncodeError(why)
}

/** Throws EncodeError on what {@link readConnect} would refuse of flags and fields that depend on each other. */
function checkConnect(packet: ConnectPacket): void {
  const { version, will, username, password, properties } = packet
  const { authenticationData, authenticationMethod } = properties
  checkNumber('version', version, 3, 5)
  checkNumber('keep alive', packet.keepAliveSeconds, 0, 0xffff)
  if (packet.bridge && version === 5) refuse('MQTT 5.0 has no bit for bridges')
  if (version < 5 && username === null && password !== null) refuse('password without user name')
  if (version === 5 && authenticationData !== undefined && authenticationMethod === undefined)
    refuse('authentication data without a method')
  if (will === null) return
  checkNumber('QoS of the will', will.qos, 0, 2)
  if (!isTopicName(will.topic)) refuse('the topic of the will is no topic name')
}

/** Appends a CONNECT in the version that the packet itself names. */
export function writeConnect(out: ByteWriter, _version: Version, packet: ConnectPacket): void {
  const { version, will, username, password } = packet
  checkConnect(packet)
  putByte(out, PacketType.connect << 4)
  const mark = openLength(out)
  putText(out, version === 3 ? NAME_3 : NAME)
  putByte(out, version | (packet.bridge ? BRIDGE : 0))
  putByte(out, connectFlags(packet))
  putUint16(out, packet.keepAliveSeconds)
  if (version === 5) writeProperties(out, PacketType.connect, packet.properties)
  putText(out, packet.clientId)
  if (will !== null) {
    if (version === 5) writeProperties(out, WILL_PROPERTIES, will.properties)
    putText(out, will.topic)
    putBinary(out, will.payload)
  }
  if (username !== null) putText(out, username)
  if (password !== null) putBinary(out, password)
  closeLength(out, mark)
}

/** What a bridge and a remote say to each other first: CONNECT as the remote understands it, and what CONNACK tells. */
import {
  PacketType,
  type ConnectPacket,
  type Properties,
  type PublishPacket,
  type Qos,
  type Version,
} from '../codec/packets.ts'
import { Reason } from '../codec/reason-codes.ts'
import type { BridgeSettings } from './settings.ts'

const PACKET_BYTES_MAX = 268_435_460
/** Return code of CONNACK below 5.0, and what some servers of 3.x answer to 5.0: "not this protocol". */
const UNACCEPTABLE_PROTOCOL = 1

const encoder = new TextEncoder()

/** How a remote is spoken to: as configured, or less, where it did not take that. */
export interface Speech {
  readonly version: Version
  /** Says that we are a bridge (`try_private`). */
  readonly isPrivate: boolean
  /** Of the will, which is the notification `0`. */
  readonly willQos: Qos
  readonly willRetain: boolean
  /** Asks for nothing that a bridge can do without: the remote did not answer that. */
  readonly isBrief: boolean
}

export function speechOf({ version, tryPrivate, outgoingRetain }: BridgeSettings): Speech {
  return { version, isPrivate: tryPrivate, willQos: 1, willRetain: outgoingRetain, isBrief: false }
}

/** What to say instead, after a CONNACK with this code; null: there is nothing less to say about it. */
export function lesserSpeech(speech: Speech, code: number): Speech | null {
  const { version, isPrivate, willQos, willRetain } = speech
  if (code === Reason.retainNotSupported && willRetain) return { ...speech, willRetain: false }
  if (code === Reason.qosNotSupported && willQos > 0) return { ...speech, willQos: 0 }
  if (code !== UNACCEPTABLE_PROTOCOL && code !== Reason.unsupportedProtocolVersion) return null
  if (version === 5) return { ...speech, version: 4 }
  return isPrivate ? { ...speech, isPrivate: false } : null
}

/** What the remote can do, and what it remembers. */
export interface RemoteInfo {
  readonly sessionPresent: boolean
  /** Unacknowledged messages it takes. */
  readonly receiveMaximum: number
  readonly maximumQos: Qos
  readonly retainAvailable: boolean
  /** Bytes of the largest packet that it, and `bridge_max_packet_size`, allow. */
  readonly packetBytesMax: number
  /** Aliases we may use. */
  readonly topicAliasMaximum: number
}

/** CONNECT; `hasWill`: the remote is told when we are gone. */
export function connectPacket(
  settings: BridgeSettings,
  { version, isPrivate, willQos, willRetain }: Speech,
  hasWill: boolean,
): ConnectPacket {
  const properties: Properties = {}
  if (version === 5) {
    properties.receiveMaximum = settings.receiveMaximum
    if (settings.topicAliasMaximum > 0) properties.topicAliasMaximum = settings.topicAliasMaximum
    properties.maximumPacketSize = settings.incomingPacketBytesMax
    if (!settings.cleanSession) properties.sessionExpirySeconds = settings.sessionExpirySeconds
  }
  const will = {
    topic: settings.notificationTopic,
    payload: encoder.encode('0'),
    qos: willQos,
    retain: willRetain,
    properties: {},
  }
  return {
    type: PacketType.connect,
    version,
    bridge: isPrivate && version < 5,
    cleanStart: settings.cleanSession,
    keepAliveSeconds: settings.keepAliveSeconds,
    clientId: settings.remoteClientId,
    will: hasWill ? will : null,
    username: settings.username,
    password: settings.password,
    properties,
  }
}

/** What a CONNACK that lets us in says. */
export function infoOf(
  settings: BridgeSettings,
  version: Version,
  sessionPresent: boolean,
  properties: Properties,
): RemoteInfo {
  const theirs = properties.maximumPacketSize ?? PACKET_BYTES_MAX
  const ours = settings.packetBytesMax === 0 ? PACKET_BYTES_MAX : settings.packetBytesMax
  const { maximumQos = 2, topicAliasMaximum = 0 } = properties
  return {
    // MQTT 3.1 does not say; who asked for a session must expect one.
    sessionPresent: !settings.cleanSession && (sessionPresent || version === 3),
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    maximumQos: maximumQos as Qos,
    retainAvailable: properties.retainAvailable !== 0,
    packetBytesMax: Math.min(theirs, ours),
    topicAliasMaximum: Math.min(topicAliasMaximum, settings.topicAliasMaximum),
  }
}

/** Whether the bridge is up, for those who watch there. */
export function notification(
  { outgoingRetain, notificationTopic }: BridgeSettings,
  info: RemoteInfo | null,
  state: '0' | '1',
  qos: Qos,
  packetId: number,
): PublishPacket {
  return {
    type: PacketType.publish,
    dup: false,
    qos,
    retain: outgoingRetain && info?.retainAvailable !== false,
    topic: notificationTopic,
    packetId,
    properties: {},
    payload: encoder.encode(state),
  }
}

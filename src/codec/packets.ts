/** The packets of MQTT 3.1, 3.1.1 and 5.0 as values. One shape a packet, whatever the version. */

/** Protocol level on the wire: 3 is MQTT 3.1 (`MQIsdp`), 4 is 3.1.1, 5 is 5.0. */
export type Version = 3 | 4 | 5
export type Qos = 0 | 1 | 2

/** Packet types, the high nibble of the first byte (MQTT 5.0, 2.1.2). */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const

/** Properties of every packet in one type; which packet may carry which is the table in `properties.ts`. */
export interface Properties {
  payloadFormat?: number
  messageExpirySeconds?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Uint8Array
  /** Repeatable in PUBLISH only; in SUBSCRIBE at most one. */
  subscriptionIds?: number[]
  sessionExpirySeconds?: number
  assignedClientId?: string
  serverKeepAliveSeconds?: number
  authenticationMethod?: string
  authenticationData?: Uint8Array
  requestProblemInformation?: number
  willDelaySeconds?: number
  requestResponseInformation?: number
  responseInformation?: string
  serverReference?: string
  reasonString?: string
  receiveMaximum?: number
  topicAliasMaximum?: number
  topicAlias?: number
  maximumQos?: number
  retainAvailable?: number
  /** Name and value, in the order of the wire, repeats kept. */
  userProperties?: [string, string][]
  maximumPacketSize?: number
  wildcardSubscriptionAvailable?: number
  subscriptionIdsAvailable?: number
  sharedSubscriptionAvailable?: number
}

export interface WillPacket {
  topic: string
  payload: Uint8Array
  qos: Qos
  retain: boolean
  properties: Properties
}

export interface ConnectPacket {
  type: typeof PacketType.connect
  version: Version
  /** The top bit of the protocol level was set: a mosquitto bridge announces itself (`try_private`). */
  bridge: boolean
  /** Clean Session in 3.x, Clean Start in 5.0. */
  cleanStart: boolean
  keepAliveSeconds: number
  clientId: string
  will: WillPacket | null
  username: string | null
  password: Uint8Array | null
  properties: Properties
}

export interface ConnackPacket {
  type: typeof PacketType.connack
  sessionPresent: boolean
  /** Return code 0..5 in 3.x, reason code in 5.0. */
  code: number
  properties: Properties
}

export interface PublishPacket {
  type: typeof PacketType.publish
  dup: boolean
  qos: Qos
  retain: boolean
  /** May be empty in 5.0 when a topic alias stands for it. */
  topic: string
  /** 0 at QoS 0. */
  packetId: number
  properties: Properties
  payload: Uint8Array
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP differ in their type alone. */
export interface AckPacket {
  type: 4 | 5 | 6 | 7
  packetId: number
  /** 0 in 3.x and where the packet is short. */
  reason: number
  properties: Properties
}

export interface SubscribeFilter {
  filter: string
  qos: Qos
  noLocal: boolean
  retainAsPublished: boolean
  /** 0 send, 1 send if the subscription is new, 2 do not send. */
  retainHandling: 0 | 1 | 2
}

export interface SubscribePacket {
  type: typeof PacketType.subscribe
  packetId: number
  filters: SubscribeFilter[]
  properties: Properties
}

export interface SubackPacket {
  type: typeof PacketType.suback
  packetId: number
  codes: number[]
  properties: Properties
}

export interface UnsubscribePacket {
  type: typeof PacketType.unsubscribe
  packetId: number
  filters: string[]
  properties: Properties
}

export interface UnsubackPacket {
  type: typeof PacketType.unsuback
  packetId: number
  /** Only on the wire in 5.0. */
  codes: number[]
  properties: Properties
}

export interface PingPacket {
  type: typeof PacketType.pingreq | typeof PacketType.pingresp
}

export interface DisconnectPacket {
  type: typeof PacketType.disconnect
  reason: number
  properties: Properties
}

export interface AuthPacket {
  type: typeof PacketType.auth
  reason: number
  properties: Properties
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingPacket
  | DisconnectPacket
  | AuthPacket

import {
  PacketType,
  type AckPacket,
  type AuthPacket,
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  type Packet,
  type PingPacket,
  type Properties,
  type PublishPacket,
  type Qos,
  type SubackPacket,
  type SubscribeFilter,
  type SubscribePacket,
  type UnsubackPacket,
  type UnsubscribePacket,
  type WillPacket,
} from '../../src/codec/packets.ts'

const utf8 = new TextEncoder()

/** Packets by the word of the standard. */
export interface PacketOf {
  connect: ConnectPacket
  connack: ConnackPacket
  publish: PublishPacket
  puback: AckPacket
  pubrec: AckPacket
  pubrel: AckPacket
  pubcomp: AckPacket
  subscribe: SubscribePacket
  suback: SubackPacket
  unsubscribe: UnsubscribePacket
  unsuback: UnsubackPacket
  pingreq: PingPacket
  pingresp: PingPacket
  disconnect: DisconnectPacket
  auth: AuthPacket
}
export type PacketName = keyof PacketOf

const names = Object.keys(PacketType) as PacketName[]

export function nameOf(packet: Packet): PacketName {
  return names[packet.type - 1]
}

export interface WillOptions {
  topic: string
  payload?: string | Uint8Array
  qos?: Qos
  retain?: boolean
  properties?: Properties
}

export interface ConnectOptions {
  clientId?: string
  cleanStart?: boolean
  keepAliveSeconds?: number
  will?: WillOptions
  username?: string
  password?: string
  properties?: Properties
}

export interface PublishOptions {
  qos?: Qos
  retain?: boolean
  dup?: boolean
  packetId?: number
  properties?: Properties
}

export function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? utf8.encode(value) : value
}

function willPacket(will: WillOptions): WillPacket {
  const { topic, payload = '', qos = 0, retain = false, properties = {} } = will
  return { topic, payload: bytesOf(payload), qos, retain, properties }
}

/** CONNECT with clean start and without keep alive unless told otherwise. */
export function connect(version: 3 | 4 | 5, options: ConnectOptions = {}): ConnectPacket {
  return {
    type: PacketType.connect,
    version,
    bridge: false,
    cleanStart: options.cleanStart ?? true,
    keepAliveSeconds: options.keepAliveSeconds ?? 0,
    clientId: options.clientId ?? '',
    will: options.will ? willPacket(options.will) : null,
    username: options.username ?? null,
    password: options.password === undefined ? null : bytesOf(options.password),
    properties: options.properties ?? {},
  }
}

export function publish(
  topic: string,
  payload: string | Uint8Array,
  options: PublishOptions = {},
): PublishPacket {
  const { qos = 0, retain = false, dup = false, packetId = qos === 0 ? 0 : 1 } = options
  const properties = options.properties ?? {}
  return {
    type: PacketType.publish,
    dup,
    qos,
    retain,
    topic,
    packetId,
    properties,
    payload: bytesOf(payload),
  }
}

export function ack(
  name: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
  packetId: number,
  reason = 0,
): AckPacket {
  return { type: PacketType[name], packetId, reason, properties: {} }
}

export type FilterOptions = Partial<SubscribeFilter> & { filter: string }

export function subscribe(
  packetId: number,
  filters: FilterOptions[],
  properties: Properties = {},
): SubscribePacket {
  const plain = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const whole = filters.map((filter) => ({ ...plain, ...filter }))
  return { type: PacketType.subscribe, packetId, filters: whole, properties }
}

export function unsubscribe(packetId: number, filters: string[]): UnsubscribePacket {
  return { type: PacketType.unsubscribe, packetId, filters, properties: {} }
}

export function disconnect(reason = 0, properties: Properties = {}): DisconnectPacket {
  return { type: PacketType.disconnect, reason, properties }
}

export function auth(reason: number, properties: Properties = {}): AuthPacket {
  return { type: PacketType.auth, reason, properties }
}

export const pingreq: PingPacket = { type: PacketType.pingreq }

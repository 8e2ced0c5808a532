/** Packets that the encoder refuses to write, for tests of who must refuse to read them: CONNECT, PUBLISH, SUBSCRIBE. */
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { closeLength, openLength, putByte, putUint16, putVarint } from '../../src/codec/fields.ts'
import {
  PacketType,
  type ConnectPacket,
  type Packet,
  type Properties,
  type PublishPacket,
  type SubscribePacket,
  type Version,
} from '../../src/codec/packets.ts'

const utf8 = new TextEncoder()

function putBytes(out: ByteWriter, bytes: Uint8Array): void {
  putUint16(out, bytes.length)
  out.append(bytes, 0, bytes.length)
}

const putText = (out: ByteWriter, text: string): void => putBytes(out, utf8.encode(text))

function putUint32(out: ByteWriter, value: number): void {
  putUint16(out, value >>> 16)
  putUint16(out, value)
}

type Put = (out: ByteWriter, value: never) => void

/** Those that tests spoil. */
const PROPERTIES: Partial<Record<keyof Properties, readonly [id: number, put: Put]>> = {
  responseTopic: [0x08, putText],
  authenticationData: [0x16, putBytes],
  receiveMaximum: [0x21, putUint16],
  topicAlias: [0x23, putUint16],
  maximumPacketSize: [0x27, putUint32],
}

function putProperties(out: ByteWriter, version: Version, properties: Properties): void {
  if (version < 5) return
  const own = new ByteWriter(new Uint8Array(64))
  for (const [name, value] of Object.entries(properties)) {
    const row = PROPERTIES[name as keyof Properties]
    if (row === undefined) throw new Error(`the careless encoder does not know ${name}`)
    putByte(own, row[0])
    row[1](own, value as never)
  }
  putVarint(out, own.length)
  out.append(own.bytes, 0, own.length)
}

function putConnect(out: ByteWriter, version: Version, packet: ConnectPacket): void {
  const { username, cleanStart, will, password } = packet
  if (will !== null || password !== null) throw new Error('too much care is asked for')
  putText(out, version === 3 ? 'MQIsdp' : 'MQTT')
  putByte(out, version)
  putByte(out, (cleanStart ? 2 : 0) | (username === null ? 0 : 0x80))
  putUint16(out, packet.keepAliveSeconds)
  putProperties(out, version, packet.properties)
  putText(out, packet.clientId)
  if (username !== null) putText(out, username)
}

function putPublish(out: ByteWriter, version: Version, packet: PublishPacket): void {
  putText(out, packet.topic)
  if (packet.qos > 0) putUint16(out, packet.packetId)
  putProperties(out, version, packet.properties)
  out.append(packet.payload, 0, packet.payload.length)
}

function putSubscribe(out: ByteWriter, version: Version, packet: SubscribePacket): void {
  putUint16(out, packet.packetId)
  putProperties(out, version, packet.properties)
  for (const { filter, qos, noLocal } of packet.filters) {
    putText(out, filter)
    putByte(out, qos | (noLocal ? 4 : 0))
  }
}

/** Appends `packet` as it is, right or wrong. */
export function encodeCarelessly(out: ByteWriter, version: Version, packet: Packet): void {
  const { type } = packet
  const flags = type === PacketType.publish ? (packet.qos << 1) | Number(packet.retain) : 0
  putByte(out, (type << 4) | (type === PacketType.subscribe ? 2 : flags))
  const mark = openLength(out)
  if (type === PacketType.connect) putConnect(out, version, packet)
  else if (type === PacketType.publish) putPublish(out, version, packet)
  else if (type === PacketType.subscribe) putSubscribe(out, version, packet)
  else throw new Error(`the careless encoder does not know packet ${type}`)
  closeLength(out, mark)
}

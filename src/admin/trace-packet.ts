/** One MQTT packet as a person reads it. */
import { decodePacket } from '../codec/decode.ts'
import { PacketType, type Packet, type Version } from '../codec/packets.ts'
import { readProperties } from '../codec/properties.ts'
import { parsePublish, PublishView } from '../codec/publish.ts'
import { decodeUtf8 } from '../codec/utf8.ts'
import { shownUser } from '../ports/ports.ts'

const TYPE_NAMES = [
  '',
  'CONNECT',
  'CONNACK',
  'PUBLISH',
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'SUBSCRIBE',
  'SUBACK',
  'UNSUBSCRIBE',
  'UNSUBACK',
  'PINGREQ',
  'PINGRESP',
  'DISCONNECT',
  'AUTH',
] as const

/** Payload bytes that are kept. */
export const PAYLOAD_BYTES_MAX = 1024
const FIELDS_LENGTH_MAX = 8000
const LISTED_MAX = 5

/** A packet where it lies; `end` may be beyond the array when the payload follows elsewhere. */
export interface Frame {
  readonly version: Version
  readonly bytes: Uint8Array
  readonly start: number
  readonly bodyStart: number
  readonly end: number
}

export interface Description {
  readonly type: string
  readonly summary: string
  readonly fields: string
  readonly payload: Uint8Array | null
  /** Of a CONNECT. */
  readonly clientId: string | null
}

const view = new PublishView()

/** The topic of a PUBLISH; a number: the alias that stands for it. Throws ProtocolError on what is none. */
export function topicOf(frame: Frame): string | number {
  const { version, bytes, start, bodyStart, end } = frame
  parsePublish(view, version, bytes, start, bodyStart, end)
  if (view.topicEnd > view.topicStart) return decodeUtf8(bytes, view.topicStart, view.topicEnd)
  return view.topicAlias
}

/** Never throws: what cannot be read is described as such. */
export function describe(frame: Frame, topic: string | null): Description {
  const type = frame.bytes[frame.start] >> 4
  try {
    return type === PacketType.publish ? describePublish(frame, topic) : describeOther(frame)
  } catch (error) {
    const summary = `${TYPE_NAMES[type]}: ${(error as Error).message}`
    return { type: 'malformed', summary, fields: '{}', payload: null, clientId: null }
  }
}

function describePublish(frame: Frame, knownTopic: string | null): Description {
  const { bytes } = frame
  const said = topicOf(frame)
  const topic = knownTopic ?? String(said)
  const { dup, qos, retain, packetId, propertiesStart, propertiesEnd, payloadStart } = view
  const payloadBytes = view.payloadEnd - payloadStart
  const properties =
    propertiesEnd > propertiesStart
      ? readProperties(PacketType.publish, bytes, propertiesStart, propertiesEnd)
      : {}
  const id = packetId === 0 ? '' : `, m${packetId}`
  const flags = `q${qos}, r${retain ? 1 : 0}, d${dup ? 1 : 0}${id}`
  const end = Math.min(view.payloadEnd, payloadStart + PAYLOAD_BYTES_MAX, bytes.length)
  return {
    type: 'PUBLISH',
    summary: `PUBLISH '${topic}' (${flags}, ${payloadBytes} bytes)`,
    fields: textOf({ topic, qos, retain, dup, packetId, payloadBytes, properties }),
    payload: bytes.slice(payloadStart, end),
    clientId: null,
  }
}

function describeOther({ version, bytes, start, bodyStart, end }: Frame): Description {
  const packet = decodePacket(version, bytes[start], bytes, bodyStart, end)
  const { type: number, ...fields } = packet
  const type = TYPE_NAMES[number]
  return {
    type,
    summary: `${type} ${detailOf(packet)}`.trimEnd(),
    fields: textOf(fields),
    payload: null,
    clientId: packet.type === PacketType.connect ? packet.clientId : null,
  }
}

function detailOf(packet: Packet): string {
  if (packet.type === PacketType.connect) {
    const { clientId, version, cleanStart, keepAliveSeconds, username } = packet
    const user = username === null ? '' : `, u'${shownUser(username)}'`
    return `'${clientId}' (p${version}, c${cleanStart ? 1 : 0}, k${keepAliveSeconds}${user})`
  }
  if (packet.type === PacketType.connack)
    return `(session present ${packet.sessionPresent ? 1 : 0}, rc${packet.code})`
  const id = 'packetId' in packet ? `m${packet.packetId} ` : ''
  if ('filters' in packet) {
    const filters = packet.filters.map((filter) =>
      typeof filter === 'string' ? `'${filter}'` : `'${filter.filter}' q${filter.qos}`,
    )
    return id + some(filters)
  }
  if ('codes' in packet) return id + some(packet.codes.map((code) => `rc${code}`))
  return 'reason' in packet ? `${id}rc${packet.reason}` : ''
}

function some(texts: string[]): string {
  const more = texts.length > LISTED_MAX ? `, ${texts.length - LISTED_MAX} more` : ''
  return texts.slice(0, LISTED_MAX).join(', ') + more
}

/** As JSON; no password, nor a token in its stead, bytes as base64, payloads (of wills) by size. */
function textOf(value: object): string {
  const text = JSON.stringify(value, (key, item: unknown) => {
    if (key === 'password') return item === null ? null : '(not shown)'
    if (key === 'username') return shownUser(item as string | null)
    if (!(item instanceof Uint8Array)) return item
    return key === 'payload' || key === 'authenticationData'
      ? `(${item.length} bytes)`
      : Buffer.from(item).toString('base64')
  })
  return text.length > FIELDS_LENGTH_MAX ? JSON.stringify({ cut: text.slice(0, 1000) }) : text
}

/** Bytes by another codec than ours (mqtt-packet, of MQTT.js), so that ours is judged too. */
import mqtt, { type Packet } from 'mqtt-packet'
import type { AckName, Qos, Version } from './steps.ts'

/** Properties of a PUBLISH that are passed on unchanged, as one comparable text. */
export type Forwarded = string

export const RICH = {
  payloadFormatIndicator: true,
  contentType: 'text/plain',
  responseTopic: 'reply/to',
  correlationData: Buffer.from([0, 1, 255]),
  userProperties: { b: ['2', '1'], a: '3' },
} as const

/** A packet of the server as the client reads it. */
export interface Seen {
  readonly cmd: string
  /** Packet identifier; 0: none. */
  readonly id: number
  /** Reason or return code; 0 where there is none. */
  readonly code: number
  /** Those of SUBACK and UNSUBACK. */
  readonly codes: readonly number[]
  readonly sessionPresent: boolean
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  /** 0: none. */
  readonly alias: number
  readonly subscriptionIds: readonly number[]
  /** Seconds; -1: none. */
  readonly expirySeconds: number
  readonly forwarded: Forwarded
  /** CONNACK's. */
  readonly receiveMaximum: number
  readonly aliasMaximum: number
  readonly assignedId: string
  readonly bytes: number
}

export interface Reader {
  /** Throws on what is no packet of this version. */
  read(bytes: Uint8Array): void
}

export function createReader(version: Version, take: (packet: Seen) => void): Reader {
  const parser = mqtt.parser({ protocolVersion: version })
  parser.on('packet', (packet: Packet) => take(seenOf(packet)))
  parser.on('error', (error: Error) => {
    throw new Error(`the server sent what is no MQTT: ${error.message}`)
  })
  return { read: (bytes) => void parser.parse(Buffer.from(bytes)) }
}

function seenOf(packet: Packet): Seen {
  const raw = packet as unknown as Record<string, unknown>
  const properties = (raw['properties'] ?? {}) as Record<string, unknown>
  const number = (value: unknown, absent = 0) => (typeof value === 'number' ? value : absent)
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  const length = number(raw['length'])
  return {
    cmd: packet.cmd,
    id: number(raw['messageId']),
    code: number(raw['reasonCode'], number(raw['returnCode'])),
    codes: (raw['granted'] as number[] | undefined) ?? [],
    sessionPresent: raw['sessionPresent'] === true,
    topic: text(raw['topic']),
    payload: Buffer.isBuffer(raw['payload']) ? raw['payload'].toString() : text(raw['payload']),
    qos: number(raw['qos']) as Qos,
    retain: raw['retain'] === true,
    dup: raw['dup'] === true,
    alias: number(properties['topicAlias']),
    subscriptionIds: [properties['subscriptionIdentifier'] ?? []].flat() as number[],
    expirySeconds: number(properties['messageExpiryInterval'], -1),
    forwarded: forwardedOf(properties),
    receiveMaximum: number(properties['receiveMaximum'], 65535),
    aliasMaximum: number(properties['topicAliasMaximum']),
    assignedId: text(properties['assignedClientIdentifier']),
    bytes: 1 + lengthBytes(length) + length,
  }
}

export function forwardedOf(properties: Readonly<Record<string, unknown>>): Forwarded {
  const names = Object.keys(RICH).filter((name) => properties[name] !== undefined)
  const values = names.map((name) => {
    const value = properties[name]
    return Buffer.isBuffer(value) ? value.toString('hex') : value
  })
  return names.length === 0 ? '' : JSON.stringify([names, values])
}

/** "MQTT" with its length, and the level. */
const PROTOCOL_BYTES = 7
const CLEAN = 2

function lengthBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4
}

/** Bytes of a packet of the client, or of the server when a size is to be known. */
export function bytesOf(packet: Packet, version: Version): Uint8Array {
  const options = { protocolVersion: version }
  if (packet.cmd !== 'connect' || packet.clean || packet.clientId !== '')
    return new Uint8Array(mqtt.generate(packet, options))
  // The library does not write this one: the clean bit is taken out behind it.
  const bytes = new Uint8Array(mqtt.generate({ ...packet, clean: true }, options))
  const flagsAt = 1 + lengthBytes(bytes.length - 3) + PROTOCOL_BYTES
  bytes[flagsAt] &= ~CLEAN
  return bytes
}

export function ackPacket(cmd: AckName, messageId: number, reasonCode = 0): Packet {
  return { cmd, messageId, reasonCode }
}

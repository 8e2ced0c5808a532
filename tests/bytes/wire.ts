/** Packets of a client, and those that come to it, by a codec of their own that shares nothing with the broker's. */
import mqtt, { type Packet } from 'mqtt-packet'
import type { Qos, Version } from '../model/steps.ts'
import type { Came } from './ledger.ts'

export const Type = {
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  suback: 9,
  pingresp: 13,
  disconnect: 14,
} as const

/** Properties that are of one receiver, or count down: the rest is passed on as it is [MQTT-3.3.2-20]. */
const EXPIRY = 0x02
const SUBSCRIPTION_ID = 0x0b
const ALIAS = 0x23

export interface ToPublish {
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly payload: Buffer
  /** Encoded properties that are passed on. */
  readonly forwarded: string
  readonly expirySeconds: number
  /** 0: none. */
  readonly alias: number
}

/** A PUBLISH that came; `topic` is empty where the alias stands for it. */
export interface PublishCame extends Came {
  readonly alias: number
  readonly packetId: number
}

function varint(value: number): number[] {
  const bytes: number[] = []
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0))
    value >>>= 7
  } while (value > 0)
  return bytes
}

function text16(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

/** An identifier and a value of texts or bytes, each with its length. */
export function property(id: number, ...values: Buffer[]): string {
  return Buffer.concat([Buffer.of(id), ...values.map(text16)]).toString('latin1')
}

export function otherPacket(packet: Packet, version: Version): Buffer {
  return mqtt.generate(packet, { protocolVersion: version })
}

export function publishPacket(
  version: Version,
  packetId: number,
  it: ToPublish,
  dup: boolean,
): Buffer {
  const { qos, retain, alias, expirySeconds, payload } = it
  const parts = [text16(Buffer.from(it.topic))]
  if (qos > 0) parts.push(Buffer.of(packetId >> 8, packetId & 0xff))
  if (version === 5) {
    const own: number[] = []
    if (expirySeconds >= 0)
      own.push(EXPIRY, ...[24, 16, 8, 0].map((by) => (expirySeconds >>> by) & 0xff))
    if (alias > 0) own.push(ALIAS, alias >> 8, alias & 0xff)
    const properties = Buffer.concat([Buffer.from(own), Buffer.from(it.forwarded, 'latin1')])
    parts.push(Buffer.from(varint(properties.length)), properties)
  }
  parts.push(payload)
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const first = (Type.publish << 4) | (dup && qos > 0 ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
  return Buffer.concat([Buffer.from([first, ...varint(length)]), ...parts])
}

export function ackBytes(type: 4 | 5 | 6 | 7, packetId: number): Buffer {
  return Buffer.of((type << 4) | (type === Type.pubrel ? 2 : 0), 2, packetId >> 8, packetId & 0xff)
}

/** Cuts what comes into packets. */
export class PacketReader {
  private rest = Buffer.alloc(0)
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private wanted = 2

  /** Calls `take` with the first byte and the body of each whole packet. */
  read(bytes: Uint8Array, take: (first: number, body: Buffer) => void): void {
    this.waiting.push(Buffer.from(bytes))
    this.waitingBytes += bytes.length
    if (this.rest.length + this.waitingBytes < this.wanted) return
    let all = Buffer.concat([this.rest, ...this.waiting])
    this.waiting = []
    this.waitingBytes = 0
    for (;;) {
      const end = this.frameEnd(all)
      if (end < 0) break
      const start = end - this.bodyLength
      const body = all.subarray(start, end)
      const first = all[0]
      all = all.subarray(end)
      take(first, body)
    }
    this.rest = all
  }

  private bodyLength = 0

  /** -1: it is not whole; {@link wanted} are. */
  private frameEnd(bytes: Buffer): number {
    this.wanted = bytes.length + 1
    let length = 0
    for (let at = 1; at < bytes.length; at++) {
      if (at > 4) throw new Error(`no packet: ${bytes.subarray(0, 24).toString('hex')}`)
      length += (bytes[at] & 0x7f) * 128 ** (at - 1)
      if (bytes[at] >= 0x80) continue
      this.bodyLength = length
      const end = at + 1 + length
      if (end <= bytes.length) return end
      this.wanted = end
      return -1
    }
    return -1
  }
}

export function readPublish(version: Version, first: number, body: Buffer): PublishCame {
  const qos = ((first >> 1) & 3) as Qos
  let at = 2 + body.readUInt16BE(0)
  const topic = body.toString('utf8', 2, at)
  let packetId = 0
  if (qos > 0) {
    packetId = body.readUInt16BE(at)
    at += 2
  }
  const common = { topic, qos, packetId, retain: (first & 1) !== 0, dup: (first & 8) !== 0 }
  const none = { forwarded: '', expirySeconds: -1, subscriptionId: 0, alias: 0 }
  if (version !== 5) return { ...common, ...none, payload: Buffer.from(body.subarray(at)) }
  const [length, start] = readVarint(body, at)
  const end = start + length
  if (end > body.length) throw new Error('properties run past their packet')
  const properties = readProperties(body, start, end)
  return { ...common, ...properties, payload: Buffer.from(body.subarray(end)) }
}

function readVarint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++]
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return [value, at]
  }
}

function readProperties(bytes: Buffer, start: number, end: number) {
  const found = { forwarded: '', expirySeconds: -1, subscriptionId: 0, alias: 0 }
  for (let at = start; at < end;) {
    const from = at
    const id = bytes[at++]
    if (id === EXPIRY) {
      found.expirySeconds = bytes.readUInt32BE(at)
      at += 4
    } else if (id === ALIAS) {
      found.alias = bytes.readUInt16BE(at)
      at += 2
    } else if (id === SUBSCRIPTION_ID) [found.subscriptionId, at] = readVarint(bytes, at)
    else {
      at = afterForwarded(bytes, id, at)
      found.forwarded += bytes.toString('latin1', from, at)
    }
  }
  return found
}

/** Payload format, content type, response topic, correlation data, user property. */
function afterForwarded(bytes: Buffer, id: number, at: number): number {
  if (id === 0x01) return at + 1
  if (id !== 0x03 && id !== 0x08 && id !== 0x09 && id !== 0x26) throw new Error(`property ${id}`)
  for (let text = id === 0x26 ? 2 : 1; text > 0; text--) at += 2 + bytes.readUInt16BE(at)
  return at
}

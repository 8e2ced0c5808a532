/**
 * One publisher of a load: its PUBLISH is encoded once, and its stamp and packet identifier are written anew for each message.
 * Every payload of 16 bytes or more begins with a stamp: mark, number of the publisher, time of sending.
 */
import { ByteWriter } from '../../codec/byte-writer.ts'
import { encodePacket } from '../../codec/encode.ts'
import { PacketType, type Qos, type Version } from '../../codec/packets.ts'
import type { BenchConnection } from './connection.ts'

export const STAMP_BYTES = 16
export const MARK = 0x6d6f7a7a

export interface Publisher {
  readonly connection: BenchConnection
  /** One PUBLISH; its stamp and packet identifier are written anew. */
  readonly frame: Uint8Array
  readonly view: DataView
  readonly payloadAt: number
  readonly packetIdAt: number
  /** Subscribers of its topic. */
  readonly copies: number
  sent: number
  done: number
  inflight: number
  dueMs: number
}

interface Wanted {
  readonly version: Version
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly payloadBytes: number
  readonly copies: number
  readonly dueMs: number
}

export function newPublisher(connection: BenchConnection, wanted: Wanted): Publisher {
  const { version, topic, qos, retain, payloadBytes, copies, dueMs } = wanted
  const out = new ByteWriter(new Uint8Array(payloadBytes + 256))
  encodePacket(out, version, {
    type: PacketType.publish,
    dup: false,
    qos,
    retain,
    topic,
    packetId: 1,
    properties: {},
    payload: new Uint8Array(payloadBytes),
  })
  const frame = out.bytes.slice(0, out.length)
  const payloadAt = frame.length - payloadBytes
  const view = new DataView(frame.buffer)
  if (payloadBytes >= STAMP_BYTES) {
    view.setUint32(payloadAt, MARK)
    view.setUint32(payloadAt + 4, connection.index)
  }
  const packetIdAt = qos === 0 ? 0 : payloadAt - (version === 5 ? 3 : 2)
  const counts = { sent: 0, done: 0, inflight: 0 }
  return { connection, frame, view, payloadAt, packetIdAt, copies, ...counts, dueMs }
}

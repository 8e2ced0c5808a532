/** Any packet, from an object to its bytes. */
import { writeAckPacket } from './ack.ts'
import type { ByteWriter } from './byte-writer.ts'
import { writeConnack } from './connack.ts'
import { writeConnect } from './connect.ts'
import { writeClosing } from './disconnect.ts'
import { EncodeError } from './encode-error.ts'
import { PacketType, type Packet, type PingPacket, type Version } from './packets.ts'
import { writePublish } from './encode-publish.ts'
import { writeSuback, writeSubscribe } from './subscribe.ts'
import { writeUnsuback, writeUnsubscribe } from './unsubscribe.ts'

/** Appends a packet without a body: PINGREQ, PINGRESP, or a DISCONNECT that gives no reason. */
export function appendSimple(out: ByteWriter, type: PingPacket['type'] | 14): void {
  out.reserve(2)
  out.bytes[out.length] = type << 4
  out.bytes[out.length + 1] = 0
  out.length += 2
}

function writePing(out: ByteWriter, _version: Version, packet: PingPacket): void {
  appendSimple(out, packet.type)
}

type PacketWriter = (out: ByteWriter, version: Version, packet: never) => void

const WRITERS: Record<Packet['type'], PacketWriter> = {
  1: writeConnect,
  2: writeConnack,
  3: writePublish,
  4: writeAckPacket,
  5: writeAckPacket,
  6: writeAckPacket,
  7: writeAckPacket,
  8: writeSubscribe,
  9: writeSuback,
  10: writeUnsubscribe,
  11: writeUnsuback,
  12: writePing,
  13: writePing,
  14: writeClosing,
  15: writeClosing,
}

/**
 * Appends `packet` as `version` writes it; what a version cannot say (properties below 5.0) is left out.
 * A CONNECT is written in its own version. Throws EncodeError on whatever `decodePacket` would refuse; `out` then is as it
 * was before.
 */
export function encodePacket(out: ByteWriter, version: Version, packet: Packet): void {
  const start = out.length
  try {
    if (packet.type === PacketType.auth && version < 5)
      throw new EncodeError(`AUTH in version ${version}`)
    WRITERS[packet.type](out, version, packet as never)
  } catch (error) {
    out.length = start
    throw error
  }
}

/** Packets are checked when the program asks for them, not when their turn comes. */
import { ByteWriter } from '../codec/byte-writer.ts'
import { encodePacket } from '../codec/encode.ts'
import type { Packet, Version } from '../codec/packets.ts'
import { asMqttError } from './errors.ts'

/** Throws MqttError `INVALID` on a packet that a decoder would refuse. */
export function checkPacket(version: Version, packet: Packet, what: string): void {
  try {
    encodePacket(new ByteWriter(new Uint8Array(256)), version, packet)
  } catch (error) {
    throw asMqttError(error, what)
  }
}

/** What a side of the bridge answers to a message: it takes it, not now, or never. */
import { readAck, readAckPacket } from '../codec/ack.ts'
import { ByteReader } from '../codec/byte-reader.ts'
import type { Version } from '../codec/packets.ts'
import { Reason, TOO_LARGE_HERE } from '../codec/reason-codes.ts'

/**
 * PUBACK, PUBREC, PUBREL or PUBCOMP as `packetId | reason << 16`. A message that is larger than who answers will ever take has 0x95
 * as its reason: so mosquitto says it, and Mozzie by a reason string. Throws ProtocolError as `readAck` does.
 */
export function readAnswer(
  version: Version,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  end: number,
): number {
  const ack = readAck(version, first, bytes, bodyStart, end, true)
  if (ack >>> 16 !== Reason.quotaExceeded) return ack
  const reader = new ByteReader(bytes, bodyStart, end)
  const { properties } = readAckPacket(reader, version, first, { fromClient: false })
  const isForGood = properties.reasonString === TOO_LARGE_HERE
  return isForGood ? (ack & 0xffff) | (Reason.packetTooLarge << 16) : ack
}

/** The reason of an answer as it is passed on: the standard has no 0x95 there. */
export function passedOn(reason: number): number {
  return reason === Reason.packetTooLarge ? Reason.payloadFormatInvalid : reason
}

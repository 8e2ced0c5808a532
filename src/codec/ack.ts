/** PUBACK, PUBREC, PUBREL and PUBCOMP. */
import { ByteReader, readPacketId } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { DecodeOptions } from './decode-options.ts'
import { EncodeError } from './encode-error.ts'
import { closeLength, openLength, putByte, putPacketId } from './fields.ts'
import { PacketType, type AckPacket, type Properties, type Version } from './packets.ts'
import { readPropertyField, writeProperties, type PropertyLimits } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason, isReasonAllowed } from './reason-codes.ts'

type AckType = AckPacket['type']

/** PUBREL alone has a flag set, by order of the standard. */
function firstByte(type: AckType): number {
  return (type << 4) | (type === PacketType.pubrel ? 2 : 0)
}

function checkReason(type: number, reason: number, fromServer: boolean): void {
  if (isReasonAllowed(type, reason) || (fromServer && isTooLarge(type, reason))) return
  throw new ProtocolError(Reason.protocolError, `packet ${type} with reason ${reason}`)
}

/** mosquitto says so of a payload over its `message_size_limit`; the standard lacks it there. Who takes it for a fault sends the message for ever. */
function isTooLarge(type: number, reason: number): boolean {
  return (
    reason === Reason.packetTooLarge && (type === PacketType.puback || type === PacketType.pubrec)
  )
}

/** What follows the reason, if anything: 5.0 lets both, or the properties alone, be left out. */
function readAckProperties(reader: ByteReader, type: number, limits?: PropertyLimits): Properties {
  return reader.isAtEnd() ? {} : readPropertyField(reader, type, limits)
}

/** Throws ProtocolError 0x82 on packet id 0 and on a reason that the packet may not carry. */
export function readAckPacket(
  reader: ByteReader,
  version: Version,
  first: number,
  { fromClient, limits }: DecodeOptions,
): AckPacket {
  const type = (first >> 4) as AckType
  const packetId = readPacketId(reader)
  if (version < 5 || reader.isAtEnd()) return { type, packetId, reason: 0, properties: {} }
  const reason = reader.byte()
  checkReason(type, reason, fromClient === false)
  return { type, packetId, reason, properties: readAckProperties(reader, type, limits) }
}

/**
 * PUBACK, PUBREC, PUBREL or PUBCOMP as `packetId | reason << 16`; allocates nothing unless the packet has
 * properties, which are checked and dropped. The first byte has passed `checkFixedHeader`.
 * Throws ProtocolError as `decodePacket` does.
 */
export function readAck(
  version: Version,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
  fromServer = false,
): number {
  const length = frameEnd - bodyStart
  if (length < 2) throw new ProtocolError(Reason.malformedPacket, 'acknowledgement is cut short')
  const packetId = (bytes[bodyStart] << 8) | bytes[bodyStart + 1]
  if (packetId === 0) throw new ProtocolError(Reason.protocolError, 'packet identifier 0')
  if (length === 2) return packetId
  if (version < 5) throw new ProtocolError(Reason.malformedPacket, 'trailing bytes')
  const reason = bytes[bodyStart + 2]
  checkReason(first >> 4, reason, fromServer)
  if (length > 3) {
    const reader = new ByteReader(bytes, bodyStart + 3, frameEnd)
    readAckProperties(reader, first >> 4)
    reader.finish()
  }
  return packetId | (reason << 16)
}

/** Appends PUBACK, PUBREC, PUBREL or PUBCOMP without properties; the reason is left out when 0 or in 3.x. */
export function appendAck(
  out: ByteWriter,
  version: Version,
  type: AckType,
  packetId: number,
  reason: number,
): void {
  out.reserve(5)
  const bytes = out.bytes
  const at = out.length
  const hasReason = reason !== 0 && version === 5
  bytes[at] = firstByte(type)
  bytes[at + 1] = hasReason ? 3 : 2
  bytes[at + 2] = packetId >> 8
  bytes[at + 3] = packetId
  if (hasReason) bytes[at + 4] = reason
  out.length = at + (hasReason ? 5 : 4)
}

export function writeAckPacket(out: ByteWriter, version: Version, packet: AckPacket): void {
  const { type, packetId, reason, properties } = packet
  const mark = out.length
  putByte(out, firstByte(type))
  const lengthMark = openLength(out)
  putPacketId(out, packetId)
  if (version === 5) {
    if (!isReasonAllowed(type, reason)) throw new EncodeError(`packet ${type} of reason ${reason}`)
    putByte(out, reason)
    const propertiesAt = out.length
    writeProperties(out, type, properties)
    // One byte of length alone says that there are none: the short form says it better.
    if (out.length === propertiesAt + 1) {
      out.length = mark
      return appendAck(out, version, type, packetId, reason)
    }
  }
  closeLength(out, lengthMark)
}

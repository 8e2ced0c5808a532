/** UNSUBSCRIBE and UNSUBACK. */
import { readPacketId, type ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { DecodeOptions } from './decode-options.ts'
import { EncodeError } from './encode-error.ts'
import { closeLength, openLength, putByte, putText, putPacketId } from './fields.ts'
import { PacketType, type UnsubackPacket, type UnsubscribePacket, type Version } from './packets.ts'
import { readPropertyField, writeProperties } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason, isReasonAllowed } from './reason-codes.ts'

/** Throws ProtocolError 0x82 without any filter [MQTT-3.10.3-2]. */
export function readUnsubscribe(
  reader: ByteReader,
  version: Version,
  _first: number,
  { limits }: DecodeOptions,
): UnsubscribePacket {
  const packetId = readPacketId(reader)
  const properties = version === 5 ? readPropertyField(reader, PacketType.unsubscribe, limits) : {}
  const filters: string[] = []
  while (!reader.isAtEnd()) filters.push(reader.text())
  if (filters.length === 0) throw new ProtocolError(Reason.protocolError, 'UNSUBSCRIBE of nothing')
  return { type: PacketType.unsubscribe, packetId, filters, properties }
}

export function writeUnsubscribe(
  out: ByteWriter,
  version: Version,
  packet: UnsubscribePacket,
): void {
  if (packet.filters.length === 0) throw new EncodeError('UNSUBSCRIBE of nothing')
  putByte(out, (PacketType.unsubscribe << 4) | 2)
  const mark = openLength(out)
  putPacketId(out, packet.packetId)
  if (version === 5) writeProperties(out, PacketType.unsubscribe, packet.properties)
  for (const filter of packet.filters) putText(out, filter)
  closeLength(out, mark)
}

/** Throws ProtocolError 0x82 on a code that is none [MQTT-3.11.3-2] and, in 5.0, without any. */
export function readUnsuback(
  reader: ByteReader,
  version: Version,
  _first: number,
  { limits }: DecodeOptions,
): UnsubackPacket {
  const packetId = readPacketId(reader)
  if (version < 5) return { type: PacketType.unsuback, packetId, codes: [], properties: {} }
  const properties = readPropertyField(reader, PacketType.unsuback, limits)
  const codes = [...reader.rest()]
  for (const code of codes) {
    if (isReasonAllowed(PacketType.unsuback, code)) continue
    throw new ProtocolError(Reason.protocolError, `UNSUBACK with code ${code}`)
  }
  if (codes.length === 0) throw new ProtocolError(Reason.protocolError, 'UNSUBACK without codes')
  return { type: PacketType.unsuback, packetId, codes, properties }
}

export function writeUnsuback(out: ByteWriter, version: Version, packet: UnsubackPacket): void {
  putByte(out, PacketType.unsuback << 4)
  const mark = openLength(out)
  putPacketId(out, packet.packetId)
  if (version === 5) {
    if (packet.codes.length === 0) throw new EncodeError('UNSUBACK without codes')
    writeProperties(out, PacketType.unsuback, packet.properties)
    for (const code of packet.codes) {
      if (!isReasonAllowed(PacketType.unsuback, code))
        throw new EncodeError(`UNSUBACK with code ${code}`)
      putByte(out, code)
    }
  }
  closeLength(out, mark)
}

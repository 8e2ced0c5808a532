/** SUBSCRIBE and SUBACK. */
import { readPacketId, type ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { DecodeOptions } from './decode-options.ts'
import { EncodeError, checkNumber } from './encode-error.ts'
import { closeLength, openLength, putByte, putText, putPacketId } from './fields.ts'
import {
  PacketType,
  type Qos,
  type SubackPacket,
  type SubscribeFilter,
  type SubscribePacket,
  type Version,
} from './packets.ts'
import { readPropertyField, writeProperties } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason, isReasonAllowed } from './reason-codes.ts'

const QOS = 0x03
const NO_LOCAL = 0x04
const RETAIN_AS_PUBLISHED = 0x08
const RETAIN_HANDLING_SHIFT = 4
const SHARED = '$share/'

/** Throws ProtocolError 0x81 or 0x82 on options that cannot be (MQTT 5.0, 3.8.3.1). */
export function readFilter(reader: ByteReader, version: Version): SubscribeFilter {
  const filter = reader.text()
  const options = reader.byte()
  const qos = options & QOS
  const retainHandling = options >> RETAIN_HANDLING_SHIFT
  const noLocal = (options & NO_LOCAL) !== 0
  if (options > (version === 5 ? 0x3f : QOS)) {
    throw new ProtocolError(Reason.malformedPacket, 'reserved subscription options')
  }
  if (qos === 3) {
    const reason = version === 5 ? Reason.protocolError : Reason.malformedPacket
    throw new ProtocolError(reason, 'subscription with QoS 3')
  }
  if (retainHandling === 3) throw new ProtocolError(Reason.protocolError, 'retain handling 3')
  if (noLocal && filter.startsWith(SHARED)) {
    throw new ProtocolError(Reason.protocolError, 'no local on a shared subscription')
  }
  return {
    filter,
    qos: qos as Qos,
    noLocal,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  }
}

/** Throws ProtocolError 0x82 without any filter [MQTT-3.8.3-2]; the syntax of filters is not judged here. */
export function readSubscribe(
  reader: ByteReader,
  version: Version,
  _first: number,
  { limits }: DecodeOptions,
): SubscribePacket {
  const packetId = readPacketId(reader)
  const properties = version === 5 ? readPropertyField(reader, PacketType.subscribe, limits) : {}
  const filters: SubscribeFilter[] = []
  while (!reader.isAtEnd()) filters.push(readFilter(reader, version))
  if (filters.length === 0) throw new ProtocolError(Reason.protocolError, 'SUBSCRIBE to nothing')
  return { type: PacketType.subscribe, packetId, filters, properties }
}

/** Throws EncodeError on what {@link readSubscribe} would refuse. */
export function writeSubscribe(out: ByteWriter, version: Version, packet: SubscribePacket): void {
  if (packet.filters.length === 0) throw new EncodeError('SUBSCRIBE to nothing')
  putByte(out, (PacketType.subscribe << 4) | 2)
  const mark = openLength(out)
  putPacketId(out, packet.packetId)
  if (version === 5) writeProperties(out, PacketType.subscribe, packet.properties)
  for (const { filter, qos, noLocal, retainAsPublished, retainHandling } of packet.filters) {
    checkNumber('QoS', qos, 0, 2)
    checkNumber('retain handling', retainHandling, 0, 2)
    if (version === 5 && noLocal && filter.startsWith(SHARED))
      throw new EncodeError('no local on a shared subscription')
    putText(out, filter)
    const options =
      (noLocal ? NO_LOCAL : 0) |
      (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
      (retainHandling << RETAIN_HANDLING_SHIFT)
    putByte(out, version === 5 ? qos | options : qos)
  }
  closeLength(out, mark)
}

/** Whether a SUBACK may hold `code`: in 3.x a granted QoS, or failure, which 3.1 brokers of today send too. */
function isGranted(version: Version, code: number): boolean {
  if (version === 5) return isReasonAllowed(PacketType.suback, code)
  return code === 0 || code === 1 || code === 2 || code === Reason.unspecifiedError
}

/** Throws ProtocolError 0x82 on a code that is none [MQTT-3.9.3-2] and on a SUBACK without any. */
export function readSuback(
  reader: ByteReader,
  version: Version,
  _first: number,
  { limits }: DecodeOptions,
): SubackPacket {
  const packetId = readPacketId(reader)
  const properties = version === 5 ? readPropertyField(reader, PacketType.suback, limits) : {}
  const codes = [...reader.rest()]
  for (const code of codes) {
    if (isGranted(version, code)) continue
    throw new ProtocolError(Reason.protocolError, `SUBACK with code ${code}`)
  }
  if (codes.length === 0) throw new ProtocolError(Reason.protocolError, 'SUBACK without codes')
  return { type: PacketType.suback, packetId, codes, properties }
}

export function writeSuback(out: ByteWriter, version: Version, packet: SubackPacket): void {
  if (packet.codes.length === 0) throw new EncodeError('SUBACK without codes')
  putByte(out, PacketType.suback << 4)
  const mark = openLength(out)
  putPacketId(out, packet.packetId)
  if (version === 5) writeProperties(out, PacketType.suback, packet.properties)
  for (const code of packet.codes) {
    if (!isGranted(version, code)) throw new EncodeError(`SUBACK with code ${code}`)
    putByte(out, code)
  }
  closeLength(out, mark)
}

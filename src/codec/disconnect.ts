/** DISCONNECT and AUTH. */
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { DecodeOptions } from './decode-options.ts'
import { EncodeError } from './encode-error.ts'
import { closeLength, openLength, putByte } from './fields.ts'
import { PacketType, type AuthPacket, type DisconnectPacket, type Version } from './packets.ts'
import { readPropertyField, writeProperties } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason, isReasonAllowed } from './reason-codes.ts'

type ClosingPacket = DisconnectPacket | AuthPacket

/** DISCONNECT and AUTH are built alike: a reason, then properties, and both may be left out. */
function readClosing<T extends ClosingPacket['type']>(
  type: T,
  reader: ByteReader,
  { fromClient, limits }: DecodeOptions,
) {
  if (reader.isAtEnd()) return { type, reason: 0, properties: {} }
  const reason = reader.byte()
  if (!isReasonAllowed(type, reason, fromClient)) {
    throw new ProtocolError(Reason.protocolError, `packet ${type} with reason ${reason}`)
  }
  const properties = reader.isAtEnd() ? {} : readPropertyField(reader, type, limits)
  return { type, reason, properties }
}

/**
 * Below 5.0 the body is empty. Throws ProtocolError 0x82 on a reason that the sender may not give and on a
 * server that sets the session expiry [MQTT-3.14.2-2].
 */
export function readDisconnect(
  reader: ByteReader,
  version: Version,
  _first: number,
  options: DecodeOptions,
): DisconnectPacket {
  if (version < 5) return { type: PacketType.disconnect, reason: 0, properties: {} }
  const packet = readClosing(PacketType.disconnect, reader, options)
  if (options.fromClient === false && packet.properties.sessionExpirySeconds !== undefined) {
    throw new ProtocolError(Reason.protocolError, 'a server sent a session expiry')
  }
  return packet
}

/** Throws ProtocolError 0x82 without an authentication method, unless the whole body was left out. */
export function readAuth(
  reader: ByteReader,
  _version: Version,
  _first: number,
  options: DecodeOptions,
): AuthPacket {
  const isShort = reader.isAtEnd()
  const packet = readClosing(PacketType.auth, reader, options)
  if (!isShort && packet.properties.authenticationMethod === undefined) {
    throw new ProtocolError(Reason.protocolError, 'AUTH without a method')
  }
  return packet
}

export function writeClosing(out: ByteWriter, version: Version, packet: ClosingPacket): void {
  const { type, reason, properties } = packet
  if (version === 5 && !isReasonAllowed(type, reason))
    throw new EncodeError(`packet ${type} of reason ${reason}`)
  putByte(out, type << 4)
  const mark = openLength(out)
  if (version === 5) {
    putByte(out, reason)
    const propertiesAt = out.length
    writeProperties(out, type, properties)
    // Nothing to say beyond the reason: leave the properties out, and a reason of 0 with them.
    if (out.length === propertiesAt + 1) out.length = reason === 0 ? mark + 1 : propertiesAt
    const isShort = out.length === mark + 1
    if (type === PacketType.auth && !isShort && properties.authenticationMethod === undefined)
      throw new EncodeError('AUTH without a method')
  }
  closeLength(out, mark)
}

/** CONNACK. */
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { DecodeOptions } from './decode-options.ts'
import { EncodeError } from './encode-error.ts'
import { closeLength, openLength, putByte } from './fields.ts'
import { PacketType, type ConnackPacket, type Version } from './packets.ts'
import { readPropertyField, writeProperties } from './properties.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason, isReasonAllowed } from './reason-codes.ts'

const RETURN_CODE_MAX = 5

/**
 * Throws ProtocolError 0x81 on reserved flags [MQTT-3.2.2-1], which 3.1 leaves open with the whole byte;
 * 0x82 on a code that is none and on a refusal that claims a session [MQTT-3.2.2-6].
 */
export function readConnack(
  reader: ByteReader,
  version: Version,
  _first: number,
  { limits }: DecodeOptions,
): ConnackPacket {
  const flags = reader.byte()
  const code = reader.byte()
  if (flags > 1 && version >= 4) throw new ProtocolError(Reason.malformedPacket, 'CONNACK flags')
  if (!isKnown(version, code))
    throw new ProtocolError(Reason.protocolError, `CONNACK with code ${code}`)
  const sessionPresent = version >= 4 && flags === 1
  if (sessionPresent && code !== 0) {
    throw new ProtocolError(Reason.protocolError, 'a refusal that claims a session')
  }
  const properties = version === 5 ? readPropertyField(reader, PacketType.connack, limits) : {}
  if (
    properties.authenticationData !== undefined &&
    properties.authenticationMethod === undefined
  ) {
    throw new ProtocolError(Reason.protocolError, 'authentication data without a method')
  }
  return { type: PacketType.connack, sessionPresent, code, properties }
}

function isKnown(version: Version, code: number): boolean {
  if (version === 5) return isReasonAllowed(PacketType.connack, code)
  return Number.isInteger(code) && code >= 0 && code <= RETURN_CODE_MAX
}

export function writeConnack(out: ByteWriter, version: Version, packet: ConnackPacket): void {
  if (!isKnown(version, packet.code)) throw new EncodeError(`CONNACK with code ${packet.code}`)
  if (packet.sessionPresent && packet.code !== 0 && version >= 4)
    throw new EncodeError('a refusal has no session')
  putByte(out, PacketType.connack << 4)
  const mark = openLength(out)
  putByte(out, packet.sessionPresent && version >= 4 ? 1 : 0)
  putByte(out, packet.code)
  if (version === 5) writeProperties(out, PacketType.connack, packet.properties)
  closeLength(out, mark)
}

/** Any packet, from its bytes to an object. */
import { readAckPacket } from './ack.ts'
import { ByteReader } from './byte-reader.ts'
import { readConnack } from './connack.ts'
import { readConnect } from './connect.ts'
import type { DecodeOptions } from './decode-options.ts'
import { readAuth, readDisconnect } from './disconnect.ts'
import { checkFixedHeader } from './frame.ts'
import { PacketType, type Packet, type PingPacket, type Version } from './packets.ts'
import { ProtocolError } from './protocol-error.ts'
import { readPublish } from './publish.ts'
import { Reason } from './reason-codes.ts'
import { readSuback, readSubscribe } from './subscribe.ts'
import { readUnsuback, readUnsubscribe } from './unsubscribe.ts'

type PacketReader = (
  reader: ByteReader,
  version: Version,
  first: number,
  options: DecodeOptions,
) => Packet

function readPing(_reader: ByteReader, _version: Version, first: number): PingPacket {
  return { type: (first >> 4) as PingPacket['type'] }
}

function readNothing(): never {
  throw new ProtocolError(Reason.malformedPacket, 'packet type 0')
}

/** By packet type. */
const READERS: readonly PacketReader[] = [
  readNothing,
  readConnect,
  readConnack,
  readPublish,
  readAckPacket,
  readAckPacket,
  readAckPacket,
  readAckPacket,
  readSubscribe,
  readSuback,
  readUnsubscribe,
  readUnsuback,
  readPing,
  readPing,
  readDisconnect,
  readAuth,
]

const NO_OPTIONS: DecodeOptions = {}

/**
 * The packet whose first byte is `first` and whose body is `bytes[bodyStart..frameEnd)`, as `readFrame`
 * finds them; never reads outside of that and copies every byte field. `version` is the connection's; a
 * CONNECT names its own.
 * Throws ProtocolError with the reason code to close the connection with: 0x81 what cannot be read, 0x82
 * what must not be said, 0x84 a version we do not speak, 0x94 topic alias 0, 0x97 too many user properties.
 */
export function decodePacket(
  version: Version,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
  options: DecodeOptions = NO_OPTIONS,
): Packet {
  checkFixedHeader(first, first >> 4 === PacketType.connect ? 4 : version)
  const reader = new ByteReader(bytes, bodyStart, frameEnd)
  const packet = READERS[first >> 4](reader, version, first, options)
  reader.finish()
  return packet
}

/** Where the next packet of a stream lies. */
import { PacketType, type Version } from './packets.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason } from './reason-codes.ts'

/**
 * Where one packet lies, filled by {@link readFrame} and reused.
 *
 *     bytes  [ first | remaining length (1..4) | body ............ ]
 *                                        bodyStart ^      frameEnd ^
 */
export interface FrameHeader {
  /** The first byte: packet type and flags. */
  first: number
  /** Index of the body's first byte, -1 while the header is incomplete. */
  bodyStart: number
  /** Index after the packet's last byte, -1 while the header is incomplete. */
  frameEnd: number
}

/**
 * Looks for one packet in `bytes[at..end)` and fills `frame`. True: all of it is there. False: more bytes
 * are needed; `frame.frameEnd` past `end` says how far it reaches, so that its size can be judged before
 * anything is kept for it, and -1 that not even the header is whole.
 * Throws ProtocolError 0x81 on a length of more than four bytes.
 */
export function readFrame(bytes: Uint8Array, at: number, end: number, frame: FrameHeader): boolean {
  frame.bodyStart = -1
  frame.frameEnd = -1
  if (at >= end) return false
  frame.first = bytes[at++]
  if (at >= end) return false
  let byte = bytes[at++]
  let length = byte & 0x7f
  for (let shift = 7; byte >= 0x80; shift += 7) {
    if (shift > 21)
      throw new ProtocolError(Reason.malformedPacket, 'remaining length of over 4 bytes')
    if (at >= end) return false
    byte = bytes[at++]
    length |= (byte & 0x7f) << shift
  }
  frame.bodyStart = at
  frame.frameEnd = at + length
  return frame.frameEnd <= end
}

/** How long the packet at `at` is, as its header says; -1: it does not say that yet, or nothing that may be. */
export function announcedBytes(bytes: Uint8Array, at: number, end: number): number {
  let length = 0
  for (let index = 1; index <= 4 && at + index < end; index++) {
    const byte = bytes[at + index]
    length |= (byte & 0x7f) << (7 * (index - 1))
    if (byte < 0x80) return 1 + index + length
  }
  return -1
}

/** Is the remaining length between `at` and `bodyStart` longer than needed, its last byte a zero? */
export function isPadded(bytes: Uint8Array, at: number, bodyStart: number): boolean {
  return bodyStart - at > 2 && bytes[bodyStart - 1] === 0
}

/** Throws ProtocolError 0x81 on a padded remaining length, which 5.0 forbids [MQTT-1.5.5-1] and 3.x does not. */
export function checkPadding(
  version: Version,
  bytes: Uint8Array,
  at: number,
  bodyStart: number,
): void {
  if (version === 5 && isPadded(bytes, at, bodyStart))
    throw new ProtocolError(Reason.malformedPacket, 'remaining length is padded')
}

/** The low nibble that the standard asks of each type; PUBLISH has its own rules (MQTT 5.0, 2.1.3). */
const RESERVED_FLAGS = Uint8Array.of(0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0)

/**
 * Throws ProtocolError 0x81 when the first byte of a packet cannot be: types 0 and, below 5.0, 15; reserved
 * flags [MQTT-2.1.3-1], which 3.1 leaves open except in CONNECT; PUBLISH with QoS 3 [MQTT-3.3.1-4] or
 * with DUP at QoS 0 [MQTT-3.3.1-2].
 */
export function checkFixedHeader(first: number, version: Version): void {
  if (IS_WRONG[(version << 8) | first] === 0) return
  throw new ProtocolError(Reason.malformedPacket, problemOf(first, version) ?? '')
}

/** null: it may be. */
function problemOf(first: number, version: number): string | null {
  const type = first >> 4
  if (type === PacketType.publish) {
    if ((first & 6) === 6) return 'PUBLISH with QoS 3'
    return (first & 0xe) === 8 ? 'DUP at QoS 0' : null
  }
  if (type === 0 || (type === PacketType.auth && version < 5)) return `packet type ${type}`
  const mayBe =
    (first & 15) === RESERVED_FLAGS[type] || (version < 4 && type !== PacketType.connect)
  return mayBe ? null : `reserved flags 0x${first.toString(16)}`
}

/**
 * By version and first byte, 1: it cannot be. Every packet is asked, and a branch that is new to V8 has it compile once more
 * all that it has put around it.
 */
const IS_WRONG = Uint8Array.from({ length: 6 << 8 }, (_, index) =>
  problemOf(index & 0xff, index >> 8) === null ? 0 : 1,
)

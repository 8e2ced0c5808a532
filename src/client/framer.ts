/**
 * Chunks into packets.
 *
 *     chunk  [ rest of a packet | packet | packet | begin of one ]
 *                   ▼                              ▼
 *            completes `partial`            kept in `partial`
 *
 * Whole packets are handled where they lie; nothing is allocated for what a length field merely announces.
 */
import { ByteWriter } from '../codec/byte-writer.ts'
import { readFrame, type FrameHeader } from '../codec/frame.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { Reason } from '../codec/reason-codes.ts'

const PARTIAL_BYTES = 256
/** A partial packet's array larger than this is given back when the packet is through. */
const PARTIAL_KEEP_BYTES = 256 * 1024

/** Takes one packet, `bytes[start..end)`; false: nothing more is wanted. */
export type TakePacket = (
  first: number,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
) => boolean

export class Framer {
  private partial = new ByteWriter(new Uint8Array(PARTIAL_BYTES))
  private readonly frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
  private readonly packetBytesMax: number

  constructor(packetBytesMax: number) {
    this.packetBytesMax = packetBytesMax
  }

  /**
   * Hands every whole packet of `bytes[start..end)` to `take`, and keeps what is left for the next call. Throws
   * ProtocolError 0x81 on a length that is none, 0x95 on a packet of more than the maximum.
   */
  push(bytes: Uint8Array, start: number, end: number, take: TakePacket): void {
    const { frame } = this
    let at = start
    if (this.partial.length > 0) {
      at = this.complete(bytes, start, end, take)
      if (at < 0) return
    }
    while (at < end) {
      const whole = readFrame(bytes, at, end, frame)
      this.judge(at)
      if (!whole) break
      const { first, bodyStart, frameEnd } = frame
      if (!take(first, bytes, at, bodyStart, frameEnd)) return
      at = frameEnd
    }
    if (at < end) this.partial.append(bytes, at, end)
  }

  private judge(at: number): void {
    if (this.frame.frameEnd - at > this.packetBytesMax) {
      throw new ProtocolError(Reason.packetTooLarge, 'packet is larger than the maximum')
    }
  }

  /** Returns where the next packet starts, -1 when `bytes` are used up or nothing more is wanted. */
  private complete(bytes: Uint8Array, start: number, end: number, take: TakePacket): number {
    const { partial, frame } = this
    let at = start
    // At most five bytes tell how long the packet is.
    while (!readFrame(partial.bytes, 0, partial.length, frame) && frame.frameEnd < 0) {
      if (at === end) return -1
      partial.append(bytes, at, ++at)
    }
    this.judge(0)
    const stop = Math.min(end, at + frame.frameEnd - partial.length)
    partial.append(bytes, at, stop)
    if (partial.length < frame.frameEnd) return -1
    const whole = partial.bytes
    partial.length = 0
    if (whole.length > PARTIAL_KEEP_BYTES) {
      this.partial = new ByteWriter(new Uint8Array(PARTIAL_BYTES))
    }
    const more = take(frame.first, whole, 0, frame.bodyStart, frame.frameEnd)
    return more ? stop : -1
  }
}

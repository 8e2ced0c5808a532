/** Encoded frames of one message, shared by its receivers. */
import type { Version } from '../../codec/packets.ts'
import type { Message } from '../../ports/message.ts'
import { Run } from './run.ts'

/** Where a frame lies that can be copied for the next receiver with the same version, QoS and retain. */
export interface Shape {
  serial: number
  bytes: Uint8Array
  start: number
  end: number
  /** Offset of the packet identifier from `start`, -1 without. */
  idOffset: number
}

const NO_BYTES = new Uint8Array(0)

/**
 * The frames of the message being fanned out, one slot a shape. The first receiver of a shape pays for the
 * encoding, the others copy its bytes from wherever they were written; when the frame that came in has the
 * wanted shape, nobody encodes at all. Slots are good for one `serial`: a new message, or a flush that may
 * have given the bytes away, makes all of them stale.
 */
export class Shapes {
  serial = 1
  /** Frames that go out as they came in, not copied yet. */
  readonly run = new Run()
  private readonly slots: Shape[] = Array.from({ length: 16 }, () => ({
    serial: 0,
    bytes: NO_BYTES,
    start: 0,
    end: 0,
    idOffset: -1,
  }))

  /** `flags`: QoS and retain, as in the first byte of the frame. */
  slot(version: Version, flags: number): Shape {
    return this.slots[(version === 5 ? 8 : 0) | flags]
  }

  /** A new message: forgets the frames of the last, knows the one that came in. */
  begin(message: Message): void {
    this.serial++
    if (message.frameVersion === 0) return
    const idOffset = message.qos === 0 ? -1 : message.topicEnd - message.frameStart
    const flags = message.qos << 1
    this.fill(message.frameVersion, flags, message, idOffset)
    if (message.retain) this.fill(message.frameVersion, flags | 1, message, idOffset)
  }

  private fill(version: Version, flags: number, message: Message, idOffset: number): void {
    const slot = this.slot(version, flags)
    slot.serial = this.serial
    slot.bytes = message.payload
    slot.start = message.frameStart
    slot.end = message.frameEnd
    slot.idOffset = idOffset
  }
}

/**
 * Frames on their way from where they came in to one receiver's output. Those that lie one behind the other in both are
 * copied together, when the last of them is known: a copy costs as much as all else that is done for a small message.
 *
 *     chunk    [ … | frame | frame | frame | … ]        as they came
 *                  └────────── start .. end ──┘
 *     output   [ … |  room | room  | room  ]             reserved and counted, filled by settle()
 *                at ^
 *
 * Whoever appends behind the room need not know. Who reads the output, gives it away, or ends the chunk's life settles first.
 */
import { copyBytes, LOOP_BYTES_MAX, type ByteWriter } from '../../codec/byte-writer.ts'

const NO_BYTES = new Uint8Array(0)

/** Packet identifiers that one run takes. */
const IDS_MAX = 2048

export class Run {
  private writer: ByteWriter | null = null
  private source: Uint8Array = NO_BYTES
  private start = 0
  private end = 0
  private at = 0
  /** Where in the output packet identifiers go that are not those that came, and which. */
  private readonly places = new Uint32Array(IDS_MAX)
  private readonly ids = new Uint16Array(IDS_MAX)
  private idCount = 0
  /** `viewed[from..to)`, whatever lies there by now. */
  private view: Uint8Array | null = null
  private viewed: Uint8Array = NO_BYTES
  private from = 0
  private to = 0

  /**
   * Appends the frame `source[start..end)` to `writer`. `packetId`, 0 none, is written `idOffset` behind its start. The
   * source must not change before {@link settle}.
   */
  add(
    writer: ByteWriter,
    source: Uint8Array,
    start: number,
    end: number,
    packetId: number,
    idOffset: number,
  ): void {
    writer.reserve(end - start)
    const { length } = writer
    if (!this.goesOn(writer, source, start)) {
      this.settle()
      this.writer = writer
      this.source = source
      this.start = start
      this.at = length
    }
    this.end = end
    if (packetId > 0) {
      this.places[this.idCount] = length + idOffset
      this.ids[this.idCount++] = packetId
    }
    writer.length = length + end - start
  }

  private goesOn(writer: ByteWriter, source: Uint8Array, start: number): boolean {
    return (
      this.writer === writer &&
      this.end === start &&
      this.source === source &&
      this.idCount < IDS_MAX &&
      this.at + start - this.start === writer.length
    )
  }

  /** One frame goes to many receivers: the view that a copy needs is made once. */
  private viewOf(source: Uint8Array, start: number, end: number): Uint8Array {
    if (this.view === null || this.viewed !== source || this.from !== start || this.to !== end) {
      this.view = source.subarray(start, end)
      this.viewed = source
      this.from = start
      this.to = end
    }
    return this.view
  }

  /** Copies what is owed. */
  settle(): void {
    const { writer, source, start, end, at, places, ids, idCount } = this
    if (writer === null) return
    this.writer = null
    const { bytes } = writer
    if (end - start > LOOP_BYTES_MAX) bytes.set(this.viewOf(source, start, end), at)
    else copyBytes(source, start, end, bytes, at)
    this.idCount = 0
    for (let index = 0; index < idCount; index++) {
      bytes[places[index]] = ids[index] >> 8
      bytes[places[index] + 1] = ids[index]
    }
  }
}

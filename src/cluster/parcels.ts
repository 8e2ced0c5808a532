/**
 * Messages to other nodes, together: what one call from the network brings for a node goes there as one message of NATS, a
 * parcel. Each on its own would cost some 20 µs at both ends and on every server between.
 *
 *     parcel:  length (4 bytes, little-endian) │ item │ length │ item │ …
 */
import { ByteWriter } from '../codec/byte-writer.ts'
import { RecordError } from '../store/level/records.ts'

const LENGTH_BYTES = 4
/** A parcel that has grown to this goes at once, where the servers take as much. */
const FULL_BYTES = 64 * 1024
const FIRST_BYTES = 1024

export class Parcels {
  private readonly send: (node: string, bytes: Uint8Array) => void
  private readonly bytesMax: () => number
  private readonly writers = new Map<string, ByteWriter>()
  private isScheduled = false

  /** `send` keeps what it is given, and drops what is larger than `bytesMax`. */
  constructor(send: (node: string, bytes: Uint8Array) => void, bytesMax: () => number) {
    this.send = send
    this.bytesMax = bytesMax
  }

  /** Adds what `write` appends. */
  add(node: string, write: (writer: ByteWriter) => void): void {
    let writer = this.writers.get(node)
    if (writer === undefined)
      this.writers.set(node, (writer = new ByteWriter(new Uint8Array(FIRST_BYTES))))
    const start = writer.length
    writer.reserve(LENGTH_BYTES)
    writer.length += LENGTH_BYTES
    write(writer)
    const view = new DataView(writer.bytes.buffer, writer.bytes.byteOffset)
    view.setUint32(start, writer.length - start - LENGTH_BYTES, true)
    if (writer.length >= Math.min(FULL_BYTES, this.bytesMax())) this.sendFull(node, writer, start)
    else this.schedule()
  }

  /** What is to come after those messages is sent after this. */
  flush(): void {
    for (const [node, writer] of this.writers) {
      if (writer.length > 0) this.send(node, writer.bytes.slice(0, writer.length))
      writer.length = 0
    }
  }

  forget(node: string): void {
    this.writers.delete(node)
  }

  /** One that is large goes alone: it may be too large for NATS, by itself or with the others, which are not. */
  private sendFull(node: string, writer: ByteWriter, lastStart: number): void {
    this.writers.delete(node)
    const isSmall = writer.length - lastStart < FULL_BYTES
    if (isSmall && writer.length <= this.bytesMax()) lastStart = writer.length
    if (lastStart > 0) this.send(node, writer.bytes.subarray(0, lastStart))
    if (lastStart < writer.length) this.send(node, writer.bytes.subarray(lastStart, writer.length))
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    queueMicrotask(() => {
      this.isScheduled = false
      this.flush()
    })
  }
}

/** Calls `take` with each item of a parcel, a copy. Throws RecordError. */
export function openParcel(parcel: Uint8Array, take: (item: Uint8Array) => void): void {
  const view = new DataView(parcel.buffer, parcel.byteOffset, parcel.length)
  for (let at = 0; at < parcel.length;) {
    const start = at + LENGTH_BYTES
    if (start > parcel.length) throw new RecordError('a parcel ends within a length')
    at = start + view.getUint32(at, true)
    if (at > parcel.length) throw new RecordError('an item is longer than its parcel')
    // `slice` of a Buffer is no copy.
    take(new Uint8Array(parcel.subarray(start, at)))
  }
}

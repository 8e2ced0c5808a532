/**
 * Chunks into packets.
 *
 *     chunk  [ rest of a packet | packet | packet | packet | begin of one ]
 *                   ▼                                           ▼
 *            completes a CutPacket                     begins the next one
 *
 * Whole packets are handled where they lie; only a packet that is cut is copied, and nothing is allocated for what a
 * length field merely announces.
 */
import { copyBytes } from './byte-writer.ts'
import { readFrame, type FrameHeader } from './frame.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reason } from './reason-codes.ts'

/** The first array of a partial packet, at least; and the arrays of a long one. */
const FIRST_BYTES = 256
const CHUNK_BYTES = 64 * 1024

/** So many arrays of a size are kept for the next packet: one of 2 MiB leaves none to the collector. */
const SPARE_MAX = 32

/** Arrays for a whole packet: the largest, and what those beyond {@link CHUNK_BYTES} that are kept have in all. */
const WHOLE_BYTES_MAX = 2 << 20
const WHOLE_SPARE_BYTES_MAX = 8 << 20

const NO_BYTES = new Uint8Array(0)

/** Arrays that packets had no use for any more, for the next ones: a fast sender cuts a packet at the end of every read. */
export class SpareArrays {
  /** By the power of two that their size is. */
  private readonly bySize: Uint8Array[][] = Array.from({ length: 22 }, () => [])
  private wholeBytes = 0

  /** One of `bytes`, a power of two up to 64 KiB; what it holds is anything. */
  take(bytes: number): Uint8Array {
    return this.bySize[31 - Math.clz32(bytes)].pop() ?? new Uint8Array(bytes)
  }

  /** One that `bytes` fit in, of those that are there; null: none is. */
  takeWhole(bytes: number): Uint8Array | null {
    if (bytes <= CHUNK_BYTES || bytes > WHOLE_BYTES_MAX) return null
    const array = this.bySize[32 - Math.clz32(bytes - 1)].pop() ?? null
    if (array !== null) this.wholeBytes -= array.length
    return array
  }

  /** One that `bytes` fit in, of any number. */
  room(bytes: number): Uint8Array {
    if (bytes > WHOLE_BYTES_MAX) return new Uint8Array(bytes)
    const size = 1 << (32 - Math.clz32(bytes - 1))
    return size <= CHUNK_BYTES ? this.take(size) : (this.takeWhole(bytes) ?? new Uint8Array(size))
  }

  give(array: Uint8Array): void {
    const { length } = array
    if (length === 0 || length > WHOLE_BYTES_MAX) return
    const spare = this.bySize[31 - Math.clz32(length)]
    if (spare.length >= SPARE_MAX) return
    if (length > CHUNK_BYTES) {
      if (this.wholeBytes + length > WHOLE_SPARE_BYTES_MAX) return
      this.wholeBytes += length
    }
    spare.push(array)
  }

  /** How many of `bytes` there are. */
  countOf(bytes: number): number {
    return this.bySize[31 - Math.clz32(bytes)].length
  }
}

/**
 * Bytes that wait for more, in arrays each as large as all before it, up to 64 KiB: what is there is never moved while it
 * grows, so a packet of megabytes leaves no arrays behind that it has outgrown.
 *
 *     full  [ 256 ][ 256 ][ 512 ] … [ 64 KiB ][ 64 KiB ]    last  [ used ....... | free ]
 *
 * Where an earlier packet has left an array that all of it fits in, it comes to lie there, and need not be joined.
 */
export class CutPacket {
  length = 0
  /** Bytes that its arrays take. */
  capacity = 0
  private full: Uint8Array[] | null = null
  private last: Uint8Array = NO_BYTES
  private used = 0
  private readonly spare: SpareArrays

  /** `spare`: where its arrays come from; {@link clear} puts them back there. */
  constructor(spare: SpareArrays) {
    this.spare = spare
  }

  /** So many bytes are to come in all; to be said before the first of them. Nothing is allocated for that. */
  expect(bytes: number): void {
    const array = this.spare.takeWhole(bytes)
    if (array === null) return
    this.last = array
    this.capacity = array.length
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    while (start < end) {
      if (this.used === this.last.length) this.open(end - start)
      const count = Math.min(end - start, this.last.length - this.used)
      copyBytes(bytes, start, start + count, this.last, this.used)
      this.used += count
      this.length += count
      start += count
    }
  }

  /** Where the first packet begins: its header lies in here as a whole. */
  get head(): Uint8Array {
    return this.full === null ? this.last : this.full[0]
  }

  /** Fills `frame` for the first packet; true: all of it is there. Throws as `readFrame` does. */
  readFrame(frame: FrameHeader): boolean {
    const { head, length } = this
    readFrame(head, 0, Math.min(length, head.length), frame)
    return frame.frameEnd >= 0 && frame.frameEnd <= length
  }

  /**
   * Takes from `bytes[at..end)` what the first packet's header lacks, and fills `frame`; returns where to go on.
   * Throws as `readFrame` does.
   */
  completeHeader(bytes: Uint8Array, at: number, end: number, frame: FrameHeader): number {
    // At most five bytes tell how long the packet is.
    while (!this.readFrame(frame) && frame.frameEnd < 0 && at < end) this.append(bytes, at, ++at)
    return at
  }

  /** How many bytes the packet of `frame` still lacks, as far as that is known. */
  missing({ frameEnd }: FrameHeader): number {
    return Math.max(0, frameEnd - this.length)
  }

  /** All bytes in one array, [0..length): to be given back to the spare ones, if it is not {@link head}. */
  join(): Uint8Array {
    if (this.full === null) return this.last
    const joined = this.spare.room(this.length)
    let at = 0
    for (const array of this.full) {
      joined.set(array, at)
      at += array.length
    }
    copyBytes(this.last, 0, this.used, joined, at)
    return joined
  }

  /** Empty again; what {@link join} returned may be written over from now on. */
  clear(): void {
    this.spare.give(this.last)
    if (this.full !== null) for (const array of this.full) this.spare.give(array)
    this.full = null
    this.last = NO_BYTES
    this.length = this.used = this.capacity = 0
  }

  private open(count: number): void {
    if (this.used > 0) (this.full ??= []).push(this.last)
    const wanted = Math.max(FIRST_BYTES, Math.min(CHUNK_BYTES, Math.max(this.length, count)))
    const bytes = 1 << (32 - Math.clz32(wanted - 1))
    this.last = this.spare.take(bytes)
    this.used = 0
    this.capacity += bytes
  }
}

/** Takes one packet, `bytes[start..end)`; false: nothing more is wanted. */
export type TakePacket = (
  first: number,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
) => boolean

/** The packets of one stream that is read as it comes. */
export class Framer {
  private readonly spare = new SpareArrays()
  private cut = new CutPacket(this.spare)
  private readonly frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
  private readonly packetBytesMax: number

  constructor(packetBytesMax: number) {
    this.packetBytesMax = packetBytesMax
  }

  /**
   * Hands every whole packet of `bytes[start..end)` to `take`, and keeps what is left for the next call; nothing when
   * nothing more was wanted. Throws ProtocolError 0x81 on a length that is none, 0x95 on a packet of more than the maximum.
   */
  push(bytes: Uint8Array, start: number, end: number, take: TakePacket): void {
    let at = start
    if (this.cut.length > 0) at = this.complete(bytes, start, end, take)
    if (at < 0) return
    const { frame } = this
    while (at < end) {
      const isWhole = readFrame(bytes, at, end, frame)
      this.judge(at)
      if (!isWhole) break
      const { first, bodyStart, frameEnd } = frame
      if (!take(first, bytes, at, bodyStart, frameEnd)) return
      at = frameEnd
    }
    if (at < end) this.begin(bytes, at, end)
  }

  /** The packet at `at` is not whole, its header perhaps. */
  private begin(bytes: Uint8Array, at: number, end: number): void {
    const { cut, frame } = this
    if (frame.frameEnd > 0) cut.expect(frame.frameEnd - at)
    cut.append(bytes, at, end)
  }

  /** Returns where the next packet starts, -1 when nothing more is wanted. */
  private complete(bytes: Uint8Array, start: number, end: number, take: TakePacket): number {
    const { cut, frame } = this
    const at = cut.completeHeader(bytes, start, end, frame)
    this.judge(0)
    const next = Math.min(end, at + cut.missing(frame))
    cut.append(bytes, at, next)
    if (frame.frameEnd < 0 || cut.length < frame.frameEnd) return next
    // Whoever takes it may bring more.
    this.cut = new CutPacket(this.spare)
    const joined = cut.join()
    const isMoreWanted = take(frame.first, joined, 0, frame.bodyStart, frame.frameEnd)
    if (joined !== cut.head) this.spare.give(joined)
    cut.clear()
    return isMoreWanted ? next : -1
  }

  private judge(at: number): void {
    if (this.frame.frameEnd - at > this.packetBytesMax)
      throw new ProtocolError(Reason.packetTooLarge, 'packet is larger than the maximum')
  }
}

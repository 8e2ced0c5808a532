/**
 * Bytes between two threads: calls and events one behind the other in one array, which is handed over, not copied, once a
 * turn. Numbers are little endian; a text is its length (4 bytes) and UTF-8.
 *
 *     [ op | arguments ][ op | arguments ] …
 */
import { ByteWriter } from '../codec/byte-writer.ts'
import type { Qos } from '../codec/packets.ts'
import { decodeUtf8, encodedLength, writeUtf8 } from '../codec/utf8.ts'
import { Message, Slab } from '../ports/message.ts'

/** Of a bundle: as many as the last one had, within these. */
const FIRST_BYTES = 16 * 1024
const FIRST_BYTES_MAX = 1024 * 1024
const NULL_LENGTH = 0xffffffff

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export class WireWriter {
  private out = new ByteWriter(new Uint8Array(FIRST_BYTES))
  private publisher: string | null = null
  private user: string | null = null
  private origin: string | null = null
  /** Where the length of the run stands that is being written; -1: none is. */
  private runAt = -1
  private readonly onFirst: () => void

  /** `onFirst`: something is there to be sent. */
  constructor(onFirst: () => void) {
    this.onFirst = onFirst
  }

  /** How many bytes wait. */
  get length(): number {
    return this.out.length
  }

  /** All that was written, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    this.endRun()
    const { bytes, length } = this.out
    const next = Math.min(FIRST_BYTES_MAX, Math.max(FIRST_BYTES, length + (length >> 2)))
    this.out = new ByteWriter(new Uint8Array(next))
    // What goes over should not hold much more than it says.
    const isFull = length * 2 >= bytes.length
    return (isFull ? bytes.subarray(0, length) : bytes.slice(0, length)) as Uint8Array<ArrayBuffer>
  }

  /** Begins a call or an event; `count`: bytes that follow at most, but for texts and messages. */
  op(code: number, count = 0): void {
    this.endRun()
    if (this.out.length === 0) this.onFirst()
    this.out.reserve(1 + count)
    this.out.bytes[this.out.length++] = code
  }

  u8(value: number): void {
    this.out.reserve(1)
    this.out.bytes[this.out.length++] = value
  }

  u32(value: number): void {
    const { out } = this
    out.reserve(4)
    const { bytes, length } = out
    bytes[length] = value
    bytes[length + 1] = value >>> 8
    bytes[length + 2] = value >>> 16
    bytes[length + 3] = value >>> 24
    out.length += 4
  }

  /** Bytes of any number that follow, until the next op: {@link extendRun}. */
  beginRun(): void {
    this.u32(0)
    this.runAt = this.out.length - 4
  }

  get isInRun(): boolean {
    return this.runAt >= 0
  }

  extendRun(bytes: Uint8Array, start: number, end: number): void {
    this.out.append(bytes, start, end)
  }

  private endRun(): void {
    const { out, runAt } = this
    if (runAt < 0) return
    this.runAt = -1
    const { length } = out
    out.length = runAt
    this.u32(length - runAt - 4)
    out.length = length
  }

  /** A whole number up to 2^53, or -1. */
  number(value: number): void {
    this.u32(value >>> 0)
    this.u32(Math.floor(value / 4294967296) >>> 0)
  }

  /** Any number, Infinity too. */
  double(value: number): void {
    const { out } = this
    out.reserve(8)
    new DataView(out.bytes.buffer, out.bytes.byteOffset + out.length).setFloat64(0, value, true)
    out.length += 8
  }

  text(value: string | null): void {
    if (value === null) return this.u32(NULL_LENGTH)
    const size = encodedLength(value)
    this.u32(size)
    this.out.reserve(size)
    writeUtf8(value, this.out.bytes, this.out.length)
    this.out.length += size
  }

  /** Anything that JSON can say. */
  json(value: unknown): void {
    this.text(JSON.stringify(value))
  }

  message(message: Message): void {
    const { out } = this
    const flags = message.qos | (message.retain ? 4 : 0)
    const expires = message.expiresAtMs !== Infinity
    const isMade = message.madeAtMs !== 0
    const isOther = !this.isLastAuthor(message)
    this.u8(flags | (expires ? 8 : 0) | (isMade ? 16 : 0) | (isOther ? 32 : 0))
    if (expires) this.double(message.expiresAtMs)
    if (isMade) this.double(message.madeAtMs)
    if (isOther) this.author(message)
    this.u32(message.topicEnd - message.topicStart)
    this.u32(message.propertiesEnd - message.propertiesStart)
    this.u32(message.payloadEnd - message.payloadStart)
    out.append(message.topic, message.topicStart, message.topicEnd)
    out.append(message.properties, message.propertiesStart, message.propertiesEnd)
    out.append(message.payload, message.payloadStart, message.payloadEnd)
  }

  /** Whether {@link author} was told this one last. */
  isLastAuthor({ publisher, publisherUser, publisherOrigin }: Message): boolean {
    return (
      publisher === this.publisher && publisherUser === this.user && publisherOrigin === this.origin
    )
  }

  /** The other end remembers who published last. */
  author({ publisher, publisherUser, publisherOrigin }: Message): void {
    this.text((this.publisher = publisher))
    this.text((this.user = publisherUser))
    this.text((this.origin = publisherOrigin))
  }
}

/** A text that was read last from a place where the same one comes often. */
interface Known {
  bytes: Uint8Array
  text: string
}

const nothing = (): Known => ({ bytes: new Uint8Array(0), text: '' })

export class WireReader {
  private bytes: Uint8Array = new Uint8Array(0)
  private view = new DataView(this.bytes.buffer)
  private at = 0
  private readonly borrowed = new Message(new Slab())
  private readonly topic = nothing()
  private publisher = ''
  private user: string | null = null
  private origin = ''

  open(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = 0
  }

  isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }

  u8(): number {
    return this.bytes[this.at++]
  }

  u32(): number {
    const value = this.view.getUint32(this.at, true)
    this.at += 4
    return value
  }

  number(): number {
    const low = this.u32()
    const high = this.u32()
    return (high | 0) * 4294967296 + low
  }

  double(): number {
    const value = this.view.getFloat64(this.at, true)
    this.at += 8
    return value
  }

  text(): string {
    return this.textOrNull() ?? ''
  }

  textOrNull(): string | null {
    const size = this.u32()
    if (size === NULL_LENGTH) return null
    const start = this.at
    this.at += size
    return decodeText(this.bytes, start, this.at)
  }

  json(): unknown {
    return JSON.parse(this.text())
  }

  /** A message; `isKept` false: one that borrows the bytes, and is the reader's again with the next. */
  message(isKept: boolean): Message {
    const message = isKept ? new Message() : this.borrowed
    if (!isKept) message.reuse()
    const flags = this.u8()
    message.qos = (flags & 3) as Qos
    message.retain = (flags & 4) !== 0
    message.expiresAtMs = flags & 8 ? this.double() : Infinity
    message.madeAtMs = flags & 16 ? this.double() : 0
    if (flags & 32) this.readAuthor()
    this.signLast(message)
    const topicBytes = this.u32()
    const propertiesBytes = this.u32()
    const payloadBytes = this.u32()
    const start = this.at
    this.at += topicBytes
    const topicName = this.same(this.topic, start, this.at)
    this.at += propertiesBytes + payloadBytes
    const bytes = isKept ? this.bytes.slice(start, this.at) : this.bytes
    message.lay(bytes, isKept ? 0 : start, topicBytes, propertiesBytes, payloadBytes)
    message.topicName = topicName
    message.borrowed = !isKept
    return message
  }

  /** Who published what follows, as {@link WireWriter.author} has said. */
  readAuthor(): void {
    this.publisher = this.text()
    this.user = this.textOrNull()
    this.origin = this.text()
  }

  /** Makes the author that was read last the message's. */
  signLast(message: Message): void {
    message.publisher = this.publisher
    message.publisherUser = this.user
    message.publisherOrigin = this.origin
  }

  /** What is being read. */
  get allBytes(): Uint8Array {
    return this.bytes
  }

  /** Goes on behind `length` bytes; returns where they begin in {@link allBytes}. */
  skip(length: number): number {
    this.at += length
    return this.at - length
  }

  private same(known: Known, start: number, end: number): string {
    const { bytes } = known
    if (bytes.length === end - start) {
      let index = 0
      while (index < bytes.length && bytes[index] === this.bytes[start + index]) index++
      if (index === bytes.length) return known.text
    }
    known.bytes = this.bytes.slice(start, end)
    known.text = decodeText(this.bytes, start, end)
    return known.text
  }
}

/** The fast one for the common case alone: it refuses what no MQTT text may hold, and names of bridges do. */
function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (start === end) return ''
  for (let at = start; at < end; at++)
    if (bytes[at] < 0x20 || bytes[at] >= 0x7f) return decoder.decode(bytes.subarray(start, end))
  return decodeUtf8(bytes, start, end)
}

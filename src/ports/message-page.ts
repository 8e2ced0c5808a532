/**
 * Small messages as bytes, many in one array: a `Message` is an object of 250 bytes that the collector has to look at.
 *
 *     bytes  [ flags | author | lengths of topic, properties, payload | [expiry] [made] topic properties payload | flags … ]
 *              ^ at                                                                                                ^ used
 */
import { copyBytes } from '../codec/byte-writer.ts'
import type { Qos } from '../codec/packets.ts'
import type { Message } from './message.ts'

/** What a page takes: so that each length is one byte. */
export const PAGED_MESSAGE_MAX = 255
/** So that the number of each is one byte. */
const AUTHORS_MAX = 256

const HEAD_BYTES = 5
const TIME_BYTES = 8

const QOS_BITS = 3
const RETAIN = 4
const EXPIRES = 8
const DROPPED = 16
const MADE = 32

interface Author {
  readonly publisher: string
  readonly user: string | null
  readonly origin: string
}

export class MessagePage {
  readonly bytes: Uint8Array
  used = 0
  /** Bytes of what was not dropped. */
  wanted = 0
  /** Who published what is in it; most publish several in a row. */
  private readonly authors: Author[] = []

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
  }

  /** Writes `message`, of up to {@link PAGED_MESSAGE_MAX} bytes, which may borrow; returns where, -1: there is no room. */
  put(message: Message): number {
    const { topic, topicStart, topicEnd, properties, propertiesStart, propertiesEnd } = message
    const { payload, payloadStart, payloadEnd, size, expiresAtMs, madeAtMs } = message
    const { bytes, used } = this
    const expires = expiresAtMs !== Infinity
    const flags =
      message.qos |
      (message.retain ? RETAIN : 0) |
      (expires ? EXPIRES : 0) |
      (madeAtMs > 0 ? MADE : 0)
    let at = used + headBytes(flags)
    if (at + size > bytes.length) return -1
    const author = this.authorOf(message)
    if (author < 0) return -1
    bytes[used] = flags
    bytes[used + 1] = author
    bytes[used + 2] = topicEnd - topicStart
    bytes[used + 3] = propertiesEnd - propertiesStart
    bytes[used + 4] = payloadEnd - payloadStart
    if (expires) writeTime(bytes, used + HEAD_BYTES, expiresAtMs)
    if (madeAtMs > 0) writeTime(bytes, at - TIME_BYTES, madeAtMs)
    copyBytes(topic, topicStart, topicEnd, bytes, at)
    at += topicEnd - topicStart
    copyBytes(properties, propertiesStart, propertiesEnd, bytes, at)
    at += propertiesEnd - propertiesStart
    copyBytes(payload, payloadStart, payloadEnd, bytes, at)
    this.used = at + payloadEnd - payloadStart
    this.wanted += this.used - used
    return used
  }

  /** Makes `message` stand on the bytes that lie here; returns it. */
  read(at: number, message: Message): Message {
    const { bytes } = this
    const flags = bytes[at]
    const author = this.authors[bytes[at + 1]]
    const start = at + headBytes(flags)
    message.qos = (flags & QOS_BITS) as Qos
    message.retain = (flags & RETAIN) !== 0
    message.publisher = author.publisher
    message.publisherUser = author.user
    message.publisherOrigin = author.origin
    message.expiresAtMs = flags & EXPIRES ? readTime(bytes, at + HEAD_BYTES) : Infinity
    message.madeAtMs = flags & MADE ? readTime(bytes, start - TIME_BYTES) : 0
    message.lay(bytes, start, bytes[at + 2], bytes[at + 3], bytes[at + 4])
    return message
  }

  payloadLength(at: number): number {
    return this.bytes[at + 4]
  }

  /** The message is not wanted any more. */
  drop(at: number): void {
    this.wanted -= this.lengthAt(at)
    this.bytes[at] |= DROPPED
  }

  /** Where those lie that were not dropped. */
  *places(): IterableIterator<number> {
    for (let at = 0; at < this.used; at += this.lengthAt(at))
      if ((this.bytes[at] & DROPPED) === 0) yield at
  }

  /** Empties it; only where nobody stands on its bytes. */
  reset(): void {
    this.used = 0
    this.wanted = 0
    this.authors.length = 0
  }

  private lengthAt(at: number): number {
    const { bytes } = this
    return headBytes(bytes[at]) + bytes[at + 2] + bytes[at + 3] + bytes[at + 4]
  }

  /** The number of its author; -1: there are too many. */
  private authorOf(message: Message): number {
    const { authors } = this
    const { publisher, publisherUser: user, publisherOrigin: origin } = message
    const last = authors.length - 1
    if (last >= 0) {
      const author = authors[last]
      if (author.publisher === publisher && author.user === user && author.origin === origin)
        return last
    }
    if (authors.length === AUTHORS_MAX) return -1
    return authors.push({ publisher, user, origin }) - 1
  }
}

/** Bytes in front of the topic. */
function headBytes(flags: number): number {
  return HEAD_BYTES + (flags & EXPIRES ? TIME_BYTES : 0) + (flags & MADE ? TIME_BYTES : 0)
}

const time = new Float64Array(1)
const timeBytes = new Uint8Array(time.buffer)

function writeTime(bytes: Uint8Array, at: number, ms: number): void {
  time[0] = ms
  bytes.set(timeBytes, at)
}

function readTime(bytes: Uint8Array, at: number): number {
  timeBytes.set(bytes.subarray(at, at + TIME_BYTES))
  return time[0]
}

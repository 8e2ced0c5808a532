/**
 * Where retained messages lie. There may be millions, and a `Message` is an object of 250 bytes that the collector has to
 * look at; so small ones are bytes in pages, and known by a number, their place:
 *
 *     page   [ flags | author | three lengths | [expiry] topic properties payload | flags … ]
 *              ^ place = slot of the page x PAGE_BYTES + this            slots   [ page | - | page | page … ]
 *
 * A page of which little is still wanted goes, and what is wanted moves. Large messages are as they are, in slots of their own.
 */
import { copyBytes } from '../../codec/byte-writer.ts'
import type { Qos } from '../../codec/packets.ts'
import { Message } from '../../ports/message.ts'

const PAGE_BYTES = 16 * 1024
/** A page with less than this in it goes. */
const SPARSE_BYTES = PAGE_BYTES / 4
/** So that each length is one byte. */
const SMALL_MAX = 255
/** Of a page: so that the number of each is one byte. */
const AUTHORS_MAX = 256

const HEAD_BYTES = 5
const EXPIRY_BYTES = 8

const QOS_BITS = 3
const RETAIN = 4
const EXPIRES = 8
/** Nobody wants it any more. */
const DROPPED = 16

interface Author {
  readonly publisher: string
  readonly user: string | null
  readonly origin: string
}

class Page {
  readonly bytes = new Uint8Array(PAGE_BYTES)
  readonly slot: number
  /** Who published what is in it; most publish several in a row. */
  readonly authors: Author[]
  used = 0
  /** Bytes of what is wanted. */
  wanted = 0

  constructor(slot: number, author: Author) {
    this.slot = slot
    this.authors = [author]
  }
}

/** Numbers that are free again, or have never been used. */
class Slots<T> {
  readonly values: (T | null)[] = []
  private readonly free: number[] = []

  next(): number {
    return this.free.pop() ?? this.values.push(null) - 1
  }

  clear(slot: number): void {
    this.values[slot] = null
    this.free.push(slot)
  }
}

export class Shelf {
  /** How many pages it has. */
  pageCount = 0
  private page: Page | null = null
  private readonly pages = new Slots<Page>()
  private readonly large = new Slots<Message>()
  private readonly moving = new Message()
  private readonly moved: (topic: string, place: number) => void

  /** `moved`: a message has another place from now on. */
  constructor(moved: (topic: string, place: number) => void) {
    this.moved = moved
  }

  /** Keeps a copy of `message`, which may borrow; returns its place. */
  put(message: Message): number {
    if (message.size <= SMALL_MAX) return this.putSmall(message)
    const slot = this.large.next()
    this.large.values[slot] = message.owned()
    return ~slot
  }

  /** The message as it is kept, if it is a large one. */
  largeAt(place: number): Message | null {
    return place < 0 ? this.large.values[~place] : null
  }

  drop(place: number): void {
    if (place < 0) return this.large.clear(~place)
    const page = this.pageOf(place)
    const at = place % PAGE_BYTES
    page.wanted -= lengthAt(page, at)
    page.bytes[at] |= DROPPED
    if (page.wanted === 0 || (page.wanted < SPARSE_BYTES && page !== this.page)) this.clear(page)
  }

  private clear(page: Page): void {
    if (page === this.page) this.page = null
    for (let at = 0; at < page.used && page.wanted > 0; at += lengthAt(page, at)) {
      if (page.bytes[at] & DROPPED) continue
      page.wanted -= lengthAt(page, at)
      const message = this.read(page.slot * PAGE_BYTES + at, this.moving)
      this.moved(message.topicName, this.putSmall(message))
    }
    this.pages.clear(page.slot)
    this.pageCount--
  }

  payloadLength(place: number): number {
    const large = this.largeAt(place)
    if (large !== null) return large.payloadLength
    return this.pageOf(place).bytes[(place % PAGE_BYTES) + 4]
  }

  /** The message at `place`: a large one itself, otherwise `lent`, which borrows its bytes until the shelf changes. */
  read(place: number, lent: Message): Message {
    if (place < 0) return this.large.values[~place] as Message
    const { bytes, authors } = this.pageOf(place)
    const at = place % PAGE_BYTES
    const flags = bytes[at]
    const author = authors[bytes[at + 1]]
    const expires = (flags & EXPIRES) !== 0
    const start = at + HEAD_BYTES + (expires ? EXPIRY_BYTES : 0)
    lent.reuse()
    lent.borrowed = true
    lent.qos = (flags & QOS_BITS) as Qos
    lent.retain = (flags & RETAIN) !== 0
    lent.publisher = author.publisher
    lent.publisherUser = author.user
    lent.publisherOrigin = author.origin
    lent.expiresAtMs = expires ? readExpiry(bytes, at + HEAD_BYTES) : Infinity
    lent.lay(bytes, start, bytes[at + 2], bytes[at + 3], bytes[at + 4])
    return lent
  }

  private pageOf(place: number): Page {
    return this.pages.values[Math.floor(place / PAGE_BYTES)] as Page
  }

  private putSmall(message: Message): number {
    const { topic, topicStart, topicEnd, properties, propertiesStart, propertiesEnd } = message
    const { payload, payloadStart, payloadEnd, size, expiresAtMs } = message
    const expires = expiresAtMs !== Infinity
    const page = this.pageFor(HEAD_BYTES + (expires ? EXPIRY_BYTES : 0) + size, message)
    const { bytes, used } = page
    bytes[used] = message.qos | (message.retain ? RETAIN : 0) | (expires ? EXPIRES : 0)
    bytes[used + 1] = page.authors.length - 1
    bytes[used + 2] = topicEnd - topicStart
    bytes[used + 3] = propertiesEnd - propertiesStart
    bytes[used + 4] = payloadEnd - payloadStart
    let at = used + HEAD_BYTES
    if (expires) at = writeExpiry(bytes, at, expiresAtMs)
    copyBytes(topic, topicStart, topicEnd, bytes, at)
    at += topicEnd - topicStart
    copyBytes(properties, propertiesStart, propertiesEnd, bytes, at)
    at += propertiesEnd - propertiesStart
    copyBytes(payload, payloadStart, payloadEnd, bytes, at)
    page.used = at + payloadEnd - payloadStart
    page.wanted += page.used - used
    return page.slot * PAGE_BYTES + used
  }

  /** The present page, or a new one where it has no room for `size` bytes by one more author. */
  private pageFor(size: number, message: Message): Page {
    const { page } = this
    if (page !== null && page.used + size <= PAGE_BYTES) {
      const { authors } = page
      if (isBy(authors[authors.length - 1], message)) return page
      if (authors.length < AUTHORS_MAX) {
        authors.push(authorOf(message))
        return page
      }
    }
    return this.openPage(message)
  }

  private openPage(message: Message): Page {
    const page = new Page(this.pages.next(), authorOf(message))
    this.pages.values[page.slot] = page
    this.pageCount++
    return (this.page = page)
  }
}

function authorOf({ publisher, publisherUser: user, publisherOrigin: origin }: Message): Author {
  return { publisher, user, origin }
}

/** How much the message takes that lies there. */
function lengthAt({ bytes }: Page, at: number): number {
  const head = HEAD_BYTES + (bytes[at] & EXPIRES ? EXPIRY_BYTES : 0)
  return head + bytes[at + 2] + bytes[at + 3] + bytes[at + 4]
}

function isBy({ publisher, user, origin }: Author, message: Message): boolean {
  return (
    message.publisher === publisher &&
    message.publisherUser === user &&
    message.publisherOrigin === origin
  )
}

const expiry = new Float64Array(1)
const expiryBytes = new Uint8Array(expiry.buffer)

function writeExpiry(bytes: Uint8Array, at: number, ms: number): number {
  expiry[0] = ms
  bytes.set(expiryBytes, at)
  return at + EXPIRY_BYTES
}

function readExpiry(bytes: Uint8Array, at: number): number {
  expiryBytes.set(bytes.subarray(at, at + EXPIRY_BYTES))
  return expiry[0]
}

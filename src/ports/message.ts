/** An application message: whose bytes it borrows, and how it is kept. */
import { checkMessage } from '../codec/message-check.ts'
import { copyBytes } from '../codec/byte-writer.ts'
import type { PublishParts } from '../codec/encode-publish.ts'
import { encodeForwardableProperties } from '../codec/encode-publish.ts'
import type { Properties, Qos, Version } from '../codec/packets.ts'
import { decodeUtf8, encodedLength, writeUtf8 } from '../codec/utf8.ts'

const NO_BYTES = new Uint8Array(0)

/** Kept messages up to this size share arrays: one for some hundred of them instead of one each. */
const SHARED_MESSAGE_MAX = 1024
const PAGE_BYTES = 32 * 1024

/**
 * Those that stay long share small ones: an array of one's own takes three times what a small message has in it, and what a
 * single one keeps alive is not much more than that.
 */
const LONG_MESSAGE_MAX = 256
const LONG_PAGE_BYTES = 1024

/** An array that small messages share. It is in memory as long as one of them. */
export class Page {
  readonly bytes: Uint8Array
  /** Messages in it that somebody keeps; see `memory.ts`. */
  kept = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
  }
}

/** Where one broker's small messages lie: the present page. */
export class Slab {
  page = new Page(0)
  /** For what stays long. */
  readonly long: Slab | null
  private used = 0
  private readonly size: number

  constructor(size = PAGE_BYTES) {
    this.size = size
    this.long = size === PAGE_BYTES ? new Slab(LONG_PAGE_BYTES) : null
  }

  /** Room for `size` bytes in {@link page}; returns where. */
  allot(size: number): number {
    if (this.used + size > this.page.bytes.length) {
      this.page = new Page(this.size)
      this.used = 0
    }
    this.used += size
    return this.used - size
  }
}

/** What four bytes can say. */
const EXPIRY_SECONDS_MAX = 0xffff_ffff

/** A clock that was set back, or another node's, may leave a message more than it ever had. */
function expiryOf(leftMs: number): number {
  return Math.min(EXPIRY_SECONDS_MAX, Math.max(0, Math.ceil(leftMs / 1000)))
}

/** `madeAtMs` of what waits for one since now, for the next since later: it has no time for all of them. */
export const SHARED_WAIT = -1

/**
 * One application message, on its way or kept.
 *
 * On its way it *borrows*: its ranges point into the chunk the socket gave, and hold until it has been dealt with.
 * Who keeps it longer (a queue, a window, a store) asks {@link kept}: the bytes are
 * copied once, whoever and however many ask, and the copy is what stays.
 *
 *     borrowed   chunk  [ ...| first | len | topic | id | properties | payload |... ]
 *     kept       bytes  [ topic | properties | payload ]
 */
export class Message implements PublishParts {
  /** null: nobody has asked for it yet. */
  private name: string | null = null
  qos: Qos = 0
  retain = false
  topic: Uint8Array = NO_BYTES
  topicStart = 0
  topicEnd = 0
  properties: Uint8Array = NO_BYTES
  propertiesStart = 0
  propertiesEnd = 0
  payload: Uint8Array = NO_BYTES
  payloadStart = 0
  payloadEnd = 0
  /** Bytes that it is kept in: topic, properties and payload. */
  size = 0
  /** Wall clock in ms after which it must not be sent any more; Infinity: never expires. */
  expiresAtMs = Infinity
  /**
   * Wall clock in ms of its making: a will's expiry counts from when it is published. Of what clients publish it is noted when
   * the message has to wait for somebody; 0: not known, {@link SHARED_WAIT}.
   */
  madeAtMs = 0
  /** The client id it came from, for no-local; empty when the broker itself publishes. */
  publisher = ''
  /** The user name it came from, for checks that look at a message's source. */
  publisherUser: string | null = null
  /** `Identity.origin` of who published it, for the same checks; empty: not known. */
  publisherOrigin = ''
  /** The frame as it came, when a receiver of `frameVersion` may get its bytes; 0: no such frame. */
  frameVersion: Version | 0 = 0
  frameStart = 0
  frameEnd = 0
  borrowed = false
  // The store's notes: what it keeps the message as (0: not at all, -1: within its queue entry, otherwise the
  // number of a body that several entries share), and how many entries are not written yet.
  storedAs = 0
  unwritten = 0
  /** Queues, windows, tables and outputs that keep it; see `memory.ts`. */
  keepers = 0
  /** Whose array it shares with others; null: it has one of its own. */
  page: Page | null = null
  private copy: Message | null = null
  /** For the copies of one that borrows; null: they have arrays of their own. */
  private readonly slab: Slab | null

  constructor(slab: Slab | null = null) {
    this.slab = slab
  }

  /** What the topic's bytes spell; they are decoded when it is first asked for. */
  get topicName(): string {
    return (this.name ??= decodeUtf8(this.topic, this.topicStart, this.topicEnd))
  }

  set topicName(name: string) {
    this.name = name
  }

  get payloadLength(): number {
    return this.payloadEnd - this.payloadStart
  }

  /** This message, or its one copy that owns its bytes. */
  kept(): Message {
    if (!this.borrowed) return this
    if (this.copy !== null) return this.copy
    const { size, slab } = this
    this.copy =
      slab === null || size > SHARED_MESSAGE_MAX
        ? this.clone(new Uint8Array(size), 0)
        : this.copyInto(slab)
    return this.copy
  }

  /** A copy for what stays long: it keeps no large page alive. */
  owned(): Message {
    const { size, slab } = this
    const long = slab === null ? null : slab.long
    if (long === null || size > LONG_MESSAGE_MAX) return this.clone(new Uint8Array(size), 0)
    return this.copyInto(long)
  }

  private copyInto(slab: Slab): Message {
    const at = slab.allot(this.size)
    const copy = this.clone(slab.page.bytes, at)
    copy.page = slab.page
    return copy
  }

  /** Makes this object ready to borrow the next frame. */
  reuse(): void {
    this.copy = null
    this.madeAtMs = 0
  }

  /** It has to wait, and did not before: notes since when, for those who look at the queue. */
  waitsSince(wallMs: number): void {
    this.madeAtMs = wallMs
    if (this.copy !== null) this.copy.madeAtMs = wallMs
  }

  /** A view of the payload: valid as long as the message is. */
  payloadBytes(): Uint8Array {
    return this.payload.subarray(this.payloadStart, this.payloadEnd)
  }

  /** Seconds left to live, counted down on forwarding [MQTT-3.3.2-6]; -1: no expiry; 0: too late. */
  secondsLeft(wallMs: number): number {
    if (this.expiresAtMs === Infinity) return -1
    return expiryOf(this.expiresAtMs - wallMs)
  }

  private clone(bytes: Uint8Array, at: number): Message {
    const message = new Message()
    message.qos = this.qos
    message.retain = this.retain
    message.expiresAtMs = this.expiresAtMs
    message.madeAtMs = this.madeAtMs
    message.publisher = this.publisher
    message.publisherUser = this.publisherUser
    message.publisherOrigin = this.publisherOrigin
    const topicLength = this.topicEnd - this.topicStart
    const propertiesLength = this.propertiesEnd - this.propertiesStart
    message.lay(bytes, at, topicLength, propertiesLength, this.payloadEnd - this.payloadStart)
    message.name = this.name
    copyBytes(this.topic, this.topicStart, this.topicEnd, bytes, at)
    copyBytes(this.properties, this.propertiesStart, this.propertiesEnd, bytes, message.topicEnd)
    copyBytes(this.payload, this.payloadStart, this.payloadEnd, bytes, message.payloadStart)
    return message
  }

  /** Takes `bytes[at..]` as topic, properties and payload, one behind the other. */
  lay(
    bytes: Uint8Array,
    at: number,
    topicLength: number,
    propertiesLength: number,
    payloadLength: number,
  ): void {
    this.name = null
    this.topic = this.properties = this.payload = bytes
    this.topicStart = at
    this.topicEnd = this.propertiesStart = at + topicLength
    this.propertiesEnd = this.payloadStart = this.topicEnd + propertiesLength
    this.payloadEnd = this.payloadStart + payloadLength
    this.size = this.payloadEnd - at
  }
}

/** What {@link createMessage} needs to know; the properties are those of a PUBLISH or a will. */
export interface MessageSource {
  topic: string
  payload: Uint8Array
  qos: Qos
  retain: boolean
  properties: Properties
  publisher: string
  publisherUser: string | null
  wallMs: number
}

/**
 * How long a message with this expiry lives. It is counted in whole seconds, so what says 0 is for whoever can have it within the
 * second: were it over at once, the way to a receiver would decide whether it gets there. It goes on as 1, since mosquitto takes
 * 0 for no expiry.
 */
export function lifeMsOf(expirySeconds: number): number {
  return Math.max(1, expirySeconds) * 1000
}

/**
 * A message that owns its bytes, from values: wills, `$SYS`, publishers inside the process. Throws EncodeError on one that
 * clients could not be sent.
 */
export function createMessage(source: MessageSource): Message {
  const { willDelaySeconds: _willDelay, ...properties } = source.properties
  checkMessage({ ...source, properties })
  const forwarded = encodeForwardableProperties(properties)
  const topicLength = encodedLength(source.topic)
  const bytes = new Uint8Array(topicLength + forwarded.length + source.payload.length)
  writeUtf8(source.topic, bytes, 0)
  bytes.set(forwarded, topicLength)
  bytes.set(source.payload, topicLength + forwarded.length)
  const message = new Message()
  message.qos = source.qos
  message.retain = source.retain
  message.publisher = source.publisher
  message.publisherUser = source.publisherUser
  message.madeAtMs = source.wallMs
  const expiry = source.properties.messageExpirySeconds
  if (expiry !== undefined) message.expiresAtMs = source.wallMs + lifeMsOf(expiry)
  message.lay(bytes, 0, topicLength, forwarded.length, source.payload.length)
  message.topicName = source.topic
  return message
}

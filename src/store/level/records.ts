/**
 * What a record holds, from and to bytes. Numbers are 7 bits a byte, the lowest first (`uint`); texts and byte
 * strings have their length in front. Whoever changes a layout raises {@link FORMAT_VERSION} and adds the step from
 * the version before to `migrations.ts`.
 *
 *     message   flags [expires] [made] topic-, properties-length [publisher [user] [origin]] topic properties payload
 *     entry     flags subscription-id, then a message, or the number of its body and the length of its payload
 */
import { Message } from '../../ports/message.ts'
import type { SessionRecord, StoredWill, SubscriptionOptions } from '../../ports/store.ts'
import { copyBytes, type ByteWriter } from '../../codec/byte-writer.ts'
import type { Qos, Version } from '../../codec/packets.ts'
import { decodeUtf8, encodedLength, writeUtf8 } from '../../codec/utf8.ts'
import { compactNumber } from './keys.ts'

export const FORMAT_VERSION = 2

/** A record that is not what its key says. */
export class RecordError extends Error {
  override name = 'RecordError'
}

/** The longest `uint`. */
const UINT_BYTES = 8

export function writeUint(writer: ByteWriter, value: number): void {
  writer.reserve(UINT_BYTES)
  while (value >= 0x80) {
    writer.bytes[writer.length++] = (value % 0x80) | 0x80
    value = Math.floor(value / 0x80)
  }
  writer.bytes[writer.length++] = value
}

export function writeText(writer: ByteWriter, text: string): void {
  const length = encodedLength(text)
  writeUint(writer, length)
  writer.reserve(length)
  writeUtf8(text, writer.bytes, writer.length)
  writer.length += length
}

const anyUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A cursor over one record; every read throws {@link RecordError} rather than pass its end. */
export class RecordReader {
  readonly bytes: Uint8Array
  at: number
  /** Where the record ends. */
  readonly end: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  byte(): number {
    if (this.at >= this.end) throw new RecordError('a record ends too early')
    return this.bytes[this.at++]
  }

  uint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return compactNumber(value)
    }
    throw new RecordError('a number in a record is too long')
  }

  /** Steps over `length` bytes; returns where they start. */
  skip(length: number): number {
    const start = this.at
    if (start + length > this.end) throw new RecordError('a field runs past its record')
    this.at += length
    return start
  }

  text(): string {
    const start = this.skip(this.uint())
    return decodeUtf8(this.bytes, start, this.at)
  }

  /** Text that need not have come in an MQTT packet, which forbids some characters: a bridge's user, a name that a login gave. */
  anyText(): string {
    const start = this.skip(this.uint())
    return anyUtf8.decode(this.bytes.subarray(start, this.at))
  }
}

// ── messages ───────────────────────────────────────────────────────────────────────────────────────

const QOS_BITS = 0x03
const RETAIN = 0x04
const EXPIRES = 0x08
const MADE = 0x10
const HAS_USER = 0x20
/** Of retained messages only: nobody else's source is asked for later. */
const HAS_ORIGIN = 0x40

export function writeMessage(writer: ByteWriter, message: Message): void {
  const { topic, topicStart, topicEnd, properties, propertiesStart, propertiesEnd } = message
  const { payload, payloadStart, payloadEnd, publisher, publisherUser, publisherOrigin } = message
  const hasOrigin = message.retain && publisherOrigin !== ''
  const expires = message.expiresAtMs !== Infinity
  const made = message.madeAtMs > 0
  writer.reserve(1)
  writer.bytes[writer.length++] =
    message.qos |
    (message.retain ? RETAIN : 0) |
    (expires ? EXPIRES : 0) |
    (made ? MADE : 0) |
    (publisherUser === null ? 0 : HAS_USER) |
    (hasOrigin ? HAS_ORIGIN : 0)
  if (expires) writeUint(writer, message.expiresAtMs)
  if (made) writeUint(writer, message.madeAtMs)
  writeUint(writer, topicEnd - topicStart)
  writeUint(writer, propertiesEnd - propertiesStart)
  writeText(writer, publisher)
  if (publisherUser !== null) writeText(writer, publisherUser)
  if (hasOrigin) writeText(writer, publisherOrigin)
  writer.reserve(message.size)
  const { bytes } = writer
  let at = writer.length
  copyBytes(topic, topicStart, topicEnd, bytes, at)
  at += topicEnd - topicStart
  copyBytes(properties, propertiesStart, propertiesEnd, bytes, at)
  at += propertiesEnd - propertiesStart
  copyBytes(payload, payloadStart, payloadEnd, bytes, at)
  writer.length = at + payloadEnd - payloadStart
}

/** The rest of `reader`'s record as a message. It stands on the record's bytes: they are its own from now on. */
export function readMessage(reader: RecordReader): Message {
  const message = new Message()
  const flags = reader.byte()
  message.qos = (flags & QOS_BITS) as Qos
  message.retain = (flags & RETAIN) !== 0
  if (flags & EXPIRES) message.expiresAtMs = reader.uint()
  if (flags & MADE) message.madeAtMs = reader.uint()
  const topicLength = reader.uint()
  const propertiesLength = reader.uint()
  message.publisher = reader.text()
  if (flags & HAS_USER) message.publisherUser = reader.anyText()
  if (flags & HAS_ORIGIN) message.publisherOrigin = reader.anyText()
  const { bytes, at, end } = reader
  const payloadLength = end - at - topicLength - propertiesLength
  if (payloadLength < 0) throw new RecordError('a message is longer than its record')
  message.lay(bytes, at, topicLength, propertiesLength, payloadLength)
  message.topicName = decodeUtf8(bytes, at, at + topicLength)
  reader.at = end
  return message
}

/** Bytes of the payload of the message that the rest of the record holds, without making it. */
function readPayloadLength(reader: RecordReader): number {
  const flags = reader.byte()
  if (flags & EXPIRES) reader.uint()
  if (flags & MADE) reader.uint()
  const topicLength = reader.uint()
  const propertiesLength = reader.uint()
  reader.skip(reader.uint())
  if (flags & HAS_USER) reader.skip(reader.uint())
  if (flags & HAS_ORIGIN) reader.skip(reader.uint())
  return reader.end - reader.at - topicLength - propertiesLength
}

// ── queue entries ──────────────────────────────────────────────────────────────────────────────────

const BY_NUMBER = 0x08

export interface EntryHead {
  qos: Qos
  retain: boolean
  subscriptionId: number
  /** Number of the shared body; 0: the message follows. */
  body: number
}

/** What stands in front of the message. With a `body` number nothing follows but `payloadLength`. */
export function writeEntryHead(writer: ByteWriter, head: EntryHead, payloadLength: number): void {
  writer.reserve(1)
  writer.bytes[writer.length++] =
    head.qos | (head.retain ? RETAIN : 0) | (head.body > 0 ? BY_NUMBER : 0)
  writeUint(writer, head.subscriptionId)
  if (head.body === 0) return
  writeUint(writer, head.body)
  writeUint(writer, payloadLength)
}

/** Leaves `reader` in front of the message, or of the payload's length when there is a body number. */
export function readEntryHead(reader: RecordReader): EntryHead {
  const flags = reader.byte()
  const subscriptionId = reader.uint()
  const body = flags & BY_NUMBER ? reader.uint() : 0
  return { qos: (flags & QOS_BITS) as Qos, retain: (flags & RETAIN) !== 0, subscriptionId, body }
}

/** QoS and body number (0: none) of an entry, and the bytes of its payload. */
export function readEntryCosts(reader: RecordReader) {
  const { qos, body } = readEntryHead(reader)
  return { qos, body, payloadLength: body > 0 ? reader.uint() : readPayloadLength(reader) }
}

// ── sessions ───────────────────────────────────────────────────────────────────────────────────────

/** A session as it lies in the store. */
export interface SessionRow {
  number: number
  lastSequence: number
  /** 1: its packet identifiers begin at 2, as those of every session did in format 1. */
  idShift: number
  /** No entry behind it was sent to its client, which has left; -1: any may have been. Not kept beside a will. */
  sentTo: number
  record: SessionRecord
}

const HAS_WILL = 0x01
const SESSION_HAS_USER = 0x02
const OFFLINE = 0x04
const WILL_HAS_AUTHOR = 0x08
const IDS_FROM_ONE = 0x10
const KNOWS_SENT = 0x20

export function writeSession(writer: ByteWriter, row: SessionRow): void {
  const { record } = row
  const { username, will, disconnectedAtMs } = record
  // A will reaches to the end of the record.
  const knowsSent = row.sentTo >= 0 && will === null
  writer.reserve(2)
  writer.bytes[writer.length++] = record.version
  writer.bytes[writer.length++] =
    (will === null ? 0 : HAS_WILL | WILL_HAS_AUTHOR) |
    (username === null ? 0 : SESSION_HAS_USER) |
    (disconnectedAtMs < 0 ? 0 : OFFLINE) |
    (row.idShift === 0 ? IDS_FROM_ONE : 0) |
    (knowsSent ? KNOWS_SENT : 0)
  writeUint(writer, row.number)
  writeUint(writer, row.lastSequence)
  writeUint(writer, record.expirySeconds)
  if (disconnectedAtMs >= 0) writeUint(writer, disconnectedAtMs)
  if (username !== null) writeText(writer, username)
  if (will !== null) writeWill(writer, will)
  if (knowsSent) writeUint(writer, row.sentTo)
}

/** Of a will, and of a delayed publish. */
export function writeWill(writer: ByteWriter, will: StoredWill): void {
  writeUint(writer, will.dueAtMs)
  writeText(writer, will.remote)
  writeText(writer, will.origin)
  writeMessage(writer, will.message)
}

export function readSession(clientId: string, value: Uint8Array): SessionRow {
  const reader = new RecordReader(value)
  const version = reader.byte() as Version
  const flags = reader.byte()
  const number = reader.uint()
  const lastSequence = reader.uint()
  const expirySeconds = reader.uint()
  const disconnectedAtMs = flags & OFFLINE ? reader.uint() : -1
  const username = flags & SESSION_HAS_USER ? reader.anyText() : null
  const will = flags & HAS_WILL ? readWill(reader, (flags & WILL_HAS_AUTHOR) !== 0) : null
  const sentTo = flags & KNOWS_SENT ? reader.uint() : -1
  const record = { clientId, username, version, expirySeconds, disconnectedAtMs, will }
  return { number, lastSequence, idShift: flags & IDS_FROM_ONE ? 0 : 1, sentTo, record }
}

export function readWill(reader: RecordReader, hasAuthor = true): StoredWill {
  const dueAtMs = reader.uint()
  const remote = hasAuthor ? reader.anyText() : ''
  const origin = hasAuthor ? reader.anyText() : ''
  return { dueAtMs, remote, origin, message: readMessage(reader) }
}

const NO_LOCAL = 0x04
const RETAIN_AS_PUBLISHED = 0x08
const OWES_RETAINED = 0x10

export function writeSubscription(writer: ByteWriter, options: SubscriptionOptions): void {
  writer.reserve(1)
  writer.bytes[writer.length++] =
    options.qos |
    (options.noLocal ? NO_LOCAL : 0) |
    (options.retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
    (options.owesRetained ? OWES_RETAINED : 0)
  writeUint(writer, options.subscriptionId)
}

export function readSubscription(value: Uint8Array): SubscriptionOptions {
  return readOptions(new RecordReader(value))
}

/** The next bytes of a longer record as a subscription's options. */
export function readOptions(reader: RecordReader): SubscriptionOptions {
  const flags = reader.byte()
  const options: SubscriptionOptions = {
    qos: (flags & QOS_BITS) as Qos,
    noLocal: (flags & NO_LOCAL) !== 0,
    retainAsPublished: (flags & RETAIN_AS_PUBLISHED) !== 0,
    subscriptionId: reader.uint(),
  }
  if ((flags & OWES_RETAINED) !== 0) options.owesRetained = true
  return options
}

/**
 * Messages that cross as the frames they came in, one behind the other: what they have in common is said once. A receiver may
 * get the bytes of a frame as they are, and of several that lie behind each other with one copy (`broker/state/run.ts`).
 *
 *     [ op | key | version | author, if it is another | topic | bytes ][ frame ][ frame ] …
 *
 * They are PUBLISH packets that the core of their client has checked, and only those that may be passed on as they came
 * (`Message.frameVersion`).
 */
import { readFrame, type FrameHeader } from '../codec/frame.ts'
import type { Qos, Version } from '../codec/packets.ts'
import { Message, Slab } from '../ports/message.ts'
import type { WireReader, WireWriter } from './wire.ts'

/** In the byte of the version. */
const OTHER_AUTHOR = 8
/** In front of a frame's topic. */
const TOPIC_LENGTH_BYTES = 2
const PACKET_ID_BYTES = 2

export class FrameWriter {
  private readonly wire: WireWriter
  private op = 0
  private key = 0
  private version: Version | 0 = 0
  private topic = ''

  constructor(wire: WireWriter) {
    this.wire = wire
  }

  /** Appends a message whose `frameVersion` is not 0. `key` holds for all of a run; what it means is the reader's business. */
  add(op: number, key: number, message: Message): void {
    const { wire } = this
    const goesOn =
      wire.isInRun &&
      this.topic === message.topicName &&
      this.key === key &&
      this.op === op &&
      this.version === message.frameVersion &&
      wire.isLastAuthor(message)
    if (!goesOn) this.begin(op, key, message)
    wire.extendRun(message.payload, message.frameStart, message.frameEnd)
  }

  private begin(op: number, key: number, message: Message): void {
    const { wire } = this
    const isOther = !wire.isLastAuthor(message)
    this.op = op
    this.key = key
    this.version = message.frameVersion
    this.topic = message.topicName
    wire.op(op)
    wire.u32(key)
    wire.u8(message.frameVersion | (isOther ? OTHER_AUTHOR : 0))
    if (isOther) wire.author(message)
    wire.text(message.topicName)
    wire.beginRun()
  }
}

export class FrameReader {
  private readonly message = new Message(new Slab())
  private readonly frame: FrameHeader = { first: 0, bodyStart: 0, frameEnd: 0 }

  /** Reads a run, behind its op. Each message borrows the bytes, and is this reader's again when `take` returns. */
  read(wire: WireReader, take: (message: Message, key: number) => void): void {
    const { message, frame } = this
    const key = wire.u32()
    const flags = wire.u8()
    if (flags & OTHER_AUTHOR) wire.readAuthor()
    wire.signLast(message)
    message.topicName = wire.text()
    message.frameVersion = (flags & ~OTHER_AUTHOR) as Version
    message.borrowed = true
    const bytes = wire.allBytes
    message.topic = message.properties = message.payload = bytes
    const length = wire.u32()
    let at = wire.skip(length)
    for (const end = at + length; at < end; at = frame.frameEnd) {
      readFrame(bytes, at, end, frame)
      layFrame(message, bytes, at, frame)
      take(message, key)
    }
  }
}

/** Makes the message the PUBLISH in `bytes[at..frame.frameEnd)`. */
function layFrame(
  message: Message,
  bytes: Uint8Array,
  at: number,
  { first, bodyStart, frameEnd }: FrameHeader,
): void {
  message.reuse()
  message.qos = ((first >> 1) & 3) as Qos
  message.retain = (first & 1) !== 0
  message.frameStart = at
  message.frameEnd = message.payloadEnd = frameEnd
  const topicStart = bodyStart + TOPIC_LENGTH_BYTES
  const topicEnd = topicStart + ((bytes[bodyStart] << 8) | bytes[bodyStart + 1])
  message.topicStart = topicStart
  message.topicEnd = topicEnd
  let start = message.qos === 0 ? topicEnd : topicEnd + PACKET_ID_BYTES
  let propertyBytes = 0
  if (message.frameVersion === 5) {
    let byte: number
    let shift = 0
    do {
      byte = bytes[start++]
      propertyBytes |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
  }
  message.propertiesStart = start
  message.propertiesEnd = message.payloadStart = start + propertyBytes
  message.size = topicEnd - topicStart + frameEnd - start
}

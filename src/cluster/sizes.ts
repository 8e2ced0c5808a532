/** How large what is stored may be: as NATS takes it, and each of the streams. */
import { LogType, type Log } from '../base/log.ts'
import type { Message } from '../ports/message.ts'
import { writeNamed } from './entries.ts'
import { readBytesMax, type StreamSettings } from './streams.ts'
import { HEADER_BYTES_MAX, type Wire } from './wire.ts'

/** An identity of a message is not longer; see `message-ids.ts`. */
const LONGEST_ID = 'x'.repeat(64)
/** More than what has a length of its own in a stored message. */
const SPARE_BYTES = 128

export class Sizes {
  private readonly wire: Wire
  private readonly settings: StreamSettings
  private readonly log: Log
  /** Of every stream, headers included. */
  private streamBytesMax: number
  private looking: Promise<void> | null = null

  constructor(wire: Wire, settings: StreamSettings, log: Log, streamBytesMax: number) {
    this.wire = wire
    this.settings = settings
    this.log = log
    this.streamBytesMax = streamBytesMax
  }

  /** Beside headers. */
  get bytesMax(): number {
    return Math.min(this.wire.bytesMax, this.streamBytesMax - HEADER_BYTES_MAX)
  }

  /** 0: none that this message would be beyond. */
  limitFor(message: Message): number {
    const { bytesMax } = this
    if (this.isSurelySmall(message, bytesMax)) return 0
    return message.size <= bytesMax && this.largestOf(message) <= bytesMax ? 0 : bytesMax
  }

  /** Without writing it: names have three bytes a character at most, and a retained one its topic twice. */
  private isSurelySmall(message: Message, bytesMax: number): boolean {
    const { size, publisher, publisherUser, publisherOrigin } = message
    if (size > bytesMax / 4) return false
    const names = publisher.length + (publisherUser?.length ?? 0) + publisherOrigin.length
    return 3 * names + SPARE_BYTES <= bytesMax / 2
  }

  private largestOf(message: Message): number {
    const names = [LONGEST_ID, message.topicName]
    return Math.max(...names.map((name) => writeNamed(name, message).length))
  }

  /** Says that something is left out; a stream may have been changed since this node looked. */
  leftOut(subject: string, bytes: number): void {
    this.log.write(
      LogType.error,
      `Error: ${bytes} bytes for ${subject} are more than NATS takes (max_payload of its servers, max_msg_size of its stream): they are dropped.`,
    )
    this.looking ??= readBytesMax(this.wire, this.settings)
      .then((bytesMax) => void (this.streamBytesMax = bytesMax))
      .catch(() => {
        // The next one asks again.
      })
      .finally(() => {
        this.looking = null
      })
  }
}

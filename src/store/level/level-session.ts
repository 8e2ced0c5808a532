/** What is known of a durable session without asking the disk. */
import { highBitsOf, lowBitsOf, timeOf } from '../../base/wall-time.ts'
import type { Message } from '../../ports/message.ts'
import type { Qos, Version } from '../../codec/packets.ts'
import type { AtQos0, SessionRecord, StoredWill } from '../../ports/store.ts'

/** A queue entry that is not on the disk yet. */
export interface NewEntry {
  readonly message: Message
  readonly qos: Qos
  readonly retain: boolean
  readonly subscriptionId: number
  /** Set when it is written: the number of the body it refers to; 0: it holds the message itself. */
  body: number
  /** The body is not in the store yet and goes there with this entry. */
  bringsBody: boolean
}

/** What few sessions have: there may be a great many in which nothing goes on. */
interface Exchanges {
  will: StoredWill | null
  writing: Map<number, NewEntry> | null
  filling: Map<number, NewEntry> | null
  released: Set<number> | null
  inbound: Map<number, Message> | null
  foundAtQos0: AtQos0 | null
}

/** Bits of a session's `bits`; the lowest three are its protocol version. */
const VERSION_BITS = 7
const ID_SHIFT = 8
const AWAY = 16
/** Above it: the lower part of when its client left. */
const LEFT_AT = 5

/**
 * What is known of a durable session without asking the disk. Its queue, by sequence:
 *
 *     [ on the disk .......... | writing | filling ]
 *                    writtenTo ^         lastSequence ^
 */
export class LevelSession {
  /** Names it in keys; never used again. */
  readonly number: number
  readonly clientId: string
  private username: string | null
  /** Small things, and the lower part of when its client left. */
  private bits = 0
  /** As 32 bits with a sign, which need no object of their own. */
  private expiryBits: number
  /** When its client left; see `base/wall-time.ts`. */
  private leftBits = 0
  lastSequence = 0
  queuedCount = 0
  queuedBytes = 0
  writtenTo = 0
  /** See `SessionRow`; below -1: nobody knows, but it is `-2 - sentTo` at most. */
  sentTo = -1
  private exchanges: Exchanges | null = null

  constructor(number: number, record: SessionRecord) {
    this.number = number
    this.clientId = record.clientId
    this.username = record.username
    this.expiryBits = record.expirySeconds | 0
    this.note(record)
  }

  /** 1: see `SessionRow`. */
  get idShift(): number {
    return (this.bits & ID_SHIFT) === 0 ? 0 : 1
  }

  set idShift(shift: number) {
    this.bits = shift === 0 ? this.bits & ~ID_SHIFT : this.bits | ID_SHIFT
  }

  /** On their way to the disk. */
  get writing(): Map<number, NewEntry> | null {
    return this.exchanges === null ? null : this.exchanges.writing
  }

  set writing(entries: Map<number, NewEntry> | null) {
    this.made.writing = entries
  }

  /** Of the batch being filled; one that is acknowledged leaves again and is never written. */
  get filling(): Map<number, NewEntry> | null {
    return this.exchanges === null ? null : this.exchanges.filling
  }

  set filling(entries: Map<number, NewEntry> | null) {
    if (entries !== null || this.exchanges !== null) this.made.filling = entries
  }

  /** Entries with a PUBREC. */
  get released(): Set<number> | null {
    return this.exchanges === null ? null : this.exchanges.released
  }

  set released(sequences: Set<number> | null) {
    this.made.released = sequences
  }

  /** QoS 2 messages that came in and wait for their PUBREL, by packet identifier. */
  get inbound(): Map<number, Message> | null {
    return this.exchanges === null ? null : this.exchanges.inbound
  }

  set inbound(messages: Map<number, Message> | null) {
    this.made.inbound = messages
  }

  /** Of the queue that an earlier process left; null: none, or it was claimed since. */
  get foundAtQos0(): AtQos0 | null {
    return this.exchanges === null ? null : this.exchanges.foundAtQos0
  }

  /** An entry at QoS 0 was found. */
  noteAtQos0(bytes: number): void {
    const found = (this.made.foundAtQos0 ??= { count: 0, bytes: 0 })
    found.count++
    found.bytes += bytes
  }

  /** From now on who has it counts. */
  forgetAtQos0(): void {
    if (this.exchanges !== null) this.exchanges.foundAtQos0 = null
  }

  private get made(): Exchanges {
    return (this.exchanges ??= {
      will: null,
      writing: null,
      filling: null,
      released: null,
      inbound: null,
      foundAtQos0: null,
    })
  }

  /** Its parts, not an object of its own: there may be a great many sessions. */
  get record(): SessionRecord {
    const { clientId, username, bits } = this
    const version = (bits & VERSION_BITS) as Version
    const expirySeconds = this.expiryBits >>> 0
    const disconnectedAtMs = bits & AWAY ? timeOf(this.leftBits, bits >>> LEFT_AT) : -1
    const will = this.exchanges === null ? null : this.exchanges.will
    return { clientId, username, version, expirySeconds, disconnectedAtMs, will }
  }

  set record(record: SessionRecord) {
    this.username = record.username
    this.expiryBits = record.expirySeconds | 0
    this.note(record)
  }

  private note({ version, disconnectedAtMs, will }: SessionRecord): void {
    const isAway = disconnectedAtMs >= 0
    const left = isAway ? lowBitsOf(disconnectedAtMs) << LEFT_AT : 0
    this.bits = version | (this.bits & ID_SHIFT) | (isAway ? AWAY : 0) | left
    this.leftBits = isAway ? highBitsOf(disconnectedAtMs) : 0
    if (will !== null || this.exchanges !== null) this.made.will = will
  }

  /** The process before may not have said how far its client was sent: no further than its queue reaches now. */
  boundSent(): void {
    const { queuedCount, lastSequence } = this
    if (this.sentTo < 0) this.sentTo = queuedCount === 0 ? lastSequence : -2 - lastSequence
  }

  /** Is it on the disk, or on its way there? What is in `filling` is not. */
  isStored(sequence: number): boolean {
    return sequence <= this.writtenTo || this.writing?.has(sequence) === true
  }

  /** What was on its way is on the disk. */
  settleWritten(): void {
    for (const sequence of this.writing?.keys() ?? []) this.writtenTo = sequence
    this.writing = null
  }
}

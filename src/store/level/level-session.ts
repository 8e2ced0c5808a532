/** What is known of a durable session without asking the disk. */
import type { Message } from '../../ports/message.ts'
import type { Qos, Version } from '../../codec/packets.ts'
import type { SessionRecord, StoredWill } from '../../ports/ports.ts'

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
  private version: Version
  private expirySeconds: number
  private disconnectedAtMs: number
  private will: StoredWill | null
  lastSequence = 0
  /** See `SessionRow`. */
  idShift = 0
  queuedCount = 0
  queuedBytes = 0
  writtenTo = 0
  /** On their way to the disk. */
  writing: Map<number, NewEntry> | null = null
  /** Of the batch being filled; one that is acknowledged leaves again and is never written. */
  filling: Map<number, NewEntry> | null = null
  /** Entries with a PUBREC. */
  released: Set<number> | null = null
  /** QoS 2 messages that came in and wait for their PUBREL, by packet identifier. */
  inbound: Map<number, Message> | null = null

  constructor(number: number, record: SessionRecord) {
    this.number = number
    this.clientId = record.clientId
    this.username = record.username
    this.version = record.version
    this.expirySeconds = record.expirySeconds
    this.disconnectedAtMs = record.disconnectedAtMs
    this.will = record.will
  }

  /** Its parts, not an object of its own: there may be a great many sessions. */
  get record(): SessionRecord {
    const { clientId, username, version, expirySeconds, disconnectedAtMs, will } = this
    return { clientId, username, version, expirySeconds, disconnectedAtMs, will }
  }

  set record(record: SessionRecord) {
    this.username = record.username
    this.version = record.version
    this.expirySeconds = record.expirySeconds
    this.disconnectedAtMs = record.disconnectedAtMs
    this.will = record.will
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

/**
 * The changes that go to the disk together. Collected by key where the last one wins, so what is undone before it
 * is written costs nothing.
 */
import type { Message } from '../../ports/message.ts'
import type { StoredWill, SubscriptionOptions } from '../../ports/store.ts'
import type { BodyReferences } from './body-references.ts'
import {
  ENTRY_KEY_BYTES,
  entryKey,
  filterKey,
  inboundKey,
  Kind,
  numberKey,
  textKey,
  writeEntryKey,
} from './keys.ts'
import type { LevelSession, NewEntry } from './level-session.ts'
import {
  writeEntryHead,
  writeMessage,
  writeSession,
  writeSubscription,
  writeWill,
} from './records.ts'
import { beginRecord, endRecord, type Batch } from './sealed-record.ts'

/** An entry on the disk that is done with. */
export interface DoneEntry {
  readonly session: number
  readonly sequence: number
  /** Its body's number, 0 none. */
  readonly body: number
  readonly released: boolean
}

interface Inbound {
  readonly session: number
  readonly packetId: number
  readonly message: Message | null
}

interface Filter {
  readonly session: number
  readonly filter: string
  readonly options: SubscriptionOptions | null
}

export class WriteSet {
  /** Sessions with new entries; the entries are in `session.filling`, later in `session.writing`. */
  readonly queues = new Set<LevelSession>()
  readonly done: DoneEntry[] = []
  readonly released: { session: number; sequence: number }[] = []
  readonly inbound: Inbound[] = []
  readonly filters: Filter[] = []
  /** By client id; null: the record goes. */
  readonly sessions = new Map<string, LevelSession | null>()
  readonly retained = new Map<string, Message | null>()
  readonly delayed = new Map<string, StoredWill | null>()
  /** Numbers of sessions that end in this set: no later set has anything of them but what is cleared away. */
  readonly ended: number[] = []
  /** Keys of what a deleted session left behind. */
  readonly garbage: Uint8Array[] = []
  /** Found by {@link settle}: bodies that lost their last reference. */
  readonly bodiesGone: number[] = []

  isEmpty(): boolean {
    return (
      this.done.length === 0 &&
      this.released.length === 0 &&
      this.inbound.length === 0 &&
      this.filters.length === 0 &&
      this.sessions.size === 0 &&
      this.retained.size === 0 &&
      this.delayed.size === 0 &&
      this.garbage.length === 0 &&
      !this.hasEntries()
    )
  }

  private hasEntries(): boolean {
    for (const { filling, writing } of this.queues)
      if ((filling?.size ?? 0) + (writing?.size ?? 0) > 0) return true
    return false
  }

  /**
   * Fixes what becomes of each new entry's message: several entries of this set share one body, a single one
   * holds the message itself. Counts references; `nextBody` gives out numbers. Once a set, however often it is
   * then encoded.
   */
  settle(references: BodyReferences, nextBody: () => number): void {
    for (const { body } of this.done)
      if (body > 0 && references.remove(body)) this.bodiesGone.push(body)
    for (const session of this.queues) {
      session.writing = session.filling
      session.filling = null
      for (const entry of session.writing?.values() ?? []) settleEntry(entry, references, nextBody)
    }
  }
}

function settleEntry(entry: NewEntry, references: BodyReferences, nextBody: () => number): void {
  const { message } = entry
  // What a message was stored as the first time it stays: entries of the past refer to it.
  if (message.storedAs === 0) message.storedAs = message.unwritten > 1 ? nextBody() : -1
  message.unwritten--
  if (message.storedAs < 0) return
  entry.body = message.storedAs
  entry.bringsBody = references.get(entry.body) === 0
  references.add(entry.body)
}

const keyScratch = new Uint8Array(ENTRY_KEY_BYTES)

/** Puts a settled set into `batch`. What goes comes first: a body may go and come back in one set. */
export function encodeSet(set: WriteSet, batch: Batch): void {
  for (const { session, sequence } of set.released) {
    const key = entryKey(Kind.pubrec, session, sequence)
    beginRecord(key)
    endRecord(batch, key)
  }
  for (const { session, sequence, released } of set.done) {
    writeEntryKey(keyScratch, Kind.queue, session, sequence)
    batch.del(keyScratch)
    if (released) batch.del(entryKey(Kind.pubrec, session, sequence))
  }
  for (const body of set.bodiesGone) batch.del(numberKey(Kind.body, body))
  for (const key of set.garbage) batch.del(key)
  for (const session of set.queues) encodeEntries(session, batch)
  for (const { session, packetId, message } of set.inbound)
    encodeMessage(batch, inboundKey(session, packetId), message)
  for (const [topic, message] of set.retained)
    encodeMessage(batch, textKey(Kind.retained, topic), message)
  for (const [id, waiting] of set.delayed) encodeDelayed(batch, textKey(Kind.delayed, id), waiting)
  for (const { session, filter, options } of set.filters)
    encodeFilter(batch, filterKey(session, filter), options)
  for (const [clientId, session] of set.sessions)
    encodeSession(batch, textKey(Kind.session, clientId), session)
}

function encodeEntries(session: LevelSession, batch: Batch): void {
  for (const [sequence, entry] of session.writing ?? []) {
    const { message, body } = entry
    if (entry.bringsBody) encodeMessage(batch, numberKey(Kind.body, body), message)
    writeEntryKey(keyScratch, Kind.queue, session.number, sequence)
    const writer = beginRecord(keyScratch)
    writeEntryHead(writer, entry, message.payloadLength)
    if (body === 0) writeMessage(writer, message)
    endRecord(batch, keyScratch)
  }
}

function encodeMessage(batch: Batch, key: Uint8Array, message: Message | null): void {
  if (message === null) return void batch.del(key)
  writeMessage(beginRecord(key), message)
  endRecord(batch, key)
}

function encodeDelayed(batch: Batch, key: Uint8Array, waiting: StoredWill | null): void {
  if (waiting === null) return void batch.del(key)
  writeWill(beginRecord(key), waiting)
  endRecord(batch, key)
}

function encodeFilter(batch: Batch, key: Uint8Array, options: SubscriptionOptions | null): void {
  if (options === null) return void batch.del(key)
  writeSubscription(beginRecord(key), options)
  endRecord(batch, key)
}

function encodeSession(batch: Batch, key: Uint8Array, session: LevelSession | null): void {
  if (session === null) return void batch.del(key)
  writeSession(beginRecord(key), session)
  endRecord(batch, key)
}

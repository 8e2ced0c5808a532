/** A page of a session's queue: from the disk as far as it was written, then what is on its way there. */
import type { Message } from '../../ports/message.ts'
import type { StoredDelivery } from '../../ports/store.ts'
import type { Database, Snapshot } from './level-options.ts'
import { entryKey, Kind, NUMBER_BYTES, numberKey, readNumber } from './keys.ts'
import type { LevelSession, NewEntry } from './level-session.ts'
import { readEntryHead, readMessage, RecordError, RecordReader, type EntryHead } from './records.ts'
import { openRecord } from './sealed-record.ts'

/** Bytes after which a page ends early: few large messages are as much as many small ones. */
const PAGE_BYTES = 4 << 20

export interface PageRequest {
  readonly session: LevelSession
  /** Entries with a higher sequence. */
  readonly after: number
  readonly limit: number
  /** Acknowledged, though the disk may still have them. */
  readonly done: ReadonlySet<number>
}

/** An entry that cannot be delivered: its body is missing, or what is stored is not what was written. */
export interface LostEntry {
  readonly sequence: number
  /** Number of its body, and length of its payload; 0: none, or not to be read either. */
  readonly body: number
  readonly payloadLength: number
  readonly reason: string
}

export interface Page {
  readonly entries: StoredDelivery[]
  /** Out of the page's range, and to be given up. */
  readonly lost: LostEntry[]
  readonly more: boolean
}

interface Found {
  readonly sequence: number
  readonly head: EntryHead
  readonly payloadLength: number
  /** null: it is a body of its own. */
  readonly message: Message | null
}

/** What was found on the disk so far. */
interface Finds {
  readonly found: Found[]
  readonly lost: LostEntry[]
}

/**
 * Reads one state of the database, taken within the call, while `session` and `done` are what they are now: groups that are
 * written meanwhile change nothing.
 */
export async function readPage(database: Database, request: PageRequest): Promise<Page> {
  const { session, after, limit } = request
  const { writtenTo, lastSequence } = session
  const coming = newEntries(request, Math.max(after, writtenTo))
  const finds: Finds = { found: [], lost: [] }
  let entries: StoredDelivery[] = []
  let full = false
  if (after < writtenTo) {
    const snapshot = database.snapshot()
    try {
      full = await readDisk(database, snapshot, request, writtenTo, finds)
      entries = await complete(database, snapshot, session, finds)
    } finally {
      await snapshot.close()
    }
  }
  if (!full) {
    for (const [sequence, entry] of coming) {
      if (entries.length >= limit) break
      entries.push(fresh(session, sequence, entry))
    }
  }
  const last = entries.at(-1)?.sequence ?? (full ? after : lastSequence)
  return { entries, lost: finds.lost, more: last < lastSequence }
}

/** As many as a page takes of the entries that are not on the disk yet, with sequences above `after`. */
function newEntries({ session, limit, done }: PageRequest, after: number): [number, NewEntry][] {
  const entries: [number, NewEntry][] = []
  for (const part of [session.writing, session.filling]) {
    for (const [sequence, entry] of part ?? []) {
      if (entries.length >= limit) return entries
      if (sequence > after && !done.has(sequence)) entries.push([sequence, entry])
    }
  }
  return entries
}

/** Appends what lies between `after` and `writtenTo`; true: the page is full. */
async function readDisk(
  database: Database,
  snapshot: Snapshot,
  { session, after, limit, done }: PageRequest,
  writtenTo: number,
  { found, lost }: Finds,
): Promise<boolean> {
  const iterator = database.iterator({
    gt: entryKey(Kind.queue, session.number, after),
    lte: entryKey(Kind.queue, session.number, writtenTo),
    highWaterMarkBytes: PAGE_BYTES,
    snapshot,
  })
  let bytes = 0
  try {
    for (;;) {
      const portion = await iterator.nextv(limit)
      if (portion.length === 0) return false
      for (const [key, stored] of portion) {
        const sequence = readNumber(key, 1 + NUMBER_BYTES)
        if (done.has(sequence)) continue
        const entry = readEntry(sequence, key, stored)
        if ('reason' in entry) lost.push(entry)
        else found.push(entry)
        bytes += Math.max(entry.payloadLength, stored.length)
        if (found.length + lost.length >= limit || bytes >= PAGE_BYTES) return true
      }
    }
  } finally {
    await iterator.close()
  }
}

function readEntry(sequence: number, key: Uint8Array, stored: Uint8Array): Found | LostEntry {
  try {
    const reader = new RecordReader(openRecord(key, stored))
    const head = readEntryHead(reader)
    if (head.body > 0) return { sequence, head, payloadLength: reader.uint(), message: null }
    const message = readMessage(reader)
    return { sequence, head, payloadLength: message.payloadLength, message }
  } catch (error) {
    return { sequence, body: 0, payloadLength: 0, reason: reasonOf(error) }
  }
}

/** Of a record that is not what it should be; any other error goes on its way. */
function reasonOf(error: unknown): string {
  if (error instanceof RecordError) return error.message
  throw error
}

/** Fetches the bodies that entries refer to. */
async function complete(
  database: Database,
  snapshot: Snapshot,
  session: LevelSession,
  { found, lost }: Finds,
): Promise<StoredDelivery[]> {
  const bodies = [...new Set(found.map(({ head }) => head.body).filter((body) => body > 0))]
  const keys = bodies.map((body) => numberKey(Kind.body, body))
  const values = keys.length === 0 ? [] : await database.getMany(keys, { snapshot })
  const messages = new Map(
    bodies.map((body, index) => [body, readBody(body, keys[index], values[index])]),
  )
  const entries: StoredDelivery[] = []
  for (const { sequence, head, payloadLength, message } of found) {
    const { qos, retain, subscriptionId, body } = head
    const whole = message ?? messages.get(body) ?? `body ${body} was not read`
    if (typeof whole === 'string') {
      lost.push({ sequence, body, payloadLength, reason: whole })
      continue
    }
    whole.storedAs = body > 0 ? body : -1
    const released = session.released?.has(sequence) ?? false
    entries.push({ sequence, message: whole, qos, retain, subscriptionId, released, safe: true })
  }
  return entries
}

/** The message, or why there is none. */
function readBody(body: number, key: Uint8Array, stored: Uint8Array | undefined): Message | string {
  if (stored === undefined) return `body ${body} is missing`
  try {
    return readMessage(new RecordReader(openRecord(key, stored)))
  } catch (error) {
    return `body ${body}: ${reasonOf(error)}`
  }
}

function fresh(session: LevelSession, sequence: number, entry: NewEntry): StoredDelivery {
  const { message, qos, retain, subscriptionId } = entry
  const released = session.released?.has(sequence) ?? false
  return { sequence, message, qos, retain, subscriptionId, released, safe: false }
}

/** A page of a session's queue: from the disk as far as it was written, then what is on its way there. */
import type { Message } from '../../ports/message.ts'
import type { StoredDelivery } from '../../ports/ports.ts'
import type { Database } from './level-options.ts'
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

export interface Page {
  readonly entries: StoredDelivery[]
  readonly more: boolean
}

interface Found {
  readonly sequence: number
  readonly head: EntryHead
  readonly message: Message | null
}

export async function readPage(database: Database, request: PageRequest): Promise<Page> {
  const { session, after, limit, done } = request
  const { writtenTo, lastSequence } = session
  const coming = newEntries(session, Math.max(after, writtenTo), limit)
  const found: Found[] = []
  const full = after < writtenTo && (await readDisk(database, request, writtenTo, found))
  const entries = await complete(database, session, found)
  if (!full) {
    for (const [sequence, entry] of coming) {
      if (entries.length >= limit) break
      if (!done.has(sequence)) entries.push(fresh(session, sequence, entry))
    }
  }
  const last = entries.at(-1)?.sequence ?? (full ? after : lastSequence)
  return { entries, more: last < lastSequence }
}

/** Entries that are not on the disk yet, with sequences above `after`. */
function newEntries(session: LevelSession, after: number, limit: number): [number, NewEntry][] {
  const entries: [number, NewEntry][] = []
  for (const part of [session.writing, session.filling]) {
    for (const [sequence, entry] of part ?? []) {
      if (entries.length >= limit) return entries
      if (sequence > after) entries.push([sequence, entry])
    }
  }
  return entries
}

/** Appends what lies between `after` and `writtenTo`; true: the page is full. */
async function readDisk(
  database: Database,
  { session, after, limit, done }: PageRequest,
  writtenTo: number,
  found: Found[],
): Promise<boolean> {
  const iterator = database.iterator({
    gt: entryKey(Kind.queue, session.number, after),
    lte: entryKey(Kind.queue, session.number, writtenTo),
    highWaterMarkBytes: PAGE_BYTES,
  })
  let bytes = 0
  try {
    for (;;) {
      const portion = await iterator.nextv(limit)
      if (portion.length === 0) return false
      for (const [key, stored] of portion) {
        const sequence = readNumber(key, 1 + NUMBER_BYTES)
        if (done.has(sequence)) continue
        const reader = new RecordReader(openRecord(key, stored))
        const head = readEntryHead(reader)
        const message = head.body > 0 ? null : readMessage(reader)
        found.push({ sequence, head, message })
        bytes += head.body > 0 ? reader.uint() : stored.length
        if (found.length >= limit || bytes >= PAGE_BYTES) return true
      }
    }
  } finally {
    await iterator.close()
  }
}

/** Fetches the bodies that entries refer to. */
async function complete(
  database: Database,
  session: LevelSession,
  found: readonly Found[],
): Promise<StoredDelivery[]> {
  const bodies = [...new Set(found.map(({ head }) => head.body).filter((body) => body > 0))]
  const keys = bodies.map((body) => numberKey(Kind.body, body))
  const values = keys.length === 0 ? [] : await database.getMany(keys)
  const messages = new Map<number, Message>()
  for (const [index, stored] of values.entries()) {
    if (stored === undefined) throw new RecordError(`body ${bodies[index]} of a message is missing`)
    messages.set(bodies[index], readMessage(new RecordReader(openRecord(keys[index], stored))))
  }
  return found.map(({ sequence, head, message }) => {
    const { qos, retain, subscriptionId, body } = head
    const whole = (message ?? messages.get(body)) as Message
    whole.storedAs = body > 0 ? body : -1
    const released = session.released?.has(sequence) ?? false
    return { sequence, message: whole, qos, retain, subscriptionId, released, safe: true }
  })
}

function fresh(session: LevelSession, sequence: number, entry: NewEntry): StoredDelivery {
  const { message, qos, retain, subscriptionId } = entry
  const released = session.released?.has(sequence) ?? false
  return { sequence, message, qos, retain, subscriptionId, released, safe: false }
}

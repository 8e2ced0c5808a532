/** What a deleted session leaves: filters, entries, releases, inbound messages. Found in portions, by its number. */
import { failpoint } from '../failpoint.ts'
import type { Database } from './level-options.ts'
import { keyBehind, Kind, NUMBER_BYTES, numberKey, readNumber } from './keys.ts'
import { readEntryCosts, RecordReader } from './records.ts'
import { openRecord } from './sealed-record.ts'
import type { DoneEntry } from './write-set.ts'

const PORTION = 1000

export interface Garbage {
  readonly keys: Uint8Array[]
  readonly done: DoneEntry[]
}

/**
 * Hands all that carries the session's number to `clear`, portion by portion; it answers whether the portion is gone
 * from the disk. No group that is not written yet may have anything of this session.
 */
export async function collectGarbage(
  database: Database,
  session: number,
  clear: (portion: Garbage) => Promise<boolean>,
): Promise<void> {
  for (const kind of [Kind.filter, Kind.pubrec, Kind.inbound]) {
    const prefix = numberKey(kind, session)
    for (;;) {
      const range = { gte: prefix, lt: keyBehind(prefix), limit: PORTION }
      const keys = await database.keys(range).all()
      if (keys.length === 0) break
      if (!(await clear({ keys, done: [] }))) return
      failpoint('expiry')
    }
  }
  const prefix = numberKey(Kind.queue, session)
  for (;;) {
    const range = { gte: prefix, lt: keyBehind(prefix), limit: PORTION }
    const entries = await database.iterator(range).all()
    if (entries.length === 0) return
    const done = entries.map(([key, stored]) => ({
      session,
      sequence: readNumber(key, 1 + NUMBER_BYTES),
      body: readEntryCosts(new RecordReader(openRecord(key, stored))).body,
      released: false,
    }))
    if (!(await clear({ keys: [], done }))) return
  }
}

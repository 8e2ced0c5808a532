/** Reading a store kind by kind while it is opened anew. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLevel } from '../../src/store/level/database.ts'
import { entryKey, Kind, NUMBER_BYTES, readNumber } from '../../src/store/level/keys.ts'
import { KindReader } from '../../src/store/level/read-kinds.ts'
import { testMsMax } from '../support/patience.ts'

const ENTRIES = 3000
const ENTRY_BYTES = 8000

test(
  'a kind is read whole, each record once, while the database is opened anew every 8 MiB',
  {
    timeout: testMsMax,
  },
  async (t) => {
    const location = mkdtempSync(join(tmpdir(), 'mozzie-kinds-'))
    t.after(() => rmSync(location, { recursive: true, force: true }))
    let database = await openLevel(location)
    const batch = database.batch()
    for (let sequence = 1; sequence <= ENTRIES; sequence++)
      batch.put(entryKey(Kind.queue, 7, sequence), new Uint8Array(ENTRY_BYTES))
    // What lies around a kind is not of it.
    batch.put(entryKey(Kind.pubrec, 9, 1), new Uint8Array(1))
    batch.put(entryKey(Kind.retained, 9, 1), new Uint8Array(1))
    await batch.write({ sync: false })
    let times = 0
    const reader = new KindReader({
      get database() {
        return database
      },
      async openAnew() {
        await database.close()
        database = await openLevel(location)
        times++
      },
    })
    const sequences: number[] = []
    await reader.eachStored(Kind.queue, (key) => sequences.push(readNumber(key, 1 + NUMBER_BYTES)))
    await database.close()
    assert.deepEqual(
      sequences,
      Array.from({ length: ENTRIES }, (_, index) => index + 1),
    )
    assert.equal(times, Math.floor((ENTRIES * ENTRY_BYTES) / (8 << 20)))
  },
)

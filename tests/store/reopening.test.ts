import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase, openLevel } from '../../src/store/level/database.ts'
import { testMsMax } from '../support/patience.ts'
import { reopenForever } from './reopening.ts'

/** Read in so long a time that the other one deletes its log meanwhile. */
const BYTES = 16 << 20
const ATTEMPTS = 20

test(
  'a store that another broker opens anew is in use, not damaged',
  { timeout: testMsMax },
  async (t) => {
    const location = mkdtempSync(join(tmpdir(), 'mozzie-reopening-'))
    t.after(() => rmSync(location, { recursive: true, force: true }))
    const database = await openLevel(location)
    for (let n = 0; n < BYTES >> 16; n++)
      await database
        .batch()
        .put(Uint8Array.of(1, n), randomBytes(1 << 16))
        .write({ sync: false })
    await database.compactRange(Uint8Array.of(0), Uint8Array.of(255))
    await database.close()
    const stop = await reopenForever(location)
    const refusals: string[] = []
    for (let n = 0; n < ATTEMPTS; n++)
      await openDatabase(location).then(
        (opened) => opened.close(),
        (error: Error) => refusals.push(error.message),
      )
    await stop()
    assert.ok(refusals.length > 0)
    for (const refusal of refusals) assert.match(refusal, /is in use by another broker/)
  },
)

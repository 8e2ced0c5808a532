import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { levelEngine, openDatabase, openLevel } from '../../src/store/level/database.ts'
import type { Engine } from '../../src/store/level/level-options.ts'
import { createLevelStore, type LevelStore } from '../../src/store/level/level-store.ts'
import { testMsMax } from '../support/patience.ts'
import { reopenForever } from './reopening.ts'
import { messageOf, Told } from './told.ts'

/** Read in so long a time that the other one deletes its log meanwhile. */
const BYTES = 16 << 20
const ATTEMPTS = 20
/** So many bytes of retained messages are not read at once. */
const RETAINED = 40
const RETAINED_BYTES = 1 << 18

/** A store, and what it says of its start: 'ready', or why it failed. */
async function start(location: string, engine: Engine = levelEngine) {
  const store = createLevelStore({ location, sync: 'never', wallMs: Date.now, warn() {} }, engine)
  const told = new Told()
  const outcome = await new Promise<string>((resolve) =>
    store.open({
      ...told.events,
      ready: () => resolve('ready'),
      failed: (_batch, _failure, error) => resolve(error.message),
    }),
  )
  return { store, told, outcome }
}

const closed = (store: LevelStore): Promise<void> => new Promise((done) => store.close(done))

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

test(
  'a start during which another broker wrote into the store ends: what it has read is out of date',
  { timeout: testMsMax },
  async (t) => {
    const location = mkdtempSync(join(tmpdir(), 'mozzie-reopening-'))
    t.after(() => rmSync(location, { recursive: true, force: true }))
    const first = await start(location)
    for (let n = 0; n < RETAINED; n++)
      first.store.saveRetained(`${n}`, messageOf(`${n}`, 'x'.repeat(RETAINED_BYTES)))
    first.store.seal(1)
    await first.told.next('committed')
    await closed(first.store)

    /** A whole life of it, as it fits in while a machine sleeps. */
    const runAnother = async (): Promise<void> => {
      const { store, told } = await start(location)
      store.claim(1, 'c', false)
      await told.next('claimed')
      store.saveRetained('news', messageOf('news', 'acknowledged'))
      store.seal(1)
      await told.next('committed')
      await closed(store)
    }
    let times = 0
    const { store, outcome } = await start(location, {
      ...levelEngine,
      async reopen(...args) {
        if (times++ === 0) await runAnother()
        return levelEngine.reopen(...args)
      },
    })
    await closed(store)
    assert.equal(times, 1)
    assert.match(outcome, /is in use by another broker/)
    const last = await start(location)
    assert.equal(last.outcome, 'ready')
    assert.ok(last.told.all('retained').some(([topic]) => topic === 'news'))
    await closed(last.store)
  },
)

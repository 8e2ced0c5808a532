/** A disk without space, and stores that are closed meanwhile. Virtual time, the store's own code. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import type { Database } from '../../src/store/level/level-options.ts'
import { fakeEngine, newDisk } from '../sim/fake-level.ts'
import { Timeline } from '../sim/world.ts'
import { messageOf, Told } from './told.ts'

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

function makeStore() {
  const time = new Timeline()
  const disk = newDisk()
  const opened: Database[] = []
  const engine = fakeEngine({ disk, time, delayMs: () => 5, isAlive: () => true })
  const store = createLevelStore(
    { location: 'memory', sync: 'always', wallMs: () => time.nowMs, warn() {} },
    {
      ...engine,
      async open(location) {
        const database = await engine.open(location)
        opened.push(database)
        return database
      },
    },
  )
  const told = new Told()
  const pass = async (ms: number): Promise<void> => {
    const untilMs = time.nowMs + ms
    do await turn()
    while (time.step(untilMs))
  }
  const close = (): { isClosed: boolean } => {
    const closing = { isClosed: false }
    store.close(() => (closing.isClosed = true))
    return closing
  }
  return { store, disk, told, opened, pass, close }
}

async function openStore() {
  const made = makeStore()
  made.store.open(made.told.events)
  await made.pass(100)
  return made
}

test('of batches that a full disk does not take together the first one is told', async () => {
  const { store, disk, told, pass } = await openStore()
  disk.isFull = true
  for (const batch of [1, 2, 3]) {
    store.saveRetained(`t/${batch}`, messageOf('t', 'x'))
    store.seal(batch)
  }
  await pass(100)
  assert.deepEqual(
    told.all('failed').map(([batch, failure]) => [batch, failure]),
    [[1, 'full']],
  )
})

test('a store whose last group finds no space while it is closed is closed', async () => {
  const { store, disk, pass, close } = await openStore()
  disk.isFull = true
  store.saveRetained('t', messageOf('t', 'x'))
  store.seal(1)
  await turn()
  const closing = close()
  await pass(10_000)
  assert.ok(closing.isClosed)
})

test('a store that is closed while it opens leaves nothing open', async () => {
  const { store, told, opened, pass, close } = makeStore()
  store.open(told.events)
  await turn()
  const closing = close()
  await pass(10_000)
  assert.ok(closing.isClosed)
  assert.deepEqual(
    opened.map(({ status }) => status),
    ['closed'],
  )
})

test('a store is closed for whoever waits for it, though LevelDB could not close', async () => {
  const { opened, pass, close } = await openStore()
  opened[0].close = () => Promise.reject(new Error('IO error'))
  const closing = close()
  await pass(100)
  assert.ok(closing.isClosed)
})

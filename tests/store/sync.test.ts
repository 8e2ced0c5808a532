/** `persistence_sync`: when what was written is on the disk. Virtual time, the store's own code. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SyncMode } from '../../src/store/level/level-options.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { fakeEngine, newDisk } from '../sim/fake-level.ts'
import { Timeline } from '../sim/world.ts'
import { messageOf, Told } from './told.ts'

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

async function openStore(sync: SyncMode) {
  const time = new Timeline()
  const disk = newDisk()
  const engine = fakeEngine({ disk, time, delayMs: () => 5, isAlive: () => true })
  const store = createLevelStore(
    { location: 'memory', sync, wallMs: () => time.nowMs, warn() {} },
    engine,
  )
  const told = new Told()
  const pass = async (ms: number): Promise<void> => {
    const untilMs = time.nowMs + ms
    do await turn()
    while (time.step(untilMs))
  }
  store.open(told.events)
  await pass(100)
  let batch = 0
  const write = async (): Promise<void> => {
    store.saveRetained(`t/${batch}`, messageOf('t', 'x'))
    store.seal(++batch)
    await pass(20)
    assert.equal(told.all('committed').at(-1)?.[0], batch)
  }
  return { store, disk, pass, write }
}

test('always: what is committed is on the disk', async () => {
  const { disk, write } = await openStore('always')
  await write()
  assert.equal(disk.synced.size, 1)
})

test('interval: within a second of every write, the last one too, it is on the disk', async () => {
  const { disk, pass, write } = await openStore('interval')
  for (let round = 1; round <= 3; round++) {
    for (let n = 0; n < 5; n++) await write()
    assert.equal(disk.state.size, round * 5)
    await pass(1000)
    assert.equal(disk.synced.size, round * 5)
    await pass(5000)
  }
})

test('interval: traffic without a pause is synced as well', async () => {
  const { disk, write } = await openStore('interval')
  for (let n = 1; n <= 200; n++) {
    await write()
    assert.ok(n - disk.synced.size <= 50, `${n} written, ${disk.synced.size} on the disk`)
  }
})

test('interval: what was written last is on the disk once the store is closed', async () => {
  const { store, disk, pass, write } = await openStore('interval')
  await write()
  assert.equal(disk.synced.size, 0)
  let closed = false
  store.close(() => (closed = true))
  await pass(100)
  assert.ok(closed)
  assert.equal(disk.synced.size, 1)
})

test('traffic in which every turn brings something is written too', async () => {
  const disk = newDisk()
  const time = new Timeline()
  const looks: (() => void)[] = []
  const engine = {
    ...fakeEngine({ disk, time, delayMs: () => 0, isAlive: () => true }),
    nextTurn: (run: () => void) => void looks.push(run),
  }
  const store = createLevelStore(
    { location: 'memory', sync: 'always', wallMs: () => time.nowMs, warn() {} },
    engine,
  )
  const told = new Told()
  store.open(told.events)
  for (let batch = 1; batch <= 100; batch++) {
    store.saveRetained(`t/${batch}`, messageOf('t', 'x'))
    for (const look of looks.splice(0)) look()
    await turn()
    store.seal(batch)
    await turn()
    while (time.step(time.nowMs + 1));
  }
  assert.ok(told.all('committed').length > 3, `${told.all('committed').length} groups`)
})

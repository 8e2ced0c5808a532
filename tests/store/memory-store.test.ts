import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { storeContract } from './contract.ts'
import { Door, type StoreSetup } from './door.ts'
import { messageOf } from './told.ts'

const PROMPT = { name: 'memory, prompt', defer: queueMicrotask }
const LATE = { name: 'memory, late', defer: (run: () => void) => void setImmediate(run) }

function setupWith(defer: (run: () => void) => void): () => Promise<StoreSetup> {
  return async () => {
    const data = new MemoryData()
    return {
      store: (node) => createMemoryStore(data, { node, defer }),
      dispose: async () => {},
    }
  }
}

for (const { name, defer } of [PROMPT, LATE])
  storeContract(name, setupWith(defer), { shared: true })

test('a batch costs one deferred answer', async () => {
  let deferred = 0
  const setup = await setupWith((run) => {
    deferred++
    queueMicrotask(run)
  })()
  const door = await new Door(setup, 'a').open()
  await door.claim('c')
  const before = deferred
  for (let sequence = 1; sequence <= 1000; sequence++) door.append('c', sequence, 'x')
  await door.commit()
  assert.equal(deferred - before, 1)
})

test('a long queue is read, acknowledged and refilled at the cost of its entries', async () => {
  const setup = await setupWith(queueMicrotask)()
  const door = await new Door(setup, 'a').open()
  await door.claim('c')
  const message = messageOf('t', 'x')
  const COUNT = 200_000
  for (let sequence = 1; sequence <= COUNT; sequence++)
    door.store.append('c', sequence, message, 1, false, 0)
  let seen = 0
  for (let more = true, after = 0; more;) {
    const page = await door.read('c', after, 100)
    for (const { sequence } of page.entries) {
      assert.equal(sequence, ++seen)
      // The client acknowledges as it reads, and new messages come in behind.
      door.store.acknowledge('c', sequence, message)
      if (sequence % 2 === 0 && sequence <= COUNT / 2)
        door.store.append('c', 0, message, 1, false, 0)
    }
    after = seen
    more = page.more
  }
  assert.equal(seen, COUNT * 1.25)
  const { session } = await door.claim('c')
  assert.deepEqual([session?.queuedCount, session?.queuedBytes], [0, 0])
})

test('a store that stands alone keeps nothing that its core has anyway', async () => {
  const data = new MemoryData()
  const setup: StoreSetup = {
    store: (node) => createMemoryStore(data, { node, defer: queueMicrotask, alone: true }),
    dispose: async () => {},
  }
  const door = await new Door(setup, 'a').open()
  await door.claim('c')
  const options = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionId: 0 } as const
  door.store.saveSubscription('c', 't', options)
  door.store.saveRetained('t', messageOf('t', 'x'))
  door.append('c', 1, 'x')
  await door.commit()
  assert.deepEqual([data.retained.size, data.sessions.get('c')?.subscriptions.size], [0, 0])
  const { session } = await door.claim('c')
  assert.equal(session?.queuedCount, 1)
})

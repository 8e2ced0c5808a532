/** The queue of a session that no thread holds yet: what its bounds count, and who is told of what comes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Qos } from '../../src/codec/packets.ts'
import type { Store } from '../../src/ports/store.ts'
import { DEFAULT_LIMITS, type Limits } from '../../src/ports/limits.ts'
import { createJunction } from '../../src/server/thread-junction.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { recordOf } from '../store/door.ts'
import { messageOf, Told } from '../store/told.ts'

const storeOf = (data: MemoryData): Store =>
  createMemoryStore(data, { node: 'all', defer: queueMicrotask })

/** All that waits there was left at QoS 0 by an earlier process. */
function foundAtQos0(data: MemoryData): Store {
  const store = storeOf(data)
  const open = store.open.bind(store)
  store.open = (events) =>
    open({
      ...events,
      session(clientId, record, backlog, isTended) {
        const { queuedCount: count = 0, queuedBytes: bytes = 0, lastSequence = 0 } = backlog ?? {}
        const found = { count, bytes }
        const whole = { queuedCount: count, queuedBytes: bytes, lastSequence, foundAtQos0: found }
        events.session(clientId, record, whole, isTended)
      },
    })
  return store
}

/** A queue whose client is away; `put` says how many of its messages found no room. */
async function createQueue(limits: Partial<Limits>, own = storeOf(new MemoryData())) {
  const { store, joint } = createJunction(own, { ...DEFAULT_LIMITS, ...limits }, 1)
  const told = new Told()
  store.open(told.events)
  await told.next('ready')
  const claim = async (): Promise<void> => {
    store.claim(1, 'c', false)
    await told.next('claimed')
  }
  await claim()
  store.saveSession(recordOf('c'))
  store.unclaim('c', undefined)
  let dropped = 0
  return {
    joint,
    async put(count: number, qos: Qos): Promise<number> {
      for (let left = count; left > 0; left--)
        store.append('c', 0, messageOf('t', 'four'), qos, false, 0)
      store.seal(1)
      await told.next('committed')
      const before = dropped
      dropped = told.all('overflowed').length
      return dropped - before
    },
    /** The client comes, takes these and goes. */
    async take(...sequences: number[]): Promise<void> {
      await claim()
      if (sequences.length > 0) {
        store.read(2, 'c', 0, sequences.length)
        await told.next('page')
      }
      for (const sequence of sequences) store.acknowledge('c', sequence, messageOf('t', 'four'))
      store.unclaim('c', undefined)
    },
  }
}

for (const limits of [{ queuedMax: 3 }, { queuedBytesMax: 12 }]) {
  const name = Object.keys(limits).join()

  test(`${name}: what waits at QoS 0 takes no room from QoS 1 with threads either`, async () => {
    const queue = await createQueue(limits)
    assert.equal(await queue.put(5, 0), 2)
    assert.equal(await queue.put(5, 1), 2)
    assert.equal(await queue.put(1, 0), 1)
    assert.equal(queue.joint.backlogOf('c')?.queuedCount, 6)
  })

  test(`${name}: what waited at QoS 0 and is gone gives no room with threads either`, async () => {
    const queue = await createQueue(limits)
    await queue.put(3, 0)
    await queue.take(1, 2, 3)
    assert.equal(await queue.put(5, 1), 2)
    assert.equal(queue.joint.backlogOf('c')?.queuedCount, 3)
  })

  test(`${name}: what an earlier process left at QoS 0 takes no room when its client was back`, async () => {
    const data = new MemoryData()
    const before = await createQueue(limits, storeOf(data))
    await before.put(3, 0)
    const queue = await createQueue(limits, foundAtQos0(data))
    await queue.take()
    assert.equal(await queue.put(5, 1), 2)
    await queue.take(1, 2, 3)
    assert.equal(await queue.put(1, 1), 1)
  })
}

test('what its thread queues before it is told of its claim comes behind that', async () => {
  const own = storeOf(new MemoryData())
  const open = own.open.bind(own)
  own.open = (events) =>
    open({
      ...events,
      claimed(request, state, owner) {
        events.claimed(request, state, owner)
        // The answer is there, and on its way.
        if (state !== null) given.push(store.append('c', 1, messageOf('t', 'four'), 1, false, 0))
      },
    })
  const { store } = createJunction(own, DEFAULT_LIMITS, 1)
  const given: number[] = []
  const told = new Told()
  store.open(told.events)
  await told.next('ready')
  store.claim(1, 'c', false)
  await told.next('claimed')
  store.saveSession(recordOf('c'))
  store.unclaim('c', undefined)
  store.claim(2, 'c', false)
  const [, state] = await told.next('claimed')
  const [, { sequence }] = await told.next('arrived')
  assert.deepEqual([state?.lastSequence, given, sequence], [0, [0], 1])
})

test('what its thread queues while what another one queued is on its way to it comes behind that', async () => {
  const options = { doors: 2, hasRoom: () => true }
  const joint = new JointStore(storeOf(new MemoryData()), options)
  const [holder, other] = ['holder', 'other'].map((name) => joint.door(name, queueMicrotask))
  const told = new Told()
  holder.open(told.events)
  other.open(new Told().events)
  await told.next('ready')
  holder.claim(1, 'c', false)
  await told.next('claimed')
  const given = [other, holder].map((door) =>
    door.append('c', 1, messageOf('t', 'four'), 1, false, 0),
  )
  const arrived = [await told.next('arrived'), await told.next('arrived')]
  assert.deepEqual(
    [given, arrived.map(([, { sequence }]) => sequence)],
    [
      [0, 0],
      [1, 2],
    ],
  )
  assert.equal(holder.append('c', 3, messageOf('t', 'four'), 1, false, 0), 3)
})

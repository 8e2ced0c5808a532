/**
 * What the core relies on in a store, as tests: every implementation runs the same ones.
 *
 * Invariants: no answer comes within the call that asks; answers of a kind keep the order of their questions;
 * a question sees every write made before it, sealed or not; what `committed` named is there after the store was
 * closed and opened.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { comingNodes, nodes } from './contract-nodes.ts'
import { survival } from './contract-survival.ts'
import { type Check, Door, recordOf, type StoreSetup, texts } from './door.ts'
import { contentOf, messageOf, textOf } from './told.ts'

const options = { qos: 2, noLocal: true, retainAsPublished: true, subscriptionId: 7 } as const

export interface StoreTraits {
  /** Several nodes may be open at once. */
  shared: boolean
  /** `append` says 0, and what the entry's number became is told by `arrived` once it is committed. */
  numbersLater?: boolean
  /** Nodes open together, and none comes later. */
  fixedNodes?: boolean
}

export function storeContract(
  name: string,
  make: (nodes: number) => Promise<StoreSetup>,
  { shared, numbersLater = false, fixedNodes = false }: StoreTraits,
): void {
  const checkOn = (nodes: number) => (what: string, body: (setup: StoreSetup) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      const setup = await make(nodes)
      try {
        await body(setup)
      } finally {
        await setup.dispose()
      }
    })
  const check = checkOn(1)
  answers(check)
  sessions(check)
  queues(check)
  if (!numbersLater) numbers(check)
  survival(check)
  if (shared) nodes(checkOn(2))
  if (shared && !fixedNodes) comingNodes(check)
}

function answers(check: Check): void {
  check('nothing is told within a call', async (setup) => {
    const door = new Door(setup, 'a')
    const { store, told } = door
    store.open(told.events)
    assert.deepEqual(told.log, [])
    await told.next('ready')
    const before = told.log.length
    store.claim(1, 'c', false)
    store.seal(1)
    assert.equal(told.log.length, before)
    await told.next('claimed')
    store.append('c', 1, messageOf('t', 'x'), 1, false, 0)
    const later = told.log.length
    store.read(2, 'c', 0, 10)
    store.seal(2)
    assert.equal(told.log.length, later)
    await told.next('page')
    await door.close()
  })

  check('answers of a kind come in the order asked', async (setup) => {
    const door = await new Door(setup, 'a').open()
    const { store, told } = door
    for (let request = 1; request <= 20; request++) store.claim(request, `c${request % 3}`, false)
    for (let request = 21; request <= 40; request++) store.read(request, 'c1', 0, request)
    for (let count = 0; count < 20; count++) await told.next('claimed')
    for (let count = 0; count < 20; count++) await told.next('page')
    const requests = [...told.all('claimed'), ...told.all('page')].map(([request]) => request)
    assert.deepEqual(
      requests,
      Array.from({ length: 40 }, (_, index) => index + 1),
    )
    await door.close()
  })

  check('batches are committed in order, the last one too', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    for (let batch = 1; batch <= 10; batch++) {
      door.append('c', batch, `${batch}`)
      door.store.seal(batch)
    }
    let last = 0
    while (last < 10) {
      const [batch] = await door.told.next('committed')
      assert.ok(batch > last, `${batch} after ${last}`)
      last = batch
    }
    assert.equal(last, 10)
    await door.close()
  })

  check('an empty batch is committed as well', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.commit()
    assert.deepEqual(door.told.all('failed'), [])
    await door.close()
  })

  check('nothing is told once it was closed', async (setup) => {
    const door = await new Door(setup, 'a').open()
    const before = door.told.log.length
    door.store.claim(1, 'c', false)
    await door.close()
    const after = door.told.log.slice(before).filter(({ name }) => name !== 'claimed')
    assert.deepEqual(after, [])
    const count = door.told.log.length
    const other = await new Door(setup, 'a').open()
    await other.commit()
    assert.equal(door.told.log.length, count)
    await other.close()
  })
}

function sessions(check: Check): void {
  check('a claim makes a session that was not there, and says so', async (setup) => {
    const door = await new Door(setup, 'a').open()
    assert.deepEqual(await door.claim('c'), { session: null, owner: null })
    await door.close()
  })

  check('a claim brings record, counts and held messages', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    door.store.saveSession(recordOf('c'))
    const first = await door.queue('c', 5, 'one')
    const last = await door.queue('c', 6, 'two')
    assert.ok(last > first)
    door.store.holdInbound('c', 9, messageOf('in', 'held'))
    door.store.unclaim('c')
    const { session } = await door.claim('c')
    assert.ok(session)
    assert.deepEqual({ ...session.record, will: null }, { ...recordOf('c'), will: null })
    assert.equal(session.record.will?.dueAtMs, 1e12 + 5)
    assert.equal(session.record.will.remote, '192.0.2.1:5')
    assert.equal(session.record.will.origin, '1883')
    assert.equal(textOf(session.record.will.message), 'gone')
    assert.equal(session.queuedCount, 2)
    assert.equal(session.queuedBytes, 2 * messageOf('t', 'one').payloadLength)
    assert.equal(session.lastSequence, last)
    assert.deepEqual(
      session.inbound.map(({ packetId, message }) => [packetId, textOf(message)]),
      [[9, 'held']],
    )
    await door.close()
  })

  check('a clean start finds nothing of what was', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    door.store.saveSession(recordOf('c'))
    door.store.saveSubscription('c', 'f', options)
    door.append('c', 1, 'old')
    door.store.holdInbound('c', 1, messageOf('in', 'old'))
    assert.equal((await door.claim('c', true)).session, null)
    const { entries, more } = await door.read('c', 0, 10)
    assert.deepEqual([entries, more], [[], false])
    await door.commit()
    await door.close()
    const again = await new Door(setup, 'a').open()
    assert.deepEqual(again.told.all('route'), [])
    await again.close()
  })

  check('a deleted session takes everything along', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    door.append('c', 1, 'old')
    door.store.holdInbound('c', 1, messageOf('in', 'old'))
    door.store.deleteSession('c')
    assert.deepEqual(await door.claim('c'), { session: null, owner: null })
    assert.deepEqual((await door.read('c', 0, 10)).entries, [])
    await door.close()
  })

  check('a held message that was dropped is gone, the others stay', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    for (const id of [1, 2, 65535]) door.store.holdInbound('c', id, messageOf('in', `${id}`))
    door.store.dropInbound('c', 2)
    const { session } = await door.claim('c')
    const held = session?.inbound.map(({ packetId, message }) => [packetId, textOf(message)])
    assert.deepEqual(held?.sort(), [
      [1, '1'],
      [65535, '65535'],
    ])
    await door.close()
  })
}

function queues(check: Check): void {
  check('an entry comes back as it was queued', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    const message = messageOf('a/ü', 'payload')
    const given = door.store.append('c', 3, message, 2, true, 268_435_455)
    const [entry] = (await door.read('c', 0, 10)).entries
    const { message: read, safe: _safe, ...rest } = entry
    assert.deepEqual(contentOf(read), contentOf(message))
    const sequence = given || entry.sequence
    const expected = { sequence, qos: 2, retain: true, subscriptionId: 268_435_455 }
    assert.deepEqual(rest, { ...expected, released: false })
    await door.close()
  })

  check('a read sees what was queued before it, sealed or not', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    door.append('c', 1, 'sealed')
    door.store.seal(1)
    door.append('c', 2, 'open')
    assert.deepEqual(texts((await door.read('c', 0, 10)).entries), ['sealed', 'open'])
    await door.close()
  })

  check('pages follow their cursor and end', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    const all = Array.from({ length: 25 }, (_, index) => `${index}`)
    const given: number[] = []
    for (const text of all) given.push(await door.queue('c', Number(text) * 3 + 1, text))
    const first = await door.read('c', 0, 10)
    assert.equal(first.entries.length, 10)
    assert.equal(first.more, true)
    for (const limit of [1, 7, 25, 100])
      assert.deepEqual(texts(await door.readAll('c', limit)), all)
    assert.deepEqual(texts((await door.read('c', given[20], 10)).entries), ['21', '22', '23', '24'])
    await door.close()
  })

  check('pages go on over entries that came and went in between', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    const given = [0]
    const queue = async (n: number) => void given.push(await door.queue('c', n, `${n}`))
    for (let n = 1; n <= 6; n++) await queue(n)
    const first = await door.read('c', 0, 3)
    assert.deepEqual(texts(first.entries), ['1', '2', '3'])
    for (const n of [3, 4]) door.acknowledge('c', given[n])
    await queue(7)
    assert.deepEqual(texts((await door.read('c', given[3], 10)).entries), ['5', '6', '7'])
    assert.deepEqual(texts((await door.read('c', given[7], 10)).entries), [])
    await queue(8)
    assert.deepEqual(texts((await door.read('c', given[7], 10)).entries), ['8'])
    await door.close()
  })

  check('a read of a session that is let go meanwhile is answered', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    await door.queue('c', 1, 'waits')
    for (let turns = 1; turns < 2000; turns *= 2) {
      const page = door.read('c', 0, 10)
      for (let turn = 0; turn < turns; turn++) await nextTurn()
      door.store.unclaim('c')
      await Promise.race([page, door.told.next('failed')])
      assert.deepEqual(door.told.all('failed'), [])
      await door.commit()
      await door.claim('c')
    }
    assert.deepEqual(texts(await door.readAll('c', 10)), ['waits'])
    await door.close()
  })

  check('entries are acknowledged in any order', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    const given = [99]
    for (let n = 1; n <= 5; n++) given.push(await door.queue('c', n, `${n}`))
    for (const n of [4, 1, 4, 0]) door.acknowledge('c', given[n])
    assert.deepEqual(texts(await door.readAll('c', 10)), ['2', '3', '5'])
    const { session } = await door.claim('c')
    assert.equal(session?.queuedCount, 3)
    assert.equal(session.queuedBytes, 3 * messageOf('t', '1').payloadLength)
    await door.close()
  })

  check('a released entry says so', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    const one = await door.queue('c', 1, 'one')
    const two = await door.queue('c', 2, 'two')
    door.store.release('c', two)
    const entries = await door.readAll('c', 10)
    assert.deepEqual(
      entries.map(({ sequence, released }) => [sequence, released]),
      [
        [one, false],
        [two, true],
      ],
    )
    await door.close()
  })

  check(
    'a message that is queued once more, released and done with leaves the others theirs',
    async (setup) => {
      const door = await new Door(setup, 'a').open()
      const message = messageOf('t', 'shared')
      for (const id of ['c1', 'c2', 'c3']) await door.claim(id)
      for (const id of ['c1', 'c2']) door.store.append(id, 1, message, 2, false, 0)
      await door.commit()
      for (let sequence = 1; sequence <= 2; sequence++) {
        const given = door.store.append('c3', sequence, message, 2, false, 0) || sequence
        door.store.release('c3', given)
        door.store.acknowledge('c3', given, message)
      }
      await door.commit()
      assert.deepEqual(texts(await door.readAll('c1', 5)), ['shared'])
      assert.deepEqual(texts(await door.readAll('c2', 5)), ['shared'])
      await door.close()
    },
  )

  check('one message in many queues leaves each of them on its own', async (setup) => {
    const door = await new Door(setup, 'a').open()
    const message = messageOf('t', 'shared')
    for (const id of ['c1', 'c2', 'c3']) {
      await door.claim(id)
      door.store.append(id, 1, message, 1, false, 0)
    }
    const [{ sequence }] = (await door.read('c1', 0, 5)).entries
    door.store.acknowledge('c1', sequence, message)
    door.store.deleteSession('c2')
    await door.commit()
    assert.deepEqual(texts(await door.readAll('c1', 5)), [])
    assert.deepEqual(texts(await door.readAll('c3', 5)), ['shared'])
    await door.close()
  })
}

function numbers(check: Check): void {
  check('a proposed sequence is kept, a stale one is raised', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    assert.equal(door.append('c', 1, 'x'), 1)
    assert.equal(door.append('c', 10, 'x'), 10)
    assert.ok(door.append('c', 10, 'x') > 10)
    await door.close()
  })

  check('sequences are never given twice, even when the queue is empty', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    door.store.saveSession(recordOf('c'))
    const given = door.append('c', 4, 'x')
    door.acknowledge('c', given)
    await door.commit()
    assert.equal((await door.claim('c')).session?.lastSequence, 4)
    assert.ok(door.append('c', 4, 'y') > 4)
    await door.close()
  })
}

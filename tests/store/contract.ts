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
import type { Message } from '../../src/ports/message.ts'
import type { SessionRecord, Store, StoredDelivery } from '../../src/ports/store.ts'
import { contentOf, messageOf, textOf, Told } from './told.ts'

export interface StoreSetup {
  /** A store, not yet open. All stores of one setup stand on the same data. */
  store(node: string): Store
  dispose(): Promise<void>
}

export interface StoreTraits {
  /** Several nodes may be open at once. */
  shared: boolean
  /** `append` says 0, and what the entry's number became is told by `arrived` once it is committed. */
  numbersLater?: boolean
  /** Nodes open together, and none comes later. */
  fixedNodes?: boolean
}

const options = { qos: 2, noLocal: true, retainAsPublished: true, subscriptionId: 7 } as const

export function recordOf(clientId: string): SessionRecord {
  return {
    clientId,
    // A bridge's: no MQTT text can be it.
    username: '\0user',
    version: 5,
    expirySeconds: 0xffffffff,
    disconnectedAtMs: 1e12,
    will: {
      message: messageOf('will', 'gone'),
      dueAtMs: 1e12 + 5,
      remote: '192.0.2.1:5',
      origin: '1883',
    },
  }
}

/** One node's store with what it tells; a test's usual tool. */
export class Door {
  readonly told = new Told()
  readonly store: Store
  private lastRequest = 0
  private lastBatch = 0
  private readonly appended = new Map<string, Message>()

  constructor(setup: StoreSetup, node: string) {
    this.store = setup.store(node)
  }

  async open(): Promise<this> {
    this.store.open(this.told.events)
    await this.told.next('ready')
    return this
  }

  async claim(clientId: string, cleanStart = false) {
    this.store.claim(++this.lastRequest, clientId, cleanStart)
    const [request, session, owner] = await this.told.next('claimed')
    assert.equal(request, this.lastRequest)
    return { session, owner }
  }

  append(clientId: string, sequence: number, text: string): number {
    const message = messageOf('t', text)
    const given = this.store.append(clientId, sequence, message, 1, false, 0)
    this.appended.set(`${clientId} ${given}`, message)
    return given
  }

  /** The same for a session that is held here; returns its number, whenever the store gives it. */
  async queue(clientId: string, sequence: number, text: string): Promise<number> {
    const given = this.append(clientId, sequence, text)
    if (given > 0) return given
    await this.commit()
    const [, entry] = await this.told.next('arrived')
    this.appended.set(`${clientId} ${entry.sequence}`, entry.message)
    return entry.sequence
  }

  /** Of an entry that {@link append} queued; any other is unknown to the store. */
  acknowledge(clientId: string, sequence: number): void {
    const message = this.appended.get(`${clientId} ${sequence}`) ?? messageOf('t', 'unknown')
    this.store.acknowledge(clientId, sequence, message)
  }

  async read(clientId: string, after: number, limit: number) {
    this.store.read(++this.lastRequest, clientId, after, limit)
    const [request, id, entries, more] = await this.told.next('page')
    assert.deepEqual([request, id], [this.lastRequest, clientId])
    return { entries, more }
  }

  /** The whole queue, page by page. */
  async readAll(clientId: string, limit: number): Promise<StoredDelivery[]> {
    const all: StoredDelivery[] = []
    for (;;) {
      const { entries, more } = await this.read(clientId, all.at(-1)?.sequence ?? 0, limit)
      assert.ok(entries.length <= limit)
      all.push(...entries)
      if (!more) return all
    }
  }

  async commit(): Promise<void> {
    this.store.seal(++this.lastBatch)
    while ((await this.told.next('committed'))[0] < this.lastBatch);
  }

  async close(): Promise<void> {
    await new Promise<void>((done) => this.store.close(done))
  }
}

const texts = (entries: StoredDelivery[]) => entries.map(({ message }) => textOf(message))

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

type Check = (what: string, body: (setup: StoreSetup) => Promise<void>) => void

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

function survival(check: Check): void {
  check('what is over before it is written leaves no PUBREC to its successor', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    door.store.saveSession(recordOf('c'))
    await door.commit()
    const given = await door.queue('c', 1, 'over')
    door.store.release('c', given)
    door.acknowledge('c', given)
    await door.commit()
    await door.close()
    const again = await new Door(setup, 'a').open()
    await again.claim('c')
    again.append('c', given, 'next')
    const { entries } = await again.read('c', 0, 10)
    assert.deepEqual(
      entries.map(({ message, released }) => [textOf(message), released]),
      [['next', false]],
    )
    await again.close()
  })

  check('what was committed is there after close and open', async (setup) => {
    const door = await new Door(setup, 'a').open()
    await door.claim('c')
    door.store.saveSession(recordOf('c'))
    door.store.saveSubscription('c', '$share/g/f/+', options)
    door.store.saveSubscription('c', 'left', options)
    door.store.deleteSubscription('c', 'left')
    const message = messageOf('t', 'kept')
    door.store.append('c', 1, messageOf('t', 'gone'), 1, false, 0)
    door.store.append('c', 2, message, 2, true, 3)
    const [gone, stays] = (await door.read('c', 0, 5)).entries
    door.acknowledge('c', gone.sequence)
    door.store.release('c', stays.sequence)
    door.store.holdInbound('c', 77, message)
    door.store.saveRetained('r', message)
    door.store.saveRetained('r2', message)
    door.store.saveRetained('r2', null)
    const waiting = { message, dueAtMs: 2e12, remote: '::1', origin: '1883' }
    for (const id of ['d1', 'd2', 'd3']) door.store.saveDelayed(id, waiting)
    door.store.saveDelayed('d2', null)
    await door.commit()
    door.store.saveDelayed('d3', null)
    await door.commit()
    await door.close()

    const again = await new Door(setup, 'a').open()
    const { told } = again
    assert.equal(told.log.at(-1)?.name, 'ready')
    const [[clientId, record]] = told.all('session')
    assert.equal(clientId, 'c')
    assert.deepEqual({ ...record, will: null }, { ...recordOf('c'), will: null })
    const will = record?.will
    assert.ok(will)
    assert.deepEqual([will.remote, will.origin], ['192.0.2.1:5', '1883'])
    assert.deepEqual(contentOf(will.message), contentOf(messageOf('will', 'gone')))
    assert.deepEqual(told.all('route'), [['c', '$share/g/f/+', options]])
    const retained = told.all('retained').map(([topic, kept]) => [topic, kept && contentOf(kept)])
    assert.deepEqual(retained, [['r', contentOf(message)]])
    const delayed = told.all('delayed').map(([id, { message: kept, ...rest }]) => ({
      id,
      ...rest,
      message: contentOf(kept),
    }))
    assert.deepEqual(delayed, [
      { id: 'd1', dueAtMs: 2e12, remote: '::1', origin: '1883', message: contentOf(message) },
    ])
    const { session, owner } = await again.claim('c')
    assert.equal(owner, null)
    assert.deepEqual(
      session?.inbound.map(({ packetId }) => packetId),
      [77],
    )
    assert.deepEqual([session.queuedCount, session.lastSequence], [1, stays.sequence])
    const [entry] = await again.readAll('c', 10)
    const { sequence, qos, retain, subscriptionId, released } = entry
    assert.deepEqual(
      [sequence, qos, retain, subscriptionId, released],
      [stays.sequence, 2, true, 3, true],
    )
    assert.deepEqual(contentOf(entry.message), contentOf(message))
    await again.close()
  })

  check('a session is told before its routes', async (setup) => {
    const door = await new Door(setup, 'a').open()
    for (const id of ['c1', 'c2']) {
      await door.claim(id)
      door.store.saveSession(recordOf(id))
      door.store.saveSubscription(id, 'f', options)
    }
    await door.commit()
    await door.close()
    const again = await new Door(setup, 'a').open()
    const { log } = again.told
    for (const id of ['c1', 'c2']) {
      const at = (name: string) => log.findIndex((e) => e.name === name && e.args[0] === id)
      assert.ok(at('session') >= 0 && at('session') < at('route'), id)
    }
    await again.close()
  })
}

function openBoth(setup: StoreSetup): Promise<[Door, Door]> {
  return Promise.all([new Door(setup, 'a').open(), new Door(setup, 'b').open()])
}

/** Several nodes on one set of data. */
function nodes(check: Check): void {
  check('a claim of a session that another node holds names the node', async (setup) => {
    const [a, b] = await openBoth(setup)
    await a.claim('c')
    a.append('c', 1, 'queued')
    await a.commit()
    assert.deepEqual(await b.claim('c', true), { session: null, owner: 'a' })
    a.store.unclaim('c')
    await a.commit()
    const { session, owner } = await b.claim('c')
    assert.deepEqual([session?.queuedCount, owner], [1, null])
    assert.equal((await a.claim('c')).owner, 'b')
    await a.close()
    await b.close()
  })

  check('how far a session was sent goes with it, unless nobody said so', async (setup) => {
    const [a, b] = await openBoth(setup)
    await a.claim('c')
    a.store.saveSession(recordOf('c'))
    const sent = await a.queue('c', 1, 'sent')
    await a.queue('c', sent + 1, 'waits')
    a.store.unclaim('c', sent)
    await a.commit()
    assert.equal((await b.claim('c')).session?.sentTo, sent)
    b.store.unclaim('c')
    await b.commit()
    const { session } = await a.claim('c')
    assert.ok(session?.sentTo === undefined || session.sentTo >= sent)
    await a.close()
    await b.close()
  })

  check('a node that closed holds nothing', async (setup) => {
    const [a, b] = await openBoth(setup)
    await a.claim('c')
    await a.close()
    assert.equal((await b.claim('c')).owner, null)
    await b.close()
  })

  check('an append to a session of another node arrives there, in order', async (setup) => {
    const [a, b] = await openBoth(setup)
    await a.claim('c')
    const own = await a.queue('c', 1, 'own')
    await a.commit()
    const before = a.told.all('arrived').length
    for (const text of ['1', '2', '3']) assert.equal(b.append('c', 1, text), 0)
    assert.equal(a.told.all('arrived').length, before)
    await b.commit()
    const arrived = [1, 2, 3].map(() => a.told.next('arrived'))
    const entries = (await Promise.all(arrived)).map(([clientId, entry]) => {
      assert.equal(clientId, 'c')
      return entry
    })
    assert.deepEqual(texts(entries), ['1', '2', '3'])
    assert.ok(entries[0].sequence > own && entries[2].sequence > entries[1].sequence)
    assert.deepEqual(texts(await a.readAll('c', 10)), ['own', '1', '2', '3'])
    assert.deepEqual(b.told.all('arrived'), [])
    await a.close()
    await b.close()
  })

  check('an append to a session that nobody holds is the store’s own affair', async (setup) => {
    const [a, b] = await openBoth(setup)
    await a.claim('c')
    a.store.unclaim('c')
    await a.commit()
    b.append('c', 1, 'waits')
    await b.commit()
    assert.equal((await a.claim('c')).session?.queuedCount, 1)
    assert.deepEqual(texts(await a.readAll('c', 10)), ['waits'])
    await a.close()
    await b.close()
  })

  check('the others are told of sessions, routes and retained messages', async (setup) => {
    const [a, b] = await openBoth(setup)
    await a.claim('c')
    const message = messageOf('r', 'kept')
    a.store.saveSession(recordOf('c'))
    a.store.saveSubscription('c', 'f', options)
    a.store.saveRetained('r', message)
    a.store.saveRetained('gone', message)
    // What is changed within one batch may be told as what became of it.
    await a.commit()
    a.store.deleteSubscription('c', 'f')
    a.store.saveRetained('gone', null)
    await a.commit()
    a.store.deleteSession('c')
    await a.commit()
    assert.equal((await b.told.next('session'))[1]?.clientId, 'c')
    assert.deepEqual(await b.told.next('route'), ['c', 'f', options])
    assert.deepEqual(await b.told.next('route'), ['c', 'f', null])
    const [topic, kept] = await b.told.next('retained')
    assert.deepEqual([topic, kept && textOf(kept)], ['r', 'kept'])
    const isTended = b.told.all('session')[0][3]
    assert.equal(isTended, true, 'it is its holder that sees to its expiry')
    assert.deepEqual((await b.told.next('session')).slice(0, 2), ['c', null])
    // What it was for a moment only need not be told.
    assert.deepEqual(b.told.all('retained').at(-1), ['gone', null])
    await a.commit()
    for (const name of ['session', 'route', 'retained'] as const)
      assert.deepEqual(a.told.all(name), [], `a is told its own ${name}`)
    await a.close()
    await b.close()
  })

  check('of two nodes that retain at once all hold the same in the end', async (setup) => {
    const doors = await openBoth(setup)
    for (let round = 0; round < 20; round++)
      for (const [index, { store }] of doors.entries())
        store.saveRetained('r', messageOf('r', `${index} ${round}`))
    await Promise.all(doors.map((door) => door.commit()))
    // Whatever was told by then, the next write comes behind it.
    doors[0].store.saveRetained('end', messageOf('end', ''))
    doors[1].store.saveRetained('end', messageOf('end', ''))
    await Promise.all(doors.map((door) => door.commit()))
    const held = doors.map(({ told }) => told.all('retained').findLast(([topic]) => topic === 'r'))
    const texts = held.map((last) => (last?.[1] ? textOf(last[1]) : null))
    for (const door of doors) await door.close()
    const [again, other] = await openBoth(setup)
    const [, kept] = again.told.all('retained').find(([topic]) => topic === 'r') ?? []
    const truth = kept ? textOf(kept) : null
    // A node that was told nothing of it holds its own last word.
    assert.deepEqual([texts[0] ?? '0 19', texts[1] ?? '1 19'], [truth, truth])
    await again.close()
    await other.close()
  })

  check('who does not hold a session does not change it', async (setup) => {
    const [a, b] = await openBoth(setup)
    await a.claim('c')
    a.store.saveSession({ ...recordOf('c'), disconnectedAtMs: -1 })
    await a.commit()
    b.store.saveSession(recordOf('c'))
    b.store.deleteSession('c')
    await b.commit()
    const { session } = await a.claim('c')
    assert.equal(session?.record.disconnectedAtMs, -1)
    await a.close()
    await b.close()
  })
}

/** Nodes that come and go. */
function comingNodes(check: Check): void {
  check('a delayed message is one node’s, and another’s when that one is gone', async (setup) => {
    const a = await new Door(setup, 'a').open()
    const message = messageOf('t', 'later')
    a.store.saveDelayed('d', { message, dueAtMs: 1, remote: '', origin: '' })
    await a.commit()
    const b = await new Door(setup, 'b').open()
    assert.deepEqual(b.told.all('delayed'), [])
    await a.close()
    await b.close()
    const c = await new Door(setup, 'c').open()
    assert.equal(textOf((await c.told.next('delayed'))[1].message), 'later')
    const again = await new Door(setup, 'a').open()
    assert.deepEqual(again.told.all('delayed'), [])
    await c.close()
    await again.close()
  })
}

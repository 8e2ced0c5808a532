/** Several nodes on what one store keeps. */
import assert from 'node:assert/strict'
import { type Check, Door, recordOf, type StoreSetup, texts } from './door.ts'
import { messageOf, textOf } from './told.ts'

const options = { qos: 2, noLocal: true, retainAsPublished: true, subscriptionId: 7 } as const

function openBoth(setup: StoreSetup): Promise<[Door, Door]> {
  return Promise.all([new Door(setup, 'a').open(), new Door(setup, 'b').open()])
}

/** Several nodes on one set of data. */
export function nodes(check: Check): void {
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
export function comingNodes(check: Check): void {
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

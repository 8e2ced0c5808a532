/** What of a store is there after it was closed and opened. */
import assert from 'node:assert/strict'
import { type Check, Door, recordOf } from './door.ts'
import { contentOf, messageOf, textOf } from './told.ts'

const options = { qos: 2, noLocal: true, retainAsPublished: true, subscriptionId: 7 } as const

export function survival(check: Check): void {
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

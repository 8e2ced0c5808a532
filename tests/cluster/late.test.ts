/** A NATS server that stood still hands on what it had taken, long after it was sent again by way of another one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure, type Wire } from '../../src/cluster/wire.ts'
import { recordOf } from '../store/door.ts'
import { messageOf, textOf } from '../store/told.ts'
import { overNats } from './support/stage.ts'

/** Keeps the first attempt at something below `letter`; what is returned has it taken after all. */
function keepFirst(wire: Wire, letter: string): () => Promise<void> {
  const put = wire.put.bind(wire)
  let late = (): Promise<void> => assert.fail('nothing was put')
  wire.put = async (...args) => {
    if (args[0].split('.')[1] !== letter) return await put(...args)
    wire.put = put
    late = async () => assert.ok(!isFailure(await put(...args)))
    return { kind: 'unanswered', code: 0, text: 'no server has answered' }
  }
  return () => late()
}

overNats('what comes late', (nats) => {
  test('a retained message does not take the place of a newer one', async (context) => {
    const stage = nats.stage(context)
    const { node, door } = await stage.join('a')
    const arriveLate = keepFirst(node.wire, 'r')
    for (const text of ['old', 'new']) {
      door.store.saveRetained('t', messageOf('t', text))
      await door.commit()
    }
    await arriveLate()
    const b = await stage.join('b')
    const found = b.door.told.all('retained').map(([, message]) => message && textOf(message))
    assert.deepEqual(found, ['new'])
  })

  test('a QoS 2 message that was handed on does not hold its identifier again [MQTT-4.3.3-2]', async (context) => {
    const [a, b] = await nats.stage(context).joinAll('a', 'b')
    await a.door.claim('c')
    a.door.store.saveSession(recordOf('c'))
    await a.door.commit()
    const arriveLate = keepFirst(a.node.wire, 'x')
    a.door.store.holdInbound('c', 5, messageOf('t', 'once'))
    await a.door.commit()
    a.door.store.dropInbound('c', 5)
    a.door.store.unclaim('c')
    await a.door.commit()
    await arriveLate()
    const { session } = await b.door.claim('c')
    assert.deepEqual(session?.inbound, [])
  })

  test('a QoS 2 message that is held is not let go by the end of an earlier one [MQTT-4.3.3-2]', async (context) => {
    const [a, b] = await nats.stage(context).joinAll('a', 'b')
    await a.door.claim('c')
    a.door.store.saveSession(recordOf('c'))
    a.door.store.holdInbound('c', 5, messageOf('t', 'first'))
    await a.door.commit()
    const arriveLate = keepFirst(a.node.wire, 'x')
    a.door.store.dropInbound('c', 5)
    await a.door.commit()
    a.door.store.holdInbound('c', 5, messageOf('t', 'second'))
    await a.door.commit()
    await arriveLate()
    a.door.store.unclaim('c')
    await a.door.commit()
    const { session } = await b.door.claim('c')
    assert.deepEqual(
      session?.inbound.map(({ message }) => textOf(message)),
      ['second'],
    )
  })

  test('a session that another node has just ended is known to be gone by who claims it', async (context) => {
    const [a, b] = await nats.stage(context).joinAll('a', 'b')
    await b.door.claim('c')
    b.door.store.saveSession(recordOf('c'))
    b.door.store.unclaim('c')
    await b.door.commit()
    await a.node.refresh()
    const { table } = a.node
    const apply = table.apply.bind(table)
    const late: Parameters<typeof apply>[0][] = []
    table.apply = (entry) => void late.push(entry)
    await b.door.claim('c')
    b.door.store.deleteSession('c')
    await b.door.commit()
    const { session } = await a.door.claim('c')
    assert.equal(session, null)
    for (const entry of late) apply(entry)
    assert.deepEqual(a.door.told.all('session').at(-1)?.slice(0, 2), ['c', null])
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Qos } from '../../src/codec/packets.ts'
import { MemoryData } from '../../src/store/memory-store.ts'
import { SimClient } from './client.ts'
import { seeded, SimNode, Timeline } from './world.ts'

/** The same conversation on a store that answers within `storeDelayMs`; returns what each client got. */
function converse(storeDelayMs: number) {
  const time = new Timeline()
  const node = new SimNode({
    time,
    random: seeded(1),
    data: new MemoryData(),
    name: 'a',
    storeDelayMs,
  })
  const wait = () => time.run(time.nowMs + 20_000)
  const clients = ['d1', 'd2', 'c1'].map(
    (id, index) => new SimClient(id, index ? 5 : 4, id !== 'c1'),
  )
  wait()
  for (const client of clients) client.connect(node, 0)
  wait()
  for (const client of clients) client.subscribe('t/#', 2)
  wait()
  const publisher = clients[1]
  for (let n = 0; n < 60; n++) publisher.publish(`t/${n % 3}`, `${n}`, (n % 3) as Qos, n % 7 === 0)
  clients[0].cut()
  wait()
  for (let n = 60; n < 90; n++) publisher.publish('t/0', `${n}`, 1)
  wait()
  clients[0].connect(node, 0)
  wait()
  assert.deepEqual(node.errors, [])
  return clients.map(({ received, acked, sessionPresent }) => {
    // Between QoS levels there is no order to keep: QoS 0 need not wait for the store.
    const byQos = ([0, 1, 2] as const).map((qos) => received.filter((each) => each.qos === qos))
    return { byQos, acked: [...acked].sort(), sessionPresent }
  })
}

test('a store that answers late changes nothing but time', () => {
  const prompt = converse(0)
  const late = converse(300)
  assert.deepEqual(late, prompt)
  assert.ok(prompt[0].byQos[1].length > 30)
})

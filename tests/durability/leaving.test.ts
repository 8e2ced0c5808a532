import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLevel } from '../../src/store/level/database.ts'
import { keyBehind, Kind } from '../../src/store/level/keys.ts'
import { until } from '../server/run-mozzie.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import * as make from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'
import { clientOf, newPlace, startOn } from './durable-broker.ts'
import { testMsMax } from '../support/patience.ts'

const timeout = testMsMax
const COUNT = 40
const decoder = new TextDecoder()
const window = { properties: { receiveMaximum: 1000 } }
const clean = { cleanStart: true, properties: { sessionExpirySeconds: 0 } }
const numbers = Array.from({ length: COUNT }, (_, n) => String(n))

/** Sessions that stay away, each with the same messages in its queue. */
async function queueFor(broker: BrokerProcess, clientIds: readonly string[]): Promise<void> {
  for (const clientId of clientIds) {
    const { client } = await clientOf(broker, clientId)
    await client.subscribe({ filter: 'q', qos: 1 })
    await client.disconnect()
  }
  const { client: writer } = await clientOf(broker, 'writer', clean)
  writer.send(...numbers.map((n) => make.publish('q', n, { qos: 1, packetId: Number(n) + 1 })))
  for (const n of numbers) await writer.expect('puback', { packetId: Number(n) + 1 })
  await writer.disconnect()
}

async function payloadsOf(client: RawClient, count: number): Promise<string[]> {
  const payloads: string[] = []
  while (payloads.length < count)
    payloads.push(decoder.decode((await client.receive({ topic: 'q' })).payload))
  return payloads
}

test(
  'a client that acknowledges and leaves for good takes nothing from the queues of others',
  { timeout },
  async (t: TestContext) => {
    const place = newPlace(t)
    const slow = fileURLToPath(new URL('./slow-writes.js', import.meta.url))
    const broker = await startOn(t, place, '', { NODE_OPTIONS: `--import ${slow}` })
    await queueFor(broker, ['leaver', 'stayer'])
    const { client: leaver } = await clientOf(broker, 'leaver', window)
    const ids = []
    while (ids.length < COUNT) ids.push((await leaver.expect('publish')).packetId)
    leaver.send(make.unsubscribe(1000, ['q']))
    await leaver.expect('unsuback')
    // While the group of this one is being written …
    const { client: other } = await clientOf(broker, 'other', clean)
    other.send(make.publish('kept', 'x', { qos: 1, packetId: 1, retain: true }))
    await leaver.ping()
    // … it goes: everything acknowledged, no session left.
    leaver.send(
      ...ids.map((id) => make.ack('puback', id)),
      make.disconnect(0, { sessionExpirySeconds: 0 }),
    )
    await other.expect('puback', { packetId: 1 })
    for (let n = 0; n < 4; n++) await other.publish('kept', 'x', { qos: 1, retain: true })
    const { client: stayer } = await clientOf(broker, 'stayer', window)
    assert.deepEqual(await payloadsOf(stayer, COUNT), numbers)
    assert.doesNotMatch(broker.log(), /Error/)
  },
)

test(
  'a message whose body is missing costs that message, is reported, and everybody is served',
  { timeout },
  async (t: TestContext) => {
    const place = newPlace(t)
    const first = await startOn(t, place)
    await queueFor(first, ['one', 'two'])
    await first.stop()
    const database = await openLevel(place.store)
    const bodies = { gte: Uint8Array.of(Kind.body), lt: keyBehind(Uint8Array.of(Kind.body)) }
    const keys = await database.keys(bodies).all()
    assert.equal(keys.length, COUNT)
    const batch = database.batch()
    // The last one too: its number must not go to the next message.
    for (const index of [0, 7, COUNT - 1]) batch.del(keys[index])
    await batch.write({ sync: true })
    await database.close()
    const readable = numbers.filter((n) => !['0', '7', String(COUNT - 1)].includes(n))
    const broker = await startOn(t, place)
    const { client: writer } = await clientOf(broker, 'writer', clean)
    assert.equal(await writer.publish('q', 'new', { qos: 1 }), 0)
    for (const clientId of ['one', 'two']) {
      const { client } = await clientOf(broker, clientId, { properties: { receiveMaximum: 1000 } })
      assert.deepEqual(await payloadsOf(client, readable.length + 1), [...readable, 'new'])
      await client.disconnect()
    }
    const reports = () =>
      broker.log().match(/Error: message \d+ queued for client (one|two) is lost/g)?.length ?? 0
    await until(() => reports() >= 6, broker.log)
    assert.equal(reports(), 6, broker.log())
    assert.match(broker.log(), /client one is lost, .* body \d+ is missing/)
    // They are out of the queue: nothing is reported twice, nothing waits.
    const { client } = await clientOf(broker, 'one')
    await client.expectNothing()
    await broker.stop()
    const next = await startOn(t, place)
    const { client: again } = await clientOf(next, 'one')
    await again.expectNothing()
    assert.doesNotMatch(next.log(), /Error/)
  },
)

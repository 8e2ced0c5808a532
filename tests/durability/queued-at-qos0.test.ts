/** What an earlier process queued at QoS 0 takes no room from what is acknowledged to its publisher. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as make from '../support/packets.ts'
import { testMsMax } from '../support/patience.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { clientOf, newPlace, startOn } from './durable-broker.ts'

const decoder = new TextDecoder()
const clean = { cleanStart: true, properties: { sessionExpirySeconds: 0 } }

/** All over one connection: those of several may overtake each other. */
async function publishAll(broker: BrokerProcess, atQos0: string[], names: string[]): Promise<void> {
  const { client } = await clientOf(broker, 'writer', clean)
  for (const name of atQos0) client.send(make.publish('q', name))
  for (const [index, name] of names.entries())
    client.send(make.publish('q', name, { qos: 1, packetId: index + 1 }))
  for (const index of names.keys()) await client.expect('puback', { packetId: index + 1 })
  await client.disconnect()
}

/** Subscribes, and takes all that waited: these, and when it comes again nothing more. */
async function drain(broker: BrokerProcess, waiting: string[]): Promise<void> {
  const { client } = await clientOf(broker, 'reader')
  await client.subscribe({ filter: 'q', qos: 1 })
  for (const name of waiting) {
    const { payload, qos, packetId } = await client.expect('publish')
    assert.equal(decoder.decode(payload), name)
    if (qos > 0) client.send(make.ack('puback', packetId))
  }
  await client.disconnect()
  const { client: again } = await clientOf(broker, 'reader')
  await again.expectNothing()
  await again.disconnect()
}

for (const threads of [1, 2])
  for (const bound of ['max_queued_messages 3', 'max_queued_bytes 6'])
    test(
      `${bound} holds for QoS 1 alone after a restart as well, thread_count ${threads}`,
      { timeout: testMsMax },
      async (context: TestContext) => {
        const place = newPlace(context)
        const config = `queue_qos0_messages true\nthread_count ${threads}\n${bound}`
        const before = await startOn(context, place, config)
        await drain(before, [])
        // At QoS 0 a thread may still send to who has just left; of who left an earlier process, all know.
        await before.stop()
        const first = await startOn(context, place, config)
        await publishAll(first, ['z1', 'z2', 'z3'], ['a1'])
        await first.stop()
        const second = await startOn(context, place, config)
        await publishAll(second, [], ['a2', 'a3', 'a4'])
        await drain(second, ['z1', 'z2', 'z3', 'a1', 'a2', 'a3'])
        await publishAll(second, [], ['b1', 'b2', 'b3', 'b4'])
        await drain(second, ['b1', 'b2', 'b3'])
      },
    )

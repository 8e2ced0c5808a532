/** Delayed publishes on a disk: a real broker that is killed, stopped, and reconfigured while they wait. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as make from '../support/packets.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { clientOf, mozzie, newPlace, startOn } from './durable-broker.ts'

async function say(broker: BrokerProcess, seconds: number, payload: string): Promise<void> {
  const { client } = await clientOf(broker, 'author')
  const packetId = client.nextPacketId()
  client.send(make.publish(`$delayed/${seconds}/a`, payload, { qos: 1, packetId }))
  await client.expect('puback', { packetId, reason: 0 })
  await client.disconnect()
}

async function subscribe(broker: BrokerProcess): Promise<void> {
  const { client } = await clientOf(broker, 'reader')
  await client.subscribe({ filter: 'a', qos: 2 })
  await client.disconnect()
}

async function readOne(broker: BrokerProcess): Promise<string> {
  const { client, sessionPresent } = await clientOf(broker, 'reader')
  assert.ok(sessionPresent)
  const { payload, packetId } = await client.expect('publish', { topic: 'a' })
  client.send(make.ack('puback', packetId))
  await client.disconnect()
  return new TextDecoder().decode(payload)
}

async function kill(broker: BrokerProcess): Promise<void> {
  broker.signal('SIGKILL')
  await broker.stop()
}

for (const [how, end] of [
  ['kill -9', kill],
  ['an orderly stop', (broker: BrokerProcess) => broker.stop()],
] as const)
  test(`what was acknowledged waits through ${how}, and comes`, async (context: TestContext) => {
    const place = newPlace(context)
    const first = await startOn(context, place, 'delayed_publish true')
    await subscribe(first)
    await say(first, 1, 'soon')
    await say(first, 3600, 'in an hour')
    await end(first)
    // Without the option nothing more may be delayed; what was accepted is kept.
    const second = await startOn(context, place)
    assert.equal(await readOne(second), 'soon')
    await second.stop()
    const { stdout } = await mozzie('db', 'dump', place.store)
    const delayed = stdout.split('\n').filter((line) => line.startsWith('delayed '))
    assert.equal(delayed.length, 1, stdout)
  })

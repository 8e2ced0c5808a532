/** What is retained is on its way to a session that is kept, and the broker dies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { testMsMax } from '../support/patience.ts'
import type { RawClient } from '../support/raw-client.ts'
import { clientOf, newPlace, startOn } from './durable-broker.ts'

const COUNT = 1000
const NARROW = { cleanStart: false, properties: { receiveMaximum: 2, sessionExpirySeconds: 3600 } }

/** Acknowledges messages as they come until there were `count` topics, and the SUBACK where one is to come. */
async function take(
  client: RawClient,
  topics: Set<string>,
  count: number,
  awaitsSuback = false,
): Promise<void> {
  for (let isGranted = !awaitsSuback; topics.size < count || !isGranted;) {
    const packet = await client.next()
    assert.ok(packet !== null, 'the connection ended')
    isGranted ||= packet.type === PacketType.suback
    if (packet.type !== PacketType.publish) continue
    topics.add(packet.topic)
    client.send(make.ack('puback', packet.packetId))
  }
}

/** What else there is, until a PINGREQ is answered with nothing before it. */
async function takeRest(client: RawClient): Promise<void> {
  for (let packets = 1; packets > 0;) {
    packets = 0
    client.send(make.pingreq)
    for (let next = await client.next(); next !== null; next = await client.next()) {
      if (next.type === PacketType.pingresp) break
      if (next.type !== PacketType.publish) continue
      packets++
      client.send(make.ack('puback', next.packetId))
    }
  }
}

for (const [who, count] of [
  ['a client that has got some of it', 10],
  ['a client that has got its SUBACK', 0],
] as const)
  test(
    `a broker that was killed sends the rest of what is retained to ${who} [MQTT-3.3.1-9, MQTT-4.1.0-1]`,
    { timeout: testMsMax },
    async (context) => {
      const place = newPlace(context)
      let broker = await startOn(context, place)
      const author = await clientOf(broker, 'author')
      for (let index = 0; index < COUNT; index++)
        await author.client.publish(`r/${index}`, 'x', { qos: 1, retain: true })
      const { client } = await clientOf(broker, 'reader', NARROW)
      client.send(make.subscribe(1, [{ filter: 'r/#', qos: 1 }]))
      const came = new Set<string>()
      if (count === 0) await client.find('suback', { codes: [1] })
      else await take(client, came, count, true)
      broker.signal('SIGKILL')
      await broker.stop()
      broker = await startOn(context, place)
      const back = await clientOf(broker, 'reader', NARROW)
      assert.equal(back.sessionPresent, true)
      await take(back.client, came, COUNT)
      // Behind the last of them it is over: a client that comes once more is sent nothing of it.
      await takeRest(back.client)
      await broker.stop()
      broker = await startOn(context, place)
      const { client: last } = await clientOf(broker, 'reader', NARROW)
      await last.expectNothing()
    },
  )

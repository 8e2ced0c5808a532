import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { ack, publish } from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'

const behaviour = behaviours('inflight windows and receive maximum')

async function publishMany(client: RawClient, topic: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await client.publish(topic, `${index}`, { qos: 1 })
}

behaviour(
  'no more messages are in flight than the receive maximum of the client',
  { v5: '[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2]' },
  async ({ connect, topic }) => {
    const subscriber = await connect({ properties: { receiveMaximum: 2 } })
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await publishMany(await connect(), topic, 4)
    const first = await subscriber.expect('publish', { payload: '0' })
    await subscriber.expect('publish', { payload: '1' })
    await subscriber.expectNothing()
    subscriber.send(ack('puback', first.packetId))
    await subscriber.expect('publish', { payload: '2' })
    await subscriber.expectNothing()
  },
)

behaviour(
  'a QoS 2 message holds its place in the window until PUBCOMP',
  { v5: '[MQTT-4.9.0-2]' },
  async ({ connect, topic }) => {
    const subscriber = await connect({ properties: { receiveMaximum: 1 } })
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    await publisher.publish(topic, 'a', { qos: 2 })
    await publisher.publish(topic, 'b', { qos: 2 })
    const { packetId } = await subscriber.expect('publish', { payload: 'a' })
    subscriber.send(ack('pubrec', packetId))
    await subscriber.expect('pubrel', { packetId })
    await subscriber.expectNothing()
    subscriber.send(ack('pubcomp', packetId))
    await subscriber.expect('publish', { payload: 'b' })
  },
)

behaviour(
  'a PUBREC that refuses frees the place of its message',
  { v5: '[MQTT-4.9.0-2] [MQTT-4.4.0-2]' },
  async ({ connect, topic }) => {
    const subscriber = await connect({ properties: { receiveMaximum: 1 } })
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    await publisher.publish(topic, 'a', { qos: 2 })
    await publisher.publish(topic, 'b', { qos: 2 })
    const { packetId } = await subscriber.expect('publish', { payload: 'a' })
    subscriber.send(ack('pubrec', packetId, 0x80))
    await subscriber.expect('publish', { payload: 'b' })
  },
)

behaviour(
  'a full window holds back nothing but QoS 1 and 2 messages',
  { v5: '[MQTT-3.3.4-10] [MQTT-4.9.0-3]' },
  async ({ connect, topic }) => {
    const subscriber = await connect({ properties: { receiveMaximum: 1 } })
    await subscriber.subscribe({ filter: topic, qos: 1 })
    const publisher = await connect()
    await publishMany(publisher, topic, 2)
    await subscriber.expect('publish', { payload: '0' })
    assert.deepEqual(await subscriber.subscribe(`${topic}/zero`), [0])
    await publisher.publish(`${topic}/zero`, 'zero')
    await subscriber.expect('publish', { payload: 'zero', qos: 0 })
    assert.equal(await subscriber.publish(`${topic}/none`, 'x', { qos: 1 }), 0x10)
    await subscriber.unsubscribe(`${topic}/zero`)
    await subscriber.expectNothing()
  },
)

const behaviourOf20 = behaviours('a window of 20', { config: 'max_inflight_messages 20' })

behaviourOf20(
  'without a receive maximum the window is max_inflight_messages',
  { v3: '', v4: '', v5: '[MQTT-4.9.0-1]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await publishMany(await connect(), topic, 22)
    for (let index = 0; index < 20; index++) {
      await subscriber.expect('publish', { payload: `${index}` })
    }
    await subscriber.expectNothing()
  },
)

behaviour(
  'messages in flight have packet ids of their own, none 0',
  {
    v4: '[MQTT-2.3.1-1] [MQTT-2.3.1-4]',
    v5: '[MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1]',
  },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    const ids = new Set<number>()
    for (let index = 0; index < 20; index++) {
      await publisher.publish(topic, 'x', { qos: index % 2 === 0 ? 1 : 2 })
      ids.add((await subscriber.expect('publish')).packetId)
    }
    assert.equal(ids.size, 20)
    assert.equal(ids.has(0), false)
  },
)

behaviour(
  'a message can use the packet id that its own publisher uses',
  { v3: '', v4: '[MQTT-2.3.1-4]', v5: '[MQTT-2.2.1-4]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe({ filter: topic, qos: 2 })
    client.send(publish(topic, 'x', { qos: 2, packetId: 1 }))
    await client.expect('pubrec', { packetId: 1 })
    client.send(ack('pubrel', 1))
    await client.find('pubcomp', { packetId: 1 })
    await client.receive({ payload: 'x' })
  },
)

behaviour(
  'more unfinished QoS 2 messages than the receive maximum end the connection with 0x93',
  { v5: '[MQTT-3.3.4-7] [MQTT-4.13.1-1] [MQTT-3.14.2-1]' },
  async ({ connect, topic }) => {
    const client = await connect()
    for (let packetId = 1; packetId <= 20; packetId++) {
      client.send(publish(topic, 'x', { qos: 2, packetId }))
      await client.expect('pubrec', { packetId })
    }
    client.send(publish(topic, 'x', { qos: 2, packetId: 21 }))
    await client.expectDropped(0x93)
  },
)

behaviour(
  'as many unfinished QoS 2 messages as the receive maximum are fine',
  { v5: '[MQTT-3.3.4-7] [MQTT-3.3.4-8]' },
  async ({ connect, topic }) => {
    const client = await connect()
    for (let packetId = 1; packetId <= 20; packetId++) {
      client.send(publish(topic, 'x', { qos: 2, packetId }))
      await client.expect('pubrec', { packetId })
    }
    for (let packetId = 1; packetId <= 20; packetId++) client.send(ack('pubrel', packetId))
    for (let packetId = 1; packetId <= 20; packetId++) await client.expect('pubcomp', { packetId })
    assert.equal(await client.publish(topic, 'x', { qos: 1 }), 0x10)
  },
)

const small = behaviours('a small queue', {
  config: 'max_inflight_messages 1\nmax_queued_messages 3',
})

small(
  'a full queue of an absent client drops the newest',
  { v3: '', v4: '', v5: '' },
  async ({ connect, clientId, topic, version }) => {
    const properties = version === 5 ? { sessionExpirySeconds: 60 } : {}
    const options = { clientId, cleanStart: false, properties }
    const subscriber = await connect(options)
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await subscriber.end()
    await publishMany(await connect(), topic, 5)
    const again = await connect(options)
    for (const payload of ['0', '1', '2']) await again.receive({ payload })
    await again.expectNothing()
  },
)

small(
  'the publisher into a full queue is acknowledged with success',
  { v5: '[MQTT-3.4.2-1]' },
  async ({ connect, clientId, topic }) => {
    const properties = { sessionExpirySeconds: 60 }
    const subscriber = await connect({ clientId, cleanStart: false, properties })
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await subscriber.end()
    const publisher = await connect()
    await publishMany(publisher, topic, 4)
    assert.equal(await publisher.publish(topic, 'x', { qos: 1 }), 0)
  },
)

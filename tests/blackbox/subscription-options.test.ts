import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { subscribe } from '../support/packets.ts'

const behaviour = behaviours('subscription options')

behaviour(
  'no local: a client does not get its own messages, others do',
  { v5: '[MQTT-3.8.3-3]' },
  async ({ connect, topic }) => {
    const client = await connect()
    const other = await connect()
    for (const each of [client, other]) await each.subscribe({ filter: topic, noLocal: true })
    await client.publish(topic, 'x')
    await other.expect('publish', { payload: 'x' })
    await client.expectNothing()
  },
)

behaviour(
  'without no local a client gets its own messages',
  { v3: '', v4: '[MQTT-3.3.5-1]', v5: '[MQTT-3.8.3-3]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(topic)
    await client.publish(topic, 'x')
    await client.expect('publish', { payload: 'x' })
  },
)

behaviour(
  'no local goes by client id: after a reconnection too',
  { v5: '[MQTT-3.8.3-3]' },
  async ({ connect, clientId, topic }) => {
    const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
    const first = await connect(options)
    await first.subscribe({ filter: topic, noLocal: true, qos: 1 })
    await first.end()
    const second = await connect(options)
    await second.publish(topic, 'x', { qos: 1 })
    await second.expectNothing()
  },
)

behaviour(
  'no local on a shared subscription ends the connection with 0x82',
  { v5: '[MQTT-3.8.3-4]' },
  async ({ connect, topic }) => {
    const client = await connect()
    client.send(subscribe(1, [{ filter: `$share/g/${topic}`, noLocal: true }]))
    await client.expectDropped(0x82)
  },
)

for (const retain of [false, true]) {
  behaviour(
    `retain as published passes RETAIN ${Number(retain)} on`,
    { v5: '[MQTT-3.3.1-13]' },
    async ({ connect, topic }) => {
      const client = await connect()
      await client.subscribe({ filter: topic, retainAsPublished: true })
      await (await connect()).publish(topic, 'x', { retain })
      await client.expect('publish', { payload: 'x', retain })
    },
  )
}

behaviour(
  'an established subscription gets retained messages with RETAIN 0',
  { v3: '', v4: '[MQTT-3.3.1-9]', v5: '[MQTT-3.3.1-12]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(topic)
    await (await connect()).publish(topic, 'x', { retain: true })
    await client.expect('publish', { payload: 'x', retain: false })
  },
)

behaviour(
  'retain handling 0 sends retained messages at every SUBSCRIBE',
  { v5: '[MQTT-3.3.1-9] [MQTT-3.8.4-4]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.publish(topic, 'kept', { retain: true })
    for (let count = 0; count < 2; count++) {
      await client.subscribe({ filter: topic, retainHandling: 0 })
      await client.expect('publish', { payload: 'kept', retain: true })
    }
  },
)

behaviour(
  'retain handling 1 sends retained messages to a new subscription only',
  { v5: '[MQTT-3.3.1-10]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.publish(topic, 'kept', { retain: true })
    await client.subscribe({ filter: topic, retainHandling: 1 })
    await client.expect('publish', { payload: 'kept', retain: true })
    await client.subscribe({ filter: topic, retainHandling: 1, qos: 1 })
    await client.expectNothing()
    await client.unsubscribe(topic)
    await client.subscribe({ filter: topic, retainHandling: 1 })
    await client.expect('publish', { payload: 'kept', retain: true })
  },
)

behaviour(
  'retain handling 2 sends no retained messages',
  { v5: '[MQTT-3.3.1-11]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.publish(topic, 'kept', { retain: true })
    await client.subscribe({ filter: topic, retainHandling: 2 })
    await client.expectNothing()
  },
)

behaviour(
  'replacing a subscription sends its retained messages again and loses no live one',
  { v3: '', v4: '[MQTT-3.8.4-3]', v5: '[MQTT-3.8.4-4]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    await publisher.publish(topic, 'kept', { retain: true })
    const client = await connect()
    await client.subscribe(topic)
    await client.expect('publish', { payload: 'kept', retain: true })
    await client.subscribe(topic)
    await client.expect('publish', { payload: 'kept', retain: true })
    await publisher.publish(topic, 'live')
    await client.expect('publish', { payload: 'live', retain: false })
    await client.expectNothing()
  },
)

behaviour(
  'retain handling 3 ends the connection with 0x82',
  { v5: '[MQTT-4.13.1-1]' },
  async ({ connect, topic }) => {
    const client = await connect()
    const bytes = client.bytesOf([subscribe(1, [{ filter: topic }])])
    bytes[bytes.length - 1] = 0x30
    client.send(bytes)
    await client.expectDropped(0x82)
  },
)

behaviour(
  'the subscription id travels with the message',
  { v5: '[MQTT-3.3.4-3]' },
  async ({ connect, topic }) => {
    const client = await connect()
    for (const id of [1, 128, 268_435_455]) {
      await client.subscribe(`${topic}/${id}`, { subscriptionIds: [id] })
      await (await connect()).publish(`${topic}/${id}`, 'x')
      const { properties } = await client.expect('publish')
      assert.deepEqual(properties.subscriptionIds, [id])
    }
  },
)

behaviour(
  'a subscription without an id brings none',
  { v5: '[MQTT-3.3.4-3]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(topic, { subscriptionIds: [5] })
    await client.subscribe(topic)
    await (await connect()).publish(topic, 'x')
    await client.expect('publish', { properties: {} })
  },
)

behaviour(
  'overlapping subscriptions bring a copy each, with its id and its QoS',
  { v5: '[MQTT-3.3.4-2] [MQTT-3.3.4-3] [MQTT-3.3.4-5]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe({ filter: `${topic}/#`, qos: 1 }, { subscriptionIds: [1] })
    await client.subscribe({ filter: `${topic}/+`, qos: 2 }, { subscriptionIds: [2] })
    await (await connect()).publish(`${topic}/a`, 'x', { qos: 2 })
    const copies = [await client.receive(), await client.receive()]
    const seen = copies.map(({ qos, properties }) => [properties.subscriptionIds, qos])
    seen.sort()
    assert.deepEqual(seen, [
      [[1], 1],
      [[2], 2],
    ])
    await client.expectNothing()
  },
)

behaviour(
  'overlapping subscriptions are served at their highest QoS, too',
  { v3: '', v4: '[MQTT-3.3.5-1]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe({ filter: `${topic}/#`, qos: 0 })
    await client.subscribe({ filter: `${topic}/+`, qos: 2 })
    await (await connect()).publish(`${topic}/a`, 'x', { qos: 2 })
    const copies = [await client.receive(), await client.receive()]
    assert.equal(Math.max(...copies.map(({ qos }) => qos)), 2)
    await client.expectNothing()
  },
)

behaviour(
  'retained messages carry the subscription id too',
  { v5: '[MQTT-3.3.4-3]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.publish(topic, 'kept', { retain: true })
    await client.subscribe(topic, { subscriptionIds: [9] })
    await client.expect('publish', { retain: true, properties: { subscriptionIds: [9] } })
  },
)

behaviour(
  'a subscription id from a client in PUBLISH ends the connection with 0x82',
  { v5: '[MQTT-3.3.4-6]' },
  async ({ connect }) => {
    const client = await connect()
    client.send('30 07 00 01 61 02 0b 05 78')
    await client.expectDropped(0x82)
  },
)

behaviour(
  'subscription id 0 ends the connection with 0x82',
  { v5: '[MQTT-4.13.1-1]' },
  async ({ connect }) => {
    const client = await connect()
    client.send('82 09 00 01 02 0b 00 00 01 61 00')
    await client.expectDropped(0x82)
  },
)

const single = behaviours('without duplicates', { config: 'allow_duplicate_messages false' })

single(
  'overlapping subscriptions bring one copy',
  { v3: '', v4: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe([{ filter: `${topic}/#` }, { filter: `${topic}/+` }])
    await (await connect()).publish(`${topic}/a`, 'x')
    await client.expect('publish', { payload: 'x' })
    await client.expectNothing()
  },
)

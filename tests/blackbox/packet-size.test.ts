import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import {
  ack,
  connect as connectPacket,
  publish,
  subscribe,
  unsubscribe,
} from '../support/packets.ts'

const behaviour = behaviours('packet sizes', { config: 'max_packet_size 1000' })

/** The size of a QoS 0 PUBLISH in 5.0 beyond its topic and payload, for packets of 128 bytes and more. */
const OVERHEAD = 1 + 2 + 2 + 1

behaviour(
  'the limit of the broker is announced',
  { v5: '[MQTT-3.2.2-15]' },
  async ({ connectFor }) => {
    const [, { properties }] = await connectFor()
    assert.equal(properties.maximumPacketSize, 1000)
  },
)

behaviour(
  'a packet of exactly the limit of the broker is taken',
  { v5: '[MQTT-3.2.2-15]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(topic)
    client.send(publish(topic, 'x'.repeat(1000 - OVERHEAD - topic.length)))
    await client.expect('publish', { topic })
    assert.equal(client.largestFrame, 1000)
  },
)

behaviour(
  'a packet above the limit of the broker ends the connection with 0x95',
  { v4: '[MQTT-4.8.0-1]', v5: '[MQTT-3.2.2-15] [MQTT-3.14.2-1]' },
  async ({ connect, topic }) => {
    const client = await connect()
    client.send(publish(topic, 'x'.repeat(1000)))
    await client.expectDropped(0x95)
  },
)

behaviour(
  'a packet above the limit ends the connection at its header',
  { v4: '', v5: '[MQTT-3.2.2-15]' },
  async ({ connect }) => {
    const client = await connect()
    client.send('30 ff ff ff 7f')
    await client.expectDropped(0x95)
  },
)

behaviour(
  'a message above the limit of the client is dropped, a later one comes',
  { v5: '[MQTT-3.1.2-24] [MQTT-3.1.2-25]' },
  async ({ connect, topic }) => {
    const subscriber = await connect({ properties: { maximumPacketSize: 200 } })
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish(topic, 'x'.repeat(300), { qos })
      await publisher.publish(topic, 'small', { qos })
      await subscriber.receive({ payload: 'small', qos })
    }
    await subscriber.expectNothing()
  },
)

behaviour(
  'a message of exactly the limit of the client is sent',
  { v5: '[MQTT-3.1.2-24]' },
  async ({ connect, topic }) => {
    const subscriber = await connect({ properties: { maximumPacketSize: 200 } })
    await subscriber.subscribe(topic)
    const publisher = await connect()
    await publisher.publish(topic, 'x'.repeat(201 - OVERHEAD - topic.length))
    await publisher.publish(topic, 'y'.repeat(200 - OVERHEAD - topic.length))
    await subscriber.expect('publish', { topic })
    assert.equal(subscriber.largestFrame, 200)
    await subscriber.expectNothing()
  },
)

behaviour(
  'a topic alias is told only where it fits, and what it stands for makes room',
  { v5: '[MQTT-3.1.2-24] [MQTT-3.1.2-26]' },
  async ({ connect }) => {
    const properties = { maximumPacketSize: 28, topicAliasMaximum: 10 }
    const subscriber = await connect({ properties })
    await subscriber.subscribe('size/+')
    const publisher = await connect()
    // 2 + 2 + 8 + 1 + payload: 28 bytes without an alias.
    await publisher.publish('size/one', 'x'.repeat(15))
    await subscriber.expect('publish', { topic: 'size/one', properties: {} })
    await publisher.publish('size/one', 'small')
    await subscriber.expect('publish', { topic: 'size/one', properties: { topicAlias: 1 } })
    // Above the limit with its topic, below it with the alias alone.
    await publisher.publish('size/one', 'x'.repeat(20))
    await subscriber.expect('publish', { topic: '', properties: { topicAlias: 1 } })
    await publisher.publish('size/two', 'x'.repeat(16))
    await subscriber.expectNothing()
    assert.equal(subscriber.largestFrame, 28)
  },
)

behaviour(
  'a client that does not even take CONNACK is closed, and leaves no will',
  { v5: '[MQTT-3.1.2-24]' },
  async ({ connect, open, topic, clientId }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const client = await open()
    const will = { topic, payload: 'gone' }
    client.send(connectPacket(5, { clientId, will, properties: { maximumPacketSize: 10 } }))
    await client.expectClosed()
    await watcher.expectNothing()
  },
)

behaviour(
  'a client that asks for a larger SUBACK or UNSUBACK than it takes is told so and closed',
  { v5: '[MQTT-3.1.2-24]' },
  async ({ connect, topic }) => {
    const filters = Array.from({ length: 50 }, (_, index) => `${topic}/${index}`)
    for (const [count, isTaken] of [
      [45, true],
      [46, false],
    ] as const) {
      const some = filters.slice(0, count)
      const subscriber = await connect({ properties: { maximumPacketSize: 50 } })
      subscriber.send(
        subscribe(
          1,
          some.map((filter) => ({ filter })),
        ),
      )
      if (isTaken) await subscriber.expect('suback')
      else await subscriber.expectDropped(0x95)
      const leaving = await connect({ properties: { maximumPacketSize: 50 } })
      leaving.send(unsubscribe(1, some))
      if (isTaken) await leaving.expect('unsuback')
      else await leaving.expectDropped(0x95)
    }
  },
)

behaviour(
  'dropped messages do not use up the window of the client',
  { v5: '[MQTT-3.1.2-25]' },
  async ({ connect, topic }) => {
    const properties = { maximumPacketSize: 200, receiveMaximum: 1 }
    const subscriber = await connect({ properties })
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    for (let count = 0; count < 5; count++) {
      await publisher.publish(topic, 'x'.repeat(300), { qos: 1 })
      await publisher.publish(topic, 'x'.repeat(300), { qos: 2 })
    }
    await publisher.publish(topic, 'small', { qos: 2 })
    await subscriber.receive({ payload: 'small' })
  },
)

behaviour(
  'what waits in the queue is judged by the limit of the connection that gets it',
  { v5: '[MQTT-3.1.2-24] [MQTT-3.1.2-25]' },
  async ({ connect, clientId, topic }) => {
    const session = { sessionExpirySeconds: 60 }
    const options = { clientId, cleanStart: false }
    const first = await connect({ ...options, properties: session })
    await first.subscribe({ filter: topic, qos: 1 })
    await first.end()
    const publisher = await connect()
    await publisher.publish(topic, 'x'.repeat(300), { qos: 1 })
    await publisher.publish(topic, 'small', { qos: 1 })
    const properties = { ...session, maximumPacketSize: 200 }
    const second = await connect({ ...options, properties })
    await second.receive({ payload: 'small' })
    await second.expectNothing()
  },
)

behaviour(
  'no answer of the broker exceeds the limit of the client: there is nothing optional in it',
  {
    v5: '[MQTT-3.1.2-24] [MQTT-3.1.2-29] [MQTT-3.2.2-19] [MQTT-3.2.2-20] [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.5.2-2] [MQTT-3.5.2-3] [MQTT-3.6.2-2] [MQTT-3.6.2-3] [MQTT-3.7.2-2] [MQTT-3.7.2-3] [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2] [MQTT-3.14.2-3] [MQTT-3.14.2-4]',
  },
  async ({ connect, topic }) => {
    const limit = 40
    const properties = { maximumPacketSize: limit, requestProblemInformation: 0 }
    const client = await connect({ properties })
    const bad = Uint8Array.of(0xff)
    client.send(publish(topic, 'x', { qos: 1, packetId: 1 }))
    client.send(publish(topic, bad, { qos: 1, packetId: 2, properties: { payloadFormat: 1 } }))
    client.send(publish(topic, bad, { qos: 2, packetId: 3, properties: { payloadFormat: 1 } }))
    client.send(ack('pubrel', 4))
    client.send(subscribe(5, [{ filter: topic, qos: 2 }]), unsubscribe(6, ['none']))
    for (const name of ['puback', 'puback', 'pubrec', 'pubcomp', 'suback', 'unsuback'] as const) {
      await client.expect(name, { properties: {} })
    }
    client.send(publish(topic, 'x', { qos: 2, packetId: 7 }))
    await client.expect('pubrec', { properties: {} })
    client.send(ack('pubrel', 7))
    const { packetId } = await client.find('publish')
    client.send(ack('pubrec', packetId))
    await client.find('pubrel', { properties: {} })
    client.send('f0 02 00 00')
    await client.find('disconnect')
    assert.ok(client.largestFrame <= limit, `${client.largestFrame} bytes`)
  },
)

const payloads = behaviours('payload sizes', { config: 'message_size_limit 100' })

payloads(
  'a payload above message_size_limit is not delivered and its PUBACK refuses it',
  { v5: '' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    assert.ok((await publisher.publish(topic, 'x'.repeat(101), { qos: 1 })) >= 0x80)
    await publisher.publish(topic, 'x'.repeat(100), { qos: 1 })
    await subscriber.expect('publish', { payload: 'x'.repeat(100) })
    await subscriber.expectNothing()
  },
)

payloads(
  'a payload above message_size_limit is acknowledged and not delivered',
  { v3: '', v4: '' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    await publisher.publish(topic, 'x'.repeat(101), { qos: 1 })
    await subscriber.expectNothing()
  },
)

import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { publish } from '../support/packets.ts'

const behaviour = behaviours('retained messages')

behaviour(
  'a retained message is sent to a new subscription with RETAIN 1 and its QoS',
  {
    v3: '',
    v4: '[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-8]',
    v5: '[MQTT-3.3.1-5] [MQTT-3.3.1-9]',
  },
  async ({ connect, topic }) => {
    const publisher = await connect()
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish(`${topic}/${qos}`, 'kept', { qos, retain: true })
      const subscriber = await connect()
      await subscriber.subscribe({ filter: `${topic}/${qos}`, qos: 2 })
      await subscriber.receive({ payload: 'kept', retain: true, qos })
    }
  },
)

behaviour(
  'only the last retained message of a topic is kept',
  { v3: '', v4: '[MQTT-3.3.1-5] [MQTT-3.3.1-7]', v5: '[MQTT-3.3.1-5]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    await publisher.publish(topic, 'one', { qos: 1, retain: true })
    await publisher.publish(topic, 'two', { retain: true })
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await subscriber.expect('publish', { payload: 'two', retain: true })
    await subscriber.expectNothing()
  },
)

behaviour(
  'every topic that a wildcard takes brings its retained message',
  { v3: '', v4: '[MQTT-3.3.1-6]', v5: '[MQTT-3.3.1-9]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    const names = [topic, `${topic}/a`, `${topic}/b/c`].map((name) => `${name}/x`)
    for (const name of names) await publisher.publish(name, name, { retain: true })
    const subscriber = await connect()
    await subscriber.subscribe(`${topic}/#`)
    const got = new Set<string>()
    for (const _ of names) got.add((await subscriber.expect('publish', { retain: true })).topic)
    assert.deepEqual(got, new Set(names))
    await subscriber.expectNothing()
  },
)

behaviour(
  'an empty retained message is delivered and removes the retained one',
  {
    v3: '',
    v4: '[MQTT-3.3.1-10] [MQTT-3.3.1-11]',
    v5: '[MQTT-3.3.1-6] [MQTT-3.3.1-7]',
  },
  async ({ connect, topic }) => {
    const publisher = await connect()
    await publisher.publish(topic, 'kept', { retain: true })
    const live = await connect()
    await live.subscribe(topic)
    await live.expect('publish', { payload: 'kept', retain: true })
    await publisher.publish(topic, '', { retain: true })
    await live.expect('publish', { payload: '', retain: false })
    const late = await connect()
    await late.subscribe(topic)
    await late.expectNothing()
  },
)

behaviour(
  'a message without RETAIN leaves the retained one alone',
  { v3: '', v4: '[MQTT-3.3.1-12]', v5: '[MQTT-3.3.1-8]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    await publisher.publish(topic, 'kept', { retain: true })
    await publisher.publish(topic, 'passing')
    await publisher.publish(topic, '')
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await subscriber.expect('publish', { payload: 'kept', retain: true })
    await subscriber.expectNothing()
  },
)

behaviour(
  'a retained message outlives the session of its publisher',
  { v3: '', v4: '[MQTT-3.1.2-7]', v5: '[MQTT-3.3.1-5]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    await publisher.publish(topic, 'kept', { retain: true })
    await publisher.disconnect()
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await subscriber.expect('publish', { payload: 'kept' })
  },
)

behaviour(
  'a retained message comes at the lower of its QoS and the granted one',
  { v3: '', v4: '[MQTT-3.8.4-6]', v5: '[MQTT-3.8.4-8]' },
  async ({ connect, topic }) => {
    await (await connect()).publish(topic, 'kept', { qos: 2, retain: true })
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await subscriber.receive({ payload: 'kept', qos: 1, retain: true })
  },
)

behaviour(
  'a retained QoS 2 message is kept at PUBREL, not before',
  { v4: '[MQTT-4.3.3-2]', v5: '[MQTT-4.3.3-8]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    publisher.send(publish(topic, 'kept', { qos: 2, packetId: 4, retain: true }))
    await publisher.expect('pubrec', { packetId: 4 })
    const early = await connect()
    await early.subscribe(topic)
    await early.expectNothing()
    publisher.send({ type: 6, packetId: 4, reason: 0, properties: {} })
    await publisher.expect('pubcomp', { packetId: 4 })
    const late = await connect()
    await late.subscribe(topic)
    await late.expect('publish', { payload: 'kept', retain: true })
  },
)

behaviour(
  'a retained message keeps its properties',
  { v5: '[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-20]' },
  async ({ connect, topic }) => {
    const properties = {
      payloadFormat: 1,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Uint8Array.of(0, 1, 2, 255),
      userProperties: [['name', 'value']] as [string, string][],
    }
    await (await connect()).publish(topic, 'kept', { retain: true, properties })
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await subscriber.expect('publish', { payload: 'kept', properties })
  },
)

behaviour(
  'many retained messages arrive whole at one subscription',
  { v4: '[MQTT-3.3.1-6]', v5: '[MQTT-3.3.1-9]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    const count = 3000
    const packets = Array.from({ length: count }, (_, index) =>
      publish(`${topic}/${index}`, `${index}`, { retain: true }),
    )
    publisher.send(...packets)
    await publisher.ping()
    const subscriber = await connect()
    await subscriber.subscribe(`${topic}/+`)
    const seen = new Set<string>()
    for (let index = 0; index < count; index++) {
      seen.add((await subscriber.expect('publish', { retain: true })).topic)
    }
    assert.equal(seen.size, count)
    publisher.send(...packets.map((packet) => ({ ...packet, payload: new Uint8Array(0) })))
    await publisher.ping()
  },
)

const off = behaviours('without retained messages', { config: 'retain_available false' })

off(
  'the lack of retained messages is announced',
  { v5: '[MQTT-3.2.2-14]' },
  async ({ connectFor }) => {
    const [, { properties }] = await connectFor()
    assert.equal(properties.retainAvailable, 0)
  },
)

off(
  'a retained PUBLISH ends the connection with 0x9A',
  { v4: '[MQTT-4.8.0-1]', v5: '[MQTT-3.2.2-14] [MQTT-3.14.2-1]' },
  async ({ connect, topic }) => {
    const client = await connect()
    client.send(publish(topic, 'x', { retain: true }))
    await client.expectDropped(0x9a)
  },
)

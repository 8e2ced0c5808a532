import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { subscribe, unsubscribe } from '../support/packets.ts'

const behaviour = behaviours('SUBSCRIBE and UNSUBSCRIBE')

behaviour(
  'SUBSCRIBE gets SUBACK with its packet id and the granted QoS',
  {
    v3: '',
    v4: '[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.3.1-7] [MQTT-3.8.4-5]',
    v5: '[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6] [MQTT-3.8.4-7] [MQTT-3.9.3-2]',
  },
  async ({ connect, topic }) => {
    const client = await connect()
    for (const qos of [0, 1, 2] as const) {
      client.send(subscribe(600 + qos, [{ filter: `${topic}/${qos}`, qos }]))
      await client.expect('suback', { packetId: 600 + qos, codes: [qos] })
    }
  },
)

behaviour(
  'several filters get one SUBACK with their codes in order',
  {
    v3: '',
    v4: '[MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.9.3-1] [MQTT-3.9.3-2]',
    v5: '[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.9.3-1]',
  },
  async ({ connect, topic }) => {
    const client = await connect()
    const filters = ([2, 0, 1] as const).map((qos) => ({ filter: `${topic}/${qos}`, qos }))
    assert.deepEqual(await client.subscribe(filters), [2, 0, 1])
    const publisher = await connect()
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish(`${topic}/${qos}`, 'x', { qos: 2 })
      await client.receive({ topic: `${topic}/${qos}`, qos })
    }
  },
)

behaviour(
  'the same filter again replaces the subscription',
  { v3: '', v4: '[MQTT-3.8.4-3]', v5: '[MQTT-3.8.4-3]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe({ filter: topic, qos: 2 })
    await client.subscribe({ filter: topic, qos: 0 })
    await (await connect()).publish(topic, 'x', { qos: 2 })
    await client.expect('publish', { payload: 'x', qos: 0 })
    await client.expectNothing()
  },
)

behaviour(
  'the same filter twice in one SUBSCRIBE is one subscription, the later one',
  { v3: '', v4: '[MQTT-3.8.4-4]', v5: '[MQTT-3.8.4-5]' },
  async ({ connect, topic }) => {
    const client = await connect()
    const codes = await client.subscribe([
      { filter: topic, qos: 2 },
      { filter: topic, qos: 1 },
    ])
    assert.deepEqual(codes, [2, 1])
    await (await connect()).publish(topic, 'x', { qos: 2 })
    await client.receive({ qos: 1 })
    await client.expectNothing()
  },
)

behaviour(
  'UNSUBSCRIBE gets UNSUBACK with its packet id and ends the deliveries',
  {
    v3: '',
    v4: '[MQTT-3.10.4-4] [MQTT-3.10.4-2] [MQTT-2.3.1-7] [MQTT-3.10.4-1]',
    v5: '[MQTT-3.10.4-4] [MQTT-3.10.4-2] [MQTT-2.2.1-6] [MQTT-3.10.4-1]',
  },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(topic)
    client.send(unsubscribe(700, [topic]))
    await client.expect('unsuback', { packetId: 700 })
    await (await connect()).publish(topic, 'x')
    await client.expectNothing()
  },
)

behaviour(
  'UNSUBACK comes even when there was no such subscription',
  { v3: '', v4: '[MQTT-3.10.4-5]', v5: '[MQTT-3.10.4-5]' },
  async ({ connect, topic }) => {
    const client = await connect()
    client.send(unsubscribe(700, [topic]))
    await client.expect('unsuback', { packetId: 700 })
  },
)

behaviour(
  'UNSUBACK tells for each filter, in order, whether there was a subscription',
  { v5: '[MQTT-3.11.3-1] [MQTT-3.11.3-2] [MQTT-3.10.4-6]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(`${topic}/a`)
    await client.subscribe(`${topic}/c`)
    const filters = ['a', 'b', 'c'].map((level) => `${topic}/${level}`)
    assert.deepEqual(await client.unsubscribe(...filters), [0, 0x11, 0])
  },
)

behaviour(
  'several filters in one UNSUBSCRIBE are all ended',
  { v3: '', v4: '[MQTT-3.10.4-6]', v5: '[MQTT-3.10.4-6]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe([{ filter: `${topic}/a` }, { filter: `${topic}/b` }])
    await client.unsubscribe(`${topic}/a`, `${topic}/b`)
    const publisher = await connect()
    await publisher.publish(`${topic}/a`, 'x')
    await publisher.publish(`${topic}/b`, 'x')
    await client.expectNothing()
  },
)

behaviour(
  'UNSUBSCRIBE compares filters as they are written, wildcards and case included',
  { v3: '', v4: '[MQTT-3.10.4-1] [MQTT-4.7.3-4]', v5: '[MQTT-3.10.4-1] [MQTT-4.7.3-4]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(`${topic}/a`)
    await client.unsubscribe(`${topic}/+`, `${topic}/A`, `${topic}/a/`, `${topic}/#`)
    await (await connect()).publish(`${topic}/a`, 'x')
    await client.expect('publish', { payload: 'x' })
  },
)

behaviour(
  'deliveries begun before UNSUBSCRIBE are completed',
  { v3: '', v4: '[MQTT-3.10.4-3]', v5: '[MQTT-3.10.4-3]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe({ filter: topic, qos: 2 })
    await (await connect()).publish(topic, 'x', { qos: 2 })
    const { packetId } = await client.expect('publish', { qos: 2 })
    await client.unsubscribe(topic)
    client.send({ type: 5, packetId, reason: 0, properties: {} })
    await client.expect('pubrel', { packetId })
  },
)

behaviour(
  'a subscription is served from its SUBACK on',
  { v3: '', v4: '[MQTT-4.5.0-1]', v5: '[MQTT-4.5.0-1]' },
  async ({ connect, topic }) => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect()))
    for (const client of clients) await client.subscribe(topic)
    await (await connect()).publish(topic, 'x')
    for (const client of clients) await client.expect('publish', { payload: 'x' })
  },
)

behaviour(
  'SUBSCRIBE is processed before a PUBLISH in the same write',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    const message = client.bytesOf([{ ...emptyPublish, topic }])
    client.send(subscribe(9, [{ filter: topic }]), message)
    await client.find('suback', { packetId: 9 })
    await client.expect('publish', { topic })
  },
)

const emptyPublish = {
  type: 3,
  dup: false,
  qos: 0,
  retain: false,
  packetId: 0,
  properties: {},
  payload: new Uint8Array(0),
} as const

const lowered = behaviours('a listener with max_qos 1', { config: 'max_qos 1' })

lowered(
  'the maximum QoS is announced and SUBSCRIBE above it is granted it',
  { v5: '[MQTT-3.2.2-9] [MQTT-3.2.2-10] [MQTT-3.8.4-7]' },
  async ({ connectFor, topic }) => {
    const [client, { properties }] = await connectFor()
    assert.equal(properties.maximumQos, 1)
    assert.deepEqual(await client.subscribe({ filter: topic, qos: 2 }), [1])
  },
)

lowered(
  'SUBSCRIBE above the maximum QoS is granted the maximum',
  { v4: '[MQTT-3.8.4-5] [MQTT-3.8.4-6]' },
  async ({ connect, topic }) => {
    const client = await connect()
    assert.deepEqual(await client.subscribe({ filter: topic, qos: 2 }), [1])
  },
)

lowered(
  'PUBLISH above the maximum QoS ends the connection with 0x9B',
  { v4: '[MQTT-4.8.0-1]', v5: '[MQTT-3.2.2-11] [MQTT-3.14.2-1] [MQTT-4.13.2-1]' },
  async ({ connect, topic }) => {
    const client = await connect()
    client.send({ ...emptyPublish, topic, qos: 2, packetId: 1 })
    await client.expectDropped(0x9b)
  },
)

import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { ack, publish } from '../support/packets.ts'

const behaviour = behaviours('PUBLISH at each QoS')

behaviour(
  'a QoS 0 message is delivered with QoS 0, DUP 0 and no answer',
  {
    v3: '',
    v4: '[MQTT-4.3.1-1] [MQTT-3.3.4-1] [MQTT-2.3.1-5] [MQTT-3.3.1-2]',
    v5: '[MQTT-4.3.1-1] [MQTT-3.3.4-1] [MQTT-2.2.1-2] [MQTT-3.3.1-2]',
  },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    publisher.send(publish(topic, 'x'))
    await publisher.expectNothing()
    await subscriber.expect('publish', { topic, payload: 'x', qos: 0, dup: false, packetId: 0 })
  },
)

behaviour(
  'a QoS 1 message gets PUBACK with its packet id and is delivered at QoS 1',
  {
    v3: '',
    v4: '[MQTT-4.3.2-2] [MQTT-4.3.2-1] [MQTT-2.3.1-6] [MQTT-3.3.4-1]',
    v5: '[MQTT-4.3.2-4] [MQTT-4.3.2-2] [MQTT-2.2.1-5] [MQTT-3.4.2-1] [MQTT-3.3.4-1]',
  },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 1 })
    const publisher = await connect()
    publisher.send(publish(topic, 'x', { qos: 1, packetId: 513 }))
    await publisher.expect('puback', { packetId: 513, reason: 0 })
    const message = await subscriber.receive({ topic, payload: 'x', qos: 1, dup: false })
    assert.notEqual(message.packetId, 0)
  },
)

behaviour(
  'a QoS 2 message passes through PUBREC, PUBREL and PUBCOMP with one packet id',
  {
    v3: '',
    v4: '[MQTT-4.3.3-2] [MQTT-2.3.1-6] [MQTT-3.3.4-1]',
    v5: '[MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT-2.2.1-5] [MQTT-3.5.2-1] [MQTT-3.7.2-1]',
  },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    publisher.send(publish(topic, 'x', { qos: 2, packetId: 513 }))
    await publisher.expect('pubrec', { packetId: 513, reason: 0 })
    publisher.send(ack('pubrel', 513))
    await publisher.expect('pubcomp', { packetId: 513, reason: 0 })
    await subscriber.expect('publish', { topic, payload: 'x' })
  },
)

behaviour(
  'the broker sends QoS 2 by PUBLISH, and PUBREL after PUBREC, with one packet id',
  {
    v3: '',
    v4: '[MQTT-4.3.3-1] [MQTT-3.6.1-1] [MQTT-2.2.2-1]',
    v5: '[MQTT-4.3.3-2] [MQTT-4.3.3-4] [MQTT-3.6.1-1] [MQTT-3.6.2-1] [MQTT-2.1.3-1]',
  },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 2 })
    await (await connect()).publish(topic, 'x', { qos: 2 })
    const { packetId } = await subscriber.expect('publish', { qos: 2, dup: false, payload: 'x' })
    subscriber.send(ack('pubrec', packetId))
    await subscriber.expect('pubrel', { packetId, reason: 0 })
    assert.equal(subscriber.firstBytes.at(-1), 0x62)
    subscriber.send(ack('pubcomp', packetId))
    await subscriber.expectNothing()
  },
)

behaviour(
  'a QoS 2 message is forwarded at PUBREL, not before',
  { v3: '', v4: '[MQTT-4.3.3-2]', v5: '[MQTT-4.3.3-8]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    publisher.send(publish(topic, 'x', { qos: 2, packetId: 1 }))
    await publisher.expect('pubrec', { packetId: 1 })
    await subscriber.expectNothing()
    publisher.send(ack('pubrel', 1))
    await publisher.expect('pubcomp', { packetId: 1 })
    await subscriber.expect('publish', { payload: 'x' })
  },
)

behaviour(
  'a QoS 2 packet id repeated before PUBREL gets PUBREC again and one delivery',
  { v3: '', v4: '[MQTT-4.3.3-2]', v5: '[MQTT-4.3.3-10]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    const message = publish(topic, 'once', { qos: 2, packetId: 3 })
    publisher.send(message)
    await publisher.expect('pubrec', { packetId: 3 })
    publisher.send({ ...message, dup: true }, { ...message, dup: true })
    await publisher.expect('pubrec', { packetId: 3, reason: 0 })
    await publisher.expect('pubrec', { packetId: 3, reason: 0 })
    publisher.send(ack('pubrel', 3))
    await publisher.expect('pubcomp', { packetId: 3 })
    await subscriber.expect('publish', { payload: 'once' })
    await subscriber.expectNothing()
  },
)

behaviour(
  'a QoS 2 message first seen with DUP is delivered once',
  { v3: '', v4: '[MQTT-4.3.3-2]', v5: '[MQTT-4.3.3-10]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await (await connect()).publish(topic, 'x', { qos: 2, dup: true })
    await subscriber.expect('publish', { payload: 'x', dup: false })
    await subscriber.expectNothing()
  },
)

behaviour(
  'after PUBACK the packet id is a new message, whatever DUP says',
  { v3: '', v4: '[MQTT-4.3.2-2]', v5: '[MQTT-4.3.2-5]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    await publisher.publish(topic, 'one', { qos: 1, packetId: 5 })
    await publisher.publish(topic, 'two', { qos: 1, packetId: 5, dup: true })
    await subscriber.expect('publish', { payload: 'one' })
    await subscriber.expect('publish', { payload: 'two' })
  },
)

behaviour(
  'after PUBCOMP the packet id is a new message',
  { v3: '', v4: '[MQTT-4.3.3-2]', v5: '[MQTT-4.3.3-12]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    await publisher.publish(topic, 'one', { qos: 2, packetId: 5 })
    await publisher.publish(topic, 'two', { qos: 2, packetId: 5 })
    await subscriber.expect('publish', { payload: 'one' })
    await subscriber.expect('publish', { payload: 'two' })
  },
)

behaviour(
  'DUP of the publisher is not passed on',
  { v3: '', v4: '[MQTT-3.3.1-3]', v5: '[MQTT-3.3.1-3]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await (await connect()).publish(topic, 'x', { qos: 1, dup: true })
    await subscriber.expect('publish', { payload: 'x', qos: 1, dup: false })
  },
)

const publishedBySubscribed = [0, 1, 2].flatMap((published) =>
  [0, 1, 2].map((granted) => [published, granted] as [0 | 1 | 2, 0 | 1 | 2]),
)

behaviour(
  'delivery is at the lower of the published and the granted QoS',
  { v3: '', v4: '[MQTT-3.8.4-6]', v5: '[MQTT-3.8.4-8]' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    for (const [published, granted] of publishedBySubscribed) {
      const subscriber = await connect()
      await subscriber.subscribe({ filter: topic, qos: granted })
      await publisher.publish(topic, 'x', { qos: published })
      await subscriber.receive({ qos: Math.min(published, granted) as 0 | 1 | 2 })
      await subscriber.disconnect()
    }
  },
)

behaviour(
  'PUBREL for an unknown packet id gets PUBCOMP',
  { v3: '', v4: '[MQTT-4.3.3-2]' },
  async ({ connect }) => {
    const client = await connect()
    client.send(ack('pubrel', 77))
    await client.expect('pubcomp', { packetId: 77 })
  },
)

behaviour(
  'PUBREL for an unknown packet id gets PUBCOMP with "not found"',
  { v5: '[MQTT-4.3.3-11] [MQTT-3.7.2-1]' },
  async ({ connect }) => {
    const client = await connect()
    client.send(ack('pubrel', 77))
    await client.expect('pubcomp', { packetId: 77, reason: 0x92 })
  },
)

behaviour(
  'PUBACK and PUBCOMP for unknown packet ids are ignored',
  { v3: '', v4: '', v5: '' },
  async ({ connect }) => {
    const client = await connect()
    client.send(ack('puback', 77), ack('pubcomp', 78))
    await client.expectNothing()
  },
)

behaviour(
  'a QoS 1 message refused by the subscriber is not sent again',
  { v5: '[MQTT-4.4.0-2]' },
  async ({ connect, clientId, topic }) => {
    const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
    const subscriber = await connect(options)
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await (await connect()).publish(topic, 'x', { qos: 1 })
    const { packetId } = await subscriber.expect('publish', { qos: 1 })
    subscriber.send(ack('puback', packetId, 0x83))
    await subscriber.ping()
    subscriber.destroy()
    const again = await connect(options)
    await again.expectNothing()
  },
)

behaviour(
  'a QoS 2 message refused by PUBREC gets no PUBREL and is not sent again',
  { v5: '[MQTT-4.4.0-2] [MQTT-4.3.3-4]' },
  async ({ connect, clientId, topic }) => {
    const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
    const subscriber = await connect(options)
    await subscriber.subscribe({ filter: topic, qos: 2 })
    await (await connect()).publish(topic, 'x', { qos: 2 })
    const { packetId } = await subscriber.expect('publish', { qos: 2 })
    subscriber.send(ack('pubrec', packetId, 0x83))
    await subscriber.expectNothing()
    subscriber.destroy()
    const again = await connect(options)
    await again.expectNothing()
  },
)

behaviour(
  'PUBACK tells that nobody subscribed to a message',
  { v5: '[MQTT-3.4.2-1]' },
  async ({ connect, topic }) => {
    const client = await connect()
    assert.equal(await client.publish(topic, 'x', { qos: 1 }), 0x10)
  },
)

behaviour(
  'a message of one publisher on one topic and QoS arrives in the order it was sent',
  { v3: '', v4: '[MQTT-4.6.0-5] [MQTT-4.6.0-6]', v5: '[MQTT-4.6.0-5] [MQTT-4.6.0-6]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    for (const qos of [0, 1, 2] as const) {
      for (let count = 0; count < 10; count++) await publisher.publish(topic, `${count}`, { qos })
      for (let count = 0; count < 10; count++)
        await subscriber.receive({ payload: `${count}`, qos })
    }
  },
)

behaviour(
  'a topic and a payload are passed on byte by byte',
  {
    v4: '[MQTT-1.5.3-3] [MQTT-3.3.2-1] [MQTT-3.3.2-3] [MQTT-4.7.3-4]',
    v5: '[MQTT-1.5.4-3] [MQTT-3.3.2-1] [MQTT-3.3.2-3] [MQTT-4.7.3-4]',
  },
  async ({ connect, topic }) => {
    const name = `${topic}/\uFEFFa\uFEFF/ÅA\u030A/🦟/${'é'.normalize('NFD')}`
    const payload = Uint8Array.from({ length: 256 }, (_, index) => index)
    const subscriber = await connect()
    await subscriber.subscribe(`${topic}/#`)
    await (await connect()).publish(name, payload)
    await subscriber.expect('publish', { topic: name, payload })
  },
)

behaviour(
  'an empty payload is delivered',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await (await connect()).publish(topic, '')
    await subscriber.expect('publish', { topic, payload: '' })
  },
)

behaviour(
  'a megabyte arrives whole',
  { v3: '', v4: '[MQTT-7.1.1-1]', v5: '[MQTT-4.2.0-1]' },
  async ({ connect, topic }) => {
    const payload = Uint8Array.from({ length: 1_000_000 }, (_, index) => index * 7)
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await (await connect()).publish(topic, payload, { qos: 1 })
    await subscriber.receive({ payload })
  },
)

behaviour(
  'a message without properties is passed on without any',
  { v5: '[MQTT-2.2.2-1]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await (await connect()).publish(topic, 'x')
    await subscriber.expect('publish', { properties: {} })
  },
)

behaviour(
  'packets split at every byte and packets glued together mean the same',
  { v3: '', v4: '[MQTT-7.1.1-1]', v5: '[MQTT-4.2.0-1]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    const bytes = publisher.bytesOf([publish(topic, 'a'), publish(topic, 'b'), publish(topic, 'c')])
    for (let at = 0; at < bytes.length; at++) {
      publisher.send(bytes.subarray(at, at + 1))
      // Lets the byte leave as a segment of its own.
      await new Promise(setImmediate)
    }
    publisher.send(bytes)
    for (const payload of ['a', 'b', 'c', 'a', 'b', 'c'])
      await subscriber.expect('publish', { payload })
  },
)

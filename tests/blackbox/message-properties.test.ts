import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { behaviours } from '../support/behaviour.ts'
import { ack, publish } from '../support/packets.ts'

const behaviour = behaviours('message properties', { concurrency: 4 })

behaviour(
  'payload format, content type, response topic and correlation data arrive unaltered',
  { v5: '[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-20]' },
  async ({ connect, topic }) => {
    const properties = {
      payloadFormat: 1,
      contentType: 'text/plain; charset=utf-8 蚊',
      responseTopic: `${topic}/antwörten`,
      correlationData: Uint8Array.from({ length: 256 }, (_, index) => index),
    }
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 2 })
    for (const qos of [0, 1, 2] as const) {
      await (await connect()).publish(topic, 'x', { qos, properties })
      await subscriber.receive({ qos, properties })
    }
  },
)

behaviour(
  'user properties arrive in their order, repeats and empty ones included',
  { v5: '[MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-1.5.7-1]' },
  async ({ connect, topic }) => {
    const userProperties: [string, string][] = [
      ['b', '2'],
      ['a', '1'],
      ['b', '2'],
      ['', ''],
      ['__proto__', 'x'],
      ['é', '\uFEFF'],
    ]
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await (await connect()).publish(topic, 'x', { properties: { userProperties } })
    await subscriber.expect('publish', { properties: { userProperties } })
  },
)

behaviour(
  'properties survive the queue of an absent client',
  { v5: '[MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-16]' },
  async ({ connect, clientId, topic }) => {
    const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
    const subscriber = await connect(options)
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await subscriber.end()
    const properties = {
      responseTopic: 'answers',
      correlationData: Uint8Array.of(9),
      userProperties: [
        ['z', '1'],
        ['a', '2'],
      ] as [string, string][],
    }
    await (await connect()).publish(topic, 'x', { qos: 1, properties })
    const again = await connect(options)
    await again.receive({ properties })
  },
)

behaviour(
  'a request is answered through its response topic and correlation data',
  { v5: '[MQTT-3.3.2-15] [MQTT-3.3.2-16]' },
  async ({ connect, topic }) => {
    const responder = await connect()
    await responder.subscribe(`${topic}/questions`)
    const requester = await connect()
    await requester.subscribe(`${topic}/answers`)
    const correlationData = Uint8Array.of(1, 2, 3)
    const asked = { responseTopic: `${topic}/answers`, correlationData }
    await requester.publish(`${topic}/questions`, '6 * 7', { properties: asked })
    const question = await responder.expect('publish')
    const { responseTopic, correlationData: id } = question.properties
    await responder.publish(responseTopic!, '42', { properties: { correlationData: id! } })
    await requester.expect('publish', { payload: '42', properties: { correlationData } })
  },
)

behaviour(
  'a response topic with a wildcard ends the connection with 0x82',
  { v5: '[MQTT-3.3.2-14]' },
  async ({ connect, topic }) => {
    for (const responseTopic of ['#', 'a/+', '+/a']) {
      const client = await connect()
      client.send(publish(topic, 'x', { properties: { responseTopic } }))
      await client.expectDropped(0x82)
    }
  },
)

behaviour(
  'a payload that is not the UTF-8 it claims is refused with 0x99',
  { v5: '[MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-4.3.3-9]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    const bad = Uint8Array.of(0xc3, 0x28)
    const properties = { payloadFormat: 1 }
    assert.equal(await publisher.publish(topic, bad, { qos: 1, properties }), 0x99)
    assert.equal(await publisher.publish(topic, bad, { qos: 2, properties, packetId: 9 }), 0x99)
    // The refused packet id is free again, for a message that is forwarded.
    await publisher.publish(topic, 'good', { qos: 2, packetId: 9 })
    await subscriber.expect('publish', { payload: 'good' })
    await subscriber.expectNothing()
  },
)

behaviour(
  'a payload that claims UTF-8 may be any UTF-8: lines, tabs, NUL, U+FFFF',
  { v5: '[MQTT-3.3.2-4]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    const properties = { payloadFormat: 1 }
    for (const payload of ['a\nb\r\n', '\t', '\0', '\uffff', '\ufdd0', '\u0085']) {
      assert.ok((await publisher.publish(topic, payload, { qos: 1, properties })) < 0x80)
      await subscriber.expect('publish', { payload })
    }
  },
)

behaviour(
  'at QoS 0 a payload that is not the UTF-8 it claims ends the connection with 0x99',
  { v5: '[MQTT-3.14.2-1]' },
  async ({ connect, topic }) => {
    const client = await connect()
    const properties = { payloadFormat: 1 }
    client.send(publish(topic, Uint8Array.of(0xff), { properties }))
    await client.expectDropped(0x99)
  },
)

behaviour(
  'a message without a payload format may be any bytes',
  { v5: '[MQTT-3.3.2-4]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const payload = Uint8Array.of(0xff, 0, 0xc3)
    await (await connect()).publish(topic, payload, { properties: { payloadFormat: 0 } })
    await subscriber.expect('publish', { payload, properties: { payloadFormat: 0 } })
  },
)

behaviour(
  'a message that expired in the queue is not delivered',
  { v5: '[MQTT-3.3.2-5]' },
  async ({ connect, clientId, topic }) => {
    const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
    const subscriber = await connect(options)
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await subscriber.end()
    const publisher = await connect()
    await publisher.publish(topic, 'short', { qos: 1, properties: { messageExpirySeconds: 1 } })
    await publisher.publish(topic, 'long', { qos: 1 })
    await sleep(2500)
    const again = await connect(options)
    await again.receive({ payload: 'long' })
    await again.expectNothing()
  },
)

behaviour(
  'the message expiry arrives less the seconds waited',
  { v5: '[MQTT-3.3.2-6]' },
  async ({ connect, clientId, topic }) => {
    const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
    const subscriber = await connect(options)
    await subscriber.subscribe({ filter: topic, qos: 1 })
    await subscriber.end()
    const properties = { messageExpirySeconds: 100 }
    await (await connect()).publish(topic, 'x', { qos: 1, properties })
    await sleep(2100)
    const again = await connect(options)
    const { properties: left } = await again.receive()
    assert.ok(left.messageExpirySeconds! <= 98, `${left.messageExpirySeconds} s left`)
    assert.ok(left.messageExpirySeconds! >= 70, `${left.messageExpirySeconds} s left`)
  },
)

behaviour(
  'a message expiry arrives whole when nothing was waited',
  { v5: '[MQTT-3.3.2-6]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    for (const messageExpirySeconds of [100, 0xffff_fffe, 0xffff_ffff]) {
      await (await connect()).publish(topic, 'x', { properties: { messageExpirySeconds } })
      const { properties } = await subscriber.expect('publish')
      assert.ok(properties.messageExpirySeconds! >= messageExpirySeconds - 20)
      assert.ok(properties.messageExpirySeconds! <= messageExpirySeconds)
    }
  },
)

behaviour(
  'an expired retained message is not sent',
  { v5: '[MQTT-3.3.2-5]' },
  async ({ connect, topic }) => {
    const properties = { messageExpirySeconds: 1 }
    await (await connect()).publish(topic, 'kept', { retain: true, properties })
    await sleep(2500)
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    await subscriber.expectNothing()
  },
)

behaviour(
  'an exchange is finished though its message expires meanwhile',
  { v5: '[MQTT-4.3.3-7] [MQTT-4.3.3-13]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    const properties = { messageExpirySeconds: 1 }
    await publisher.publish(topic, 'x', { qos: 2, properties })
    const { packetId } = await subscriber.expect('publish')
    publisher.send(publish(topic, 'y', { qos: 2, packetId: 99, properties }))
    await publisher.expect('pubrec', { packetId: 99 })
    await sleep(2500)
    subscriber.send(ack('pubrec', packetId))
    await subscriber.expect('pubrel', { packetId })
    subscriber.send(ack('pubcomp', packetId))
    publisher.send(ack('pubrel', 99))
    await publisher.expect('pubcomp', { packetId: 99 })
  },
)

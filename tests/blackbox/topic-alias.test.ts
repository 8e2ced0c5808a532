import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { publish } from '../support/packets.ts'

const behaviour = behaviours('topic aliases')

behaviour(
  'every alias up to the announced maximum stands for its topic',
  { v5: '[MQTT-3.3.2-12] [MQTT-3.3.2-3]' },
  async ({ connect, connectFor, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(`${topic}/+`)
    const [publisher, { properties }] = await connectFor()
    const maximum = properties.topicAliasMaximum!
    assert.equal(maximum, 10)
    for (let topicAlias = 1; topicAlias <= maximum; topicAlias++) {
      publisher.send(publish(`${topic}/${topicAlias}`, 'named', { properties: { topicAlias } }))
    }
    for (let topicAlias = 1; topicAlias <= maximum; topicAlias++) {
      publisher.send(publish('', 'by alias', { properties: { topicAlias } }))
    }
    for (const payload of ['named', 'by alias']) {
      for (let alias = 1; alias <= maximum; alias++) {
        await subscriber.expect('publish', { topic: `${topic}/${alias}`, payload, properties: {} })
      }
    }
  },
)

behaviour(
  'an alias may be given another topic',
  { v5: '[MQTT-3.3.2-12]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(`${topic}/+`)
    const publisher = await connect()
    const properties = { topicAlias: 1 }
    publisher.send(publish(`${topic}/a`, '1', { properties }))
    publisher.send(publish(`${topic}/b`, '2', { properties }))
    publisher.send(publish('', '3', { properties }))
    await subscriber.expect('publish', { topic: `${topic}/a`, payload: '1' })
    await subscriber.expect('publish', { topic: `${topic}/b`, payload: '2' })
    await subscriber.expect('publish', { topic: `${topic}/b`, payload: '3' })
  },
)

behaviour(
  'an alias ends with its connection, though the session goes on',
  { v5: '[MQTT-3.3.2-7]' },
  async ({ connect, clientId, topic }) => {
    const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
    const properties = { topicAlias: 1 }
    const first = await connect(options)
    await first.publish(topic, 'x', { properties })
    await first.end()
    const second = await connect(options)
    second.send(publish('', 'y', { properties }))
    await second.expectDropped(0x82)
  },
)

behaviour(
  'aliases 0 and above the maximum end the connection with 0x94',
  { v5: '[MQTT-3.3.2-8] [MQTT-3.3.2-9] [MQTT-3.2.2-17] [MQTT-3.14.2-1]' },
  async ({ connect, topic }) => {
    for (const topicAlias of [0, 11, 65_535]) {
      const client = await connect()
      const bytes = client.bytesOf([publish(topic, '', { properties: { topicAlias: 1 } })])
      bytes.set([topicAlias >> 8, topicAlias & 255], bytes.length - 2)
      client.send(bytes)
      await client.expectDropped(0x94)
    }
  },
)

behaviour(
  'an unknown alias without a topic ends the connection with 0x82',
  { v5: '[MQTT-4.13.1-1]' },
  async ({ connect }) => {
    const client = await connect()
    client.send(publish('', 'x', { properties: { topicAlias: 3 } }))
    await client.expectDropped(0x82)
  },
)

behaviour(
  'neither topic nor alias ends the connection',
  { v5: '[MQTT-4.7.3-1]' },
  async ({ connect }) => {
    const client = await connect()
    client.send('30 04 00 00 00 78')
    const { reason } = await client.expect('disconnect')
    assert.ok(reason === 0x81 || reason === 0x82, `reason ${reason}`)
    await client.expectClosed()
  },
)

behaviour(
  'a client that allows no aliases gets none',
  { v5: '[MQTT-3.1.2-27]' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const publisher = await connect()
    for (let count = 0; count < 5; count++) {
      await publisher.publish(topic, 'x')
      await subscriber.expect('publish', { topic, properties: {} })
    }
  },
)

behaviour(
  'a client gets aliases up to its maximum, each introduced with its topic',
  { v5: '[MQTT-3.1.2-26] [MQTT-3.3.2-11] [MQTT-3.3.2-8]' },
  async ({ connect, topic }) => {
    const subscriber = await connect({ properties: { topicAliasMaximum: 2 } })
    await subscriber.subscribe(`${topic}/+`)
    const publisher = await connect()
    const known = new Map<number, string>()
    let abbreviated = 0
    for (const level of ['a', 'b', 'c', 'a', 'b', 'c']) {
      const name = `${topic}/${level}`
      await publisher.publish(name, level)
      const { topic: sent, properties } = await subscriber.expect('publish', { payload: level })
      const { topicAlias } = properties
      if (topicAlias !== undefined) {
        assert.ok(topicAlias >= 1 && topicAlias <= 2, `alias ${topicAlias}`)
        if (sent !== '') known.set(topicAlias, sent)
        else abbreviated++
      }
      assert.equal(sent === '' ? known.get(topicAlias!) : sent, name)
    }
    assert.equal(abbreviated, 2)
  },
)

const none = behaviours('a listener without aliases', { config: 'max_topic_alias 0' })

none(
  'no alias maximum is announced and an alias ends the connection',
  { v5: '[MQTT-3.2.2-18]' },
  async ({ connectFor, topic }) => {
    const [client, { properties }] = await connectFor()
    assert.equal(properties.topicAliasMaximum ?? 0, 0)
    client.send(publish(topic, 'x', { properties: { topicAlias: 1 } }))
    await client.expectDropped(0x94)
  },
)

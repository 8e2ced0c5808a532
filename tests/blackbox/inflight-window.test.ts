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

const durable = (properties = {}) => ({
  cleanStart: false,
  properties: { sessionExpirySeconds: 60, ...properties },
})

behaviour(
  'what is sent again keeps to the receive maximum of the new connection, in order, before anything new',
  { v5: '[MQTT-3.3.4-9] [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1]' },
  async ({ connect, clientId, topic }) => {
    const first = await connect({ clientId, ...durable() })
    await first.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    for (let index = 0; index < 10; index++)
      await publisher.publish(topic, `${index}`, { qos: index % 2 === 0 ? 1 : 2 })
    for (let index = 0; index < 10; index++) await first.expect('publish', { payload: `${index}` })
    await first.end()
    await publisher.publish(topic, '10', { qos: 1 })
    const second = await connect({ clientId, ...durable({ receiveMaximum: 1 }) })
    for (let index = 0; index <= 10; index++) {
      const { packetId, qos, dup } = await second.expect('publish', { payload: `${index}` })
      assert.equal(dup, index < 10)
      await second.expectNothing()
      if (qos === 1) second.send(ack('puback', packetId))
      else {
        second.send(ack('pubrec', packetId))
        await second.expect('pubrel', { packetId })
        await second.expectNothing()
        second.send(ack('pubcomp', packetId))
      }
    }
    await second.expectNothing()
  },
)

behaviour(
  'PUBREL is sent again at once, whatever the receive maximum',
  { v5: '[MQTT-4.4.0-1] [MQTT-3.3.4-9]' },
  async ({ connect, clientId, topic }) => {
    const first = await connect({ clientId, ...durable() })
    await first.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    const ids: number[] = []
    for (let index = 0; index < 4; index++) {
      await publisher.publish(topic, `${index}`, { qos: 2 })
      ids.push((await first.expect('publish')).packetId)
    }
    for (const packetId of ids.slice(0, 3)) {
      first.send(ack('pubrec', packetId))
      await first.expect('pubrel', { packetId })
    }
    await first.end()
    const second = await connect({ clientId, ...durable({ receiveMaximum: 1 }) })
    for (const packetId of ids.slice(0, 3)) await second.expect('pubrel', { packetId })
    await second.expectNothing()
    for (const packetId of ids.slice(0, 3)) second.send(ack('pubcomp', packetId))
    await second.receive({ payload: '3', dup: true })
    await second.expectNothing()
  },
)

behaviour(
  'an acknowledgement for what waits to be sent again ends it',
  { v5: '' },
  async ({ connect, clientId, topic }) => {
    const first = await connect({ clientId, ...durable() })
    await first.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    const ids: number[] = []
    for (const qos of [1, 1, 2, 1] as const) {
      await publisher.publish(topic, `${ids.length}`, { qos })
      ids.push((await first.expect('publish')).packetId)
    }
    await first.end()
    const second = await connect({ clientId, ...durable({ receiveMaximum: 1 }) })
    await second.expect('publish', { payload: '0' })
    second.send(ack('puback', ids[1]), ack('pubrec', ids[2]))
    await second.expect('pubrel', { packetId: ids[2] })
    second.send(ack('pubcomp', ids[2]), ack('puback', ids[0]))
    await second.receive({ payload: '3', dup: true })
    await second.expectNothing()
    await publisher.publish(topic, 'new', { qos: 1 })
    await second.receive({ payload: 'new', dup: false })
  },
)

behaviour(
  'QoS 2 messages that an earlier connection left unreleased do not count against the receive maximum',
  { v5: '[MQTT-4.9.0-1] [MQTT-3.3.4-7]' },
  async ({ connect, clientId, topic }) => {
    const properties = { sessionExpirySeconds: 60 }
    const send = async (client: RawClient, packetId: number, dup = false) => {
      client.send(publish(topic, `${packetId}`, { qos: 2, packetId, dup }))
      await client.expect('pubrec', { packetId })
    }
    const first = await connect({ clientId, cleanStart: false, properties })
    for (let packetId = 1; packetId <= 20; packetId++) await send(first, packetId)
    await first.end()
    const second = await connect({ clientId, cleanStart: false, properties })
    for (let packetId = 21; packetId <= 38; packetId++) await send(second, packetId)
    // What it sends again counts here, and PUBREL makes room only where that counted.
    await send(second, 1, true)
    second.send(ack('pubrel', 2))
    await second.expect('pubcomp', { packetId: 2 })
    await send(second, 39)
    second.send(ack('pubrel', 1))
    await second.expect('pubcomp', { packetId: 1 })
    await send(second, 40)
    second.send(publish(topic, 'one too many', { qos: 2, packetId: 41 }))
    await second.expectDropped(0x93)
  },
)

/** What was sent last under an identifier. */
type Sent = 'PUBLISH at QoS 1' | 'PUBLISH at QoS 2' | 'PUBREL'
type Answer = [name: 'puback' | 'pubrec' | 'pubcomp', reason: number]
const ANSWERS: Answer[] = [
  ['puback', 0],
  ['pubrec', 0],
  ['pubrec', 0x80],
  ['pubcomp', 0],
]
const DUE: Record<Sent, Answer[0][]> = {
  'PUBLISH at QoS 1': ['puback'],
  'PUBLISH at QoS 2': ['pubrec'],
  PUBREL: ['pubcomp'],
}

for (const [sent, due] of Object.entries(DUE) as [Sent, Answer[0][]][])
  for (const [name, reason] of ANSWERS) {
    // PUBREC may come twice, but can no longer refuse.
    if (due.includes(name) || (sent === 'PUBREL' && name === 'pubrec' && reason === 0)) continue
    behaviour(
      `${name.toUpperCase()} ${reason} is no answer to ${sent}: a protocol error`,
      { v3: '', v4: '[MQTT-4.8.0-1]', v5: '[MQTT-4.13.1-1] [MQTT-3.14.2-1]' },
      async ({ connect, topic, version }) => {
        if (version < 5 && reason > 0) return
        const client = await connect()
        const qos = sent === 'PUBLISH at QoS 1' ? 1 : 2
        await client.subscribe({ filter: topic, qos })
        await (await connect()).publish(topic, 'x', { qos })
        const { packetId } = await client.expect('publish')
        if (sent === 'PUBREL') {
          client.send(ack('pubrec', packetId))
          await client.expect('pubrel', { packetId })
        }
        client.send(ack(name, packetId, reason))
        await client.expectDropped(0x82)
      },
    )
  }

behaviour(
  'PUBREC again is answered by PUBREL again',
  { v3: '', v4: '[MQTT-4.3.3-1]', v5: '[MQTT-4.3.3-4]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe({ filter: topic, qos: 2 })
    await (await connect()).publish(topic, 'x', { qos: 2 })
    const { packetId } = await client.expect('publish')
    for (let time = 0; time < 2; time++) {
      client.send(ack('pubrec', packetId))
      await client.expect('pubrel', { packetId })
    }
    client.send(ack('pubcomp', packetId))
    await client.expectNothing()
  },
)

behaviour(
  'an acknowledgement of what nobody sent changes nothing',
  { v3: '', v4: '', v5: '' },
  async ({ connect }) => {
    const client = await connect()
    client.send(ack('puback', 7), ack('pubcomp', 8))
    await client.expectNothing()
  },
)

import assert from 'node:assert/strict'
import { behaviours, type Scene } from '../support/behaviour.ts'
import { ack, publish, type ConnectOptions } from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'

const behaviour = behaviours('clean start and session resumption')

/** A session that outlives its connection, in the words of each version. */
function durable(scene: Scene, more: ConnectOptions = {}): ConnectOptions {
  const properties = scene.version === 5 ? { sessionExpirySeconds: 3600 } : {}
  return { clientId: scene.clientId, cleanStart: false, properties, ...more }
}

/** A durable subscriber that went away. */
async function absentee(scene: Scene, qos: 0 | 1 | 2 = 2): Promise<void> {
  const subscriber = await scene.connect(durable(scene))
  await subscriber.subscribe({ filter: scene.topic, qos })
  await subscriber.end()
}

behaviour(
  'without a stored session there is none present',
  {
    v4: '[MQTT-3.2.2-3] [MQTT-3.1.4-3]',
    v5: '[MQTT-3.1.2-6] [MQTT-3.2.2-3] [MQTT-3.1.4-4]',
  },
  async (scene) => {
    const [, connack] = await scene.connectFor(durable(scene))
    assert.equal(connack.sessionPresent, false)
  },
)

behaviour(
  'a stored session is present and has its subscriptions',
  {
    v4: '[MQTT-3.2.2-2] [MQTT-3.1.2-4] [MQTT-3.1.3-2] [MQTT-4.1.0-1]',
    v5: '[MQTT-3.2.2-3] [MQTT-3.1.2-5] [MQTT-3.1.2-23] [MQTT-3.1.3-2]',
  },
  async (scene) => {
    await absentee(scene)
    const [client, connack] = await scene.connectFor(durable(scene))
    assert.equal(connack.sessionPresent, true)
    await (await scene.connect()).publish(scene.topic, 'x')
    await client.expect('publish', { topic: scene.topic, payload: 'x' })
  },
)

behaviour(
  'a clean start discards the stored session',
  {
    v3: '',
    v4: '[MQTT-3.1.2-6] [MQTT-3.2.2-1] [MQTT-3.1.4-3]',
    v5: '[MQTT-3.1.2-4] [MQTT-3.2.2-2] [MQTT-3.1.4-4]',
  },
  async (scene) => {
    await absentee(scene)
    const publisher = await scene.connect()
    await publisher.publish(scene.topic, 'queued', { qos: 1 })
    const [client, connack] = await scene.connectFor(durable(scene, { cleanStart: true }))
    assert.equal(connack.sessionPresent, false)
    await publisher.publish(scene.topic, 'live')
    await client.expectNothing()
  },
)

behaviour(
  'a clean session ends with its connection',
  { v3: '', v4: '[MQTT-3.1.2-6]', v5: '[MQTT-4.1.0-2]' },
  async (scene) => {
    const { clientId, topic } = scene
    const first = await scene.connect({ clientId })
    await first.subscribe({ filter: topic, qos: 1 })
    await first.end()
    await (await scene.connect()).publish(topic, 'x', { qos: 1 })
    const [second, connack] = await scene.connectFor({ clientId, cleanStart: false })
    assert.equal(connack.sessionPresent, false)
    await second.expectNothing()
  },
)

behaviour(
  'QoS 1 and 2 messages wait for an absent client, in their order',
  {
    v3: '',
    v4: '[MQTT-3.1.2-5] [MQTT-4.5.0-1] [MQTT-4.6.0-6]',
    v5: '[MQTT-4.5.0-1] [MQTT-4.6.0-5] [MQTT-3.1.2-23]',
  },
  async (scene) => {
    await absentee(scene)
    const publisher = await scene.connect()
    for (const [index, qos] of ([1, 2, 1, 2] as const).entries()) {
      await publisher.publish(scene.topic, `m${index}`, { qos })
    }
    const client = await scene.connect(durable(scene))
    for (const [index, qos] of ([1, 2, 1, 2] as const).entries()) {
      await client.expect('publish', { payload: `m${index}`, qos, dup: false })
    }
  },
)

behaviour(
  'QoS 0 messages do not wait for an absent client',
  { v3: '', v4: '', v5: '' },
  async (scene) => {
    await absentee(scene)
    await (await scene.connect()).publish(scene.topic, 'x')
    const client = await scene.connect(durable(scene))
    await client.expectNothing()
  },
)

behaviour(
  'a subscription made at QoS 0 keeps nothing for an absent client',
  { v3: '', v4: '[MQTT-3.8.4-6]', v5: '[MQTT-3.8.4-8]' },
  async (scene) => {
    await absentee(scene, 0)
    await (await scene.connect()).publish(scene.topic, 'x', { qos: 1 })
    const client = await scene.connect(durable(scene))
    await client.expectNothing()
  },
)

async function unacknowledged(scene: Scene, qos: 1 | 2): Promise<[RawClient, number]> {
  const subscriber = await scene.connect(durable(scene))
  await subscriber.subscribe({ filter: scene.topic, qos })
  await (await scene.connect()).publish(scene.topic, 'x', { qos })
  const { packetId } = await subscriber.expect('publish', { qos, dup: false, payload: 'x' })
  return [subscriber, packetId]
}

behaviour(
  'packet identifiers of a session begin at 1, of one that is kept too',
  { v3: '', v4: '', v5: '' },
  async ({ connect, version, clientId, topic }) => {
    for (const cleanStart of [true, false]) {
      const properties = version === 5 && !cleanStart ? { sessionExpirySeconds: 60 } : {}
      const id = `${clientId}${cleanStart ? 'c' : 'd'}`
      const subscriber = await connect({ clientId: id, cleanStart, properties })
      await subscriber.subscribe({ filter: topic, qos: 1 })
      const publisher = await connect()
      for (const packetId of [1, 2]) {
        await publisher.publish(topic, 'x', { qos: 1 })
        await subscriber.receive({ qos: 1, packetId })
      }
    }
  },
)

behaviour(
  'an unacknowledged QoS 1 message is re-sent with DUP and its packet id',
  {
    v3: '',
    v4: '[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-2.3.1-4] [MQTT-4.3.2-1]',
    v5: '[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.3.2-3]',
  },
  async (scene) => {
    const [subscriber, packetId] = await unacknowledged(scene, 1)
    subscriber.destroy()
    const again = await scene.connect(durable(scene))
    await again.receive({ qos: 1, dup: true, packetId, payload: 'x' })
  },
)

behaviour(
  'a QoS 2 message without PUBREC is re-sent with DUP and its packet id',
  {
    v3: '',
    v4: '[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.3.3-1]',
    v5: '[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.3.3-3]',
  },
  async (scene) => {
    const [subscriber, packetId] = await unacknowledged(scene, 2)
    subscriber.destroy()
    const again = await scene.connect(durable(scene))
    await again.receive({ qos: 2, dup: true, packetId, payload: 'x' })
  },
)

behaviour(
  'after PUBREC it is PUBREL that is re-sent, never PUBLISH',
  {
    v3: '',
    v4: '[MQTT-4.4.0-1] [MQTT-4.3.3-1]',
    v5: '[MQTT-4.4.0-1] [MQTT-4.3.3-5] [MQTT-4.3.3-6]',
  },
  async (scene) => {
    const [subscriber, packetId] = await unacknowledged(scene, 2)
    subscriber.send(ack('pubrec', packetId))
    await subscriber.expect('pubrel', { packetId })
    subscriber.destroy()
    const again = await scene.connect(durable(scene))
    await again.expect('pubrel', { packetId })
    again.send(ack('pubcomp', packetId))
    await again.expectNothing()
  },
)

behaviour(
  'what was acknowledged is not sent again',
  { v3: '', v4: '[MQTT-4.3.2-1]', v5: '[MQTT-4.3.2-3] [MQTT-4.4.0-1]' },
  async (scene) => {
    const [subscriber, packetId] = await unacknowledged(scene, 1)
    subscriber.send(ack('puback', packetId))
    await subscriber.ping()
    subscriber.destroy()
    const again = await scene.connect(durable(scene))
    await again.expectNothing()
  },
)

behaviour(
  'nothing is re-sent while the connection stands',
  { v5: '[MQTT-4.4.0-1]' },
  async (scene) => {
    const [subscriber] = await unacknowledged(scene, 1)
    await subscriber.expectNothing()
  },
)

behaviour(
  'unacknowledged messages are re-sent in the order they were sent, before new ones',
  { v3: '', v4: '[MQTT-4.6.0-1] [MQTT-4.6.0-6]', v5: '[MQTT-4.6.0-1] [MQTT-4.6.0-5]' },
  async (scene) => {
    const { topic } = scene
    const subscriber = await scene.connect(durable(scene))
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const publisher = await scene.connect()
    const qosOf = [2, 1, 2, 1, 1] as const
    for (const [index, qos] of qosOf.entries()) await publisher.publish(topic, `m${index}`, { qos })
    const sent = []
    for (const _ of qosOf) sent.push(await subscriber.expect('publish'))
    // The second one is done; its place does not disturb the others.
    subscriber.send(ack('puback', sent[1].packetId))
    await subscriber.ping()
    subscriber.destroy()
    const again = await scene.connect(durable(scene))
    await publisher.publish(topic, 'new', { qos: 1 })
    for (const index of [0, 2, 3, 4]) {
      const { packetId } = sent[index]
      await again.expect('publish', { payload: `m${index}`, dup: true, packetId })
    }
    await again.expect('publish', { payload: 'new', dup: false })
  },
)

behaviour(
  'a QoS 2 id that waits for PUBREL is known after the reconnection',
  {
    v3: '',
    v4: '[MQTT-4.3.3-2] [MQTT-4.1.0-1]',
    v5: '[MQTT-4.3.3-10] [MQTT-4.1.0-1]',
  },
  async (scene) => {
    const { topic } = scene
    const watcher = await scene.connect()
    await watcher.subscribe({ filter: topic, qos: 0 })
    const message = publish(topic, 'once', { qos: 2, packetId: 7 })
    const first = await scene.connect(durable(scene))
    first.send(message)
    await first.expect('pubrec', { packetId: 7 })
    first.destroy()
    const second = await scene.connect(durable(scene))
    second.send({ ...message, dup: true })
    await second.expect('pubrec', { packetId: 7 })
    second.send(ack('pubrel', 7))
    await second.expect('pubcomp', { packetId: 7 })
    await watcher.expect('publish', { payload: 'once' })
    await watcher.expectNothing()
  },
)

behaviour(
  'a session lasts while its connection does',
  { v4: '[MQTT-4.1.0-2]', v5: '[MQTT-4.1.0-1]' },
  async ({ connect, clientId, topic }) => {
    const subscriber = await connect({ clientId })
    await subscriber.subscribe(topic)
    await (await connect()).publish(topic, 'x')
    await subscriber.expect('publish', { payload: 'x' })
  },
)

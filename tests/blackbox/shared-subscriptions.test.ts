import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { ack, publish, subscribe } from '../support/packets.ts'

const behaviour = behaviours('shared subscriptions')

behaviour(
  'each message goes to one member, the members in turn',
  { v3: '', v4: '', v5: '[MQTT-4.8.2-1]' },
  async ({ connect, topic }) => {
    const members = [await connect(), await connect(), await connect()]
    for (const member of members) await member.subscribe(`$share/g/${topic}`)
    const publisher = await connect()
    for (let index = 0; index < 9; index++) await publisher.publish(topic, `${index}`)
    const counts = (): number[] => members.map(({ inbox }) => inbox.length)
    // From thread to thread a message may take longer than an answer.
    do for (const member of members) await member.ping()
    while (counts().reduce((sum, count) => sum + count) < 9)
    assert.deepEqual(counts(), [3, 3, 3])
  },
)

behaviour(
  'every group and every plain subscription gets the message',
  { v3: '', v4: '', v5: '[MQTT-4.8.2-1]' },
  async ({ connect, topic }) => {
    const filters = [`$share/g/${topic}`, `$share/h/${topic}`, topic]
    const clients = []
    for (const filter of filters) {
      const client = await connect()
      await client.subscribe(filter)
      clients.push(client)
    }
    await (await connect()).publish(topic, 'x')
    for (const client of clients) await client.expect('publish', { topic, payload: 'x' })
  },
)

behaviour(
  'each member gets its own granted QoS',
  { v3: '', v4: '', v5: '[MQTT-4.8.2-3]' },
  async ({ connect, topic }) => {
    const members = []
    for (const qos of [0, 1, 2] as const) {
      const member = await connect()
      await member.subscribe({ filter: `$share/g/${topic}`, qos })
      members.push(member)
    }
    const publisher = await connect()
    for (let count = 0; count < 3; count++) await publisher.publish(topic, 'x', { qos: 2 })
    for (const [qos, member] of members.entries()) await member.receive({ qos: qos as 0 | 1 | 2 })
  },
)

behaviour(
  'a member that leaves gets no more',
  { v3: '', v4: '', v5: '[MQTT-3.10.4-2]' },
  async ({ connect, topic }) => {
    const stays = await connect()
    const leaves = await connect()
    for (const member of [stays, leaves]) await member.subscribe(`$share/g/${topic}`)
    await leaves.unsubscribe(`$share/g/${topic}`)
    const publisher = await connect()
    for (let count = 0; count < 4; count++) await publisher.publish(topic, 'x')
    for (let count = 0; count < 4; count++) await stays.expect('publish', { payload: 'x' })
    await leaves.expectNothing()
  },
)

behaviour(
  'a shared subscription gets no retained messages',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.publish(topic, 'kept', { retain: true })
    await client.subscribe(`$share/g/${topic}`)
    await client.expectNothing()
  },
)

behaviour(
  'a shared filter may have wildcards, below its group',
  { v3: '', v4: '', v5: '[MQTT-4.8.2-2]' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(`$share/g/${topic}/+/c/#`)
    await (await connect()).publish(`${topic}/a/c/d`, 'x')
    await client.expect('publish', { topic: `${topic}/a/c/d` })
  },
)

const INVALID = [
  '$share',
  '$share/',
  '$share/g',
  '$share//x',
  '$share/g/',
  '$share/a+/x',
  '$share/#/x',
]

behaviour(
  'a shared filter out of shape ends the connection',
  { v3: '', v4: '', v5: '[MQTT-4.8.2-1] [MQTT-4.8.2-2]' },
  async ({ connect }) => {
    for (const filter of INVALID) {
      const client = await connect()
      client.send(subscribe(1, [{ filter }]))
      await client.expectDropped(0x81)
    }
  },
)

const durable = { cleanStart: false, properties: { sessionExpirySeconds: 60 } } as const

behaviour(
  'a QoS 2 delivery cut off is completed with the same member',
  { v5: '[MQTT-4.8.2-4]' },
  async ({ connect, clientId, topic }) => {
    const filter = `$share/g/${topic}`
    const member = await connect({ ...durable, clientId })
    await member.subscribe({ filter, qos: 2 })
    const publisher = await connect()
    await publisher.publish(topic, 'x', { qos: 2 })
    const { packetId } = await member.expect('publish', { payload: 'x', qos: 2 })
    const other = await connect()
    await other.subscribe({ filter, qos: 2 })
    member.destroy()
    const again = await connect({ ...durable, clientId })
    await again.receive({ payload: 'x', packetId, dup: true })
    await other.expectNothing()
  },
)

behaviour(
  'a QoS 2 delivery cut off goes to nobody else when its session ends',
  { v5: '[MQTT-4.8.2-5]' },
  async ({ connect, clientId, topic }) => {
    const filter = `$share/g/${topic}`
    const member = await connect({ clientId })
    await member.subscribe({ filter, qos: 2 })
    const publisher = await connect()
    await publisher.publish(topic, 'x', { qos: 2 })
    await member.expect('publish', { payload: 'x', qos: 2 })
    const other = await connect()
    await other.subscribe({ filter, qos: 2 })
    await member.disconnect()
    await other.expectNothing()
    await publisher.publish(topic, 'next', { qos: 2 })
    await other.receive({ payload: 'next', dup: false })
  },
)

behaviour(
  'a delivery that a member refuses is discarded',
  { v5: '[MQTT-4.8.2-6]' },
  async ({ connect, topic }) => {
    const filter = `$share/g/${topic}`
    const member = await connect()
    await member.subscribe({ filter, qos: 2 })
    const publisher = await connect()
    await publisher.publish(topic, 'a', { qos: 1 })
    await publisher.publish(topic, 'b', { qos: 2 })
    const other = await connect()
    await other.subscribe({ filter, qos: 2 })
    const first = await member.expect('publish', { payload: 'a' })
    const second = await member.expect('publish', { payload: 'b' })
    member.send(ack('puback', first.packetId, 0x80), ack('pubrec', second.packetId, 0x80))
    await member.expectNothing()
    await other.expectNothing()
  },
)

behaviour(
  'messages to a topic with the name of a share are not special',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe(`$shared/${topic}`)
    await (await connect()).publish(`$shared/${topic}`, 'x')
    await client.expect('publish', { topic: `$shared/${topic}` })
  },
)

behaviour(
  'a client may be member and plain subscriber at once',
  { v5: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    await client.subscribe([{ filter: topic }, { filter: `$share/g/${topic}` }])
    client.send(publish(topic, 'x'))
    await client.expect('publish', { payload: 'x' })
    await client.expect('publish', { payload: 'x' })
    await client.expectNothing()
  },
)

behaviour(
  'what a member leaves unacknowledged goes to another one when its session ends, at QoS 1',
  { v4: '', v5: '' },
  async ({ connect, topic }) => {
    const filter = `$share/g/${topic}`
    const leaving = await connect()
    await leaving.subscribe({ filter, qos: 1 })
    const publisher = await connect()
    for (const payload of ['1', '2', '3']) await publisher.publish(topic, payload, { qos: 1 })
    for (const payload of ['1', '2']) await leaving.expect('publish', { payload })
    const { packetId } = await leaving.expect('publish', { payload: '3' })
    leaving.send(ack('puback', packetId))
    await leaving.ping()
    const staying = await connect()
    await staying.subscribe({ filter, qos: 1 })
    leaving.destroy()
    await staying.receive({ payload: '1', dup: false })
    await staying.receive({ payload: '2', dup: false })
    await staying.expectNothing()
  },
)

behaviour(
  'what a member was sent at QoS 2 goes to nobody else [MQTT-4.8.2-6]',
  { v4: '', v5: '' },
  async ({ connect, topic }) => {
    const filter = `$share/g/${topic}`
    const leaving = await connect()
    await leaving.subscribe({ filter, qos: 2 })
    await (await connect()).publish(topic, 'x', { qos: 2 })
    await leaving.expect('publish', { payload: 'x', qos: 2 })
    const staying = await connect()
    await staying.subscribe({ filter, qos: 2 })
    await leaving.disconnect()
    await staying.expectNothing()
  },
)

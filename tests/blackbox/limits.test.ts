/** The bounds that mosquitto does not have, or not as options: one test for each of them. */
import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import {
  ack,
  bytesOf,
  connect,
  publish,
  subscribe,
  unsubscribe,
  type FilterOptions,
} from '../support/packets.ts'
import { leastOf } from '../support/patience.ts'
import type { RawClient } from '../support/raw-client.ts'
import { until } from '../server/run-mozzie.ts'

const timeouts = behaviours('timeouts', {
  config: 'connect_timeout 4\npartial_packet_timeout 1',
  concurrency: 4,
})

timeouts('connect_timeout closes who does not finish CONNECT', { v4: '' }, async ({ open }) => {
  const silent = await open()
  const slow = await open()
  slow.send('10 20 00 04')
  for (const client of [silent, slow]) await client.expectClosed()
})

timeouts(
  'partial_packet_timeout ends who begins a packet and leaves it',
  { v4: '', v5: '' },
  async ({ connect: connected }) => {
    const client = await connected()
    client.send('32 20 00')
    await client.expectDropped(0x8d)
  },
)

const sizes = behaviours('packet contents', {
  config: 'max_control_packet_size 300\nmax_topic_levels 8\nmax_user_properties 2',
})

sizes(
  'max_control_packet_size refuses a CONNECT at its header',
  { v4: '', v5: '' },
  async ({ open }) => {
    const client = await open()
    client.send('10 ac 02 00 04')
    await client.expectClosed()
  },
)

sizes(
  'max_control_packet_size is for what comes before login: PUBLISH and SUBSCRIBE may be larger',
  { v4: '', v5: '' },
  async ({ connect: connected, topic }) => {
    const client = await connected()
    await client.publish(topic, 'x'.repeat(5000), { qos: 1 })
    await client.subscribe('x'.repeat(300))
  },
)

const large = behaviours('large lists of filters', { config: 'max_packet_size 2000000' })

const many = (topic: string, count: number): FilterOptions[] =>
  Array.from({ length: count }, (_, index) => ({ filter: `${topic}/${index}`, qos: 1 }))

for (const count of [5000, 50_000])
  large(
    `a SUBSCRIBE of ${count} filters, and an UNSUBSCRIBE of them, hold as far as the packet may go`,
    { v4: '', v5: '' },
    async ({ connect: connected, clientId, topic }) => {
      const durable = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 100 } }
      const client = await connected(durable)
      assert.deepEqual(
        await client.subscribe(many(topic, count)),
        Array.from({ length: count }, () => 1),
      )
      client.send(publish(`${topic}/${count - 1}`, 'last'))
      await client.expect('publish', { payload: bytesOf('last') })
      client.send(
        unsubscribe(
          3,
          many(topic, count).map(({ filter }) => filter),
        ),
      )
      await client.expect('unsuback', { packetId: 3 })
      client.send(publish(`${topic}/${count - 1}`, 'nobody'))
      await client.ping()
    },
  )

large(
  'a SUBSCRIBE beyond max_packet_size is refused at its header',
  { v4: '', v5: '' },
  async ({ connect: connected }) => {
    const client = await connected()
    // 2,000,001 bytes with its header.
    client.send('82 fd 88 7a')
    await client.expectDropped(0x95)
  },
)

sizes(
  'max_topic_levels refuses deeper topics and filters',
  { v4: '', v5: '' },
  async ({ connect: connected }) => {
    const client = await connected()
    await client.subscribe('a/b/c/d/e/f/g/h')
    await client.publish('a/b/c/d/e/f/g/h', '', { qos: 1 })
    client.send(publish('a/b/c/d/e/f/g/h/i', ''))
    await client.find('publish')
    await client.expectDropped(0x81)
    const other = await connected()
    other.send(subscribe(1, [{ filter: 'a/+/c/d/e/f/g/h/#' }]))
    await other.expectDropped(0x81)
  },
)

const three = { userProperties: [['a', '1'] as const, ['b', '2'] as const, ['c', '3'] as const] }
const two = { userProperties: three.userProperties.slice(1) }

sizes(
  'max_user_properties refuses more of them in PUBLISH, SUBSCRIBE and CONNECT',
  { v5: '' },
  async ({ connect: connected, open, topic, version }) => {
    const client = await connected({ properties: mutable(two) })
    await client.publish(topic, '', { qos: 1, properties: mutable(two) })
    client.send(publish(topic, '', { properties: mutable(three) }))
    await client.expectDropped(0x97)
    const other = await connected()
    other.send(subscribe(1, [{ filter: topic }], mutable(three)))
    await other.expectDropped(0x97)
    const refused = await open()
    refused.send(connect(version, { properties: mutable(three) }))
    await refused.expect('connack', { code: 0x97 })
    await refused.expectClosed()
  },
)

function mutable({ userProperties }: { userProperties: readonly (readonly [string, string])[] }) {
  return { userProperties: userProperties.map(([name, value]): [string, string] => [name, value]) }
}

const counts = behaviours('counts', {
  config: `max_filters_per_subscribe 2
max_subscriptions 3
max_clients_per_user 2
max_unreleased_messages 3`,
})

const filters = (...names: string[]): FilterOptions[] => names.map((filter) => ({ filter }))

counts(
  'max_filters_per_subscribe refuses those behind',
  { v4: '', v5: '' },
  async ({ connect: connected, version, topic }) => {
    const client = await connected()
    const refusal = version === 5 ? 0x97 : 0x80
    const all = filters(`${topic}/1`, `${topic}/2`, `${topic}/3`)
    assert.deepEqual(await client.subscribe(all), [0, 0, refusal])
  },
)

counts(
  'max_subscriptions refuses a new one and takes a known one again',
  { v4: '', v5: '' },
  async ({ connect: connected, version }) => {
    const client = await connected()
    const refusal = version === 5 ? 0x97 : 0x80
    assert.deepEqual(await client.subscribe(filters('a', 'b')), [0, 0])
    assert.deepEqual(await client.subscribe(filters('c', 'd')), [0, refusal])
    assert.deepEqual(await client.subscribe(filters('a')), [0])
    await client.unsubscribe('a')
    assert.deepEqual(await client.subscribe(filters('d')), [0])
  },
)

counts(
  'max_clients_per_user refuses the next session of a user, offline ones count',
  { v5: '' },
  async ({ connect: connected, open, clientId, version }) => {
    const username = clientId
    const properties = { sessionExpirySeconds: 60 }
    await (await connected({ clientId: `${clientId}a`, username, properties })).end()
    const second = await connected({ clientId: `${clientId}b`, username })
    const third = await open()
    third.send(connect(version, { clientId: `${clientId}c`, username }))
    await third.expect('connack', { code: 0x89 })
    await third.expectClosed()
    await connected({ clientId: `${clientId}d`, username: `${username}2` })
    await connected({ clientId: `${clientId}a`, username, cleanStart: false })
    await second.disconnect()
  },
)

counts(
  'max_unreleased_messages ends who leaves more of them without PUBREL',
  { v4: '' },
  async ({ connect: connected, topic }) => {
    const client = await connected()
    for (const packetId of [1, 2, 3]) {
      client.send(publish(topic, '', { qos: 2, packetId }))
      await client.expect('pubrec', { packetId })
    }
    client.send(ack('pubrel', 2))
    await client.expect('pubcomp', { packetId: 2 })
    client.send(publish(topic, '', { qos: 2, packetId: 4 }))
    await client.expect('pubrec', { packetId: 4 })
    client.send(publish(topic, '', { qos: 2, packetId: 5 }))
    await client.expectDropped(0x97)
  },
)

const retained = behaviours('retained messages', {
  config: 'max_retained_messages 2\nsys_interval 0',
})

retained(
  'max_retained_messages refuses another topic, not another message of a known one',
  { v5: '' },
  async ({ connect: connected, topic }) => {
    const client = await connected()
    const keep = (name: string, payload: string) =>
      client.publish(`${topic}/${name}`, payload, { qos: 1, retain: true })
    assert.ok((await keep('a', '1')) < 0x80)
    assert.ok((await keep('b', '1')) < 0x80)
    assert.equal(await keep('c', '1'), 0x97)
    assert.ok((await keep('a', '2')) < 0x80)
    assert.ok((await keep('b', '')) < 0x80)
    assert.ok((await keep('c', '2')) < 0x80)
    await client.subscribe(`${topic}/#`)
    const got = [await client.find('publish'), await client.find('publish')]
    assert.deepEqual(got.map((packet) => packet.topic).sort(), [`${topic}/a`, `${topic}/c`])
    await client.expectNothing()
  },
)

const heavy = behaviours('retained bytes', { config: 'max_retained_bytes 1000\nsys_interval 0' })

heavy(
  'max_retained_bytes refuses what does not fit, and takes what makes room',
  { v5: '' },
  async ({ connect: connected, topic }) => {
    const client = await connected()
    const keep = (name: string, bytes: number) =>
      client.publish(`${topic}/${name}`, 'x'.repeat(bytes), { qos: 1, retain: true })
    assert.ok((await keep('a', 600)) < 0x80)
    assert.equal(await keep('b', 600), 0x97)
    assert.equal(await keep('a', 1200), 0x97)
    assert.ok((await keep('a', 100)) < 0x80)
    assert.ok((await keep('b', 600)) < 0x80)
  },
)

const RATE = 100
const rates = behaviours('rates', { config: `max_message_rate ${RATE}`, concurrency: 4 })

/** Sends `count` QoS 1 messages at once; resolves to the seconds until the last one is acknowledged. */
async function secondsFor(client: RawClient, topic: string, count: number): Promise<number> {
  const packets = Array.from({ length: count }, (_, index) =>
    publish(topic, 'x', { qos: 1, packetId: index + 1 }),
  )
  const start = performance.now()
  client.send(...packets)
  for (let packetId = 1; packetId <= count; packetId++) await client.find('puback', { packetId })
  return (performance.now() - start) / 1000
}

rates(
  'max_message_rate slows a client down and drops nothing',
  { v4: '', v5: '' },
  async ({ connect: connected, topic }) => {
    const receiver = await connected()
    await receiver.subscribe(topic)
    const seconds = await leastOf(4, async () => {
      const took = await secondsFor(await connected(), topic, 3 * RATE)
      for (let count = 0; count < 3 * RATE; count++) await receiver.expect('publish')
      return took
    })
    // The first second's worth is free.
    assert.ok(seconds > 1.5 && seconds < 4, `${3 * RATE} messages took ${seconds} s`)
    await receiver.expectNothing()
  },
)

rates(
  'a client within max_message_rate does not notice it, whatever others do',
  { v4: '' },
  async ({ connect: connected, topic }) => {
    const seconds = await leastOf(0.5, async () => {
      const slowed = secondsFor(await connected(), `${topic}/greedy`, 3 * RATE)
      const others = await secondsFor(await connected(), topic, RATE / 2)
      await slowed
      return others
    })
    assert.ok(seconds < 0.5, `it took ${seconds} s`)
  },
)

rates(
  'who has to wait for max_message_rate is not taken for silent',
  { v4: '' },
  async ({ connect: connected, topic }) => {
    const client = await connected({ keepAliveSeconds: 1 })
    assert.ok((await secondsFor(client, topic, 4 * RATE)) > 2)
    await client.ping()
  },
)

const byteRates = behaviours('byte rates', { config: 'max_byte_rate 50000' })

byteRates(
  'max_byte_rate slows a client down and drops nothing',
  { v4: '' },
  async ({ connect: connected, topic }) => {
    const receiver = await connected()
    await receiver.subscribe(topic)
    const payload = bytesOf('x'.repeat(10_000))
    const seconds = await leastOf(4, async () => {
      const sender = await connected()
      const start = performance.now()
      sender.send(...Array.from({ length: 15 }, () => publish(topic, payload)))
      await sender.ping()
      const took = (performance.now() - start) / 1000
      for (let count = 0; count < 15; count++) await receiver.expect('publish')
      return took
    })
    assert.ok(seconds > 1.5 && seconds < 4, `150,000 bytes took ${seconds} s`)
  },
)

const addresses = behaviours('addresses', { config: 'max_connections_per_address 2' })

addresses(
  'max_connections_per_address closes those beyond and lets in again who makes room',
  { v4: '' },
  async ({ connect: connected, open }) => {
    // What asked whether the broker accepts may still be on its way out, as may who was disconnected.
    const welcome = async (): Promise<RawClient> => {
      for (let attempt = 0; attempt < 50; attempt++) {
        const client = await connected().catch(() => null)
        if (client !== null) return client
      }
      assert.fail('not let in')
    }
    const first = await welcome()
    await welcome()
    await (await open()).expectClosed()
    await first.disconnect()
    await welcome()
  },
)

const accepting = behaviours('new connections', { config: 'max_connection_rate 20' })

accepting(
  'max_connection_rate lets a storm in one after the other, and nobody is lost',
  { v4: '' },
  async ({ connect: connected, open, version }) => {
    const seconds = await leastOf(4, async () => {
      const start = performance.now()
      const clients = await Promise.all(Array.from({ length: 40 }, open))
      for (const [index, client] of clients.entries())
        client.send(connect(version, { clientId: `storm${index}` }))
      for (const client of clients) await client.expect('connack', { code: 0 })
      return (performance.now() - start) / 1000
    })
    assert.ok(seconds > 1 && seconds < 4, `40 clients took ${seconds} s`)
    await connected()
  },
)

const crowded = behaviours('one retained message', {
  config: 'max_retained_messages 1\nsys_interval 0',
})

crowded(
  'an identifier whose message was refused on its second sending means a new message',
  { v5: '[MQTT-4.3.3-9] [MQTT-4.3.3-10]' },
  async ({ connect, clientId, topic }) => {
    const watcher = await connect()
    await watcher.subscribe({ filter: `${topic}/#`, qos: 1 })
    const session = { sessionExpirySeconds: 60 }
    for (const properties of [{}, session]) {
      const client = await connect({ clientId, properties })
      client.send(publish(`${topic}/1`, 'refused', { qos: 2, packetId: 7, retain: true }))
      await client.expect('pubrec', { packetId: 7, reason: 0 })
      const other = await connect()
      await other.publish(`${topic}/2`, 'kept', { qos: 1, retain: true })
      await watcher.receive({ payload: 'kept' })
      const again = { qos: 2, packetId: 7, retain: true, dup: true } as const
      client.send(publish(`${topic}/1`, 'refused', again))
      await client.expect('pubrec', { packetId: 7, reason: 0x97 })
      await client.publish(topic, 'next', { qos: 2, packetId: 7 })
      await watcher.receive({ payload: 'next' })
      await watcher.expectNothing()
      await other.publish(`${topic}/2`, '', { retain: true })
      await watcher.expect('publish', { topic: `${topic}/2`, payload: '' })
      await client.disconnect()
    }
  },
)

crowded(
  'below 5.0, where nothing can be refused, a message sent again is the one that was taken',
  { v3: '', v4: '[MQTT-4.3.3-2]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(`${topic}/1`)
    const client = await connect()
    client.send(publish(`${topic}/1`, 'taken', { qos: 2, packetId: 7, retain: true }))
    await client.expect('pubrec', { packetId: 7 })
    const other = await connect()
    await other.publish(`${topic}/2`, 'kept', { qos: 1, retain: true })
    const again = { qos: 2, packetId: 7, retain: true, dup: true } as const
    client.send(publish(`${topic}/1`, 'taken', again))
    await client.expect('pubrec', { packetId: 7 })
    client.send(ack('pubrel', 7))
    await client.expect('pubcomp', { packetId: 7 })
    await watcher.expect('publish', { payload: 'taken' })
    await watcher.expectNothing()
    await other.publish(`${topic}/2`, '', { retain: true })
    await other.publish(`${topic}/1`, '', { retain: true })
  },
)

crowded(
  'a will is heard and not retained where a PUBLISH would be refused',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic }) => {
    const publisher = await connect()
    await publisher.publish(`${topic}/kept`, 'kept', { qos: 1, retain: true })
    const watcher = await connect()
    await watcher.subscribe(`${topic}/gone`)
    const will = { topic: `${topic}/gone`, payload: 'gone', retain: true }
    const client = await connect({ will })
    await client.end()
    await watcher.expect('publish', { topic: `${topic}/gone`, payload: 'gone' })
    const late = await connect()
    await late.subscribe(`${topic}/#`)
    await late.expect('publish', { topic: `${topic}/kept` })
    await late.expectNothing()
    await publisher.publish(`${topic}/kept`, '', { qos: 1, retain: true })
  },
)

const bursts = behaviours('output')

bursts(
  'a burst of large messages at QoS 0 reaches a reader that reads',
  { v4: '', v5: '' },
  async ({ connect: connected, topic }) => {
    const subscriber = await connected()
    await subscriber.subscribe(topic)
    const publisher = await connected()
    const large = 'x'.repeat(1_000_000)
    publisher.send(...Array.from({ length: 10 }, () => publish(topic, large)))
    for (let index = 0; index < 10; index++) await subscriber.expect('publish', { topic })
  },
)

bursts(
  'what is dropped for one that does not read is said in the log, once',
  { v5: '' },
  async ({ broker, connect: connected, clientId, topic }) => {
    const subscriber = await connected({ clientId })
    await subscriber.subscribe(topic)
    subscriber.pause()
    const publisher = await connected()
    const large = 'x'.repeat(1_000_000)
    for (let index = 0; index < 60; index++) await publisher.publish(topic, large)
    const line = `Outgoing messages are being dropped for client ${clientId}.`
    const count = (): number => broker.log().split(line).length - 1
    await until(() => count() > 0, broker.log)
    assert.equal(count(), 1)
  },
)

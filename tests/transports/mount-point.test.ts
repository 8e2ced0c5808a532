import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { BrokerProcess } from '../support/broker-process.ts'
import type { RawClient } from '../support/raw-client.ts'
import * as make from '../support/packets.ts'
import type { ConnectOptions } from '../support/packets.ts'
import { join, openPlain, startListeners, timeout } from './secure.ts'

let broker: BrokerProcess
let ports: { mounted: number; unslashed: number }

before(async () => {
  const started = await startListeners({
    mounted: 'mount_point häuser/1/',
    unslashed: 'mount_point pre',
  })
  broker = started.broker
  ports = started.ports
})
after(() => broker.stop())

const inside = async (options?: ConnectOptions): Promise<RawClient> =>
  join(await openPlain(ports.mounted), options)
const outside = async (): Promise<RawClient> => join(await openPlain(broker.port))

for (const qos of [0, 1, 2] as const)
  test(
    `what is published below the mount point has the prefix outside (QoS ${qos})`,
    { timeout },
    async () => {
      const [watcher, client] = [await outside(), await inside()]
      await watcher.subscribe({ filter: 'häuser/#', qos })
      await client.publish(`a/${qos}`, 'x', { qos })
      await client.publish(`a/${qos}`, 'y', { qos })
      await watcher.receive({ topic: `häuser/1/a/${qos}`, payload: 'x' })
      await watcher.receive({ topic: `häuser/1/a/${qos}`, payload: 'y' })
    },
  )

for (const [what, bytes] of [
  ['small', 10],
  ['large', 50_000],
] as const)
  test(
    `clients below it do not see the prefix (${what}), those outside do`,
    { timeout },
    async () => {
      const [first, second, watcher] = [await inside(), await inside(), await outside()]
      const topic = `seen/${what}`
      await first.subscribe({ filter: 'seen/#', qos: 1 })
      await watcher.subscribe({ filter: `häuser/1/seen/#`, qos: 1 })
      await second.subscribe({ filter: 'seen/+', qos: 2 })
      const payload = Buffer.alloc(bytes, 1)
      await (await inside()).publish(topic, payload, { qos: 1 })
      await (await outside()).publish(`häuser/1/${topic}`, payload, { qos: 1 })
      for (let count = 0; count < 2; count++) {
        await first.receive({ topic })
        await second.receive({ topic })
        await watcher.receive({ topic: `häuser/1/${topic}` })
      }
    },
  )

test('what is elsewhere is not seen below it', { timeout }, async () => {
  const client = await inside()
  await client.subscribe('#')
  await client.subscribe('$SYS/#')
  await (await outside()).publish('elsewhere', 'x', { qos: 1 })
  await client.expectNothing()
})

test('UNSUBSCRIBE means the same filter', { timeout }, async () => {
  const client = await inside()
  await client.subscribe('gone')
  assert.deepEqual(await client.unsubscribe('gone', 'never'), [0, 0x11])
  await client.publish('gone', 'x', { qos: 1 })
  await client.expectNothing()
})

test('shared subscriptions share below it', { timeout }, async () => {
  const [first, second] = [await inside(), await inside()]
  for (const client of [first, second]) await client.subscribe({ filter: '$share/g/work', qos: 1 })
  const writer = await inside()
  for (let count = 0; count < 2; count++) await writer.publish('work', 'x', { qos: 1 })
  await first.receive({ topic: 'work' })
  await second.receive({ topic: 'work' })
  assert.deepEqual(await first.unsubscribe('$share/g/work'), [0])
})

test('retained messages and wills are below it', { timeout }, async () => {
  const watcher = await outside()
  await watcher.subscribe({ filter: 'häuser/1/will', qos: 1 })
  const client = await inside({ will: { topic: 'will', payload: 'bye', qos: 1 } })
  await client.publish('kept', 'r', { qos: 1, retain: true })
  client.destroy()
  await watcher.receive({ topic: 'häuser/1/will', payload: 'bye' })
  const [reader, other] = [await inside(), await outside()]
  await reader.subscribe('kept')
  await reader.receive({ topic: 'kept', payload: 'r', retain: true })
  await other.subscribe('häuser/1/kept')
  await other.receive({ topic: 'häuser/1/kept', payload: 'r', retain: true })
})

test('topic aliases stand for names without the prefix', { timeout }, async () => {
  const reader = await inside({ properties: { topicAliasMaximum: 5 } })
  await reader.subscribe('alias/#')
  const writer = await inside()
  await writer.publish('alias/1', 'x', { properties: { topicAlias: 3 } })
  await writer.publish('', 'y', { properties: { topicAlias: 3 } })
  await writer.publish('alias/2', 'z')
  const { properties } = await reader.expect('publish', { topic: 'alias/1', payload: 'x' })
  assert.equal(properties.topicAlias, 1)
  await reader.expect('publish', { topic: '', payload: 'y', properties: { topicAlias: 1 } })
  await reader.expect('publish', { topic: 'alias/2', payload: 'z' })
})

test('a session keeps its filters, and its messages the prefix', { timeout }, async () => {
  const options = {
    clientId: 'mounted',
    cleanStart: false,
    properties: { sessionExpirySeconds: 60 },
  }
  const first = await inside(options)
  await first.subscribe({ filter: 'queue', qos: 1 })
  await first.disconnect()
  await (await outside()).publish('häuser/1/queue', 'waited', { qos: 1 })
  const second = await inside(options)
  await second.receive({ topic: 'queue', payload: 'waited' })
})

test(
  'a filter that the prefix spoils is refused, and the connection stays',
  { timeout },
  async () => {
    const client = await join(await openPlain(ports.unslashed))
    assert.deepEqual(await client.subscribe([{ filter: '#' }, { filter: 'x/#' }]), [0x8f, 0])
    await client.publish('x/y', 'z')
    await client.receive({ topic: 'x/y' })
  },
)

test('a topic or filter that is too long with the prefix is refused', { timeout }, async () => {
  const watcher = await outside()
  await watcher.subscribe({ filter: 'still/#', qos: 1 })
  const long = 'x'.repeat(65_530)
  const client = await inside()
  assert.deepEqual(await client.subscribe(long), [0x8f])
  client.send(make.publish(long, 'x'))
  await client.expect('disconnect', { reason: 0x90 })
  await (await outside()).publish('still/there', 'x', { qos: 1 })
  await watcher.receive({ topic: 'still/there' })
})

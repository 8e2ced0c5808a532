/** What was sent and not acknowledged when a broker stopped. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PublishPacket } from '../../src/codec/packets.ts'
import { createBroker } from '../../src/index.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import * as make from '../support/packets.ts'
import { testMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { clientOf, newPlace, startOn } from './durable-broker.ts'

/** More than the window of a client that names no Receive Maximum. */
const COUNT = 1500

test(
  'is sent again with DUP, however large the window of its client [MQTT-3.3.1-1]',
  { timeout: testMsMax },
  async (context) => {
    const persistence = { location: newPlace(context).store, sync: 'never' } as const
    const start = async () => {
      const broker = createBroker({ persistence, log: () => {}, limits: { queuedMax: 0 } })
      context.after(() => broker.close())
      const { port } = await broker.listen({ host: '127.0.0.1', port: 0 })
      const client = await RawClient.open(port, 5)
      context.after(() => client.destroy())
      const properties = { sessionExpirySeconds: 1000, receiveMaximum: 65_535 }
      client.send(make.connect(5, { clientId: 'c', cleanStart: false, properties }))
      await client.expect('connack', { code: 0 })
      return { broker, client }
    }
    const first = await start()
    await first.client.subscribe({ filter: 't', qos: 1 })
    for (let index = 0; index < COUNT; index++) first.broker.publish('t', `${index}`, { qos: 1 })
    for (let index = 0; index < COUNT; index++) await first.client.expect('publish', { dup: false })
    await first.broker.close()
    const { broker, client } = await start()
    broker.publish('t', 'new', { qos: 1 })
    for (let index = 0; index < COUNT; index++)
      await client.expect('publish', { dup: true, payload: `${index}` })
    await client.expect('publish', { payload: 'new' })
  },
)

const session = { properties: { sessionExpirySeconds: 1000, receiveMaximum: 1 } }

/** Publishes what expires in a second, at QoS 2. */
async function publishExpiring(broker: BrokerProcess, payload: string): Promise<void> {
  const { client: author } = await clientOf(broker, 'author')
  const properties = { messageExpirySeconds: 1 }
  author.send(make.publish('t', payload, { qos: 2, packetId: 1, properties }))
  await author.expect('pubrec')
  author.send(make.ack('pubrel', 1))
  await author.expect('pubcomp')
}

/** Expires while the broker is away; `later` comes behind it and lasts. */
async function expireOver(
  context: TestContext,
  signal: 'SIGTERM' | 'SIGKILL',
  isSent: boolean,
): Promise<PublishPacket[]> {
  const place = newPlace(context)
  const first = await startOn(context, place)
  const { client } = await clientOf(first, 'c', session)
  await client.subscribe({ filter: 't', qos: 2 })
  if (!isSent) await client.end()
  await publishExpiring(first, 'late')
  if (isSent) await client.expect('publish', { payload: 'late' })
  first.signal(signal)
  await first.stop()
  const expired = sleep(1100)
  const second = await startOn(context, place)
  await expired
  return receiveLater(second)
}

/** What the client gets when it is back, up to `later`, which is published then. */
async function receiveLater(broker: BrokerProcess): Promise<PublishPacket[]> {
  const { client: back } = await clientOf(broker, 'c', session)
  const { client: other } = await clientOf(broker, 'author')
  other.send(make.publish('t', 'later', { qos: 1, packetId: 2 }))
  const came: PublishPacket[] = []
  for (;;) {
    const packet = await back.expect('publish')
    came.push(packet)
    if (packet.qos === 2) {
      back.send(make.ack('pubrec', packet.packetId))
      await back.expect('pubrel', { packetId: packet.packetId })
      back.send(make.ack('pubcomp', packet.packetId))
    } else return came
  }
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  const title = `${signal}: QoS 2 that was sent before it expired is sent again [MQTT-4.3.3-7]`
  test(title, { timeout: testMsMax }, async (context) => {
    const [late] = await expireOver(context, signal, true)
    assert.equal(Buffer.from(late.payload).toString(), 'late')
    assert.equal(late.dup, true)
  })

  test(
    `${signal}: what was never sent expires over it [MQTT-3.3.2-5]`,
    { timeout: testMsMax },
    async (context) => {
      const came = await expireOver(context, signal, false)
      assert.deepEqual(
        came.map(({ payload }) => Buffer.from(payload).toString()),
        ['later'],
      )
    },
  )
}

for (const [threads, sent] of [
  [1, []],
  [1, ['sent']],
  [2, ['sent']],
] as const)
  test(
    `what came for an absent client after a crash was never sent, and expires [MQTT-3.3.2-5]: threads ${threads}, sent before ${sent.length}`,
    { timeout: testMsMax },
    async (context) => {
      const place = newPlace(context)
      const first = await startOn(context, place, `thread_count ${threads}`)
      const { client } = await clientOf(first, 'c', session)
      await client.subscribe({ filter: 't', qos: 2 })
      for (const payload of sent) {
        await publishExpiring(first, payload)
        await client.expect('publish', { payload })
      }
      first.signal('SIGKILL')
      await first.stop()
      const second = await startOn(context, place, `thread_count ${threads}`)
      await publishExpiring(second, 'late')
      await sleep(1100)
      const came = await receiveLater(second)
      assert.deepEqual(
        came.map(({ payload, dup }) => [Buffer.from(payload).toString(), dup]),
        [...sent.map((payload) => [payload, true]), ['later', false]],
      )
    },
  )

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { IClientOptions, MqttClient } from 'mqtt'
import { createBroker, MozzieError, type BrokerOptions } from '../../src/index.ts'
import { until } from './run-mozzie.ts'
import { connectOnce } from '../support/connect-once.ts'

async function start(context: TestContext, options?: BrokerOptions) {
  const broker = createBroker(options)
  context.after(() => broker.close())
  const { port } = await broker.listen()
  const open = async (more: IClientOptions = {}): Promise<MqttClient> => {
    const settings = { reconnectPeriod: 0, ...more }
    const client = await connectOnce(`mqtt://127.0.0.1:${port}`, settings)
    context.after(() => client.end(true))
    return client
  }
  return { broker, port, open }
}

test('handlers get what clients publish, with its properties', async (context) => {
  const { broker, open } = await start(context)
  const got: unknown[] = []
  broker.subscribe('a/+', (message) => got.push(message))
  const client = await open({ protocolVersion: 5 })
  const properties = { contentType: 'text', userProperties: { name: 'value' } }
  await client.publishAsync('a/b', 'hello', { qos: 1, properties })
  await until(
    () => got.length === 1,
    () => JSON.stringify(got),
  )
  assert.deepEqual(got, [
    {
      topic: 'a/b',
      payload: new TextEncoder().encode('hello'),
      qos: 1,
      retain: false,
      properties: { contentType: 'text', userProperties: [['name', 'value']] },
    },
  ])
})

test('clients get what the program publishes, retained too', async (context) => {
  const { broker, open } = await start(context)
  broker.publish('kept', 'value', { qos: 1, retain: true })
  const client = await open()
  const message = new Promise<string>((resolve) => {
    client.once('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`))
  })
  await client.subscribeAsync('kept')
  assert.equal(await message, 'kept value')
})

test('a handler may publish, and one that throws harms nobody', async (context) => {
  const lines: string[] = []
  const { broker } = await start(context, { log: (level, text) => lines.push(`${level} ${text}`) })
  const got: string[] = []
  broker.subscribe('ask', () => broker.publish('answer', 'yes'))
  broker.subscribe('ask', () => {
    throw new Error('my mistake')
  })
  broker.subscribe('answer', ({ topic }) => got.push(topic))
  broker.publish('ask', '?')
  await until(
    () => got.length === 1,
    () => lines.join('\n'),
  )
  assert.ok(lines.some((line) => line.startsWith('error Error: message handler threw')))
})

test('an unsubscribed handler gets nothing more', async (context) => {
  const { broker } = await start(context)
  const got: string[] = []
  const unsubscribe = broker.subscribe('x', () => got.push('first'))
  broker.subscribe('x', () => got.push('second'))
  unsubscribe()
  broker.publish('x', '')
  await until(
    () => got.length > 0,
    () => got.join(),
  )
  assert.deepEqual(got, ['second'])
})

test('authenticate decides, later or by a reason code; an exception refuses', async (context) => {
  const { open } = await start(context, {
    log: () => {},
    authenticate: async ({ username, password }) => {
      if (username === 'broken') throw new Error('no backend')
      if (username === 'banned') return 0x8a
      // Session taken over: DISCONNECT can say that, CONNACK cannot [MQTT-3.2.2-8].
      if (username === 'twin') return 0x8e
      return username === 'ada' && Buffer.from(password ?? []).toString() === 'secret'
    },
  })
  const code = async (username: string, password: string): Promise<number> => {
    try {
      await open({ protocolVersion: 5, username, password })
      return 0
    } catch (error) {
      return (error as { code: number }).code
    }
  }
  assert.equal(await code('ada', 'secret'), 0)
  assert.equal(await code('ada', 'wrong'), 0x87)
  assert.equal(await code('banned', ''), 0x8a)
  assert.equal(await code('twin', ''), 0x87)
  assert.equal(await code('broken', ''), 0x87)
})

test('authorizePublish and authorizeSubscribe refuse', async (context) => {
  const { broker, open } = await start(context, {
    authorizePublish: ({ clientId }, topic) => topic.startsWith(`${clientId}/`),
    authorizeSubscribe: (_who, filter) => filter !== '#',
  })
  const got: string[] = []
  broker.subscribe('#', ({ topic }) => got.push(topic))
  const client = await open({ protocolVersion: 5, clientId: 'own' })
  await assert.rejects(client.publishAsync('other/x', '', { qos: 1 }), { code: 0x87 })
  await client.publishAsync('own/x', '', { qos: 1 })
  await until(
    () => got.length > 0,
    () => got.join(),
  )
  assert.deepEqual(got, ['own/x'])
  await assert.rejects(client.subscribeAsync('#'))
})

test('observers are told of clients and messages', async (context) => {
  const told: string[] = []
  const { open } = await start(context, {
    onConnect: ({ clientId }) => told.push(`+${clientId}`),
    onDisconnect: ({ clientId }, reason) => told.push(`-${clientId}${reason}`),
    onPublish: ({ topic }) => told.push(topic),
  })
  const client = await open({ clientId: 'c' })
  await client.publishAsync('t', '', { qos: 1 })
  await client.endAsync()
  await until(
    () => told.length === 3,
    () => told.join(),
  )
  assert.deepEqual(told, ['+c', 't', '-c'])
})

test('errors have codes', async (context) => {
  const { broker, port } = await start(context)
  assert.throws(() => broker.publish('a/#', ''), { name: 'MozzieError', code: 'TOPIC' })
  assert.throws(() => broker.subscribe('a#', () => {}), { code: 'FILTER' })
  await assert.rejects(broker.listen({ port }), { code: 'LISTEN' })
  await broker.close()
  assert.throws(() => broker.publish('a', ''), { code: 'CLOSED' })
  assert.ok(new MozzieError('LISTEN', 'text') instanceof Error)
})

test('close tells 5.0 clients that the server shuts down', async (context) => {
  const { broker, open } = await start(context)
  const client = await open({ protocolVersion: 5 })
  const told = new Promise<number | undefined>((resolve) => {
    client.once('disconnect', ({ reasonCode }) => resolve(reasonCode))
  })
  await broker.close()
  assert.equal(await told, 0x8b)
})

test('limits of the options hold', async (context) => {
  const { open } = await start(context, { limits: { topicLevelsMax: 2 } })
  const client = await open({ protocolVersion: 5 })
  await client.subscribeAsync('a/b')
  await assert.rejects(client.subscribeAsync('a/b/c'))
})

const refused: [string, string, [string, unknown?, object?]][] = [
  ['a tab in the topic', 'TOPIC', ['a\tb', '']],
  ['a NUL in the topic', 'TOPIC', ['a\0b', '']],
  ['a topic of 70,000 bytes', 'TOPIC', ['x'.repeat(70_000), '']],
  ['a topic that is no text', 'TOPIC', [undefined as unknown as string, '']],
  ['more levels than the limit', 'TOPIC', ['a/'.repeat(300), '']],
  ['a number for a payload', 'MESSAGE', ['a', 21.5]],
  ['no payload', 'MESSAGE', ['a']],
  ['QoS 3', 'MESSAGE', ['a', '', { qos: 3 }]],
  ['a tab in the content type', 'MESSAGE', ['a', '', { properties: { contentType: 'x\ty' } }]],
  [
    'a user property of three',
    'MESSAGE',
    ['a', '', { properties: { userProperties: [['a', 'b', 'c']] } }],
  ],
  ["another library's property", 'MESSAGE', ['a', '', { properties: { contenttype: 'x' } }]],
  ['null for the properties', 'MESSAGE', ['a', '', { properties: null }]],
  ['a payload over the limit', 'LIMIT', ['a', 'x'.repeat(101)]],
  ['one retained message too many', 'LIMIT', ['second', 'x', { retain: true }]],
]

test('what the program publishes is checked as what clients do', async (context) => {
  const { broker, open } = await start(context, {
    limits: { payloadBytesMax: 100, retainedMax: 1 },
  })
  broker.publish('first', 'x', { retain: true })
  const client = await open({ protocolVersion: 5 })
  let closes = 0
  client.on('close', () => closes++)
  await client.subscribeAsync('#')
  const publish = broker.publish as (...what: unknown[]) => void
  for (const [name, code, what] of refused)
    assert.throws(() => publish(...what), { name: 'MozzieError', code }, name)
  const got = new Promise<string>((resolve) =>
    client.on('message', (topic) => {
      if (topic !== 'first') resolve(topic)
    }),
  )
  broker.publish('good', '')
  assert.equal(await got, 'good')
  assert.equal(closes, 0)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { connect, type Message, type MqttClient } from '../../src/client/node.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { webSocketBridge, type Bridge } from './bridges.ts'
import { testMsMax } from '../support/patience.ts'

const timeout = testMsMax
let broker: BrokerProcess
let webSocket: Bridge
before(async () => {
  broker = await startBroker()
  webSocket = await webSocketBridge(broker.port)
})
after(async () => {
  await webSocket.close()
  await broker.stop()
})

const ways = [
  ['TCP', () => `mqtt://127.0.0.1:${broker.port}`],
  ['WebSocket', () => `ws://127.0.0.1:${webSocket.port}`],
] as const

for (const [way, url] of ways) {
  for (const version of [3, 4, 5] as const) {
    test(`messages at every QoS over ${way}, level ${version}`, { timeout }, async () => {
      const client = await connect(url(), { version })
      const topic = `all/${way}/${version}`
      const stream = await client.subscribe(`${topic}/#`, { qos: 2 })
      for (const qos of [0, 1, 2] as const) {
        const { reason } = await client.publish(`${topic}/${qos}`, 'x'.repeat(qos * 100_000), {
          qos,
        })
        assert.equal(reason, 0)
      }
      const got: string[] = []
      for await (const { topic: name, payload, qos } of stream) {
        got.push(`${name.slice(topic.length)} ${qos} ${payload.length}`)
        if (got.length === 3) break
      }
      assert.deepEqual(got, ['/0 0 0', '/1 1 100000', '/2 2 200000'])
      await client.end()
      assert.equal(client.state, 'ended')
    })
  }
}

test('a subscription can be iterated without awaiting it', { timeout }, async () => {
  const client = await connect(ways[0][1]())
  const publisher = await connect(ways[0][1]())
  await publisher.publish('now', 'kept', { retain: true, qos: 1 })
  const texts: string[] = []
  for await (const message of client.subscribe('now')) {
    texts.push(message.text())
    break
  }
  assert.deepEqual(texts, ['kept'])
  await publisher.publish('now', '', { retain: true, qos: 1 })
  await Promise.all([client.end(), publisher.end()])
})

test('a handler gets each message', { timeout }, async () => {
  const client = await connect(ways[0][1]())
  const got: Message[] = []
  const two = new Promise<void>((resolve) => {
    const onMessage = (message: Message) => {
      got.push(message)
      if (got.length === 2) resolve()
    }
    void client.subscribe(['h/1', { filter: 'h/2', qos: 1 }], { onMessage })
  })
  await client.publish('h/1', '{"a":1}', { qos: 1 })
  await client.publish('h/2', 'b', { qos: 1 })
  await two
  assert.deepEqual(
    got.map(({ topic, qos }) => [topic, qos]),
    [
      ['h/1', 0],
      ['h/2', 1],
    ],
  )
  assert.deepEqual(got[0].json(), { a: 1 })
  await client.end()
})

test('a request gets its response', { timeout }, async () => {
  const server: MqttClient = await connect(ways[0][1]())
  const client = await connect(ways[0][1]())
  await server.subscribe('service', {
    qos: 1,
    onMessage: async (request) => void (await server.reply(request, `${request.text()}!`)),
  })
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => client.request('service', text)))
  assert.deepEqual(
    answers.map((answer) => answer.text()),
    ['a!', 'b!', 'c!'],
  )
  await Promise.all([server.end(), client.end()])
})

test('an unreachable server rejects with what the system said', { timeout }, async () => {
  const { createServer } = await import('node:net')
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  await assert.rejects(connect(`mqtt://127.0.0.1:${port}`), {
    name: 'MqttError',
    code: 'CONNECT',
    message: /cannot connect: connect ECONNREFUSED/,
  })
})

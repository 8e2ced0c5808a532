import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { webSocketBridge, type Bridge } from './bridges.ts'
import { testMsMax } from '../support/patience.ts'

/** The browser's client, on an implementation of the browser's WebSocket. */
const platform = globalThis as unknown as { WebSocket?: unknown }
platform.WebSocket ??= WebSocket
const { connect } = await import('../../src/client/web.ts')

const timeout = testMsMax
let broker: BrokerProcess
let bridge: Bridge
before(async () => {
  broker = await startBroker()
  bridge = await webSocketBridge(broker.port)
})
after(async () => {
  await bridge.close()
  await broker.stop()
})

test('the browser exchanges messages at every QoS', { timeout }, async () => {
  const client = await connect(`ws://127.0.0.1:${bridge.port}/mqtt`)
  const got: string[] = []
  const all = new Promise<void>((resolve) => {
    const onMessage = ({ qos, payload }: { qos: number; payload: Uint8Array }) => {
      if (got.push(`${qos} ${payload.length}`) === 3) resolve()
    }
    void client.subscribe('w/#', { qos: 2, onMessage })
  })
  for (const qos of [0, 1, 2] as const)
    await client.publish(`w/${qos}`, 'x'.repeat(qos * 400_000), { qos })
  await all
  assert.deepEqual(got, ['0 0', '1 400000', '2 800000'])
  await client.end()
})

test('the browser comes back after a cut', { timeout }, async () => {
  const reconnect = { minMs: 10, maxMs: 50 }
  const client = await connect(`ws://127.0.0.1:${bridge.port}`, { reconnect })
  const stream = await client.subscribe('back', { qos: 1 })
  const back = new Promise((resolve) => client.on('connect', resolve))
  bridge.cut()
  await back
  await client.publish('back', 'again', { qos: 1 })
  for await (const message of stream) {
    assert.equal(message.text(), 'again')
    break
  }
  await client.end()
})

test('the browser cannot connect by TCP, and says so', { timeout }, async () => {
  await assert.rejects(connect('mqtt://localhost'), { code: 'INVALID', message: /ws:\/\/ or wss:/ })
})

test('a port that is closed rejects', { timeout }, async () => {
  const closed = await webSocketBridge(broker.port)
  await closed.close()
  await assert.rejects(connect(`ws://127.0.0.1:${closed.port}`), { code: 'CONNECT' })
})

test(
  'a connection that fails rejects on a platform that fires error and no close, as Node 22',
  { timeout },
  async () => {
    const closed = await webSocketBridge(broker.port)
    await closed.close()
    const { WebSocket: usual } = platform
    platform.WebSocket = class extends WebSocket {
      override addEventListener(...[type, listener]: Parameters<WebSocket['addEventListener']>) {
        if (type !== 'close') super.addEventListener(type, listener)
      }
    }
    const failure = connect(`ws://127.0.0.1:${closed.port}`)
    await assert.rejects(failure, { code: 'CONNECT' })
    platform.WebSocket = usual
  },
)

test("'mozzie/client' is the client for Node, and for a browser where the condition says so", () => {
  // A specifier, not a file: as a program that has installed the package says it.
  const script = "console.log(import.meta.resolve('mozzie/client').split('/').at(-1))"
  const resolved = (...conditions: string[]) =>
    execFileSync(process.execPath, [...conditions, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    }).trim()
  assert.equal(resolved(), 'node.js')
  assert.equal(resolved('--conditions=browser'), 'web.js')
})

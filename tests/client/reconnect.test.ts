import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect, type MqttClient, type NodeConnectOptions } from '../../src/client/node.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { tcpBridge, type Bridge } from './bridges.ts'
import { testMsMax } from '../support/patience.ts'

const timeout = testMsMax
let broker: BrokerProcess
let bridge: Bridge
before(async () => {
  broker = await startBroker()
  bridge = await tcpBridge(broker.port)
})
after(async () => {
  await bridge.close()
  await broker.stop()
})

const quick = { minMs: 10, maxMs: 50 }

function open(options: NodeConnectOptions = {}): Promise<MqttClient> {
  return connect(`mqtt://127.0.0.1:${bridge.port}`, { reconnect: quick, ...options })
}

function once(client: MqttClient, name: 'connect' | 'disconnect'): Promise<void> {
  return new Promise((resolve) => {
    const stop = client.on(name, () => {
      stop()
      resolve()
    })
  })
}

for (const version of [3, 4, 5] as const) {
  test(`level ${version}: subscriptions are made again after a cut`, { timeout }, async () => {
    const client = await open({ version })
    const stream = await client.subscribe(`again/${version}`, { qos: 1 })
    const back = once(client, 'connect')
    bridge.cut()
    await back
    await client.publish(`again/${version}`, 'after', { qos: 1 })
    for await (const message of stream) {
      assert.equal(message.text(), 'after')
      break
    }
    await client.end()
  })

  test(
    `level ${version}: what is published while cut is sent afterwards, in order`,
    { timeout },
    async () => {
      const reader = await connect(`mqtt://127.0.0.1:${broker.port}`)
      const stream = await reader.subscribe(`later/${version}`, { qos: 2 })
      const client = await open({ version })
      const gone = once(client, 'disconnect')
      bridge.cut()
      await gone
      const qualities = [1, 0, 1, 2] as const
      await Promise.all(
        qualities.map((qos, index) => client.publish(`later/${version}`, String(index), { qos })),
      )
      const got: string[] = []
      for await (const message of stream) if (got.push(message.text()) === 4) break
      assert.deepEqual(got, ['0', '1', '2', '3'])
      await Promise.all([client.end(), reader.end()])
    },
  )
}

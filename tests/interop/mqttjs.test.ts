import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { testMsMax } from '../support/patience.ts'
import { connectOnce } from '../support/connect-once.ts'

let broker: BrokerProcess
before(async () => {
  broker = await startBroker()
})
after(() => broker.stop())

const timeout = testMsMax
const versions = [3, 4, 5] as const

function settingsFor(options: IClientOptions): IClientOptions {
  const place = {
    port: broker.port,
    host: '127.0.0.1',
    protocol: 'mqtt',
    reconnectPeriod: 0,
  } as const
  const name = options.protocolVersion === 3 ? { protocolId: 'MQIsdp' as const } : {}
  return { ...place, ...name, ...options }
}

async function open(context: TestContext, options: IClientOptions): Promise<MqttClient> {
  const client = await connectOnce(`mqtt://127.0.0.1:${broker.port}`, settingsFor(options))
  context.after(() => client.end(true))
  return client
}

function nextMessage(client: MqttClient): Promise<string> {
  return new Promise((resolve) => {
    client.once('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`))
  })
}

for (const protocolVersion of versions) {
  test(
    `MQTT.js exchanges messages at every QoS (level ${protocolVersion})`,
    { timeout },
    async (context) => {
      const reader = await open(context, { protocolVersion })
      const writer = await open(context, { protocolVersion })
      const topic = `js/${protocolVersion}`
      await reader.subscribeAsync(`${topic}/+`, { qos: 2 })
      const got: string[] = []
      const all = new Promise<void>((resolve) => {
        reader.on('message', (name, payload, packet) => {
          got.push(`${name} ${packet.qos} ${payload.length}`)
          if (got.length === 3) resolve()
        })
      })
      for (const qos of [0, 1, 2] as const)
        await writer.publishAsync(`${topic}/${qos}`, 'x'.repeat(qos * 100_000), { qos })
      await all
      assert.deepEqual(got, [`${topic}/0 0 0`, `${topic}/1 1 100000`, `${topic}/2 2 200000`])
    },
  )

  test(
    `MQTT.js finds its session with what was queued (level ${protocolVersion})`,
    { timeout },
    async (context) => {
      const clientId = `resume-${protocolVersion}`
      const properties = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}
      const settings = { protocolVersion, clientId, clean: false, ...properties }
      const first = await open(context, settings)
      await first.subscribeAsync(`queue/${protocolVersion}`, { qos: 1 })
      await first.endAsync()
      const writer = await open(context, { protocolVersion })
      await writer.publishAsync(`queue/${protocolVersion}`, 'kept', { qos: 1 })
      const second = connect(settingsFor(settings))
      context.after(() => second.end(true))
      assert.equal(await nextMessage(second), `queue/${protocolVersion} kept`)
    },
  )
}

test('MQTT.js keeps a connection alive by pings', { timeout }, async (context) => {
  // Long enough that a busy machine does not take the client for dead.
  const client = await open(context, { keepalive: 5 })
  const first = await new Promise<string>((resolve) => {
    client.once('packetreceive', ({ cmd }) => resolve(cmd))
  })
  assert.equal(first, 'pingresp')
  assert.equal(client.connected, true)
})

test('MQTT.js gets the will of a client that is cut off', { timeout }, async (context) => {
  const reader = await open(context, { protocolVersion: 5 })
  await reader.subscribeAsync('gone', { qos: 1 })
  const will = { topic: 'gone', payload: Buffer.from('bye'), qos: 1 as const, retain: false }
  const victim = await open(context, { protocolVersion: 5, will })
  const message = nextMessage(reader)
  victim.stream.destroy()
  assert.equal(await message, 'gone bye')
})

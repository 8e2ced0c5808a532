/** Messages that are larger than a stream takes: nobody else has to wait for them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { IClientOptions, IClientPublishOptions, MqttClient } from 'mqtt'
import { connectOnce } from '../support/connect-once.ts'
import { testMsMax } from '../support/patience.ts'
import { startBrokers, type ClusterBrokers } from './brokers.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, plainWire } from './nodes.ts'
import { until } from './support/stage.ts'

const QUOTA_EXCEEDED = 0x97
const STREAM_BYTES = 4000
const LARGE = Buffer.alloc(STREAM_BYTES)
const PARTITIONS = 3

let nats: NatsServers
let cluster: ClusterBrokers
let name = ''

function connect(index: number, options: IClientOptions = {}): Promise<MqttClient> {
  const { port } = cluster.brokers[index]
  return connectOnce(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, ...options })
}

/** The code that a PUBLISH is refused with; 0: it is not. */
async function refusalOf(
  client: MqttClient,
  topic: string,
  payload: Buffer,
  options: IClientPublishOptions,
): Promise<number> {
  try {
    await client.publishAsync(topic, payload, options)
    return 0
  } catch (error) {
    return (error as { code?: number }).code ?? -1
  }
}

async function durableSubscriber(index: number, clientId: string, filter: string) {
  const got: string[] = []
  const properties = { sessionExpiryInterval: 600 }
  const client = await connect(index, { clientId, clean: false, properties })
  client.on('message', (_topic, payload) => void got.push(payload.toString()))
  await client.subscribeAsync(filter, { qos: 2 })
  return { client, got }
}

async function boundQueues(bytesMax: number): Promise<void> {
  const wire = await plainWire(nats.urls)
  for (let k = 0; k < PARTITIONS; k++) {
    const { config } = await wire.api<{ config: object }>(`STREAM.INFO.${name}_Q${k}`)
    await wire.api(`STREAM.UPDATE.${name}_Q${k}`, { ...config, max_msg_size: bytesMax })
  }
  await wire.close()
}

if (skipNats !== false) test('messages that are too large', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats(1)
    name = newName()
    const options = { count: 2, replicas: 1, leaseSeconds: 10 }
    cluster = await startBrokers({ ...options, urls: nats.urls, cluster: name })
  })
  after(async () => {
    await cluster.stop()
    await nats.stop()
  })

  test(
    'are named and dropped where a stream is made to take less, and refused from then on',
    { timeout: testMsMax },
    async () => {
      const { client: subscriber, got } = await durableSubscriber(1, 'large', 'large')
      const publisher = await connect(0, { clientId: 'sender' })
      await boundQueues(STREAM_BYTES)
      const refusal = (options: IClientPublishOptions): Promise<number> =>
        refusalOf(publisher, 'large', LARGE, options)
      assert.equal(await refusal({ qos: 1 }), 0)
      assert.match(cluster.brokers[0].log(), /Error: \d+ bytes for \S+ are more than NATS takes/)
      await until(async () => (await refusal({ qos: 1 })) === QUOTA_EXCEEDED)
      for (const options of [{ qos: 2 }, { qos: 1, retain: true }] as const)
        assert.equal(await refusal(options), QUOTA_EXCEEDED)
      assert.match(
        cluster.brokers[0].log(),
        /a message of sender to 'large' is refused: it has 4005 bytes, and the store takes 2976\./,
      )
      await publisher.publishAsync('large', 'small', { qos: 1 })
      await until(() => got.length > 0)
      assert.deepEqual(got, ['small'])
      await Promise.all([publisher, subscriber].map((client) => client.endAsync()))
    },
  )

  test(
    'are refused by a node that starts; below 5.0 the connection ends',
    { timeout: testMsMax },
    async () => {
      await boundQueues(STREAM_BYTES)
      await cluster.brokers[0].kill('SIGTERM')
      await cluster.brokers[0].start()
      const publisher = await connect(0)
      assert.equal(await refusalOf(publisher, 'large', LARGE, { qos: 1 }), QUOTA_EXCEEDED)
      await publisher.endAsync()
      const old = await connect(0, { protocolVersion: 4 })
      const closed = new Promise<void>((resolve) => void old.once('close', resolve))
      old.publish('large', LARGE, { qos: 1 }, () => {
        // Nobody answers.
      })
      await closed
      old.end(true)
    },
  )
}

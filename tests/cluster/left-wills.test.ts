/** Wills of clients whose node is killed, and who come back, or do not, before its lease has ended. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { IClientOptions, MqttClient } from 'mqtt'
import { connectOnce } from '../support/connect-once.ts'
import { connect as connectPacket } from '../support/packets.ts'
import { atThisLoad, testMsMax } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { startBrokers, type ClusterBrokers } from './brokers.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName, plainWire } from './nodes.ts'
import { until } from './support/stage.ts'

const LEASE_SECONDS = atThisLoad(5)
/** No test takes so long. */
const NEVER_SECONDS = 3600
/** The moment in which something could be missing is short. */
const KILLS = 5

type Options = IClientOptions & { readonly clientId: string }

let nats: NatsServers
let cluster: ClusterBrokers
let name = ''

async function connect(index: number, options: Options): Promise<MqttClient> {
  const { port } = cluster.brokers[index]
  const url = `mqtt://127.0.0.1:${port}`
  const client = await connectOnce(url, { protocolVersion: 5, ...options })
  client.on('error', () => {
    // Its broker is killed.
  })
  return client
}

const durable = { clean: false, properties: { sessionExpiryInterval: NEVER_SECONDS } } as const
const cleanStart = { ...durable, clean: true } as const

function willOf(text: string, delaySeconds = 0): Pick<IClientOptions, 'will'> {
  const properties = { willDelayInterval: delaySeconds }
  const payload = Buffer.from(text)
  return { will: { topic: `gone/${text}`, payload, qos: 1, retain: false, properties } }
}

/** Whose will is stored, in how many messages. */
async function willsStored(): Promise<number> {
  const wire = await plainWire(nats.urls)
  const { state } = await wire.api<{ state: { messages: number } }>(`STREAM.INFO.${name}_W`)
  await wire.close()
  return state.messages
}

interface Watcher {
  readonly client: MqttClient
  readonly got: string[]
}

async function watch(index: number): Promise<Watcher> {
  const got: string[] = []
  const client = await connect(index, { clientId: `watcher${index}` })
  client.on('message', (_topic, payload) => void got.push(payload.toString()))
  await client.subscribeAsync('gone/#', { qos: 1 })
  return { client, got }
}

/** All that was said so far, none of it twice. */
async function saidTo({ client, got }: Watcher): Promise<string[]> {
  await client.publishAsync('gone/end', 'end', { qos: 1 })
  await until(() => got.includes('end'))
  return got.filter((text) => text !== 'end').sort()
}

/** How a client is at the node that dies, and how it comes back elsewhere; null: it does not. */
interface Case {
  readonly id: string
  readonly before: Partial<IClientOptions>
  readonly back: Partial<IClientOptions> | null
  readonly isSaid: boolean
}

const cases: readonly Case[] = [
  { id: 'clean-other', before: {}, back: willOf('other'), isSaid: true },
  { id: 'clean-none', before: {}, back: {}, isSaid: true },
  { id: 'resumed-other', before: durable, back: { ...durable, ...willOf('other') }, isSaid: true },
  { id: 'resumed-none', before: durable, back: durable, isSaid: true },
  { id: 'started-other', before: durable, back: { ...cleanStart, ...willOf('x') }, isSaid: true },
  { id: 'away', before: durable, back: null, isSaid: true },
]

const delayedCases: readonly Case[] = [
  { id: 'in-time', before: durable, back: durable, isSaid: false },
  { id: 'in-time-other', before: durable, back: { ...durable, ...willOf('other') }, isSaid: false },
  { id: 'started', before: durable, back: cleanStart, isSaid: true },
  { id: 'started-clean', before: durable, back: {}, isSaid: true },
  // The session ended with the connection.
  { id: 'no-session', before: {}, back: null, isSaid: true },
  { id: 'no-session-back', before: {}, back: willOf('other'), isSaid: true },
]

if (skipNats !== false) test('wills of a node that is killed', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats(1)
    name = newName()
    const options = { count: 3, replicas: 1, leaseSeconds: LEASE_SECONDS }
    cluster = await startBrokers({ ...options, urls: nats.urls, cluster: name })
  })
  after(async () => {
    await cluster.stop()
    await nats.stop()
  })

  test(
    'are said unless their session is resumed within the delay, wherever the client comes back',
    { timeout: testMsMax },
    async () => {
      const watcher = await watch(1)
      const all = [
        ...cases.map((one) => ({ ...one, delay: 0 })),
        ...delayedCases.map((one) => ({ ...one, delay: NEVER_SECONDS })),
      ]
      const first = await Promise.all(
        all.map(({ id, before: how, delay }) =>
          connect(0, { clientId: id, ...how, ...willOf(id, delay) }),
        ),
      )
      // Behind it they are stored.
      await first[0].subscribeAsync('anything')
      await cluster.brokers[0].kill('SIGKILL')
      const back = await Promise.all(
        all.flatMap(({ id, back: how }, index) =>
          how === null ? [] : [connect(1 + (index % 2), { clientId: id, ...how })],
        ),
      )
      const wanted = all.filter(({ isSaid }) => isSaid).map(({ id }) => id)
      await until(
        () => wanted.every((id) => watcher.got.includes(id)),
        () => `missing: ${wanted.filter((id) => !watcher.got.includes(id)).join(' ')}`,
      )
      // Nothing is left of the node, only what those have left who are here.
      const left = all.filter(({ back: how }) => how?.will !== undefined).length
      await until(async () => (await willsStored()) === left)
      assert.deepEqual(await saidTo(watcher), wanted.sort())
      await Promise.all([...back, watcher.client].map((client) => client.endAsync()))
      await cluster.brokers[0].start()
    },
  )

  test('are kept once their client has its CONNACK', { timeout: testMsMax }, async () => {
    const [broker] = cluster.brokers
    const watcher = await watch(1)
    for (let round = 0; round < KILLS; round++) {
      const id = `let-in${round}`
      const client = await RawClient.open(broker.port, 5)
      const will = { topic: `gone/${id}`, payload: id, qos: 1 } as const
      client.send(connectPacket(5, { clientId: id, will }))
      await client.expect('connack', { code: 0 })
      await broker.kill('SIGKILL')
      await broker.start()
      await until(
        () => watcher.got.includes(id),
        () => `not said in round ${round}`,
      )
    }
    assert.equal(new Set(watcher.got).size, KILLS)
    await watcher.client.endAsync()
  })

  test('wait for their delay when the node is back at once', { timeout: testMsMax }, async () => {
    // The first of all, and another.
    for (const index of [0, 1]) {
      const watcher = await watch(2)
      const id = `waits${index}`
      const client = await connect(index, { clientId: id, ...durable, ...willOf(id, 2) })
      await client.subscribeAsync('anything')
      await cluster.brokers[index].kill('SIGKILL')
      await cluster.brokers[index].start()
      await until(() => watcher.got.includes(id))
      assert.deepEqual(await saidTo(watcher), [id])
      await watcher.client.endAsync()
    }
  })

  test(
    'are due with the end of the lease when their delay is over by then',
    { timeout: testMsMax },
    async () => {
      const watcher = await watch(1)
      const client = await connect(0, { clientId: 'due', ...durable, ...willOf('due', 1) })
      await client.subscribeAsync('anything')
      await cluster.brokers[0].kill('SIGKILL')
      await until(() => watcher.got.includes('due'))
      // Its session is back, too late.
      const back = await connect(1, { clientId: 'due', ...durable })
      assert.deepEqual(await saidTo(watcher), ['due'])
      await Promise.all([back, watcher.client].map((one) => one.endAsync()))
      await cluster.brokers[0].start()
    },
  )

  test('wait on when the node dies that has taken them over', { timeout: testMsMax }, async () => {
    const watcher = await watch(2)
    const delaySeconds = LEASE_SECONDS
    const client = await connect(1, {
      clientId: 'late',
      ...durable,
      ...willOf('late', delaySeconds),
    })
    await client.subscribeAsync('anything')
    await cluster.brokers[1].kill('SIGKILL')
    // The first of those who are left has it.
    await until(async () => (await willsStored()) === 0)
    await cluster.brokers[0].kill('SIGKILL')
    await until(() => watcher.got.includes('late'))
    assert.deepEqual(await saidTo(watcher), ['late'])
    await watcher.client.endAsync()
  })
}

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { atThisLoad, testMsMax, waitMsMax } from '../support/patience.ts'
import { askPages } from './admin.ts'
import { ADMIN, startBrokers, type ClusterBrokers } from './brokers.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName } from './nodes.ts'
import { connectOnce } from '../support/connect-once.ts'

const LEASE_SECONDS = atThisLoad(5)
/** Each is two brokers asked at once. */
const RACES = Number(process.env['MOZZIE_CLUSTER_RACES'] ?? 60)
/** Clients that come to two nodes at once. */
const TWINS = 20
/** Two nodes at once each. */
const CLAIMS = 8

let nats: NatsServers
let cluster: ClusterBrokers
let last = 0

/** A client on broker `index`, connected. */
async function connect(
  index: number,
  options: IClientOptions & { clientId?: string } = {},
): Promise<MqttClient> {
  const { port } = cluster.brokers[index]
  return await connectOnce(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 5,
    clientId: `c${++last}`,
    reconnectPeriod: 0,
    ...options,
  })
}

const durable = { clean: false, properties: { sessionExpiryInterval: 600 } } as const

/** A client that may be taken over before it is in. */
async function connectOrNot(index: number, options: IClientOptions): Promise<void> {
  const { port } = cluster.brokers[index % 3]
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  })
  client.on('error', () => {
    // Taken over.
  })
  await new Promise<void>((resolve) => {
    client.once('connect', () => resolve())
    client.once('close', () => resolve())
  })
}

interface Resumed {
  readonly client: MqttClient
  readonly isKept: boolean
  readonly got: string[]
}

/** A client that is back, whether its session was there, and what comes to it. */
function resume(index: number, options: IClientOptions): Promise<Resumed> {
  const { port } = cluster.brokers[index]
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  })
  const got = noteAll(client)
  return new Promise((resolve, reject) => {
    client.once('connect', ({ sessionPresent: isKept }) => resolve({ client, isKept, got }))
    client.once('close', () => reject(new Error('closed')))
    client.once('error', reject)
  })
}

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + waitMsMax
  while (!condition()) {
    assert.ok(performance.now() < endMs, 'it does not come')
    await sleep(5)
  }
}

function noteAll(client: MqttClient): string[] {
  const got: string[] = []
  client.on('message', (_topic, payload) => void got.push(payload.toString()))
  return got
}

if (skipNats !== false) test('across nodes', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats(1)
    const options = { count: 3, replicas: 1, leaseSeconds: LEASE_SECONDS, hasPages: true }
    cluster = await startBrokers({ ...options, urls: nats.urls, cluster: newName() })
  })
  after(async () => {
    await cluster.stop()
    await nats.stop()
  })
  for (const kind of ['durable', 'clean'] as const)
    test(
      `what another node publishes behind the SUBACK of a ${kind} session comes, ${RACES} times`,
      { timeout: testMsMax },
      async () => {
        const subscriber = await connect(0, kind === 'durable' ? durable : {})
        const publisher = await connect(1)
        const got = noteAll(subscriber)
        for (let race = 0; race < RACES; race++) {
          await subscriber.subscribeAsync(`race/${race}`, { qos: 1 })
          await publisher.publishAsync(`race/${race}`, `${race}`, { qos: 1 })
        }
        await until(() => got.length === RACES)
        await Promise.all([subscriber.endAsync(), publisher.endAsync()])
      },
    )
  test('a retained message that was acknowledged is there on every node', async () => {
    const publisher = await connect(0)
    for (let round = 0; round < 20; round++) {
      const topic = `kept/${round}`
      await publisher.publishAsync(topic, `${round}`, { qos: 1, retain: true })
      const readers = await Promise.all([1, 2].map((index) => connect(index)))
      const got = readers.map(noteAll)
      for (const reader of readers) await reader.subscribeAsync(topic, { qos: 1 })
      await until(() => got.every((list) => list.length === 1))
      assert.deepEqual(got, [[`${round}`], [`${round}`]])
      await Promise.all(readers.map((reader) => reader.endAsync()))
    }
    await publisher.endAsync()
  })
  test('a session goes on at another node, and its old connection ends', async () => {
    const options = { ...durable, clientId: 'wanderer' }
    let client = await connect(0, options)
    await client.subscribeAsync('way', { qos: 2 })
    const publisher = await connect(2)
    for (let round = 1; round <= 9; round++) {
      const old = client
      const isOver = new Promise<void>((resolve) => void old.once('close', () => resolve()))
      const got: string[] = []
      const next = mqtt.connect(`mqtt://127.0.0.1:${cluster.brokers[round % 3].port}`, {
        ...options,
        protocolVersion: 5,
        reconnectPeriod: 0,
      })
      next.on('message', (_topic, payload) => void got.push(payload.toString()))
      const [answer] = await new Promise<[{ sessionPresent: boolean }]>((resolve) =>
        next.once('connect', (packet) => resolve([packet])),
      )
      assert.equal(answer.sessionPresent, true)
      await isOver
      await publisher.publishAsync('way', `${round}`, { qos: 2 })
      await until(() => got.length === 1)
      assert.deepEqual(got, [`${round}`])
      client = next
    }
    await Promise.all([client.endAsync(), publisher.endAsync()])
  })
  test('what a third node publishes while two claim a session comes to it, each message, and at QoS 2 once', async () => {
    const options = { ...durable, clientId: 'claimed' }
    const first = await connect(0, options)
    await first.subscribeAsync({ 'claimed/1': { qos: 1 }, 'claimed/2': { qos: 2 } })
    await first.endAsync()
    const got: string[] = []
    const incomingStore = new mqtt.Store({ clean: false })
    const settled: Promise<unknown>[] = []
    const come = async (index: number): Promise<void> => {
      const { port } = cluster.brokers[index]
      // Who has a message knows it by its identifier, whichever connection brings the rest.
      const settings = {
        ...options,
        protocolVersion: 5 as const,
        reconnectPeriod: 0,
        incomingStore,
      }
      const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, settings)
      client.on('error', () => {
        // Taken over.
      })
      client.on('message', (topic, payload) => void got.push(`${topic} ${payload.toString()}`))
      const isOver = new Promise<void>((resolve) => void client.once('close', () => resolve()))
      settled.push(
        Promise.race([isOver, new Promise((resolve) => client.once('connect', resolve))]),
      )
      await isOver
    }
    const publisher = await connect(2)
    const sent: string[] = []
    const publishes = { isOver: false }
    const publishing = (async () => {
      for (let count = 0; !publishes.isOver; count++)
        for (const qos of [1, 2] as const) {
          await publisher.publishAsync(`claimed/${qos}`, `${count}`, { qos })
          sent.push(`claimed/${qos} ${count}`)
        }
    })()
    // Each pair ends the one before it, and one of its own.
    const ends: Promise<void>[] = []
    for (let round = 0; round < CLAIMS; round++) {
      const { length } = got
      ends.push(come(0), come(1))
      await until(() => got.length > length + 2)
    }
    publishes.isOver = true
    await publishing
    await until(() => sent.every((text) => got.includes(text)))
    const twice = got.filter((text, at) => text.startsWith('claimed/2') && got.indexOf(text) !== at)
    assert.deepEqual(twice, [])
    // Who is still to be let in would end the last one.
    await Promise.all(settled)
    const last = await connect(2, options)
    await Promise.all(ends)
    await Promise.all([last.endAsync(), publisher.endAsync()])
  })
  for (const kind of ['durable', 'clean'] as const)
    test(`of many that connect at once with one id one stays (${kind})`, async () => {
      const clientId = `storm ${kind}`
      const closed = new Set<MqttClient>()
      const clients = Array.from({ length: 30 }, (_, index) => {
        const { port } = cluster.brokers[index % 3]
        const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
          ...(kind === 'durable' ? durable : {}),
          protocolVersion: 5,
          clientId,
          reconnectPeriod: 0,
        })
        client.on('error', () => {
          // Taken over before it was in.
        })
        client.once('close', () => void closed.add(client))
        return client
      })
      await until(() => closed.size === clients.length - 1)
      const [survivor, ...others] = clients.filter((client) => !closed.has(client))
      assert.equal(others.length, 0)
      // The last one was there first, or is to be let in.
      await until(() => survivor.connected)
      await survivor.publishAsync('storm', 'x', { qos: 1 })
      await Promise.all(clients.map((client) => client.endAsync(true)))
    })
  test('what is kept for a client that came to two nodes at once comes to it [MQTT-3.2.2-3]', async () => {
    const publishers = await Promise.all([0, 1, 2].map((index) => connect(index)))
    for (let round = 0; round < TWINS; round++) {
      const options = { ...durable, clientId: `twin ${round}` }
      await Promise.all([connectOrNot(round, options), connectOrNot(round + 1, options)])
      const client = await connect((round + 2) % 3, options)
      await client.subscribeAsync(`twin/${round}`, { qos: 1 })
      await client.endAsync()
      for (const publisher of publishers)
        await publisher.publishAsync(`twin/${round}`, 'x', { qos: 1 })
      const again = await resume(round % 3, options)
      assert.equal(again.isKept, true)
      await until(() => again.got.length === publishers.length)
      await again.client.endAsync()
      const anew = await resume((round + 1) % 3, { clientId: options.clientId, clean: true })
      await anew.client.endAsync()
      const last = await resume((round + 2) % 3, options)
      assert.equal(last.isKept, false, '[MQTT-3.1.2-4]')
      await last.client.endAsync()
    }
    await Promise.all(publishers.map((publisher) => publisher.endAsync()))
  })
  test('every node tells which nodes there are, and who is where', async () => {
    const client = await connect(2, { ...durable, clientId: 'where' })
    const ask = async (path: string) => {
      const login = Buffer.from(`${ADMIN.name}:${ADMIN.password}`).toString('base64')
      const url = `http://127.0.0.1:${cluster.brokers[0].httpPort}/api/v1/${path}`
      const answer = await fetch(url, { headers: { authorization: `Basic ${login}` } })
      return (await answer.json()) as { nodes: { node: string }[]; items: { node: string }[] }
    }
    const { nodes } = await ask('cluster')
    assert.deepEqual(
      nodes.map(({ node }) => node),
      ['b0', 'b1', 'b2'],
    )
    let where = ''
    for (const endMs = performance.now() + waitMsMax; where !== 'b2'; await sleep(20)) {
      assert.ok(performance.now() < endMs, where)
      where = (await ask('cluster/sessions?q=where')).items[0]?.node ?? ''
    }
    const url = `http://127.0.0.1:${cluster.brokers[1].httpPort}`
    const words = ['bin/mozzie', 'cluster', 'sessions', '--url', url, '-u', ADMIN.name]
    const env = { ...process.env, MOZZIE_PASSWORD: ADMIN.password }
    const { stdout } = spawnSync(process.execPath, words, { env, encoding: 'utf8' })
    assert.match(stdout, /^"where" {2}b2 {2}0 subscriptions$/m)
    await client.endAsync()
  })
  test('every node shows the clients of all, clean ones too, and disconnects each', async () => {
    const clients = await Promise.all(
      [0, 1, 2].map((index) => connect(index, { clientId: `seen-${index}` })),
    )
    const away = await connect(1, { ...durable, clientId: 'seen-away' })
    await away.endAsync()
    const [, asked] = cluster.brokers
    const rows = async (): Promise<string[]> => {
      const { items } = await askPages(asked, 'clients?q=seen-&sort=clientId')
      return (items as { clientId: string; node: string | null }[]).map(
        ({ clientId, node }) => `${clientId} ${node}`,
      )
    }
    assert.deepEqual(await rows(), ['seen-0 b0', 'seen-1 b1', 'seen-2 b2', 'seen-away null'])
    const { node } = await askPages(asked, 'clients/detail?clientId=seen-2')
    assert.equal(node, 'b2')
    const ended = new Promise<number | undefined>((resolve) =>
      clients[2].on('disconnect', ({ reasonCode }) => resolve(reasonCode)),
    )
    const order = { clientId: 'seen-2', reasonCode: 0x97 }
    assert.deepEqual(await askPages(asked, 'clients/disconnect', order), { done: true })
    assert.equal(await ended, 0x97)
    assert.deepEqual(await askPages(asked, 'clients/disconnect', { clientId: 'nobody' }), {
      done: false,
    })
    await Promise.all(clients.map((client) => client.endAsync(true)))
  })
  test('"why?" knows at every node what happened at others, and by whose rules a client is judged', async () => {
    const wrong = { clientId: 'why-out', username: ADMIN.name, password: 'wrong' }
    await assert.rejects(connect(1, wrong))
    const client = await connect(1, { clientId: 'why-in' })
    await client.subscribeAsync('why/a', { qos: 1 })
    for (const broker of cluster.brokers) {
      assert.equal((await askPages(broker, 'why?client=why-out')).finding, 'refusedNow')
      const reply = await askPages(broker, 'why?client=why-in&topic=why/a')
      assert.equal(reply.finding, 'inOrder')
      const findings = (reply.links as { finding: string }[]).map(({ finding }) => finding)
      assert.ok(findings.includes('mayReceive') && findings.includes('qosAsAsked'), findings.join())
    }
    await client.endAsync(true)
  })
  test('$SYS has sums of all nodes, and /metrics the lease', async () => {
    const client = await connect(0)
    const got: string[] = []
    client.on('message', (topic, payload) => void got.push(`${topic} ${payload.toString()}`))
    await client.subscribeAsync('$SYS/cluster/#')
    await until(() => got.includes('$SYS/cluster/nodes/count 3'))
    await until(() => got.some((line) => line.startsWith('$SYS/cluster/clients/connected ')))
    const login = Buffer.from(`${ADMIN.name}:${ADMIN.password}`).toString('base64')
    const answer = await fetch(`http://127.0.0.1:${cluster.brokers[2].httpPort}/metrics`, {
      headers: { authorization: `Basic ${login}` },
    })
    const text = await answer.text()
    assert.match(text, /^mozzie_cluster_nodes 3$/m)
    assert.match(text, /^mozzie_cluster_lease_seconds \d/m)
    await client.endAsync()
  })
  test('the will of a client whose node is killed is published, once', async () => {
    const watcher = await connect(1)
    const got = noteAll(watcher)
    await watcher.subscribeAsync('gone/#', { qos: 1 })
    const will = { topic: 'gone/a', payload: Buffer.from('bye'), qos: 1 as const, retain: false }
    const client = await connect(0, { will })
    client.on('error', () => {
      // Its broker is killed.
    })
    const barrier = await connect(0)
    await barrier.subscribeAsync('anything')
    await cluster.brokers[0].kill('SIGKILL')
    await until(() => got.length > 0)
    await cluster.brokers[0].start()
    const end = await connect(0)
    await end.publishAsync('gone/end', 'end', { qos: 1 })
    await until(() => got.includes('end'))
    assert.deepEqual(got, ['bye', 'end'])
    await Promise.all([watcher, client, barrier, end].map((one) => one.endAsync(true)))
  })
}

/** A node that is drained: its clients go on elsewhere, and nothing is lost. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { connectOnce } from '../support/connect-once.ts'
import { testMsMax, waitMsMax } from '../support/patience.ts'
import { askPages } from './admin.ts'
import { ADMIN, startBrokers, type ClusterBroker, type ClusterBrokers } from './brokers.ts'
import { Ledger } from './ledger.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName } from './nodes.ts'

const LEASE_SECONDS = 15
const CLIENTS = 12
/** What a busy machine has to stand still to see them all go at once. */
const DRAIN_SECONDS = 3

let nats: NatsServers
let cluster: ClusterBrokers

/** A client that knows all brokers and begins at the first. */
function rove(clientId: string, more: IClientOptions = {}): MqttClient {
  const servers = cluster.brokers.map(({ host, port }) => ({
    host,
    port,
    protocol: 'mqtt' as const,
  }))
  const client = mqtt.connect({ servers, clientId, reconnectPeriod: 50, ...more })
  client.on('error', () => {
    // It tries the next one.
  })
  return client
}

async function online(client: MqttClient): Promise<void> {
  for (const endMs = performance.now() + waitMsMax; !client.connected; await sleep(10))
    assert.ok(performance.now() < endMs, 'it does not find a broker')
}

/** Runs `mozzie cluster` at the admin API of broker `index`; its exit code, and all it said. */
async function command(index: number, ...words: string[]): Promise<{ code: number; said: string }> {
  const url = `http://127.0.0.1:${cluster.brokers[index].httpPort}`
  const env = { ...process.env, MOZZIE_PASSWORD: ADMIN.password }
  const args = ['bin/mozzie', 'cluster', ...words, '--url', url, '-u', ADMIN.name]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(child, 'close')) as [number]
  return { code, said }
}

if (skipNats !== false) test('draining a node', { skip: skipNats }, () => {})
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

  test(
    'clients of a drained node go on at others: nothing is lost, nothing comes twice at QoS 2',
    { timeout: testMsMax },
    async () => {
      const ledger = new Ledger(cluster.brokers, 2, 3, 3)
      await ledger.start()
      const acked = ledger.acked
      const { code, said } = await command(1, 'drain', 'b0', '--seconds', '2')
      assert.equal(code, 0, said)
      assert.match(said, /b0 is drained/)
      const { nodes } = await askPages(cluster.brokers[2], 'cluster')
      const [first] = nodes as { connected: number; draining: boolean }[]
      assert.deepEqual([first.connected, first.draining], [0, true])
      assert.equal(await cluster.brokers[0].kill('SIGTERM'), 0)
      const { lost, twice, outOfOrder, acked: all } = await ledger.finish(waitMsMax)
      assert.deepEqual({ lost, twice, outOfOrder }, { lost: [], twice: 0, outOfOrder: 0 })
      assert.ok(all > acked)
      await cluster.brokers[0].start()
    },
  )

  test('5.0 clients are told 0x9C and 3.1.1 clients lose their connection, a few at a time; a listener is closed, /ready says so', async () => {
    const reasons: (number | undefined)[] = []
    const goneMs: number[] = []
    const clients = Array.from({ length: CLIENTS }, (_, index) => {
      const protocolVersion = index % 2 === 0 ? 5 : 4
      const client = rove(`gentle-${index}`, { protocolVersion })
      client.on('disconnect', ({ reasonCode }) => void reasons.push(reasonCode))
      client.once('close', () => void goneMs.push(performance.now()))
      return client
    })
    await Promise.all(clients.map(online))
    const { httpPort, port } = cluster.brokers[0]
    const ready = async (): Promise<[number, unknown]> => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/ready`)
      return [answer.status, await answer.json()]
    }
    assert.deepEqual(await ready(), [200, { status: 'ok' }])
    const { code, said } = await command(0, 'drain', 'b0', '--seconds', String(DRAIN_SECONDS))
    assert.equal(code, 0, said)
    await Promise.all(clients.map(online))
    assert.deepEqual(await ready(), [503, { status: 'draining' }])
    assert.deepEqual(reasons, Array(CLIENTS / 2).fill(0x9c))
    assert.ok(Math.max(...goneMs) - Math.min(...goneMs) > 300, 'all at once')
    await assert.rejects(connectOnce(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 }))
    // What is beside the pages is a way in too: that one answers, with 0x9C.
    const web = connectOnce(`ws://127.0.0.1:${httpPort}/mqtt`, {
      reconnectPeriod: 0,
      protocolVersion: 5,
      username: ADMIN.name,
      password: ADMIN.password,
    })
    await assert.rejects(web, { code: 0x9c })
    await Promise.all(clients.map((client) => client.endAsync(true)))
    await cluster.brokers[0].kill('SIGTERM')
    await cluster.brokers[0].start()
  })

  test('a node that is not there, and the last one that takes clients, are not drained', async () => {
    const unknown = await command(0, 'drain', 'b9')
    assert.equal(unknown.code, 1)
    assert.match(unknown.said, /no node "b9"/)
    for (const node of ['b1', 'b2']) assert.equal((await command(0, 'drain', node)).code, 0)
    const last = await command(1, 'drain', 'b0')
    assert.equal(last.code, 1)
    assert.match(last.said, /No other node takes clients/)
    await Promise.all(['b1', 'b2'].map((_, index) => cluster.brokers[index + 1].kill('SIGTERM')))
    await Promise.all([1, 2].map((index) => cluster.brokers[index].start()))
  })
  test('of nodes that are all drained at once one goes on taking clients', async () => {
    const drainOne = ({ name }: ClusterBroker, index: number) =>
      askPages(cluster.brokers[(index + 1) % 3], 'cluster/drain', { node: name, seconds: 1 })
    const answers = await Promise.all(cluster.brokers.map(drainOne))
    const refused = answers.filter((answer) => /No other node/.test(JSON.stringify(answer)))
    assert.equal(refused.length, 1, JSON.stringify(answers))
    for (const endMs = performance.now() + waitMsMax; ; await sleep(20)) {
      const { nodes } = await askPages(cluster.brokers[0], 'cluster')
      if ((nodes as { draining: boolean }[]).filter(({ draining }) => draining).length === 2) break
      assert.ok(performance.now() < endMs, JSON.stringify(nodes))
    }
  })
}

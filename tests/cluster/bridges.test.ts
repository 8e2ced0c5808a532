/** A bridge of a cluster runs at one node; whatever becomes of that node, another goes on with it, and nothing is lost. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { atThisLoad, processMsMax, testMsMax, waitMsMax } from '../support/patience.ts'
import { askPages } from './admin.ts'
import { startBrokers, type ClusterBroker, type ClusterBrokers } from './brokers.ts'
import { Ledger, type Address } from './ledger.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'
import { newName } from './nodes.ts'

const LEASE_SECONDS = atThisLoad(5)
/** What a node takes from the end of a lease on until its bridge is up, on a machine that is busy. */
const TAKING_SECONDS = atThisLoad(10)
/** What was queued while no node had the bridge is to cross by then, on a machine that is busy. */
const SETTLE_MS_MAX = 2 * processMsMax
const MESSAGES = 50
const REMOTE = existsSync('/usr/sbin/mosquitto') ? 'mosquitto' : 'mozzie'

let nats: NatsServers
let cluster: ClusterBrokers
let remote: BrokerProcess

interface BridgeRow {
  readonly name: string
  readonly state: string
  readonly node: string
}

/** Nodes that have the bridge, as those that run tell; `state`: where it is so. */
async function holders(state?: string): Promise<number[]> {
  const running = cluster.brokers.filter((broker) => broker.isRunning())
  const all = await Promise.all(
    running.map(async (broker) => {
      const { bridges = [] } = (await askPages(broker, 'bridges').catch(() => ({}))) as {
        bridges?: BridgeRow[]
      }
      return bridges.filter((row) => (state ?? row.state) === row.state)
    }),
  )
  const names = new Set(all.flat().map(({ node }) => node))
  return [...cluster.brokers.keys()].filter((index) => names.has(cluster.brokers[index].name))
}

/** Resolves to the one node whose bridge is up, or as `state` says; not `before`. */
async function holder(before = -1, state = 'up'): Promise<number> {
  for (const endMs = performance.now() + waitMsMax; ; await sleep(50)) {
    const found = (await holders(state)).filter((index) => index !== before)
    if (found.length > 0) return found[0]
    assert.ok(performance.now() < endMs, `no node has the bridge\n${whatTheySaid()}`)
  }
}

/** The last lines of each broker, and whether it runs. */
function whatTheySaid(): string {
  const last = (broker: ClusterBroker): string =>
    `${broker.name} ${broker.isRunning() ? 'runs' : 'has ended'}:\n${broker.log().split('\n').slice(-40).join('\n')}`
  return cluster.brokers.map(last).join('\n')
}

interface Flow {
  readonly out: Ledger
  readonly in: Ledger
}

/** Messages both ways, from and to clients of all nodes. */
async function startFlow(qos: 1 | 2, round: string): Promise<Flow> {
  const there: Address[] = [{ host: '127.0.0.1', port: remote.port }]
  const here = cluster.brokers
  const flow = {
    out: new Ledger(here, qos, 2, 1, `out/${round}`, there),
    in: new Ledger(there, qos, 1, 2, `in/${round}`, here),
  }
  await Promise.all([flow.out.start(), flow.in.start()])
  return flow
}

/** Resolves when so many more were acknowledged, both ways. */
async function flowOn(flow: Flow): Promise<void> {
  const from = [flow.out.acked, flow.in.acked]
  const endMs = performance.now() + waitMsMax
  while (flow.out.acked < from[0] + MESSAGES || flow.in.acked < from[1] + MESSAGES) {
    assert.ok(performance.now() < endMs, `nothing is acknowledged\n${whatTheySaid()}`)
    await sleep(20)
  }
}

async function assertWhole(flow: Flow, qos: 1 | 2): Promise<void> {
  for (const ledger of [flow.out, flow.in]) {
    const { lost, twice } = await ledger.finish(SETTLE_MS_MAX)
    assert.deepEqual(lost, [], `${lost.length} lost\n${whatTheySaid()}`)
    if (qos === 2) assert.equal(twice, 0)
  }
}

async function untilUpAt(brokers: readonly ClusterBroker[]): Promise<void> {
  for (const endMs = performance.now() + waitMsMax; ; await sleep(50)) {
    assert.ok(performance.now() < endMs, 'no node has the bridge')
    const lists = await Promise.all(brokers.map((broker) => askPages(broker, 'bridges')))
    const rows = lists.flatMap(({ bridges }) => bridges as BridgeRow[])
    if (rows.some(({ state }) => state === 'up')) return
  }
}

if (skipNats !== false) test('bridges of a cluster', { skip: skipNats }, () => {})
else {
  before(async () => {
    nats = await startNats(1)
    remote = await startBroker('max_queued_messages 0\n', REMOTE)
    const bridge = `connection there
address 127.0.0.1:${remote.port}
bridge_protocol_version mqttv50
topic out/# out 2
topic in/# in 2
restart_timeout 1 2`
    cluster = await startBrokers({
      urls: nats.urls,
      cluster: newName(),
      count: 3,
      replicas: 1,
      leaseSeconds: LEASE_SECONDS,
      mayFall: true,
      hasPages: true,
      lines: `sys_interval 1\nmax_queued_messages 0\n${bridge}`,
    })
  })
  after(async () => {
    await cluster?.stop()
    await remote?.stop()
    await nats.stop()
  })

  for (const qos of [1, 2] as const)
    test(
      `a bridge moves when its node is killed: QoS ${qos}, nothing is lost`,
      { timeout: testMsMax },
      async (context) => {
        const first = await holder()
        assert.deepEqual(await holders(), [first])
        const flow = await startFlow(qos, `kill-${qos}`)
        await flowOn(flow)
        const killedMs = performance.now()
        await cluster.brokers[first].kill('SIGKILL')
        const second = await holder(first)
        const tookMs = Math.round(performance.now() - killedMs)
        context.diagnostic(`from ${first} to ${second} in ${tookMs} ms`)
        assert.ok(tookMs < (LEASE_SECONDS + TAKING_SECONDS) * 1000, `${tookMs} ms`)
        await flowOn(flow)
        await cluster.brokers[first].start()
        await assertWhole(flow, qos)
        assert.deepEqual(await holders(), [second])
      },
    )

  test(
    'a bridge moves when its node is stopped longer than its lease',
    { timeout: testMsMax },
    async () => {
      const first = await holder()
      const flow = await startFlow(2, 'frozen')
      await flowOn(flow)
      cluster.brokers[first].freeze(true)
      try {
        await sleep(LEASE_SECONDS * 1000)
        await untilUpAt(cluster.brokers.filter((_, index) => index !== first))
      } finally {
        cluster.brokers[first].freeze(false)
      }
      while (cluster.brokers[first].isRunning()) await sleep(20)
      await cluster.brokers[first].start()
      await flowOn(flow)
      await assertWhole(flow, 2)
    },
  )

  test('every node shows where the bridge runs, pauses it and lets it go on', async () => {
    const first = await holder()
    const { name: node } = cluster.brokers[first]
    const asked = cluster.brokers[(first + 1) % 3]
    const rows = async (): Promise<string[]> => {
      const { bridges } = (await askPages(asked, 'bridges')) as { bridges: BridgeRow[] }
      return bridges.map((row) => `${row.name} ${row.node} ${row.state}`)
    }
    assert.deepEqual(await rows(), [`there ${node} up`])
    assert.deepEqual(await askPages(asked, 'bridges/pause', { name: 'there' }), { done: true })
    assert.deepEqual(await rows(), [`there ${node} paused`])
    assert.deepEqual(await askPages(asked, 'bridges/resume', { name: 'there' }), { done: true })
    assert.equal(await holder(), first)
    assert.deepEqual(await askPages(asked, 'bridges/pause', { name: 'none' }), { done: false })
  })

  test(
    'a pause holds when the bridge moves, and ends when all nodes have ended',
    { timeout: 2 * testMsMax },
    async () => {
      const { brokers } = cluster
      const first = await holder()
      await askPages(brokers[(first + 1) % 3], 'bridges/pause', { name: 'there' })
      await brokers[first].kill('SIGKILL')
      const second = await holder(first, 'paused')
      await brokers[first].start()
      await brokers[second].kill('SIGTERM')
      const third = await holder(second, 'paused')
      await brokers[second].start()
      assert.deepEqual(await holders('up'), [])
      await askPages(brokers[(third + 1) % 3], 'bridges/resume', { name: 'there' })
      assert.equal(await holder(), third)
      await askPages(brokers[third], 'bridges/pause', { name: 'there' })
      await Promise.all(brokers.map((broker) => broker.kill('SIGKILL')))
      await Promise.all(brokers.map((broker) => broker.start()))
      await holder()
    },
  )

  test(
    'a bridge leaves a node that is drained at once, and does not come back to it',
    { timeout: testMsMax },
    async () => {
      const first = await holder()
      const flow = await startFlow(2, 'drain')
      await flowOn(flow)
      await askPages(cluster.brokers[first], 'cluster/drain', {
        node: cluster.brokers[first].name,
        seconds: 1,
      })
      const second = await holder(first)
      assert.notEqual(second, first)
      await flowOn(flow)
      await cluster.brokers[second].kill('SIGTERM')
      const third = await holder(second)
      assert.ok(third !== first)
      await flowOn(flow)
      await cluster.brokers[second].start()
      await assertWhole(flow, 2)
    },
  )
}

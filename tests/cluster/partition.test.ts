/** The nodes' network is cut, in silence: each node stands in a network namespace with a NATS server. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { atThisLoad, testMsMax, waitMsMax } from '../support/patience.ts'
import { startBrokers, type ClusterBroker } from './brokers.ts'
import { keepRunning } from './fates.ts'
import { Ledger } from './ledger.ts'
import { startNats } from './nats-servers.ts'
import { newName } from './nodes.ts'
import { skip, spaces } from './partition-spaces.ts'
import { connectOnce } from '../support/connect-once.ts'

/** Longer than JetStream needs to elect leaders, so that those who go on keep theirs. */
const LEASE_SECONDS = 15
/** Where nobody goes on. */
const SHORT_LEASE_SECONDS = atThisLoad(5)
const SETTLE_MS_MAX = 120_000
/** Two are cut off from each other. */
const PARTLY_MS = 10_000
/** Of what was answered before the line was cut. */
const UNDER_WAY_MS = 1000

/** Publishes to {@link keep} at QoS 1 without an end; notes when each was acknowledged, and when the connection ended. */
class Probe {
  readonly ackedMs: number[] = []
  readonly acknowledged: string[] = []
  private readonly name: string
  closedMs = Infinity
  private readonly client: MqttClient

  constructor({ host, port, name }: ClusterBroker) {
    const url = `mqtt://${host}:${port}`
    this.name = name
    this.client = mqtt.connect(url, { clientId: `probe ${name}`, reconnectPeriod: 0, keepalive: 0 })
    this.client.on('error', () => {
      // Its connection ends.
    })
    this.client.on('connect', () => this.next())
    this.client.on('close', () => (this.closedMs = performance.now()))
  }

  private next(): void {
    const text = `${this.name} ${this.ackedMs.length}`
    this.client.publish('probe', text, { qos: 1 }, (error) => {
      if (error) return
      this.acknowledged.push(text)
      this.ackedMs.push(performance.now())
      setTimeout(() => this.client.connected && this.next(), 10)
    })
  }

  ackedBetween(fromMs: number, toMs: number): number {
    return this.ackedMs.filter((ms) => ms > fromMs && ms < toMs).length
  }

  /** Resolves when there are so many. */
  async acked(count: number): Promise<void> {
    while (this.ackedMs.length < count) {
      assert.equal(this.closedMs, Infinity, `${this.name} ended after ${this.ackedMs.length}`)
      await sleep(10)
    }
  }

  end(): void {
    this.client.end(true)
  }
}

const KEEPER: IClientOptions = {
  clientId: 'keeper',
  protocolVersion: 5,
  clean: false,
  properties: { sessionExpiryInterval: 3600 },
  reconnectPeriod: 0,
}

/** A session that is away keeps what the probes publish: without one there would be nothing to store. */
async function keep({ host, port }: ClusterBroker): Promise<void> {
  const client = await connectOnce(`mqtt://${host}:${port}`, KEEPER)
  await client.subscribeAsync('probe', { qos: 1 })
  await client.endAsync()
}

/** Everything that was acknowledged is there. */
async function readKept({ host, port }: ClusterBroker, probes: readonly Probe[]): Promise<void> {
  const missing = new Set(probes.flatMap(({ acknowledged }) => acknowledged))
  const client = mqtt.connect(`mqtt://${host}:${port}`, KEEPER)
  client.on('message', (_topic, payload) => void missing.delete(payload.toString()))
  const endMs = performance.now() + waitMsMax
  while (missing.size > 0 && performance.now() < endMs) await sleep(20)
  await client.endAsync(true)
  assert.deepEqual([...missing], [])
}

interface Stage {
  readonly brokers: readonly ClusterBroker[]
  readonly ledger: Ledger
  readonly probes: readonly Probe[]
  /** Lets everything arrive: nothing may be missing. */
  finish(): Promise<void>
}

async function startStage(context: TestContext, leaseSeconds = LEASE_SECONDS): Promise<Stage> {
  const nats = await startNats(3, undefined, spaces)
  context.after(() => nats.stop())
  context.after(() => {
    for (const space of spaces) space.cut(false)
  })
  const options = { count: 3, replicas: 3, leaseSeconds, spaces, mayFall: true }
  const started = await startBrokers({ ...options, urls: nats.urls, cluster: newName() })
  context.after(() => started.stop())
  const { brokers } = started
  await keep(brokers[0])
  const ledger = new Ledger(brokers, 2, 2, 2)
  await ledger.start()
  const probes = brokers.map((broker) => new Probe(broker))
  context.after(() => {
    for (const probe of probes) probe.end()
  })
  await Promise.all(probes.map((probe) => probe.acked(20)))
  const finish = async (): Promise<void> => {
    const keeper = keepRunning(brokers)
    const { lost, twice, outOfOrder } = await ledger.finish(SETTLE_MS_MAX)
    await keeper.stop()
    assert.deepEqual({ lost, twice, outOfOrder }, { lost: [], twice: 0, outOfOrder: 0 })
    for (const probe of probes) probe.end()
    await readKept(brokers[1], probes)
  }
  return { brokers, ledger, probes, finish }
}

test(
  'a node that is cut off with its NATS server acknowledges nothing and ends; the others go on; nothing is lost',
  { skip, timeout: testMsMax },
  async (context) => {
    const { brokers, probes, finish } = await startStage(context)
    const cutMs = performance.now()
    spaces[0].cut(true)
    const endMs = cutMs + waitMsMax
    while (brokers[0].isRunning() && performance.now() < endMs) await sleep(20)
    assert.ok(!brokers[0].isRunning(), 'it has not ended')
    const before = probes.map(({ ackedMs }) => ackedMs.length)
    await Promise.all([1, 2].map((index) => probes[index].acked(before[index] + 50)))
    assert.equal(probes[0].ackedBetween(cutMs + UNDER_WAY_MS, Infinity), 0)
    assert.ok(probes[0].closedMs < Infinity)
    context.diagnostic(
      `closed after ${Math.round(probes[0].closedMs - cutMs)} ms; longest gaps of the others ${[
        1, 2,
      ]
        .map((index) => Math.round(gapOf(probes[index].ackedMs)))
        .join(' and ')} ms`,
    )
    spaces[0].cut(false)
    await finish()
  },
)

function gapOf(times: readonly number[]): number {
  return Math.max(...times.map((ms, index) => ms - (times[index - 1] ?? ms)))
}

test(
  'all three cut off from each other acknowledge nothing, and go on where they were when they meet again',
  { skip, timeout: testMsMax },
  async (context) => {
    const { brokers, probes, finish } = await startStage(context, SHORT_LEASE_SECONDS)
    const cutMs = performance.now()
    for (const space of spaces) space.cut(true)
    const endMs = cutMs + waitMsMax
    while (brokers.some((broker) => broker.isRunning()) && performance.now() < endMs)
      await sleep(20)
    assert.ok(brokers.every((broker) => !broker.isRunning()))
    for (const probe of probes) assert.equal(probe.ackedBetween(cutMs + UNDER_WAY_MS, Infinity), 0)
    for (const space of spaces) space.cut(false)
    await finish()
  },
)

test(
  'two that do not reach each other, and a third that both reach, lose nothing',
  { skip, timeout: testMsMax },
  async (context) => {
    const { ledger, finish } = await startStage(context)
    const [one, other] = spaces
    one.cutFrom(other, true)
    const { acked } = ledger
    await sleep(PARTLY_MS)
    context.diagnostic(`${ledger.acked - acked} acknowledged meanwhile`)
    one.cutFrom(other, false)
    await finish()
  },
)

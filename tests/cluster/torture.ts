/**
 * `npm run cluster:torture -- --rounds N --seed S`: clients with ledgers on three brokers and three NATS servers, and somebody
 * who kills, stops and ends one or all of them. Prints a row for each round; 1 if anything was lost.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Qos } from '../../src/codec/packets.ts'
import { seeded } from '../sim/world.ts'
import { startBrokers, type ClusterBroker } from './brokers.ts'
import { Ledger } from './ledger.ts'
import { skipNats, startNats, type NatsServer } from './nats-servers.ts'

const LEASE_SECONDS = 5
const SETTLE_MS_MAX = 120_000
const BEFORE_MS = 800

const VICTIMS = ['broker', 'server', 'every server'] as const
const DEATHS = ['kill -9', 'SIGTERM', 'stopped shortly', 'stopped beyond the lease'] as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '24' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
})

interface Fate {
  readonly victim: (typeof VICTIMS)[number]
  readonly death: (typeof DEATHS)[number]
}

/** Every pair once, then again. */
function fateOf(round: number): Fate {
  const index = round % (VICTIMS.length * DEATHS.length)
  return {
    victim: VICTIMS[index % VICTIMS.length],
    death: DEATHS[Math.floor(index / VICTIMS.length)],
  }
}

type Victim = ClusterBroker | NatsServer

async function suffer(victims: readonly Victim[], { death }: Fate): Promise<void> {
  if (death === 'kill -9' || death === 'SIGTERM') {
    await Promise.all(victims.map((one) => one.kill(death === 'kill -9' ? 'SIGKILL' : 'SIGTERM')))
    await sleep(1000)
    await Promise.all(victims.map((one) => one.start()))
    return
  }
  for (const one of victims) one.freeze(true)
  await sleep(death === 'stopped shortly' ? 2000 : LEASE_SECONDS * 1000 + 2500)
  for (const one of victims) one.freeze(false)
}

/** A broker that has lost its lease has ended: whoever runs it starts it again. */
function keepRunning(brokers: readonly ClusterBroker[]): { stop(): Promise<void> } {
  const over = new AbortController()
  const run = (async () => {
    while (!over.signal.aborted) {
      await sleep(200)
      for (const broker of brokers) if (!broker.isRunning()) await broker.start().catch(() => {})
    }
  })()
  return {
    async stop() {
      over.abort()
      await run
    },
  }
}

async function ride(qos: Qos, fate: Fate, random: () => number, name: string): Promise<boolean> {
  const nats = await startNats(3, 'always')
  const options = { count: 3, replicas: 3, leaseSeconds: LEASE_SECONDS }
  const { brokers, stop } = await startBrokers({ ...options, urls: nats.urls, cluster: name })
  try {
    const ledger = new Ledger(
      brokers.map(({ port }) => port),
      qos,
      3,
      3,
    )
    await ledger.start()
    await sleep(BEFORE_MS + random() * BEFORE_MS)
    const one = Math.floor(random() * 3)
    const victims =
      fate.victim === 'broker'
        ? [brokers[one]]
        : fate.victim === 'server'
          ? [nats.servers[one]]
          : nats.servers
    await suffer(victims, fate)
    const keeper = keepRunning(brokers)
    await sleep(BEFORE_MS)
    const result = await ledger.finish(SETTLE_MS_MAX)
    await keeper.stop()
    const { acked, received, lost, twice, outOfOrder } = result
    const isBad = lost.length > 0 || outOfOrder > 0 || (qos === 2 && twice > 0)
    const cells = [qos, fate.victim, fate.death, acked, received, lost.length, twice, outOfOrder]
    console.log(`| ${cells.join(' | ')} |${isBad ? ` BAD ${lost.slice(0, 3).join(', ')}` : ''}`)
    return !isBad
  } finally {
    await stop()
    await nats.stop()
  }
}

if (skipNats !== false) {
  console.error(skipNats)
  process.exit(1)
}
const rounds = Number(values.rounds)
const seed = Number(values.seed)
const random = seeded(seed)
console.log(`seed ${seed}`)
console.log('| QoS | victim | fate | acknowledged | received | lost | twice | out of order |')
let bad = 0
for (let round = 0; round < rounds; round++) {
  const pair = Math.floor(round / 2)
  if (!(await ride(((round % 2) + 1) as Qos, fateOf(pair), random, `r${round}`))) bad++
}
console.log(`${rounds} rounds, ${bad} bad`)
process.exit(bad === 0 ? 0 : 1)

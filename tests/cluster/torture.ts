/**
 * `npm run cluster:torture -- --rounds N --seed S`: clients with ledgers on three brokers and three NATS servers, and somebody
 * who kills, stops and ends one or all of them. A round is one ledger: one of QoS 1 and one of QoS 2 suffer the same fate at the
 * same time. Prints a row for each round and sums at the end; 1 if anything was lost.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Qos } from '../../src/codec/packets.ts'
import { seeded } from '../sim/world.ts'
import { startBrokers, type ClusterBroker } from './brokers.ts'
import { DEATHS, fateOf, keepRunning, suffer, VICTIMS, victimsOf, type Fate } from './fates.ts'
import { Ledger, type LedgerResult } from './ledger.ts'
import { skipNats, startNats, type NatsServers } from './nats-servers.ts'

const LEASE_SECONDS = 5
const SETTLE_MS_MAX = 120_000
const BEFORE_MS = 800
/** On one cluster, then there is a new one. */
const ROUNDS_PER_CLUSTER = 20
const QOS = [1, 2] as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: String(2 * VICTIMS.length * DEATHS.length) },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
})

interface Place {
  readonly nats: NatsServers
  readonly brokers: readonly ClusterBroker[]
  stop(): Promise<void>
}

async function startPlace(name: string): Promise<Place> {
  const nats = await startNats(3, 'always')
  const options = { count: 3, replicas: 3, leaseSeconds: LEASE_SECONDS, mayFall: true }
  const { brokers, stop } = await startBrokers({ ...options, urls: nats.urls, cluster: name })
  return {
    nats,
    brokers,
    async stop() {
      await stop()
      await nats.stop()
    },
  }
}

async function ride(
  { nats, brokers }: Place,
  fate: Fate,
  random: () => number,
  round: number,
): Promise<LedgerResult[]> {
  const ledgers = QOS.map((qos) => new Ledger(brokers, qos, 2, 2, `r${round}q${qos}`))
  await Promise.all(ledgers.map((ledger) => ledger.start()))
  await sleep(BEFORE_MS + random() * BEFORE_MS)
  await suffer(await victimsOf(fate, brokers, nats, random), fate, LEASE_SECONDS * 1000)
  const keeper = keepRunning(brokers)
  await sleep(BEFORE_MS)
  const results = await Promise.all(ledgers.map((ledger) => ledger.finish(SETTLE_MS_MAX)))
  await keeper.stop()
  return results
}

interface Row {
  readonly head: string
  rounds: number
  readonly sums: number[]
}

const rows = new Map<string, Row>()

/** Whether it is as promised. */
function note(qos: Qos, { victim, death }: Fate, result: LedgerResult): boolean {
  const { acked, received, lost, twice, outOfOrder } = result
  const head = `${qos} | ${victim} | ${death}`
  const cells = [acked, received, lost.length, twice, outOfOrder]
  const row = rows.get(head) ?? { head, rounds: 0, sums: cells.map(() => 0) }
  rows.set(head, row)
  row.rounds++
  for (const [index, cell] of cells.entries()) row.sums[index] += cell
  const isBad = lost.length > 0 || outOfOrder > 0 || (qos === 2 && twice > 0)
  const what = isBad ? ` BAD ${lost.slice(0, 3).join(', ')}` : ''
  console.log(`| ${head} | 1 | ${cells.join(' | ')} |${what}`)
  return !isBad
}

if (skipNats !== false) {
  console.error(skipNats)
  process.exit(1)
}
const rounds = Number(values.rounds)
const seed = Number(values.seed)
const random = seeded(seed)
const TITLE =
  '| QoS | victim | fate | rounds | acknowledged | received | lost | twice | out of order |'
console.log(`seed ${seed}\n${TITLE}`)
let bad = 0
let place: Place | null = null
for (let round = 0; round < rounds; round += QOS.length) {
  if (round % ROUNDS_PER_CLUSTER === 0) {
    await place?.stop()
    place = await startPlace(`r${round}`)
  }
  const fate = fateOf(round / QOS.length)
  const results = await ride(place as Place, fate, random, round)
  for (const [index, result] of results.entries()) if (!note(QOS[index], fate, result)) bad++
}
await place?.stop()
console.log(`\n${TITLE}`)
for (const { head, rounds: count, sums } of [...rows.values()].sort((a, b) =>
  a.head.slice(4) < b.head.slice(4) ? -1 : 1,
))
  console.log(`| ${head} | ${count} | ${sums.join(' | ')} |`)
console.log(`${rounds} rounds, ${bad} bad`)
process.exit(bad === 0 ? 0 : 1)

/** A broker that dies at one call of the engine, before it or after it, while clients keep ledgers: nothing may be lost by that. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { atThisLoad } from '../support/patience.ts'
import { startBrokers, type ClusterBroker } from './brokers.ts'
import { Ledger } from './ledger.ts'
import { startNats } from './nats-servers.ts'

const LEASE_SECONDS = atThisLoad(5)
const SETTLE_MS_MAX = 120_000
const HOP_MS = 400
/** Whatever is done that often has been done in every way there is. */
const DIE_MS_MAX = 20_000

export interface CrashPoint {
  readonly kind: string
  /** Which call of the kind. */
  readonly number: number
  readonly when: 'before' | 'after'
}

export interface CrashResult {
  /** There were so many calls. */
  readonly hasDied: boolean
  readonly acked: number
  readonly lost: readonly string[]
  /** At QoS 2. */
  readonly twice: number
  readonly outOfOrder: number
}

export interface CrashStage {
  ride(point: CrashPoint): Promise<CrashResult>
  stop(): Promise<void>
}

/** Two brokers and a NATS server, for one ride after the other. */
export async function startCrashStage(cluster: string): Promise<CrashStage> {
  const nats = await startNats(1)
  const options = { count: 2, replicas: 1, leaseSeconds: LEASE_SECONDS, mayFall: true }
  const { brokers, stop } = await startBrokers({ ...options, urls: nats.urls, cluster })
  let rides = 0
  return {
    ride: (point) => ride(brokers, point, `c${rides++}`),
    async stop() {
      await stop()
      await nats.stop()
    },
  }
}

async function ride(
  brokers: readonly ClusterBroker[],
  { kind, number, when }: CrashPoint,
  root: string,
): Promise<CrashResult> {
  const [victim] = brokers
  await victim.kill('SIGTERM')
  const preload = pathToFileURL(join('build', 'tests', 'cluster', 'engine-crash.js')).href
  const env = {
    NODE_OPTIONS: `--import ${preload}`,
    MOZZIE_ENGINE_CRASH: `${kind} ${number} ${when}`,
  }
  // It may die while it starts.
  await victim.start(env).catch(() => {})
  const ledgers = ([1, 2] as const).map((qos) => new Ledger(brokers, qos, 2, 2, `${root}q${qos}`))
  const started = Promise.all(ledgers.map((ledger) => ledger.start()))
  const hasDied = await dies(victim, ledgers)
  if (!hasDied) await victim.kill('SIGTERM')
  while (!victim.isRunning()) await victim.start().catch(() => {})
  await started
  const [one, two] = await Promise.all(ledgers.map((ledger) => ledger.finish(SETTLE_MS_MAX)))
  return {
    hasDied,
    acked: one.acked + two.acked,
    lost: [...one.lost, ...two.lost],
    twice: two.twice,
    outOfOrder: one.outOfOrder + two.outOfOrder,
  }
}

/** Clients go to and fro until it has died; false: it lives on. */
async function dies(victim: ClusterBroker, ledgers: readonly Ledger[]): Promise<boolean> {
  const endMs = performance.now() + DIE_MS_MAX
  for (let nextHop = 0; victim.isRunning() && performance.now() < endMs; await sleep(20)) {
    if (performance.now() < nextHop) continue
    for (const ledger of ledgers) ledger.hop()
    nextHop = performance.now() + HOP_MS
  }
  return !victim.isRunning()
}

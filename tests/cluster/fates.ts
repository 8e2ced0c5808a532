/** Who of a cluster dies, or is stopped, and how: the matrix of the torture. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterBroker } from './brokers.ts'
import type { NatsServer, NatsServers } from './nats-servers.ts'

export const VICTIMS = ['broker', 'follower', 'leader', 'every broker', 'every server'] as const
export const DEATHS = ['kill -9', 'SIGTERM', 'stopped shortly', 'stopped beyond the lease'] as const

export interface Fate {
  readonly victim: (typeof VICTIMS)[number]
  readonly death: (typeof DEATHS)[number]
}

const DEAD_MS = 1000
const SHORT_MS = 2000
const BEYOND_MS = 2500

/** Every pair once, then again. */
export function fateOf(index: number): Fate {
  return {
    victim: VICTIMS[index % VICTIMS.length],
    death: DEATHS[Math.floor(index / VICTIMS.length) % DEATHS.length],
  }
}

type Victim = ClusterBroker | NatsServer

/** Those whom it meets. `random` chooses among equals. */
export async function victimsOf(
  { victim }: Fate,
  brokers: readonly ClusterBroker[],
  nats: NatsServers,
  random: () => number,
): Promise<readonly Victim[]> {
  const one = Math.floor(random() * brokers.length)
  if (victim === 'broker') return [brokers[one]]
  if (victim === 'every broker') return brokers
  if (victim === 'every server') return nats.servers
  const led = await ledBy(nats)
  const byCount = [...nats.servers].sort((a, b) => (led.get(b.name) ?? 0) - (led.get(a.name) ?? 0))
  return [byCount[victim === 'leader' ? 0 : byCount.length - 1]]
}

/** How many streams each server leads. */
async function ledBy({ servers }: NatsServers): Promise<Map<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${servers[0].monitorPort}/jsz?streams=true`)
  const { account_details: accounts = [] } = (await answer.json()) as {
    account_details?: { stream_detail?: { cluster?: { leader?: string } }[] }[]
  }
  const led = new Map<string, number>()
  for (const { stream_detail: streams = [] } of accounts)
    for (const { cluster } of streams) {
      const leader = cluster?.leader ?? ''
      led.set(leader, (led.get(leader) ?? 0) + 1)
    }
  return led
}

/** Resolves when all of them are there again, or go on. */
export async function suffer(
  victims: readonly Victim[],
  { death }: Fate,
  leaseMs: number,
): Promise<void> {
  if (death === 'kill -9' || death === 'SIGTERM') {
    await Promise.all(victims.map((one) => one.kill(death === 'kill -9' ? 'SIGKILL' : 'SIGTERM')))
    await sleep(DEAD_MS)
    await Promise.all(victims.map((one) => one.start()))
    return
  }
  for (const one of victims) one.freeze(true)
  await sleep(death === 'stopped shortly' ? SHORT_MS : leaseMs + BEYOND_MS)
  for (const one of victims) one.freeze(false)
}

/** A broker that has lost its lease has ended: whoever runs it starts it again, until `stop`, then all of them run. */
export function keepRunning(brokers: readonly ClusterBroker[]): { stop(): Promise<void> } {
  const over = new AbortController()
  const startMissing = async (): Promise<void> => {
    for (const broker of brokers) if (!broker.isRunning()) await broker.start().catch(() => {})
  }
  const run = (async () => {
    for (; !over.signal.aborted; await startMissing()) await sleep(200)
    while (brokers.some((broker) => !broker.isRunning())) await startMissing()
  })()
  return {
    async stop() {
      over.abort()
      await run
    },
  }
}

/** A flash change in every store, timed: once in peace, once while APs drop and the broker is killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { csvOf, offerOf } from './model/articles.ts'
import type { Options } from './options.ts'
import type { Usage, World } from './world.ts'

export interface FlashReport {
  readonly tasks: number
  readonly shown: number
  /** Failures and expiries by their reason. */
  readonly named: Readonly<Record<string, number>>
  /** From the order to the last tag that showed it. */
  readonly lastTagMs: number
  /** From the order to the last task that the service knows the end of. */
  readonly lastTaskMs: number
  /** Processor time meanwhile, ms, by process. */
  readonly cpuMs: Readonly<Record<string, number>>
}

export interface Trouble {
  /** Share of the APs that drop, and for how long about. */
  readonly drop: number
  readonly downMs: number
  /** When the broker is killed, ms after the order. */
  readonly killAfterMs: number
}

interface ChangeRow {
  readonly id: number
  readonly tasks: number
  readonly shown: number
}

/** Orders `percent` off some articles and waits until every task has ended. */
export async function flash(
  world: World,
  { fleet, changed }: Options,
  percent: number,
  trouble: Trouble | null = null,
): Promise<FlashReport> {
  const skus = fleet.apsPerStore * fleet.tagsPerAp
  const count = Math.min(changed, skus)
  // Spread over all shelves.
  const list = Array.from({ length: count }, (_, at) => Math.floor((at * skus) / count) + 1)
  const csv = csvOf(list.map((sku) => offerOf(sku, percent)))
  await post(world, '/api/wake')
  const before = await usageOf(world)
  const startMs = Date.now()
  const answer = post(world, `/api/changes?label=${percent}%20percent%20off`, csv)
  if (trouble !== null) {
    world.dropSome(trouble.drop, trouble.downMs)
    await sleep(trouble.killAfterMs)
    await world.killBroker()
  }
  const { change } = (await answer) as { change: number }
  const row = await untilEnded(world, change)
  const lastTaskMs = Date.now() - startMs
  const { lastShownMs } = await world.simulator()
  const after = await usageOf(world)
  const failures = (await get(world, `/api/changes/${change}/failures`)) as {
    reason: string
    count: number
  }[]
  return {
    tasks: row.tasks,
    shown: row.shown,
    named: Object.fromEntries(failures.map(({ reason, count: times }) => [reason, times])),
    lastTagMs: lastShownMs - startMs,
    lastTaskMs,
    cpuMs: Object.fromEntries(
      Object.entries(after).map(([name, { cpuMs }]) => [name, cpuMs - before[name].cpuMs]),
    ),
  }
}

/** By process; of a system that says nothing of the broker without it. */
export async function usageOf(world: World): Promise<Record<string, Usage>> {
  const broker = world.broker()
  return {
    ...(broker !== null && { broker }),
    service: await world.service(),
    simulator: await world.simulator(),
  }
}

async function untilEnded(world: World, change: number): Promise<ChangeRow> {
  for (;;) {
    const { open, orderedMs } = (await get(world, `/api/changes/${change}/open`)) as Progress
    if (orderedMs !== null && open === 0) break
    await sleep(100)
  }
  const rows = (await get(world, '/api/changes')) as ChangeRow[]
  return rows.find(({ id }) => id === change) as ChangeRow
}

interface Progress {
  readonly open: number
  readonly orderedMs: number | null
}

export async function post({ address }: World, path: string, csv = ''): Promise<unknown> {
  const response = await fetch(address + path, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: csv,
  })
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
  return response.json()
}

export async function get({ address }: World, path: string): Promise<unknown> {
  const response = await fetch(address + path)
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
  return response.json()
}

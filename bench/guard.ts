/**
 * Has a flow become slower? A minute's look: the broker's CPU time for a message against that of the C relay in the same
 * minute, beside what it was when the figures of docs/benchmarks.md were taken. Ratios only: the machine may have other work.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { measureScenario } from './measure.ts'
import { SCENARIOS } from './scenarios.ts'
import type { Tools } from './targets.ts'

const FILE = 'bench/guard.json'
const FLOWS = new Set(['pair-qos0', 'pair-qos0-1k', 'fanout', 'pair-qos1', 'pair-qos2'])
const FIELD = 'broker_cpu_us_per_msg'
const PLAN = { seconds: 2, repeat: 2, quick: false, targets: ['mozzie', 'floor'] }
/** What a flow may lose. */
const SHARE_MIN = 0.9

/** By flow: the relay's CPU time of a message, divided by ours. */
type Shares = Record<string, number>

/** @throws when one cannot be measured */
async function measureShares(tools: Tools): Promise<Shares> {
  if (tools.mqlimit === undefined)
    throw new Error('--guard needs the C relay: gcc and ../shared/bench/mqlimit.c')
  const shares: Shares = {}
  for (const scenario of SCENARIOS.filter(({ name }) => FLOWS.has(name))) {
    const results = await measureScenario(tools, scenario, PLAN, () => undefined)
    const [ours, floor] = PLAN.targets.map((target) =>
      results.find((each) => each.target === target),
    )
    if (ours === undefined || floor === undefined)
      throw new Error(`${scenario.name} could not be measured`)
    shares[scenario.name] = Number((floor.median[FIELD] / ours.median[FIELD]).toFixed(3))
  }
  return shares
}

/** Measures what later looks are held against: under their own conditions, with a compiler that is as warm. */
export async function keepShares(tools: Tools): Promise<void> {
  const shares = await measureShares(tools)
  writeFileSync(FILE, `${JSON.stringify(shares, null, 2)}\n`)
}

/** Returns the flows that fell, told by `say`. @throws without a relay, or without shares to hold it against */
export async function guard(tools: Tools, say: (line: string) => void): Promise<string[]> {
  if (!existsSync(FILE)) throw new Error(`${FILE} is missing: a whole run writes it`)
  const known = JSON.parse(readFileSync(FILE, 'utf8')) as Shares
  const shares = Object.entries(await measureShares(tools))
  for (const [flow, now] of shares)
    say(`${flow}: ${now} of the relay, ${known[flow]} before: ${(now / known[flow]).toFixed(2)}`)
  return shares.filter(([flow, now]) => now / known[flow] < SHARE_MIN).map(([flow]) => flow)
}

/**
 * Has a flow become slower? A minute's look: the broker's CPU time for a message against that of the C relay in the same
 * minute, beside what it was when the figures of docs/benchmarks.md were taken. Ratios only: the machine may have other work.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { measureScenario } from './measure.ts'
import type { Figures, Result } from './report.ts'
import { SCENARIOS } from './scenarios.ts'
import type { Tools } from './targets.ts'

const FILE = 'bench/guard.json'
const FLOWS = ['pair-qos0', 'pair-qos0-1k', 'fanout', 'fanin', 'pair-qos1', 'pair-qos2']
const FIELD = 'broker_cpu_us_per_msg'
const PLAN = { seconds: 1, repeat: 3, quick: false, targets: ['mozzie', 'floor'] }
/** What a flow may lose. */
const SHARE_MIN = 0.9

/** By flow: the relay's CPU time of a message, divided by ours. */
export type Shares = Readonly<Record<string, number>>

/** The run that other work disturbed least is the one to believe. */
function least(runs: readonly Figures[]): number {
  return Math.min(...runs.map((figures) => figures[FIELD]))
}

function sharesOf(results: readonly Result[]): Shares {
  const shares = FLOWS.flatMap((flow) => {
    const [ours, floor] = ['mozzie', 'floor'].map((target) =>
      results.find((each) => each.scenario === flow && each.target === target),
    )
    if (ours === undefined || floor === undefined) return []
    return [[flow, Number((least(floor.runs) / least(ours.runs)).toFixed(3))]]
  })
  return Object.fromEntries(shares) as Shares
}

/** Makes what a whole run measured what later ones are held against. */
export function keepShares(results: readonly Result[]): void {
  const shares = sharesOf(results)
  if (Object.keys(shares).length === FLOWS.length)
    writeFileSync(FILE, `${JSON.stringify(shares, null, 2)}\n`)
}

/** Returns the flows that fell, told by `say`. @throws without a relay, or without shares to hold it against */
export async function guard(tools: Tools, say: (line: string) => void): Promise<string[]> {
  if (tools.mqlimit === undefined)
    throw new Error('--guard needs the C relay: gcc and ../shared/bench/mqlimit.c')
  if (!existsSync(FILE)) throw new Error(`${FILE} is missing: a whole run writes it`)
  const known = JSON.parse(readFileSync(FILE, 'utf8')) as Shares
  const fallen: string[] = []
  for (const flow of FLOWS) {
    const scenario = SCENARIOS.find(({ name }) => name === flow)
    if (scenario === undefined) continue
    const now = sharesOf(await measureScenario(tools, scenario, PLAN, () => undefined))[flow]
    if (now === undefined) throw new Error(`${flow} could not be measured`)
    const change = now / known[flow]
    say(`${flow}: ${now} of the relay, ${known[flow]} before: ${change.toFixed(2)}`)
    if (change < SHARE_MIN) fallen.push(flow)
  }
  return fallen
}

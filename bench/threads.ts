/** `thread_count` 2 and more beside 1: the same load in one run, as a table. */
import { measureScenario, type Plan } from './measure.ts'
import { medianFigures, type Figures } from './report.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import type { Tools } from './targets.ts'

/** Flows, and what is looked at. */
const ROWS = [
  { scenario: 'pair-qos0', field: 'rate', label: 'messages/s' },
  { scenario: 'pair-qos0', field: 'broker_cpu_us_per_msg', label: 'CPU µs a message' },
  { scenario: 'pair-qos0', field: 'load_cpu_us', label: 'CPU µs a message of the load client' },
  { scenario: 'pair-qos1', field: 'rate', label: 'messages/s' },
  { scenario: 'pair-qos1', field: 'broker_cpu_us_per_msg', label: 'CPU µs a message' },
  { scenario: 'fanout', field: 'rate', label: 'messages/s' },
  { scenario: 'fanout', field: 'broker_cpu_us_per_msg', label: 'CPU µs a message' },
  { scenario: 'fanout', field: 'load_cpu_us', label: 'CPU µs a message of the load client' },
  { scenario: 'paced', field: 'broker_cpu', label: 'CPU, 1: a whole core' },
  { scenario: 'tls-handshakes', field: 'rate', label: 'handshakes/s' },
  { scenario: 'tls-handshakes', field: 'broker_cpu_us', label: 'CPU µs each' },
  { scenario: 'pair-qos0', field: 'crossed_share', label: 'messages that cross, of 1' },
  { scenario: 'pair-qos0', field: 'crossing_us', label: 'CPU µs more for one that crosses' },
  { scenario: 'pair-qos1', field: 'crossed_share', label: 'messages that cross, of 1' },
  { scenario: 'pair-qos1', field: 'crossing_us', label: 'CPU µs more for one that crosses' },
  { scenario: 'pair-qos0', field: 'rss_mb', label: 'resident MB' },
] as const

export interface ThreadRow {
  readonly title: string
  readonly label: string
  /** By the thread counts asked for; undefined: not measured. */
  readonly values: readonly (number | undefined)[]
}

/** @param counts Values of `thread_count`. */
export async function measureThreads(
  tools: Tools,
  counts: readonly number[],
  repeat: number,
  say: (line: string) => void,
): Promise<ThreadRow[]> {
  const measured = new Map<string, Figures | undefined>()
  for (const name of new Set(ROWS.map(({ scenario }) => scenario))) {
    const runs = await inTurn(tools, name, counts, repeat, say)
    for (const [at, count] of counts.entries()) measured.set(`${name} ${count}`, runs[at])
  }
  return ROWS.map(({ scenario, field, label }) => ({
    title: scenarioOf(scenario).title,
    label,
    values: counts.map((count) => measured.get(`${scenario} ${count}`)?.[field]),
  }))
}

/** Medians by count. The counts take turns: what else the machine does meets all of them. */
async function inTurn(
  tools: Tools,
  name: string,
  counts: readonly number[],
  repeat: number,
  say: (line: string) => void,
): Promise<(Figures | undefined)[]> {
  const plan: Plan = { seconds: 5, repeat: 1, quick: false, targets: ['mozzie'] }
  const runs = counts.map((): Figures[] => [])
  for (let round = 0; round < repeat; round++) {
    let alone: Figures | undefined
    for (const [at, count] of counts.entries()) {
      const [result] = await measureScenario(tools, withThreads(name, count), plan, say)
      if (result === undefined) continue
      if (count === 1) alone = result.median
      runs[at].push(withLoad(withCrossing(result.median, alone)))
    }
  }
  return runs.map((figures) => (figures.length > 0 ? medianFigures(figures) : undefined))
}

/** What a message that crosses costs more: than one of a thread alone in the same round, by the share that crosses. */
function withCrossing(figures: Figures, alone: Figures | undefined): Figures {
  const { crossed_share: share = 0, broker_cpu_us_per_msg: cpuUs = 0 } = figures
  if (alone === undefined || share === 0) return figures
  return { ...figures, crossing_us: (cpuUs - alone['broker_cpu_us_per_msg']) / share }
}

/** What a message costs the load client: on two cores it is half of what there is. */
function withLoad(figures: Figures): Figures {
  const { load_cpu: cpu, rate } = figures
  return cpu === undefined || rate === 0 ? figures : { ...figures, load_cpu_us: (cpu / rate) * 1e6 }
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(`no scenario ${name}`)
  return scenario
}

function withThreads(name: string, count: number): Scenario {
  const scenario = scenarioOf(name)
  const ownLines = `${scenario.ownLines ?? ''}\nsys_interval 1\nthread_count ${count}`
  return { ...scenario, ownLines, crossing: count > 1 }
}

function rounded(value: number | undefined): string {
  return value === undefined ? '–' : String(Number(value.toPrecision(3)))
}

export function threadTable(rows: readonly ThreadRow[], counts: readonly number[]): string {
  const lines = [
    `| flow | figure | ${counts.map((count) => `${count}`).join(' | ')} |`,
    `|---|---|${counts.map(() => '--:').join('|')}|`,
  ]
  for (const { title, label, values } of rows)
    lines.push(`| ${[title, label, ...values.map(rounded)].join(' | ')} |`)
  return lines.join('\n')
}

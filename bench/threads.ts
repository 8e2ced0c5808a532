/** `thread_count` 2 and more beside 1: the same load in one run, as a table. */
import { measureScenario, type Plan } from './measure.ts'
import type { Figures } from './report.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import type { Tools } from './targets.ts'

/** Flows, and what is looked at. */
const ROWS = [
  { scenario: 'pair-qos0', field: 'rate', label: 'messages/s' },
  { scenario: 'pair-qos0', field: 'broker_cpu_us_per_msg', label: 'CPU µs a message' },
  { scenario: 'pair-qos1', field: 'rate', label: 'messages/s' },
  { scenario: 'pair-qos1', field: 'broker_cpu_us_per_msg', label: 'CPU µs a message' },
  { scenario: 'paced', field: 'broker_cpu', label: 'CPU, 1: a whole core' },
  { scenario: 'tls-handshakes', field: 'rate', label: 'handshakes/s' },
  { scenario: 'tls-handshakes', field: 'broker_cpu_us', label: 'CPU µs each' },
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
  const plan: Plan = { seconds: 5, repeat, quick: false, targets: ['mozzie'] }
  const measured = new Map<string, Figures | undefined>()
  for (const name of new Set(ROWS.map(({ scenario }) => scenario)))
    for (const count of counts) {
      const [result] = await measureScenario(tools, withThreads(name, count), plan, say)
      measured.set(`${name} ${count}`, result?.median)
    }
  return ROWS.map(({ scenario, field, label }) => ({
    title: scenarioOf(scenario).title,
    label,
    values: counts.map((count) => measured.get(`${scenario} ${count}`)?.[field]),
  }))
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(`no scenario ${name}`)
  return scenario
}

function withThreads(name: string, count: number): Scenario {
  const scenario = scenarioOf(name)
  return { ...scenario, ownLines: `${scenario.ownLines ?? ''}\nthread_count ${count}` }
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

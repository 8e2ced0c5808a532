/** How costs grow: the same load with 1000, 10,000 and 100,000 of what it is about, as a table and as a picture. */
import { measureScenario, type Plan } from './measure.ts'
import type { Figures } from './report.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import type { Tools } from './targets.ts'

const COUNTS = [1000, 10_000, 100_000] as const
/** Descriptors that a broker and its load client need beside those of the connections. */
const SPARE_DESCRIPTORS = 500

/** What grows, which scenario has it under which option, and what is looked at. */
const ROWS = [
  { what: 'connections', scenario: 'idle', option: 'count', field: 'broker_cpu_us_per_conn' },
  { what: 'connections', scenario: 'idle', option: 'count', field: 'rss_kb_per_conn' },
  { what: 'filters', scenario: 'subscriptions', option: 'count', field: 'subscribe_cpu_us' },
  {
    what: 'filters',
    scenario: 'subscriptions',
    option: 'count',
    field: 'broker_cpu_us_per_publish',
  },
  { what: 'filters', scenario: 'subscriptions', option: 'count', field: 'bytes_per_filter' },
  { what: 'retained', scenario: 'retained', option: 'count', field: 'put_cpu_us' },
  { what: 'retained', scenario: 'retained', option: 'count', field: 'get_cpu_us' },
  { what: 'queued', scenario: 'queue-long', option: 'count', field: 'in_cpu_us' },
  { what: 'queued', scenario: 'queue-long', option: 'count', field: 'out_cpu_us' },
  { what: 'sessions', scenario: 'restart-sessions', option: 'sessions', field: 'restart_s' },
] as const

const LABELS: Readonly<Record<string, string>> = {
  broker_cpu_us_per_conn: 'connect, CPU µs each',
  rss_kb_per_conn: 'KiB each',
  subscribe_cpu_us: 'subscribe, CPU µs each',
  broker_cpu_us_per_publish: 'publish, CPU µs each',
  bytes_per_filter: 'bytes each',
  put_cpu_us: 'write, CPU µs each',
  get_cpu_us: 'read, CPU µs each',
  in_cpu_us: 'queue, CPU µs each',
  out_cpu_us: 'drain, CPU µs each',
  restart_s: 'seconds to start with them',
}

export interface ScaleRow {
  readonly what: string
  readonly label: string
  /** By `COUNTS`; undefined: not measured. */
  readonly values: readonly (number | undefined)[]
}

/** Runs all of them with ours. A count that this machine has no descriptors for is left out. */
export async function measureScale(
  tools: Tools,
  descriptors: number,
  repeat: number,
  say: (line: string) => void,
): Promise<ScaleRow[]> {
  const plan: Plan = { seconds: 2, repeat, quick: false, targets: ['mozzie'] }
  const measured = new Map<string, Figures | undefined>()
  for (const { scenario: name, option, what } of ROWS)
    for (const count of COUNTS) {
      const key = `${name} ${count}`
      const isTooMany = what === 'connections' && count + SPARE_DESCRIPTORS > descriptors
      if (measured.has(key) || isTooMany) continue
      const [result] = await measureScenario(tools, scaled(name, option, count), plan, say)
      measured.set(key, result?.median)
    }
  return ROWS.map(({ what, scenario, field }) => ({
    what,
    label: LABELS[field] ?? field,
    values: COUNTS.map((count) => measured.get(`${scenario} ${count}`)?.[field]),
  }))
}

function scaled(name: string, option: string, count: number): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(`no scenario ${name}`)
  return { ...scenario, options: { ...scenario.options, [option]: count } }
}

function rounded(value: number | undefined): string {
  return value === undefined ? '–' : String(Number(value.toPrecision(3)))
}

export function scaleTable(rows: readonly ScaleRow[]): string {
  const heads = COUNTS.map((count) => count.toLocaleString('en-US'))
  const lines = [`| of | figure | ${heads.join(' | ')} |`, '|---|---|--:|--:|--:|']
  for (const { what, label, values } of rows)
    lines.push(`| ${[what, label, ...values.map(rounded)].join(' | ')} |`)
  return lines.join('\n')
}

const WIDTH = 720
const ROW_HEIGHT = 26
const LABEL_WIDTH = 300
const TOP = 34

/** Each figure as multiples of its first one: a flat line is a cost that does not grow. */
export function scalePicture(rows: readonly ScaleRow[]): string {
  const most = Math.max(4, ...rows.flatMap(multiplesOf))
  const x = (multiple: number): number =>
    LABEL_WIDTH + (multiple / most) * (WIDTH - LABEL_WIDTH - 20)
  const height = TOP + rows.length * ROW_HEIGHT + 10
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="10" y="18">10,000 (blue) and 100,000 (red), as multiples of 1000 (line)</text>`,
    `<line x1="${x(1)}" x2="${x(1)}" y1="${TOP - 8}" y2="${height - 6}" stroke="black"/>`,
  ]
  for (const [index, row] of rows.entries()) {
    const y = TOP + index * ROW_HEIGHT
    parts.push(`<text x="10" y="${y + 14}">${row.what}: ${row.label}</text>`)
    for (const [place, multiple] of multiplesOf(row).entries()) {
      const fill = place === 0 ? '#3b6fb6' : '#c0392b'
      const width = (x(multiple) - LABEL_WIDTH).toFixed(1)
      const top = y + 2 + place * 9
      parts.push(`<rect x="${LABEL_WIDTH}" y="${top}" width="${width}" height="8" fill="${fill}"/>`)
    }
  }
  return `${[...parts, '</svg>'].join('\n')}\n`
}

function multiplesOf({ values: [first, ...rest] }: ScaleRow): number[] {
  if (first === undefined || first === 0) return []
  return rest.flatMap((value) => (value === undefined ? [] : [value / first]))
}

/** Medians, ratios, and the tables of the report. */
import { TARGET_NAMES, type Goal, type Metric, type TargetName } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

/** One load client's figures by field name. */
export type Figures = Readonly<Record<string, number>>

export interface Result {
  readonly scenario: string
  readonly target: TargetName
  readonly runs: readonly Figures[]
  /** Field by field over the runs. */
  readonly median: Figures
}

/** What the C load generator measured in the same flow, against the same target. */
export interface LoadCheck {
  readonly scenario: string
  readonly target: TargetName
  readonly mqloadRate: number
  readonly ownRate: number
}

/** The load client is good enough when it reaches this share of the C generator's rate. */
export const LOAD_CHECK_MIN = 0.85

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle]
  return (sorted[middle - 1] + sorted[middle]) / 2
}

export function medianFigures(runs: readonly Figures[]): Figures {
  const fields = Object.keys(runs[0] ?? {})
  return Object.fromEntries(fields.map((field) => [field, median(runs.map((run) => run[field]))]))
}

function figureOf(
  results: readonly Result[],
  scenario: string,
  target: TargetName,
  field: string,
): number | undefined {
  const result = results.find((each) => each.scenario === scenario && each.target === target)
  return result?.median[field]
}

function formatted(value: number | undefined): string {
  if (value === undefined) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

function ratio(own: number | undefined, other: number | undefined): number | undefined {
  return own === undefined || other === undefined || other === 0 ? undefined : own / other
}

/**
 * The goal in words and whether it is met; an open circle where nothing was measured to judge by.
 */
function judged(goal: Goal, own: number | undefined, other: number | undefined): string {
  const value = goal.against === 'fixed' ? own : ratio(own, other)
  const sign = goal.atLeast === undefined ? '≤' : '≥'
  const limit = goal.atLeast ?? goal.atMost ?? 0
  const words = `${sign} ${limit}${goal.against === 'fixed' ? '' : `× ${goal.against}`}`
  if (value === undefined) return `${words} ○`
  const met = goal.atLeast === undefined ? value <= limit : value >= limit
  const measured =
    goal.against === 'fixed' || goal.against === 'mosquitto' ? '' : ` (${formatted(value)})`
  return `${words}${measured} ${met ? '✓' : '✗'}`
}

function row(
  results: readonly Result[],
  targets: readonly TargetName[],
  scenario: string,
  title: string,
  metric: Metric,
): string {
  const figures = targets.map((target) => figureOf(results, scenario, target, metric.field))
  const byName = Object.fromEntries(targets.map((name, index) => [name, figures[index]]))
  const times = ratio(byName['mozzie'], byName['mosquitto'])
  const yardsticks: Readonly<Record<string, number | undefined>> = {
    ...byName,
    fdatasync: figureOf(results, scenario, 'mozzie', 'fdatasync_us'),
    node: figureOf(results, scenario, 'mozzie', 'node_ms'),
  }
  const goals = metric.goals.map((goal) => judged(goal, byName['mozzie'], yardsticks[goal.against]))
  const cells = [
    title,
    metric.label,
    ...figures.map(formatted),
    times === undefined ? '–' : `${formatted(times)}×`,
    goals.join(', '),
  ]
  return `| ${cells.join(' | ')} |`
}

/** All figures, medians of the runs, one Markdown row per metric. */
export function figuresTable(results: readonly Result[]): string {
  const targets = [...new Set([...TARGET_NAMES, ...results.map(({ target }) => target)])]
  const lines = [
    `| flow | figure | ${targets.join(' | ')} | mozzie ÷ mosquitto | goal |`,
    `|---|---|${'--:|'.repeat(targets.length)}--:|---|`,
  ]
  for (const scenario of SCENARIOS) {
    if (!results.some((result) => result.scenario === scenario.name)) continue
    for (const [index, metric] of scenario.metrics.entries()) {
      lines.push(row(results, targets, scenario.name, index === 0 ? scenario.title : '', metric))
    }
  }
  return lines.join('\n')
}

/** The first figure of every flow, for the README. */
export function headlineTable(results: readonly Result[]): string {
  const lines = ['| | | mozzie | mosquitto | aedes | ÷ mosquitto |', '|---|---|--:|--:|--:|--:|']
  for (const { name, title, metrics } of SCENARIOS) {
    const [{ field, label }] = metrics
    const [mozzie, mosquitto, aedes] = (['mozzie', 'mosquitto', 'aedes'] as const).map((target) =>
      figureOf(results, name, target, field),
    )
    const times = ratio(mozzie, mosquitto)
    const cells = [title, label, ...[mozzie, mosquitto, aedes].map(formatted)]
    lines.push(`| ${cells.join(' | ')} | ${times === undefined ? '–' : `${formatted(times)}×`} |`)
  }
  return lines.join('\n')
}

export function loadCheckTable(checks: readonly LoadCheck[]): string {
  const lines = [
    '| flow | target | mqload (C) | load client | ratio | reached |',
    '|---|---|--:|--:|--:|---|',
  ]
  for (const check of checks) {
    const share = check.ownRate / check.mqloadRate
    const mark = share >= LOAD_CHECK_MIN ? '✓' : '✗'
    const cells = [
      check.scenario,
      check.target,
      formatted(check.mqloadRate),
      formatted(check.ownRate),
      share.toFixed(2),
      mark,
    ]
    lines.push(`| ${cells.join(' | ')} |`)
  }
  return lines.join('\n')
}

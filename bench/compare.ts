/** Two builds in turn under the same load: what has changed, figure by figure. */
import type { Result } from './report.ts'
import type { Peer } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

/** The other build among the targets. */
export const BEFORE = 'before'

/** A change of more than this is told. */
const TOLERANCE = 0.03

/** `program`: the `bin/mozzie` of the other build. */
export function buildAt(program: string): Peer {
  return { name: BEFORE, command: `${process.execPath} ${program} -c {conf}` }
}

/** One row for each figure of which both builds have one: medians, and now by before. */
export function changesTable(results: readonly Result[]): string {
  const lines = ['| flow | figure | before | now | now ÷ before | |', '|---|---|--:|--:|--:|---|']
  for (const { name, title, metrics } of SCENARIOS) {
    const [now, before] = ['mozzie', BEFORE].map((target) =>
      results.find((each) => each.scenario === name && each.target === target),
    )
    if (now === undefined || before === undefined) continue
    for (const { field, label } of metrics) {
      const [is, was] = [now.median[field], before.median[field]]
      if (is === undefined || was === undefined) continue
      const change = was === 0 ? 1 : is / was
      const word = Math.abs(change - 1) <= TOLERANCE ? '' : isBetter(label, change) ? '+' : '–'
      const cells = [title, label, was.toPrecision(3), is.toPrecision(3), change.toFixed(2), word]
      lines.push(`| ${cells.join(' | ')} |`)
    }
  }
  return lines.join('\n')
}

/** Of a rate more is better, of all else less. */
function isBetter(label: string, change: number): boolean {
  return label.endsWith('/s') ? change > 1 : change < 1
}

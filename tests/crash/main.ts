/** `npm run crash -- --rounds N --seed S [--qos 1|2] [--report]`: see harness.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Qos } from '../../src/codec/packets.ts'
import { runCrashes, type CrashResult } from './harness.ts'

const reportFile = 'docs/reliability.md'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    qos: { type: 'string', default: '2' },
    report: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const seed = Number(values.seed)
const qos = Number(values.qos) as Qos

function rowOf(result: CrashResult): string {
  const { deaths, published, received, lost, twice, inversions, violations } = result
  const cells = [qos, rounds, seed, published, received, lost.length, twice, inversions]
  const kinds = Object.entries(deaths)
    .sort(([, a], [, b]) => b - a)
    .map(([how, count]) => `${how} ${count}`)
  return `| ${[...cells, violations.length, kinds.join(', ')].join(' | ')} |`
}

/** Replaces the row of this QoS between the marks of the report. */
function writeReport(row: string): void {
  const [head, table, tail] = readFileSync(reportFile, 'utf8').split(
    /(?<=<!-- crash -->\n)|(?=<!-- \/crash -->)/,
  )
  const rows = table.split('\n').filter((line) => !line.startsWith(`| ${qos} `) && line !== '')
  const sorted = [...rows.slice(2), row].sort()
  writeFileSync(reportFile, `${head}${[...rows.slice(0, 2), ...sorted].join('\n')}\n${tail}`)
}

console.log(`QoS ${qos}, ${rounds} rounds, --seed ${seed}`)
const result = await runCrashes({
  rounds,
  seed,
  qos,
  onRound: (round, how) => {
    if (round % 25 === 0 || round === rounds) console.log(`round ${round}: ${how}`)
  },
})
const { lost, violations, twice, inversions, startMsMax } = result
console.log(rowOf(result))
console.log(`longest start ${startMsMax.toFixed(0)} ms`)
for (const line of [...lost, ...violations].slice(0, 50)) console.log(line)
const isSound = lost.length + violations.length + inversions === 0 && (qos === 1 || twice === 0)
if (isSound && values.report) writeReport(rowOf(result))
process.exitCode = isSound ? 0 : 1

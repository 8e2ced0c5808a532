/**
 * `npm run crash -- --rounds N --seed S [--qos 1|2] [--report]`: see harness.ts.
 * `npm run crash -- --power-loss N --seed S [--report]`: see power-loss.ts.
 * `npm run crash -- --damage N --seed S [--report]`: see damage.ts.
 * `npm run crash -- --backups N [--report]`: see backups.ts.
 * `npm run crash -- --starts N --seed S [--report]`: see starts.ts.
 * `npm run crash -- --bridge N --seed S [--report]`: N rounds in sum, see bridge-ride.ts.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Qos } from '../../src/codec/packets.ts'
import { runBackups } from './backups.ts'
import { runBridge, type Ride } from './bridge-ride.ts'
import { runDamage } from './damage.ts'
import { runCrashes, type CrashResult } from './harness.ts'
import { runPowerLoss } from './power-loss.ts'
import { runStarts } from './starts.ts'

const reportFiles = ['docs/reliability.md', 'docs/zh/reliability.md']

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    qos: { type: 'string', default: '2' },
    'power-loss': { type: 'string' },
    damage: { type: 'string' },
    backups: { type: 'string' },
    starts: { type: 'string' },
    bridge: { type: 'string' },
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

/** Puts `row` between the marks of a table in the reports, in place of the one that begins in the same way. */
function writeReport(mark: string, row: string): void {
  for (const file of reportFiles) writeRow(file, mark, row)
}

function writeRow(file: string, mark: string, row: string): void {
  const marks = new RegExp(`(?<=<!-- ${mark} -->\\n)|(?=<!-- /${mark} -->)`)
  const [head, table, tail] = readFileSync(file, 'utf8').split(marks)
  const lines = table.split('\n').filter((line) => line.startsWith('|'))
  const start = row.slice(0, row.indexOf('|', 1) + 1)
  const others = lines.slice(2).filter((line) => !line.startsWith(start))
  const rows = [...lines.slice(0, 2), ...others, row].join('\n')
  writeFileSync(file, `${head}\n${rows}\n\n${tail}`)
}

async function crash(): Promise<boolean> {
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
  if (isSound && values.report) writeReport('crash', rowOf(result))
  return isSound
}

async function cutPower(cuts: number): Promise<boolean> {
  console.log(`${cuts} power cuts, --seed ${seed}`)
  const result = await runPowerLoss({ cuts, seed })
  const { harmful, bytesLost, acknowledged, lost, twice, violations } = result
  const cells = [
    cuts,
    seed,
    harmful,
    bytesLost,
    acknowledged,
    lost.length,
    twice,
    violations.length,
  ]
  const row = `| ${cells.join(' | ')} |`
  console.log(row)
  for (const line of [...lost, ...violations].slice(0, 50)) console.log(line)
  const isSound = lost.length + violations.length + twice === 0
  if (isSound && values.report) writeReport('power', row)
  return isSound
}

async function damage(places: number): Promise<boolean> {
  console.log(`damage at ${places} places, --seed ${seed}`)
  const { rows, changed, megabytesPerSecond } = await runDamage(places, seed)
  const lines = rows.map(
    ({ what, refused, same, changed: lost }) => `| ${what} | ${refused} | ${same} | ${lost} | 0 |`,
  )
  console.log(lines.join('\n'))
  console.log(`tables are looked at with ${megabytesPerSecond.toFixed(0)} MB/s`)
  for (const line of changed.slice(0, 50)) console.log(line)
  if (changed.length === 0 && values.report) for (const line of lines) writeReport('damage', line)
  return changed.length === 0
}

async function backups(copies: number): Promise<boolean> {
  const { missing, megabytesPerSecond, copyMsMax } = await runBackups({
    copies,
    pauseMs: 700,
    value: randomBytes(200_000),
    bytesPerSecond: 30e6,
  })
  const seconds = (copyMsMax / 1000).toFixed(1)
  const row = `| ${[copies, megabytesPerSecond.toFixed(0), seconds, missing.length].join(' | ')} |`
  console.log(row)
  for (const line of missing.slice(0, 50)) console.log(line)
  if (missing.length === 0 && values.report) writeReport('backups', row)
  return missing.length === 0
}

async function starts(count: number): Promise<boolean> {
  console.log(`${count} disturbed starts, --seed ${seed}`)
  const { harms, pieces, wrong } = await runStarts(count, seed)
  const rows = Object.entries(harms).map(
    ([what, times]) =>
      `| ${[what, times, wrong.filter((line) => line.startsWith(what)).length].join(' | ')} |`,
  )
  console.log(`${pieces} pieces\n${rows.join('\n')}`)
  for (const line of wrong.slice(0, 50)) console.log(line)
  if (wrong.length === 0 && values.report) for (const row of rows) writeReport('starts', row)
  return wrong.length === 0
}

const rides: readonly Ride[] = [
  { peer: 'mozzie', version: 'mqttv50', qos: 2 },
  { peer: 'mozzie', version: 'mqttv311', qos: 2 },
  { peer: 'mozzie', version: 'mqttv311', qos: 1 },
  { peer: 'mosquitto', version: 'mqttv311', qos: 2 },
  { peer: 'mosquitto', version: 'mqttv50', qos: 1 },
]

async function bridge(sum: number): Promise<boolean> {
  let areSound = true
  for (const [index, ride] of rides.entries()) {
    const count =
      Math.ceil((sum * (index + 1)) / rides.length) - Math.ceil((sum * index) / rides.length)
    const result = await runBridge({ ...ride, rounds: count, seed: seed + index })
    const { deaths, published, received, lost, twice, inversions, violations } = result
    const { peer, version } = ride
    const figures = [published, received, lost.length, twice, inversions, violations.length]
    const kinds = Object.entries(deaths).map(([how, times]) => `${how} ${times}`)
    const name = `${peer}, ${version}, QoS ${ride.qos}`
    const row = `| ${[name, count, seed + index, ...figures, kinds.join(', ')].join(' | ')} |`
    console.log(row)
    for (const line of [...lost, ...violations].slice(0, 50)) console.log(line)
    const isSound = lost.length + violations.length + inversions === 0
    if (!isSound || (ride.qos === 2 && twice > 0)) areSound = false
    else if (values.report) writeReport('bridge', row)
  }
  return areSound
}

async function run(): Promise<boolean> {
  if (values.bridge !== undefined) return bridge(Number(values.bridge))
  if (values.backups !== undefined) return backups(Number(values.backups))
  if (values.starts !== undefined) return starts(Number(values.starts))
  if (values.damage !== undefined) return damage(Number(values.damage))
  const cuts = values['power-loss']
  return cuts === undefined ? crash() : cutPower(Number(cuts))
}

process.exitCode = (await run()) ? 0 : 1

/**
 * Draws sequences and compares, for as long as one likes.
 *
 *     npm run model -- --minutes 30 [--seed N] [--count N] [--faults N] [--target none|disk|level|mosquitto] [--threads N]
 */
import { parseArgs } from 'node:util'
import { createCoreTarget, type StoreKind } from './core-target.ts'
import { createCoverage } from './coverage.ts'
import { differenceOf } from './differences.ts'
import { createMosquittoTarget } from './mosquitto-target.ts'
import { firstUnlike } from './likeness.ts'
import { kindOf, runSeed, runSteps, shrink, type MakeTarget, type Outcome } from './run.ts'
import { printSteps } from './steps.ts'

/** mosquitto spends its time waiting. */
const MOSQUITTO_WORKERS = 12
const SHRINK_TRIES = 1500
const MOSQUITTO_TRIES = 150

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    count: { type: 'string' },
    target: { type: 'string' },
    /** Cores that are joined as threads are; with more than one, one alone plays each sequence as well. */
    threads: { type: 'string', default: '1' },
    faults: { type: 'string', default: '1' },
  },
})
const isMosquitto = values.target === 'mosquitto'
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const endless = values.minutes !== undefined || values.seed === undefined
const count = Number(values.count ?? (endless ? Infinity : 1))
const started = performance.now()
const endsMs = started + Number(values.minutes ?? (endless ? 1 : Infinity)) * 60_000
const kinds = isMosquitto ? [] : values.target ? [values.target as StoreKind] : coreKinds()
const coverage = createCoverage()
const found = new Map<string, number>()
const known = new Map<string, number>()
const progress = { next: first, done: 0 }
/** Sequences in which one core told the clients something else than several. */
const unlike: number[] = []
const UNLIKE_SHOWN = 20

function coreKinds(): readonly StoreKind[] {
  return ['none', 'disk']
}

function targetOf(seed: number, threads = Number(values.threads)): MakeTarget {
  if (isMosquitto) return createMosquittoTarget
  return () => createCoreTarget(kinds[seed % kinds.length], threads)
}

/** The same sequence played by one core. */
async function playAlone(seed: number, joined: Outcome): Promise<void> {
  const make = targetOf(seed, 1)
  const alone = await runSteps(joined.steps, make)
  if (alone.fault !== null) return report(seed, make, alone)
  const first = firstUnlike(joined, alone)
  if (first === null) return
  unlike.push(seed)
  if (count === 1) console.log(first)
}

async function work(): Promise<void> {
  while (
    progress.next < first + count &&
    performance.now() < endsMs &&
    found.size < Number(values.faults)
  ) {
    const seed = progress.next++
    const make = targetOf(seed)
    const outcome = await runSeed(seed, make, coverage.witness)
    progress.done++
    if (outcome.fault === null) {
      if (Number(values.threads) > 1) await playAlone(seed, outcome)
      continue
    }
    const difference = isMosquitto ? differenceOf(outcome) : null
    if (difference !== null) known.set(difference, (known.get(difference) ?? 0) + 1)
    else await report(seed, make, outcome)
  }
}

async function report(seed: number, make: MakeTarget, outcome: Outcome): Promise<void> {
  const kind = kindOf(outcome.fault)
  found.set(kind, (found.get(kind) ?? 0) + 1)
  if (found.get(kind) !== 1) return
  const small = await shrink(outcome, make, isMosquitto ? MOSQUITTO_TRIES : SHRINK_TRIES)
  const transcript = small.transcript.join('\n')
  console.log(`seed ${seed}: ${small.fault}\n${printSteps(small.steps)}\n\n${transcript}\n`)
}

await Promise.all(Array.from({ length: isMosquitto ? MOSQUITTO_WORKERS : 1 }, work))
const seconds = (performance.now() - started) / 1000
console.log(coverage.print())
const speed = (progress.done / seconds).toFixed(1)
console.log(`${progress.done} sequences from seed ${first}, ${speed} a second`)
if (Number(values.threads) > 1) {
  const same = progress.done - unlike.length
  console.log(
    `one core told the same in ${same}, something else that is right too in ${unlike.length}`,
  )
  console.log(`those: seeds ${unlike.slice(0, UNLIKE_SHOWN).join(', ')}`)
}
for (const [name, times] of known) console.log(`known difference, ${times} times: ${name}`)
for (const [kind, times] of found) console.log(`not known, ${times} times: ${kind}`)
process.exitCode = found.size > 0 ? 1 : 0

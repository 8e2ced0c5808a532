// npm run model -- --minutes 30 [--seed N] [--count N] [--target none|disk|level|mosquitto]
import { parseArgs } from 'node:util'
import { createCoreTarget, type StoreKind } from './core-target.ts'
import { kindOf, runSeed, shrink } from './run.ts'
import { printSteps } from './steps.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    count: { type: 'string' },
    target: { type: 'string' },
    faults: { type: 'string', default: '1' },
  },
})
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const count = Number(values.count ?? (values.seed !== undefined && !values.minutes ? 1 : Infinity))
const endsMs = performance.now() + Number(values.minutes ?? Infinity) * 60_000
const kinds: readonly StoreKind[] = values.target ? [values.target as StoreKind] : ['none', 'disk']
const started = performance.now()
let done = 0
const found = new Map<string, number>()
for (let seed = first; seed < first + count && performance.now() < endsMs; seed++, done++) {
  const make = () => createCoreTarget(kinds[seed % kinds.length])
  const outcome = await runSeed(seed, make)
  if (outcome.fault === null) continue
  const key = kindOf(outcome.fault)
  found.set(key, (found.get(key) ?? 0) + 1)
  if (found.get(key) !== 1) continue
  const small = await shrink(outcome, make)
  console.log(`seed ${seed}: ${small.fault}\n${printSteps(small.steps)}\n`)
  if (count === 1) console.log(small.transcript.join('\n'))
  if (found.size >= Number(values.faults)) break
}
const seconds = (performance.now() - started) / 1000
console.log(`${done} sequences from seed ${first}, ${(done / seconds).toFixed(0)} a second`)
for (const [key, times] of found) console.log(times, key.split('\n')[0])

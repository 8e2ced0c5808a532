/**
 * The same sequences for everyone, so that what fails here is of the change and not of luck; others are drawn by
 * `npm run model`. One of them again: MOZZIE_MODEL_SEED=n.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCoreTarget, type StoreKind } from './core-target.ts'
import { runSeed, runSteps, shrink, type MakeTarget } from './run.ts'
import { printSteps, type Step } from './steps.ts'

const one = process.env['MOZZIE_MODEL_SEED']
const FIRST_SEED = 1
const SEQUENCES_MAX = 4000
const BUDGET_MS = 9000
const LEVEL_SEQUENCES = 30
const THREADED_SEQUENCES = 200
const FOUND = join(process.cwd(), 'tests', 'model', 'found')

const makeTarget =
  (kind: StoreKind, cores = 1): MakeTarget =>
  () =>
    createCoreTarget(kind, cores)

async function check(seed: number, make: MakeTarget): Promise<void> {
  const outcome = await runSeed(seed, make)
  if (outcome.fault === null) return
  const { fault, steps, transcript } = await shrink(outcome, make)
  const shown = `${printSteps(steps)}\n\n${transcript.join('\n')}`
  assert.fail(`MOZZIE_MODEL_SEED=${seed}: ${fault}\n\n${shown}`)
}

for (const kind of ['none', 'disk'] as const)
  test(`the broker does what the model of the standard does (store: ${kind})`, async (t) => {
    const first = one === undefined ? FIRST_SEED : Number(one)
    const count = one === undefined ? SEQUENCES_MAX / 2 : 1
    const started = performance.now()
    let seed = first
    for (; seed < first + count && performance.now() - started < BUDGET_MS; seed++)
      await check(seed, makeTarget(kind))
    t.diagnostic(`seeds from ${first} to ${seed}`)
  })

for (const cores of [1, 2])
  test(`the broker does what the model of the standard does (store: LevelDB, threads: ${cores})`, async (t) => {
    const first = one === undefined ? FIRST_SEED : Number(one)
    const count = one === undefined ? LEVEL_SEQUENCES / cores : 1
    for (let seed = first; seed < first + count; seed++)
      await check(seed, makeTarget('level', cores))
    t.diagnostic(`seeds from ${first} to ${first + count}`)
  })

/** The same seeds as above, where one core plays them; two thousand of them: `npm run model:threads`. */
for (const cores of [2, 4])
  test(`${cores} threads do what one does, whichever of them a client lands in`, async (t) => {
    const first = one === undefined ? FIRST_SEED : Number(one)
    const count = one === undefined ? THREADED_SEQUENCES : 1
    const started = performance.now()
    let seed = first
    for (; seed < first + count && performance.now() - started < BUDGET_MS; seed++)
      await check(seed, makeTarget(seed % 2 === 0 ? 'disk' : 'none', cores))
    t.diagnostic(`seeds from ${first} to ${seed}`)
  })

for (const file of readdirSync(FOUND).sort())
  for (const [kind, cores] of [
    ['none', 1],
    ['disk', 1],
    ['level', 1],
    ['none', 2],
    ['disk', 2],
    ['none', 3],
    ['disk', 3],
  ] as const)
    test(`found before: ${file.replace(/\.jsonl$/, '')} (${kind}, threads: ${cores})`, async () => {
      const lines = readFileSync(join(FOUND, file), 'utf8').trim().split('\n')
      const outcome = await runSteps(
        lines.map((line) => JSON.parse(line) as Step),
        makeTarget(kind, cores),
      )
      assert.equal(outcome.fault, null, outcome.transcript.join('\n'))
    })

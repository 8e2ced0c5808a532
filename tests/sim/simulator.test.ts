// Replay one seed with MOZZIE_SIM_SEED=n, run more of them with MOZZIE_SIM_SEEDS=count.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoreFaults } from './crash-store.ts'
import { simulate } from './scenario.ts'

const one = process.env['MOZZIE_SIM_SEED']
const count = Number(process.env['MOZZIE_SIM_SEEDS'] ?? 200)
const BUDGET_MS = 12_000

test('nothing acknowledged is lost, doubled or out of order, whatever breaks', (t) => {
  const first = one === undefined ? Math.floor(Math.random() * 1e9) : Number(one)
  const started = performance.now()
  let seed = first
  for (; seed < first + (one === undefined ? count : 1); seed++) {
    const problems = simulate(seed)
    const shown = problems.slice(0, 10).join('\n')
    assert.deepEqual(problems.length, 0, `MOZZIE_SIM_SEED=${seed}\n${shown}`)
    if (process.env['MOZZIE_SIM_SEEDS'] === undefined && performance.now() - started > BUDGET_MS)
      break
  }
  t.diagnostic(`seeds from ${first} to ${seed}`)
})

const CANARIES: readonly { what: string; faults: StoreFaults; found: RegExp }[] = [
  { what: 'loses entries it called safe', faults: { loseAppendEvery: 7 }, found: /lost/ },
  { what: 'calls batches safe too early', faults: { commitEarly: true }, found: /lost/ },
  { what: 'forgets releases', faults: { loseReleases: true }, found: /times/ },
]

for (const { what, faults, found } of CANARIES) {
  test(`canary: a store that ${what} is found out`, () => {
    for (let seed = 0; seed < 30; seed++)
      if (simulate(seed, faults).some((problem) => found.test(problem))) return
    assert.fail('thirty runs, and nobody noticed')
  })
}

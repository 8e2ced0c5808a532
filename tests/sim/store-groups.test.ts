// Replay one seed with MOZZIE_SIM_SEED=n, run more of them with MOZZIE_SIM_SEEDS=count.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateGroups } from './store-groups.ts'

const one = process.env['MOZZIE_SIM_SEED']
const asked = process.env['MOZZIE_SIM_SEEDS']
const count = Number(asked ?? 5000)
const BUDGET_MS = 8000

test('no queue loses a message, whatever ends while a group is on its way to the disk', async (t) => {
  const first = one === undefined ? Math.floor(Math.random() * 1e9) : Number(one)
  const started = performance.now()
  let seed = first
  for (; seed < first + (one === undefined ? count : 1); seed++) {
    const problems = await simulateGroups(seed)
    assert.deepEqual(problems, [], `MOZZIE_SIM_SEED=${seed}`)
    if (asked === undefined && performance.now() - started > BUDGET_MS) break
  }
  t.diagnostic(`seeds from ${first} to ${seed}`)
})

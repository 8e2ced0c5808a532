// Replay one seed with MOZZIE_SIM_SEED=n, run more of them with MOZZIE_SIM_SEEDS=count.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store } from '../../src/broker/ports.ts'
import { simulate } from './scenario.ts'

const one = process.env['MOZZIE_SIM_SEED']
const count = Number(process.env['MOZZIE_SIM_SEEDS'] ?? 200)
const BUDGET_MS = 15_000

test('nothing acknowledged is lost, doubled or out of order, whatever breaks', () => {
  const first = one === undefined ? Math.floor(Math.random() * 1e9) : Number(one)
  const started = performance.now()
  for (let seed = first; seed < first + (one === undefined ? count : 1); seed++) {
    const problems = simulate(seed)
    const shown = problems.slice(0, 10).join('\n')
    assert.deepEqual(problems.length, 0, `MOZZIE_SIM_SEED=${seed}\n${shown}`)
    if (process.env['MOZZIE_SIM_SEEDS'] === undefined && performance.now() - started > BUDGET_MS)
      break
  }
})

test('canary: a store that forgets entries is found out', () => {
  let appended = 0
  const forgetful = (store: Store): Store =>
    new Proxy(store, {
      get(target, name: keyof Store) {
        if (name === 'survives') return target.survives
        if (name !== 'append') return target[name].bind(target)
        return (...args: Parameters<Store['append']>) =>
          ++appended % 7 === 0 ? args[1] : target.append(...args)
      },
    })
  const found = Array.from({ length: 10 }, (_, seed) => simulate(seed, forgetful)).some(
    (problems) => problems.some((problem) => problem.includes('lost')),
  )
  assert.ok(found, 'ten runs on a forgetful store, and no message was missed')
})

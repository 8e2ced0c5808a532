// Replay with MOZZIE_CRASH_SEED=n; many more rounds: npm run crash -- --rounds 500 --qos 2.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from './ledger.ts'
import { ACKNOWLEDGED_MIN, runCrashes } from './harness.ts'

const seed = Number(process.env['MOZZIE_CRASH_SEED'] ?? Date.now() % 1e9)

for (const { qos, rounds } of [
  { qos: 1, rounds: 12 },
  { qos: 2, rounds: 13 },
] as const)
  test(`QoS ${qos}: nothing acknowledged is lost, doubled or out of order when the broker is killed`, async (t) => {
    t.diagnostic(`MOZZIE_CRASH_SEED=${seed}`)
    const result = await runCrashes({ rounds, seed, qos })
    t.diagnostic(JSON.stringify(result.deaths))
    assert.deepEqual(result.lost, [], `MOZZIE_CRASH_SEED=${seed}`)
    assert.deepEqual(result.violations, [], `MOZZIE_CRASH_SEED=${seed}`)
    assert.equal(result.inversions, 0, `MOZZIE_CRASH_SEED=${seed}`)
    if (qos === 2) assert.equal(result.twice, 0, `MOZZIE_CRASH_SEED=${seed}`)
    assert.equal(result.received, result.published * 3)
    const least = ACKNOWLEDGED_MIN * (result.deaths['random moment'] ?? 0)
    assert.ok(result.published >= least, `${result.published} published, at least ${least}`)
  })

for (const threads of [2, 4])
  test(`the same with ${threads} threads`, async (t) => {
    t.diagnostic(`MOZZIE_CRASH_SEED=${seed}`)
    const config = `thread_count ${threads}`
    const result = await runCrashes({ rounds: 3, seed, qos: 2, config })
    const { lost, violations, inversions, twice } = result
    const faults = { lost, violations, inversions, twice }
    assert.deepEqual(faults, { lost: [], violations: [], inversions: 0, twice: 0 }, `seed ${seed}`)
  })

test('canary: a broker that keeps nothing is found out', async () => {
  const config = 'persistence false'
  const result = await runCrashes({ rounds: 1, seed, qos: 1, config, silenceMs: 500 })
  assert.ok(result.violations.some((text) => text.includes('its session was lost')))
})

test('the ledger tells gaps, repeats and late arrivals apart', () => {
  const ledger = new Ledger()
  for (const number of [1, 2, 5, 4, 5, 5]) ledger.note('a', number)
  ledger.note('b', 1)
  assert.deepEqual(ledger.figures(), { received: 5, twice: 2, inversions: 1 })
  assert.deepEqual(ledger.missing({ a: 6, b: 1, c: 2 }), ['a 3', 'a 6', 'c 1', 'c 2'])
})

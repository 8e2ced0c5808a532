// Replay with MOZZIE_STORM_SEED=n; many more worlds: MOZZIE_STORMS=1000.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stormOf } from './two-brokers.ts'

const first = Number(process.env['MOZZIE_STORM_SEED'] ?? Date.now() % 1e9)
const count = Number(process.env['MOZZIE_STORMS'] ?? 15)

for (const version of [3, 4, 5] as const)
  for (const qos of [1, 2] as const)
    test(`version ${version}, QoS ${qos}: whatever happens to a bridge, nothing is lost, doubled or out of order`, (t) => {
      t.diagnostic(`MOZZIE_STORM_SEED=${first}`)
      for (let seed = first; seed < first + count; seed++)
        assert.deepEqual(
          stormOf(seed, version, qos),
          [],
          `MOZZIE_STORM_SEED=${seed} MOZZIE_STORMS=1`,
        )
    })

test('canary: a bridge whose remote keeps no session is found out', () => {
  const seeds = Array.from({ length: 5 }, (_, n) => first + n)
  const problems = seeds.flatMap((seed) => stormOf(seed, 5, 1, { cleanSession: true }))
  assert.ok(problems.some((text) => text.startsWith('from there: sent')))
})

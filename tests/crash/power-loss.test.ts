// Replay with MOZZIE_CRASH_SEED=n; more cuts: npm run crash -- --power-loss 200.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPowerLoss } from './power-loss.ts'

const seed = Number(process.env['MOZZIE_CRASH_SEED'] ?? Date.now() % 1e9)
const skip = process.platform === 'linux' ? false : 'needs /proc to see that a process stands still'

test(
  'a power cut loses nothing that was acknowledged, whatever the disk kept of the rest',
  { skip },
  async (t) => {
    const { lost, violations, twice, ...figures } = await runPowerLoss({ cuts: 20, seed })
    t.diagnostic(`MOZZIE_CRASH_SEED=${seed} ${JSON.stringify(figures)}`)
    assert.deepEqual(lost, [], `MOZZIE_CRASH_SEED=${seed}`)
    assert.deepEqual(violations, [], `MOZZIE_CRASH_SEED=${seed}`)
    assert.equal(twice, 0, `MOZZIE_CRASH_SEED=${seed}`)
    assert.ok(figures.acknowledged > 100)
  },
)

test('nor does one of a broker with two threads', { skip }, async (t) => {
  const cut = await runPowerLoss({ cuts: 4, seed, config: 'thread_count 2' })
  const { lost, violations, twice, ...figures } = cut
  t.diagnostic(`MOZZIE_CRASH_SEED=${seed} ${JSON.stringify(figures)}`)
  assert.deepEqual({ lost, violations, twice }, { lost: [], violations: [], twice: 0 })
})

test('canary: without syncs a power cut is noticed', { skip }, async () => {
  const config = 'persistence_sync never'
  // Messages are missing; or the store itself sees that something is, and is refused.
  const found = await runPowerLoss({ cuts: 5, seed, config, silenceMs: 500 }).then(
    ({ lost, violations }) => [...lost, ...violations],
    (error: Error) => [error.message],
  )
  assert.ok(found.length > 0)
  assert.match(found[0], /cut \d+: |its session was lost|is damaged/)
})

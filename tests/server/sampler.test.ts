/** What the broker remembers of itself while its clock is moved. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Stats } from '../../src/ports/stats.ts'
import { createSampler, type Sampler } from '../../src/telemetry/sampler.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

const NO_COUNTS = {
  sessions: 0,
  connected: 0,
  sockets: 7,
  retained: 0,
  retainedBytes: 0,
  queued: 0,
  queuedBytes: 0,
  subscriptions: 0,
  sharedSubscriptions: 0,
  outputBytes: 0,
  outputPackets: 0,
}

/** One sample before the clock is set, one behind. */
function lookedAround(t: TestContext, fromMs: number, toMs: number): Sampler {
  let nowMs = fromMs
  t.mock.method(Date, 'now', () => nowMs)
  t.mock.timers.enable({ apis: ['setInterval'] })
  const sampler = createSampler({ stats: new Stats(), counts: () => NO_COUNTS })
  t.after(() => sampler.stop())
  nowMs = toMs
  t.mock.timers.tick(SECOND)
  return sampler
}

test('a clock that was in 1970 and is set costs no time', (t) => {
  const startMs = performance.now()
  const sampler = lookedAround(t, 10 * SECOND, Date.UTC(2026, 0, 1))
  assert.ok(performance.now() - startMs < 2000)
  assert.equal(sampler.history(['connections'], 1, 1).metrics['connections'][0], 7)
})

test('the day before knows nothing of hours in which nobody looked', (t) => {
  const sampler = lookedAround(t, Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) + DAY / 2)
  const { metrics } = sampler.history(['connections'], DAY / SECOND, 24 * 60)
  assert.deepEqual(
    metrics['connections'].filter((mean) => mean !== null),
    [7],
  )
})

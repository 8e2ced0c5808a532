// Replay with MOZZIE_CRASH_SEED=n; many more rounds: npm run crash -- --bridge 100.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { runBridge, type Ride } from './bridge-ride.ts'

const seed = Number(process.env['MOZZIE_CRASH_SEED'] ?? Date.now() % 1e9)
const rides: readonly Ride[] = [
  { peer: 'mozzie', version: 'mqttv50', qos: 2 },
  { peer: 'mosquitto', version: 'mqttv311', qos: 2 },
]

// Side by side: most of it is waiting.
describe(
  'over a bridge nothing is lost, doubled or out of order when brokers are killed',
  {
    concurrency: true,
  },
  () => {
    for (const ride of rides)
      test(
        `QoS ${ride.qos}, to ${ride.peer}`,
        { skip: ride.peer === 'mosquitto' && !existsSync('/usr/sbin/mosquitto') && 'no mosquitto' },
        async (t) => {
          t.diagnostic(`MOZZIE_CRASH_SEED=${seed}`)
          const result = await runBridge({ ...ride, rounds: 3, seed })
          t.diagnostic(JSON.stringify(result.deaths))
          assert.deepEqual(result.lost, [], `MOZZIE_CRASH_SEED=${seed}`)
          assert.deepEqual(result.violations, [], `MOZZIE_CRASH_SEED=${seed}`)
          assert.equal(result.inversions, 0, `MOZZIE_CRASH_SEED=${seed}`)
          assert.equal(result.twice, 0, `MOZZIE_CRASH_SEED=${seed}`)
          assert.ok(result.published > 100 && result.received === result.published * 3)
        },
      )
  },
)

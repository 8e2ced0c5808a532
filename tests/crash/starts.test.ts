// Replay with MOZZIE_CRASH_SEED=n; more rounds: npm run crash -- --starts 140.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testMsMax } from '../support/patience.ts'
import { HARMS, runStarts } from './starts.ts'

const seed = Number(process.env['MOZZIE_CRASH_SEED'] ?? Date.now() % 1e9)

test(
  'a start that is cut short, or finds no files or space, in any of its pieces loses nothing and tells nothing twice',
  { timeout: testMsMax },
  async (t) => {
    const { pieces, harms, wrong } = await runStarts(2 * Object.keys(HARMS).length, seed)
    t.diagnostic(`MOZZIE_CRASH_SEED=${seed} ${JSON.stringify({ pieces, harms })}`)
    assert.deepEqual(wrong, [], `MOZZIE_CRASH_SEED=${seed}`)
    assert.ok(pieces >= 4, `${pieces} pieces`)
  },
)

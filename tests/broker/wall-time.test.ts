import assert from 'node:assert/strict'
import { test } from 'node:test'
import { highBitsOf, lowBitsOf, timeOf } from '../../src/base/wall-time.ts'
import { Session } from '../../src/broker/state/model.ts'
import { LevelSession } from '../../src/store/level/level-session.ts'

const TIMES = [0, 1, 1000, 8191, 8192, Date.UTC(2026, 10, 28, 9, 30, 1, 999)]
// Where 31 and 32 bits of seconds end; a clock may be anywhere.
const LATER = [2 ** 31 * 1000, 2 ** 32 * 1000 - 1, 2 ** 32 * 1000, Date.UTC(3000, 0)]

test('when a client left is kept to the millisecond, whatever the clock says', () => {
  const session = new Session('c', null, 5, true)
  const row = { clientId: 'c', username: null, version: 5, expirySeconds: 60, will: null } as const
  for (const ms of [...TIMES, ...LATER, -1]) {
    if (ms >= 0) assert.equal(timeOf(highBitsOf(ms), lowBitsOf(ms)), ms)
    session.disconnectedAtMs = ms
    assert.equal(session.disconnectedAtMs, ms)
    assert.ok(session.durable && session.version === 5 && !session.ended)
    const stored = new LevelSession(1, { ...row, disconnectedAtMs: ms })
    assert.deepEqual(stored.record, { ...row, disconnectedAtMs: ms })
  }
})

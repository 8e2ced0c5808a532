import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { runBackups } from '../crash/backups.ts'

test('a copy has all that was written before, however slow it is and however fast logs go', async (t) => {
  const value = randomBytes(200_000)
  const { missing, ...figures } = await runBackups({
    copies: 3,
    pauseMs: 200,
    value,
    bytesPerSecond: 40e6,
  })
  t.diagnostic(JSON.stringify(figures))
  assert.deepEqual(missing, [])
  assert.ok(figures.written > 100)
})

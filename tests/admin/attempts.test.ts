import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAttempts } from '../../src/admin/attempts.ts'

const ADDRESS = '192.0.2.1'

/** Each asks, and ends as `isRight` says; resolves to how long each was told to wait. */
function all(
  count: number,
  attempts: ReturnType<typeof createAttempts>,
  isRight: boolean,
): Promise<number[]> {
  const one = async (): Promise<number> => {
    const seconds = await attempts.begin(ADDRESS)
    if (seconds > 0) return seconds
    await new Promise(setImmediate)
    attempts.ended(ADDRESS, isRight)
    return 0
  }
  return Promise.all(Array.from({ length: count }, one))
}

test('of thousands that wait from one address each is looked at a few times, not once for each other', async () => {
  let looks = 0
  const attempts = createAttempts(() => {
    looks++
    return 0
  })
  await attempts.begin(ADDRESS)
  attempts.ended(ADDRESS, false)
  assert.deepEqual(new Set(await all(2000, attempts, true)), new Set([0]))
  assert.ok(looks < 10 * 2000, String(looks))
})

test('all that wait are told to come again once five were wrong', async () => {
  const attempts = createAttempts(() => 0)
  const told = await all(500, attempts, false)
  assert.deepEqual(
    [
      told.filter((seconds) => seconds === 0).length,
      told.filter((seconds) => seconds === 60).length,
    ],
    [5, 495],
  )
})

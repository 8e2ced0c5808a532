import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createRecentCounts } from '../../src/auth/recent-counts.ts'

const WINDOW_MS = 1000
const LONG = 60_000
const NAMES = 2000
const BYTES_MAX = 8 << 20

test('long names count each for itself, and are forgotten by name', () => {
  const counts = createRecentCounts()
  const [one, other] = ['a', 'b'].map((end) => 'x'.repeat(LONG) + end)
  const note = (name: string) => counts.note(name, 0, WINDOW_MS)
  assert.deepEqual([note(one), note(one), note(other)], [1, 2, 1])
  counts.forget(one)
  assert.deepEqual([note(one), note(other)], [1, 2])
})

test('however long names are that strangers invent, they take no room', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const counts = createRecentCounts()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let count = 0; count < NAMES; count++)
    counts.note(randomBytes(LONG / 2).toString('hex'), 0, WINDOW_MS)
  collect()
  assert.ok(process.memoryUsage().heapUsed - before < BYTES_MAX)
  assert.equal(counts.note('one more', 0, WINDOW_MS), 1)
})

/** Garbage of arrays is known as such, and the collector is made to come for it, in steps. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGarbageWatch } from '../../src/server/garbage-watch.ts'
import { processMsMax } from '../support/patience.ts'

const MB = 1 << 20

test('garbage leaves no room for more until it is collected, and then all of it', async () => {
  const watch = createGarbageWatch(() => 0)
  const limit = 200 * MB
  assert.ok(watch.look() < 10 * MB)
  assert.ok(watch.room(limit, 0) > 80 * MB)
  // Threads that all read at once have no more than that together.
  assert.ok(watch.room(limit, 0, 4) < 26 * MB)
  let arrays: Uint8Array[] = Array.from({ length: 200 }, () => new Uint8Array(MB).fill(1))
  // Only what lives counts as known; that these do is known to nobody.
  watch.look()
  assert.ok(arrays.length > 0 && watch.garbage > 190 * MB, `${watch.garbage} bytes`)
  arrays = []
  assert.ok(watch.room(limit, 20 * MB) < limit * 0.03)
  assert.equal(watch.room(0, 20 * MB), Infinity)
  const deadline = performance.now() + processMsMax
  for (; watch.look() > 20 * MB || watch.garbage > 20 * MB; await sleep(50)) {
    assert.ok(performance.now() < deadline, `${watch.garbage} bytes of garbage`)
    watch.room(limit, 20 * MB)
  }
  assert.ok(watch.room(limit, 20 * MB) > 80 * MB)
})

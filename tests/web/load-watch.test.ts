/** When the page keeps one message of several. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Load } from '../../web/src/worker/load.ts'

/** Ticks so many times, `ms` apart, `messages` in between. */
function pass(ticks: number, ms: number, messages: number, keepEvery = 1): number {
  const capture = { received: 0, keepEvery }
  let nowMs = 1000
  const load = new Load(capture, nowMs)
  for (let tick = 0; tick < ticks; tick++) {
    nowMs += ms
    capture.received += messages
    load.tick(nowMs)
  }
  return capture.keepEvery
}

test('every message is kept while few come, however late the clock is', () => {
  assert.equal(pass(100, 3000, 1), 1)
  assert.equal(pass(100, 1000, 150), 1)
})

test('every message is kept while the clock is in time, however many come', () => {
  assert.equal(pass(100, 60, 5000), 1)
})

test('one message of several is kept when many come and the clock is late', () => {
  assert.ok(pass(4, 500, 5000) > 1)
})

test('all are kept again when it has been calm for a while, or few came', () => {
  assert.equal(pass(60, 50, 5000, 2), 1)
  assert.equal(pass(60, 2000, 0, 2), 1)
})

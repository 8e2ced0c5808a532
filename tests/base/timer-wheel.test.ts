import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TimerWheel, type Timer } from '../../src/base/timer-wheel.ts'

const SLOT_MS = 100

test('timers fire once, never early, at most a slot late, and not when cancelled', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 200_000 }).map((inMs) => ({ inMs })) },
    { weight: 2, arbitrary: fc.nat().map((cancel) => ({ cancel })) },
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 3000 }).map((wait) => ({ wait })) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 150_000 }).map((wait) => ({ wait })) },
  )
  fc.assert(
    fc.property(fc.nat(1e9), fc.array(step, { maxLength: 100 }), (startMs, steps) => {
      let nowMs = startMs
      const wheel = new TimerWheel(nowMs, SLOT_MS)
      const pending = new Map<Timer, number>()
      const armed: Timer[] = []
      for (const each of steps) {
        if ('inMs' in each) {
          const dueMs = nowMs + each.inMs
          const timer = wheel.arm(dueMs, () => {
            assert.ok(pending.delete(timer), 'fired twice, or cancelled')
            assert.ok(nowMs >= dueMs, `${dueMs - nowMs} ms early`)
          })
          pending.set(timer, dueMs)
          armed.push(timer)
        } else if ('cancel' in each && armed.length > 0) {
          const timer = armed[each.cancel % armed.length]
          wheel.cancel(timer)
          pending.delete(timer)
        } else if ('wait' in each) {
          nowMs += each.wait
          wheel.advance(nowMs)
          for (const dueMs of pending.values())
            assert.ok(dueMs > nowMs - SLOT_MS, `${nowMs - dueMs} ms late`)
        }
        assert.equal(wheel.size, pending.size)
      }
    }),
  )
})

for (const seconds of [2 ** 31 / 1000, 2 ** 31, 0xfffffffe, 0xffffffff]) {
  test(`a timer ${seconds} s away does not fire before its time`, () => {
    const wheel = new TimerWheel(0)
    let fired = 0
    wheel.arm(seconds * 1000, () => fired++)
    for (let nowMs = 0; nowMs <= 200_000; nowMs += 100) wheel.advance(nowMs)
    for (const share of [0.25, 0.5, 0.75]) wheel.advance(seconds * 1000 * share)
    wheel.advance(seconds * 1000 - 1)
    assert.equal(fired, 0)
    wheel.advance(seconds * 1000 + SLOT_MS)
    assert.equal(fired, 1)
    assert.equal(wheel.size, 0)
  })
}

test('a timer armed from a callback fires in its own time', () => {
  const wheel = new TimerWheel(0)
  const fired: number[] = []
  let nowMs = 0
  const again = () => {
    fired.push(nowMs)
    if (fired.length < 5) wheel.arm(nowMs + 1000, again)
  }
  wheel.arm(1000, again)
  for (nowMs = 0; nowMs <= 10_000; nowMs += 100) wheel.advance(nowMs)
  assert.deepEqual(fired, [1000, 2000, 3000, 4000, 5000])
})

test('a timer cancelled by another one of the same slot does not fire', () => {
  const wheel = new TimerWheel(0)
  let fired = 0
  wheel.arm(500, () => wheel.cancel(second))
  const second = wheel.arm(500, () => fired++)
  wheel.advance(1000)
  assert.equal(fired, 0)
  assert.equal(wheel.size, 0)
})

test('cancelling nothing, twice, or a timer that has fired is harmless', () => {
  const wheel = new TimerWheel(0)
  let fired = 0
  const timer = wheel.arm(100, () => fired++)
  wheel.advance(200)
  wheel.cancel(timer)
  wheel.cancel(timer)
  wheel.cancel(null)
  assert.deepEqual([fired, wheel.size], [1, 0])
})

test('after a long pause everything due fires in one advance', () => {
  const wheel = new TimerWheel(0)
  let fired = 0
  for (let dueMs = 0; dueMs < 100_000; dueMs += 37) wheel.arm(dueMs, () => fired++)
  wheel.advance(1_000_000)
  assert.equal(fired, Math.ceil(100_000 / 37))
  assert.equal(wheel.size, 0)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TimerWheel } from '../../src/base/timer-wheel.ts'

const DAY_MS = 86_400_000

test('a timer fires once, at the first advance that reaches it, never before', () => {
  const delays = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 30 })
  const steps = fc.array(fc.integer({ min: 100, max: 90_000 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(delays, steps, (delaysMs, stepsMs) => {
      const wheel = new TimerWheel(1000)
      const firedAt = delaysMs.map(() => [] as number[])
      let now = 1000
      for (const [index, delay] of delaysMs.entries())
        wheel.arm(1000 + delay, () => firedAt[index].push(now))
      const times = stepsMs.map((step) => {
        now += step
        wheel.advance(now)
        return now
      })
      for (const [index, delay] of delaysMs.entries()) {
        const due = times.find((time) => time >= Math.ceil((1000 + delay) / 100) * 100)
        assert.deepEqual(firedAt[index], due === undefined ? [] : [due])
      }
    }),
  )
})

test('0xFFFFFFFE seconds do not pass in a month', () => {
  const wheel = new TimerWheel(0)
  let fired = false
  wheel.arm(0xfffffffe * 1000, () => (fired = true))
  for (let day = 1; day <= 30; day++) wheel.advance(day * DAY_MS)
  assert.equal(fired, false)
  assert.equal(wheel.size, 1)
})

test('a cancelled timer never fires, and cancelling twice counts once', () => {
  const wheel = new TimerWheel(0)
  let fired = false
  const timer = wheel.arm(500, () => (fired = true))
  wheel.cancel(timer)
  wheel.cancel(timer)
  wheel.advance(DAY_MS)
  assert.equal(fired, false)
  assert.equal(wheel.size, 0)
})

test('a timer armed by a timer waits for the next advance', () => {
  const wheel = new TimerWheel(0)
  const fired: string[] = []
  wheel.arm(100, () => {
    fired.push('first')
    wheel.arm(100, () => fired.push('second'))
  })
  wheel.advance(200)
  assert.deepEqual(fired, ['first'])
  wheel.advance(300)
  assert.deepEqual(fired, ['first', 'second'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLoginThrottle, type LoginThrottle } from '../../src/auth/login-throttle.ts'

/** A throttle in a time of the test's own; `delays` of the answers so far, -1 while one is held. */
function throttleInTime() {
  let now = 0
  const timers: { atMs: number; call: () => void }[] = []
  const throttle: LoginThrottle = createLoginThrottle({
    nowMs: () => now,
    later: (delayMs, call) => void timers.push({ atMs: now + delayMs, call }),
  })
  return {
    throttle,
    fail(address: string, user: string): number {
      const before = timers.length
      let answered = false
      throttle.failed(address, user, () => (answered = true))
      return answered ? 0 : timers[before].atMs - now
    },
    pass(ms: number): void {
      now += ms
      for (const timer of timers.splice(0)) {
        if (timer.atMs <= now) timer.call()
        else timers.push(timer)
      }
    },
  }
}

test('ten failures a minute are free, each further one waits longer, up to 8 s', () => {
  const { fail } = throttleInTime()
  for (let count = 0; count < 10; count++) assert.equal(fail('a', 'u'), 0)
  assert.deepEqual([fail('a', 'u'), fail('a', 'u'), fail('a', 'u')], [500, 1000, 1500])
  for (let count = 0; count < 15; count++) fail('a', 'u')
  assert.equal(fail('a', 'u'), 8000)
})

test('many addresses for one user, and one address for many users, are slowed alike', () => {
  const many = throttleInTime()
  for (let count = 0; count < 10; count++) many.fail(`a${count}`, 'u')
  assert.equal(many.fail('elsewhere', 'u'), 500)
  assert.equal(many.fail('elsewhere', 'v'), 0)
  const one = throttleInTime()
  for (let count = 0; count < 10; count++) one.fail('a', `u${count}`)
  assert.equal(one.fail('a', 'v'), 500)
  assert.equal(one.fail('elsewhere', 'v'), 0)
})

test('a minute later all is forgotten', () => {
  const { fail, pass } = throttleInTime()
  for (let count = 0; count < 20; count++) fail('a', 'u')
  pass(60_000)
  assert.equal(fail('a', 'u'), 0)
})

test('one user at one address has 20 answers held, others there go on, until some are out', () => {
  const { throttle, fail, pass } = throttleInTime()
  for (let count = 0; count < 29; count++) fail('a', 'u')
  assert.equal(throttle.isExhausted('a', 'u'), false)
  fail('a', 'u')
  assert.equal(throttle.isExhausted('a', 'u'), true)
  assert.equal(throttle.isExhausted('a', 'v'), false)
  assert.equal(throttle.isExhausted('b', 'u'), false)
  pass(500)
  assert.equal(throttle.isExhausted('a', 'u'), false)
})

test('one address has 200 answers held', () => {
  const { throttle, fail } = throttleInTime()
  for (let count = 0; count < 210; count++) fail('a', `u${count}`)
  assert.equal(throttle.isExhausted('a', 'new'), true)
  assert.equal(throttle.isExhausted('b', 'new'), false)
})

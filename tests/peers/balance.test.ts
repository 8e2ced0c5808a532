import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Balance } from '../../src/threads/balance.ts'

function balance(open: number[]) {
  const [places, ticks] = [Int32Array.from(open), new Int32Array(open.length)]
  const changes: boolean[] = []
  const balance = new Balance(places, ticks, 0)
  balance.onChange = (takes) => changes.push(takes)
  /** Ticks of this thread; those in `turning` tick too. */
  const pass = (count: number, ...turning: number[]) => {
    for (let tick = 0; tick < count; tick++) {
      for (const place of turning) ticks[place]++
      balance.tick()
    }
  }
  return { balance, places, changes, pass }
}

test('a thread that has far more connections than another leaves them to it until that has caught up', () => {
  const { balance: one, places, changes } = balance([8, 0, 50])
  one.look()
  assert.deepEqual(changes, [])
  places[0]++
  one.look()
  assert.deepEqual(changes, [false])
  places[1] += 4
  one.look()
  assert.deepEqual(changes, [false])
  places[1]++
  one.look()
  assert.deepEqual(changes, [false, true])
})

test('an eighth more is not far more', () => {
  const { balance: one, places, changes } = balance([908, 800])
  one.look()
  places[0]++
  one.look()
  assert.deepEqual(changes, [false])
})

test('a thread that does not turn is not waited for', () => {
  const { places, changes, pass } = balance([100, 0])
  pass(1, 1)
  assert.deepEqual(changes, [false])
  pass(10)
  assert.deepEqual(changes, [false, true])
  pass(10, 1)
  assert.deepEqual(changes, [false, true, false])
  places[1] = 100
  pass(1, 1)
  assert.deepEqual(changes, [false, true, false, true])
})

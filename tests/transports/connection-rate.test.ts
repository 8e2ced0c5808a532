import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ConnectionRate } from '../../src/transports/connection-rate.ts'

/** Rates in virtual time, that count together as those of threads do. */
function ratesIn({ mock }: TestContext, count: number, perSecond: number) {
  mock.timers.enable({ apis: ['setInterval'] })
  let nowMs = 1_000_000
  const next = new BigInt64Array(new SharedArrayBuffer(8))
  const rates = Array.from(
    { length: count },
    () => new ConnectionRate(perSecond, next, () => BigInt(nowMs) * 1000n),
  )
  let entered = 0
  const enter = (): boolean => ++entered > 0
  return {
    rates,
    come: (rate: ConnectionRate, many = 1, address = 'one') => {
      for (let one = 0; one < many; one++) assert.equal(rate.pass({ address, enter }), true)
    },
    entered: () => entered,
    pass: (ms: number) => {
      for (let step = 0; step < ms; step++) {
        nowMs++
        mock.timers.tick(1)
      }
    },
  }
}

test('a rate below ten a second is kept too', (context) => {
  const { rates, come, entered, pass } = ratesIn(context, 1, 2)
  come(rates[0], 10)
  assert.equal(entered(), 1)
  pass(3000)
  assert.ok(entered() === 6 || entered() === 7, `${entered()} in 3 s`)
})

test('connections within the rate do not wait', (context) => {
  const { rates, come, entered, pass } = ratesIn(context, 1, 1000)
  for (let second = 1; second <= 1000; second++) {
    pass(2)
    come(rates[0])
    assert.equal(entered(), second)
  }
})

test('a storm has a tenth of a second’s at once, then the others one after the other', (context) => {
  const { rates, come, entered, pass } = ratesIn(context, 1, 1000)
  come(rates[0], 5000)
  assert.ok(entered() >= 100 && entered() <= 101, `${entered()} at once`)
  for (let tenth = 1; tenth <= 20; tenth++) {
    pass(100)
    assert.ok(Math.abs(entered() - 100 * (tenth + 1)) <= 11, `${entered()} after ${tenth}`)
  }
})

test('threads have one rate together', (context) => {
  const { rates, come, entered, pass } = ratesIn(context, 3, 1000)
  for (const rate of rates) come(rate, 2000)
  pass(2000)
  assert.ok(Math.abs(entered() - 2100) <= 11, `${entered()} in 2 s`)
})

test('who waits longer than ten seconds would is turned away', (context) => {
  const { rates, come, entered } = ratesIn(context, 1, 10)
  come(rates[0], 100)
  come(rates[0], entered())
  assert.equal(rates[0].pass({ address: 'one', enter: () => true }), false)
})

test('an address that has filled its line leaves others their turns, and room to wait for them', (context) => {
  const { rates, come, pass } = ratesIn(context, 1, 10)
  const [rate] = rates
  const crowd = { address: 'crowd', enter: () => true }
  while (rate.pass(crowd));
  const entered: string[] = []
  for (const address of ['b', 'c', 'b'])
    assert.equal(rate.pass({ address, enter: () => entered.push(address) > 0 }), true)
  assert.equal(rate.pass(crowd), false)
  pass(600)
  assert.deepEqual(entered, ['b', 'c', 'b'])
  come(rate, 1, 'crowd')
})

test('a limit that is taken away lets in who waits', (context) => {
  const { rates, come, entered, pass } = ratesIn(context, 1, 1)
  come(rates[0], 5)
  rates[0].perSecond = 0
  come(rates[0])
  assert.equal(entered(), 2)
  pass(10)
  assert.equal(entered(), 6)
})

test('the place of who left while it waited is the next one’s, however many did', (context) => {
  const { rates, come, entered, pass } = ratesIn(context, 1, 10)
  come(rates[0], 2)
  let asked = 0
  const left = { address: 'one', enter: (late: boolean) => (assert.ok(late), ++asked < 0) }
  for (let one = 0; one < 90; one++) rates[0].pass(left)
  come(rates[0], 5)
  const before = entered()
  pass(110)
  assert.equal(asked, 90)
  assert.equal(entered(), before + 1)
})

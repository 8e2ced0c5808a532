import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fifo } from '../../src/base/fifo.ts'

test('a fifo behaves as an array that is pushed and shifted', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.integer().map((value) => ({ push: value })) },
    { weight: 4, arbitrary: fc.constant({ shift: true }) },
    { weight: 1, arbitrary: fc.constant({ clear: true }) },
    { weight: 1, arbitrary: fc.nat().map((value) => ({ removeAt: value })) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      for (const each of steps) {
        if ('push' in each) {
          fifo.push(each.push)
          model.push(each.push)
        } else if ('removeAt' in each) {
          const index = each.removeAt % (model.length + 1)
          if (index === model.length) continue
          fifo.removeAt(index)
          model.splice(index, 1)
        } else if ('shift' in each) assert.equal(fifo.shift(), model.shift())
        else {
          fifo.clear()
          model.length = 0
        }
        assert.equal(fifo.length, model.length)
        assert.equal(fifo.peek(), model[0])
        assert.deepEqual([...fifo], model)
        assert.equal(fifo.at(model.length), undefined)
        if (model.length > 0) assert.equal(fifo.at(model.length - 1), model.at(-1))
      }
    }),
  )
})

test('a fifo keeps its order while it grows around its end', () => {
  const fifo = new Fifo<number>()
  let next = 0
  let expected = 0
  for (let round = 1; round < 200; round++) {
    for (let count = 0; count < round; count++) fifo.push(next++)
    for (let count = 0; count < round / 2; count++) assert.equal(fifo.shift(), expected++)
  }
  for (let value = fifo.shift(); value !== undefined; value = fifo.shift())
    assert.equal(value, expected++)
  assert.equal(expected, next)
})

test('a hundred thousand values pass through in linear time', () => {
  const fifo = new Fifo<number>()
  for (let value = 0; value < 100_000; value++) fifo.push(value)
  for (let value = 0; value < 100_000; value++) assert.equal(fifo.shift(), value)
  assert.equal(fifo.shift(), undefined)
})

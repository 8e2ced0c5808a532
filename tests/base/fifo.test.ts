import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fifo } from '../../src/base/fifo.ts'

test('a fifo does what an array with push and shift does', () => {
  const moves = fc.array(fc.oneof(fc.integer(), fc.constant('shift' as const)), { maxLength: 300 })
  fc.assert(
    fc.property(moves, (each) => {
      const fifo = new Fifo<number>()
      const array: number[] = []
      for (const move of each) {
        if (move === 'shift') assert.equal(fifo.shift(), array.shift())
        else {
          fifo.push(move)
          array.push(move)
        }
        assert.equal(fifo.length, array.length)
        assert.equal(fifo.peek(), array[0])
      }
      assert.deepEqual([...fifo], array)
    }),
  )
})

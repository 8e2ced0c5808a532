import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SmallMap } from '../../src/base/small-map.ts'

test('a small map is a Map, whatever its size', () => {
  const change = fc.record({ key: fc.integer({ min: 0, max: 3 }), put: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const [small, plain] = [new SmallMap<number, object>(), new Map<number, object>()]
      for (const { key, put } of changes) {
        if (put) {
          const value = { key }
          small.set(key, value)
          plain.set(key, value)
        } else assert.equal(small.delete(key), plain.delete(key))
        assert.deepEqual([...small.keys()], [...plain.keys()])
        assert.deepEqual([...small.values()], [...plain.values()])
        assert.equal(small.size, plain.size)
        for (let any = 0; any < 4; any++) {
          assert.equal(small.get(any), plain.get(any))
          assert.equal(small.has(any), plain.has(any))
        }
      }
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PacketTable } from '../../src/base/packet-table.ts'

test('a table behaves as a Map that is set and deleted', () => {
  const id = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 65_535 }))
  const change = fc.record({ id, value: fc.option(fc.nat()) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const table = new PacketTable<number>()
      const model = new Map<number, number>()
      for (const { id: key, value } of changes) {
        if (value === null) assert.equal(table.delete(key), model.delete(key))
        else {
          table.set(key, value)
          model.set(key, value)
        }
        assert.equal(table.size, model.size)
        assert.equal(table.get(key), model.get(key))
        assert.equal(table.has(key), model.has(key))
      }
      const byId = (left: [number, number], right: [number, number]) => left[0] - right[0]
      assert.deepEqual([...table.entries()].sort(byId), [...model].sort(byId))
    }),
  )
})

test('entries come oldest first, over the end of the identifiers too', () => {
  const table = new PacketTable<string>()
  for (const id of [3, 65_534, 65_535, 1, 2]) table.set(id, `${id}`)
  assert.deepEqual(
    table.entriesBehind(3).map(([id]) => id),
    [65_534, 65_535, 1, 2, 3],
  )
})

test('one identifier that stays does not make the table grow while 200,000 pass', () => {
  const table = new PacketTable<number>()
  table.set(7, -1)
  let id = 7
  for (let count = 0; count < 200_000; count++) {
    id = id === 65_535 ? 1 : id + 1
    if (id === 7) continue
    table.set(id, count)
    assert.equal(table.get(id), count)
    table.delete(id)
  }
  assert.equal(table.get(7), -1)
  assert.equal(table.size, 1)
  assert.equal((table as unknown as { ids: Uint16Array }).ids.length, 16)
})

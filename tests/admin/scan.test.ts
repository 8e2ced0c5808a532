import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PageCollector, pageOf } from '../../src/admin/scan.ts'

test('a page is what sorting everything and cutting it would give', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 300 }),
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 20 }),
      (values, page, pageSize) => {
        const byValue = (left: number, right: number): number => left - right
        const sorted = new PageCollector<number>({ page, pageSize }, byValue)
        const plain = new PageCollector<number>({ page, pageSize })
        for (const value of values) {
          sorted.add(value)
          plain.add(value)
        }
        const from = (page - 1) * pageSize
        const cut = (all: number[]): number[] => all.slice(from, from + pageSize)
        assert.deepEqual(sorted.page().items, cut(values.toSorted(byValue)))
        assert.deepEqual(plain.page().items, cut(values))
        assert.equal(sorted.page().total, values.length)
      },
    ),
  )
})

test('the best of many entries are found though few are kept', () => {
  const collector = new PageCollector<number>({ page: 2, pageSize: 5 }, (a, b) => a - b)
  for (let index = 0; index < 100_000; index++) collector.add((index * 7919) % 100_000)
  assert.deepEqual(collector.page().items, [5, 6, 7, 8, 9])
})

test('a search among half a million entries lets others work', async () => {
  function* entries(): IterableIterator<number> {
    for (let index = 0; index < 500_000; index++) yield index
  }
  let turns = 0
  const count = (): void => {
    turns++
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  const search = pageOf(
    entries(),
    (entry) => entry % 2 === 0,
    {},
    (a, b) => b - a,
  )
  const { items, total } = await search
  clearImmediate(timer)
  assert.equal(total, 250_000)
  assert.equal(items[0], 499_998)
  assert.ok(turns >= 250, `${turns} turns`)
})

test('more than four searches at a time are refused', async () => {
  const endless = (): Promise<unknown> => pageOf(Array(10_000).fill(0), () => true, {})
  const searches = [endless(), endless(), endless(), endless()]
  await assert.rejects(endless(), { statusCode: 503 })
  await Promise.all(searches)
  await endless()
})

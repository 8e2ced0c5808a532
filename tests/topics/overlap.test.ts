import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matches, topicFilterProblem } from '../../src/topics/names.ts'
import { covers, overlaps } from '../../src/topics/overlap.ts'

const words = ['a', 'b', '', '$x']
const names = words.flatMap((first) => [
  first,
  ...words.flatMap((second) => [
    `${first}/${second}`,
    ...words.map((third) => `${first}/${second}/${third}`),
  ]),
])
const level = fc.constantFrom('a', 'b', '', '+', '#', '$x')
const filter = fc
  .array(level, { minLength: 1, maxLength: 3 })
  .map((levels) => levels.join('/'))
  // Four levels would need longer names to be told apart.
  .filter((text) => topicFilterProblem(text) === null)

test('two filters overlap exactly when a name matches both', () => {
  fc.assert(
    fc.property(filter, filter, (left, right) => {
      const common = names.some((name) => matches(left, name) && matches(right, name))
      assert.equal(overlaps(left, right), common)
      assert.equal(overlaps(right, left), common)
    }),
    { numRuns: 3000 },
  )
})

test('a filter that covers another matches all that it matches', () => {
  fc.assert(
    fc.property(filter, filter, (wide, narrow) => {
      if (!covers(wide, narrow)) return
      for (const name of names) if (matches(narrow, name)) assert.ok(matches(wide, name), name)
    }),
    { numRuns: 3000 },
  )
})

for (const [wide, narrow, expected] of [
  ['#', 'a/+', true],
  ['a/#', 'a', true],
  ['a/#', 'a/#', true],
  ['a/+', 'a/b', true],
  ['a/+', 'a/#', false],
  ['+/b', '#', false],
  ['#', '$x/a', false],
  ['$x/#', '$x/+', true],
] as const)
  test(`'${wide}' ${expected ? 'covers' : 'does not cover'} '${narrow}'`, () => {
    assert.equal(covers(wide, narrow), expected)
  })

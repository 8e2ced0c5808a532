import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { integerAt } from '../../web/src/decode/json-path.ts'
import { sourceAt } from '../../web/src/decode/json-source.ts'
import { compileQuery, needlesOf, QueryError } from '../../web/src/capture/query.ts'

/** Every way into a value. */
function* pathsOf(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path
  if (Array.isArray(value))
    for (const [at, item] of value.entries()) yield* pathsOf(item, [...path, at])
  else if (typeof value === 'object' && value !== null)
    for (const [name, item] of Object.entries(value)) yield* pathsOf(item, [...path, name])
}

test('the source of every value in a document is the text that it was parsed from', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      for (const path of pathsOf(JSON.parse(text))) {
        const wanted = path.reduce<unknown>(
          (at, step) => (at as Record<string | number, unknown>)[step],
          JSON.parse(text),
        )
        assert.deepEqual(JSON.parse(sourceAt(text, path) ?? 'null'), wanted)
      }
    }),
    { numRuns: 300 },
  )
})

test('whole numbers keep all their digits', () => {
  const payload = new TextEncoder().encode('{"a":[{"id": 18446744073709551615}],"b":1.0}')
  assert.equal(integerAt(payload, '$.a[0].id'), 18446744073709551615n)
  assert.equal(integerAt(payload, '$.b'), null)
  assert.equal(integerAt(payload, '$.c'), null)
})

for (const query of [
  'qos:9',
  'qos:',
  'retain:yes',
  'dir:up',
  'size>big',
  '$.temp>>',
  '$.temp>',
  '$.a..b',
  '$.a!5',
  'topic:a/#/b',
  'size:9',
])
  test(`a search that cannot match says so: ${query}`, () =>
    assert.throws(() => compileQuery(query), QueryError))

test('what is marked in a hit is what was searched for as text', () => {
  assert.deepEqual(needlesOf('kitchen -hall topic:a/+ payload:"x y" qos:1 "two words" $.a>1'), [
    'kitchen',
    'x y',
    'two words',
  ])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareDecimals } from '../../web/src/decode/decimal.ts'
import { sourceAt } from '../../web/src/decode/json-source.ts'
import { compileQuery, marksOf, QueryError } from '../../web/src/capture/query.ts'

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

/** A number of at most 40 digits before and behind the point, and it as a whole number of 10^-80. */
const written = fc
  .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.integer({ min: -40, max: 40 }))
  .chain(([digits, power]) => {
    const text = `${digits}`
    const cut = text.length - (power < 0 ? Math.min(-power, text.replace('-', '').length - 1) : 0)
    const pointed = cut < text.length ? `${text.slice(0, cut)}.${text.slice(cut)}` : text
    return fc
      .constantFrom(
        `${text}e${power}`,
        ...(power < 0 && text.length - cut === -power ? [pointed] : []),
      )
      .map((source) => ({ source, exact: digits * 10n ** BigInt(power + 80) }))
  })

test('numbers are compared by all their digits, however they are written', () => {
  fc.assert(
    fc.property(written, written, (one, other) => {
      const order = compareDecimals(one.source, other.source)
      assert.equal(
        Math.sign(order ?? NaN),
        Number(one.exact > other.exact) - Number(one.exact < other.exact),
      )
      assert.equal(compareDecimals(one.source, `${one.exact}e-80`), 0)
      assert.ok((compareDecimals(one.source, `${one.exact + 1n}e-80`) ?? 0) < 0)
    }),
  )
  for (const text of ['', '.', '-', '0x10', 'Infinity', '1e', 'high'])
    assert.equal(compareDecimals(text, '1'), null)
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
  assert.deepEqual(marksOf('kitchen -hall topic:a/+ payload:"x y" qos:1 "two words" $.a>1 (a)'), [
    'kitchen',
    'x y',
    'two words',
    String.raw`\(a\)`,
  ])
})

test('pasted JSON is marked with whatever spaces it has in the hit', () => {
  const marks = marksOf('"id": 1')
  assert.deepEqual(
    ['{"id":1}', '{"id" : 1, "a":0}', '{"id": 17}'].map(
      (text) => new RegExp(marks.join('|')).exec(text)?.[0] ?? null,
    ),
    ['"id":1', '"id" : 1', null],
  )
})

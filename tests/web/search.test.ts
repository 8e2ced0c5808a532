/** What a search finds by value and by pasted JSON, whatever spaces and words there are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conditionQuery } from '../../web/src/capture/pivot.ts'
import { compileQuery, marksOf, QueryError } from '../../web/src/capture/query.ts'
import { preview } from '../../web/src/decode/preview.ts'
import { DEFAULT_VIEW } from '../../web/src/protocol/view.ts'
import { arrival, captured, utf8 } from './arrivals.ts'

const PASTED: [query: string, payloads: string[]][] = [
  ['"id":1', ['{"id": 1}', '{"id":1,"a":0}']],
  ['"id":17', ['{"id" : 17}']],
  // As it stands in the detail, where JSON is indented, with the comma behind it.
  ['"id": 1', ['{"id": 1}', '{"id":1,"a":0}']],
  ['"id" : 1,', ['{"id": 1}', '{"id":1,"a":0}']],
  ['-"id": 1 "id"', ['{"id" : 17}', '{"id":"low"}', '{"id":true}']],
  ['{"id":1', ['{"id": 1}', '{"id":1,"a":0}']],
  ['{ "id": 1 }', ['{"id": 1}']],
  ['{"id": 1, "a": 0}', ['{"id":1,"a":0}']],
  ['"id": 1, "a": 0', ['{"id":1,"a":0}']],
  ['"id":1,"a":0', ['{"id":1,"a":0}']],
  ['"id": "low"', ['{"id":"low"}']],
  ['$.id = 17', ['{"id" : 17}']],
  ['-$.id > 1 $.id', ['{"id": 1}', '{"id":1,"a":0}', '{"id":"low"}', '{"id":true}']],
  ['$.id>0', ['{"id": 1}', '{"id":1,"a":0}', '{"id" : 17}']],
  // A member of indented JSON whose value is a list or an object.
  ['"list": [\n  -1,\n  null\n],', ['{"list":[-1,null]}', '{"list": [ -1, null ], "z": 1}']],
  ['"list": { "a": -1,\n "b": null }', ['{"list":{"a":-1,"b":null}}']],
  ['"name":"a.b"', ['{"name": "a.b"}']],
]

for (const [query, expected] of PASTED) {
  test(`a search says what is pasted or compared: ${query}`, () => {
    const { capture, view } = captured()
    for (const payload of [
      '{"id": 1}',
      '{"id":1,"a":0}',
      '{"id" : 17}',
      '{"id":"low"}',
      '{"id":true}',
      '{"name": "a.b"}',
      '{"name": "aXb"}',
      '{"list":[-1,null]}',
      '{"list": [ -1, null ], "z": 1}',
      '{"list":{"a":-1,"b":null}}',
    ])
      capture.add(arrival('x', payload))
    view.show({ ...DEFAULT_VIEW, query })
    assert.deepEqual(
      view.snapshot().rows.map(({ preview }) => preview),
      expected.map((payload) => preview(utf8(payload), 'auto')),
    )
  })
}

for (const query of ['$["\\u"]', '$["a\\x"]=1', `{"a":[${'1,'.repeat(100_000)}1]}`])
  test(`what no search can be is named: ${query.slice(0, 20)}`, () => {
    assert.throws(() => compileQuery(query), QueryError)
  })

test('the length of a search breaks nothing', () => {
  const candidate = { ...arrival('x', 'a'), read: () => null }
  assert.equal(compileQuery(`${'-'.repeat(100_000)}a`)?.(candidate), true)
  assert.equal(compileQuery(`${'-'.repeat(100_001)}a`)?.(candidate), false)
  assert.equal(compileQuery('--')?.(candidate), true)
  assert.deepEqual(marksOf(`{"a":[${'1,'.repeat(100_000)}1]}`), [])
  assert.equal(conditionQuery(`a${' '.repeat(200_000)}b`), 'a b')
})

const NUMBERS: [query: string, payloads: string[]][] = [
  ['$.n=1724442618569203714', ['{"n":1724442618569203714}']],
  ['$.n>1724442618569203713', ['{"n":1724442618569203714}', '{"n":1e400}']],
  ['$.n<=1724442618569203713.5 $.n>2', ['{"n":1724442618569203713}', '{"n":12345678901234567.25}']],
  ['$.n=12345678901234567.26', []],
  ['$.n=12345678901234567.250', ['{"n":12345678901234567.25}']],
  ['$.n=0.1', ['{"n":0.1}', '{"n":"0.10"}']],
  ['$.n>0.1 $.n<0.2', ['{"n":0.10000000000000000001}']],
  ['$.n>1e399', ['{"n":1e400}']],
  ['$.n!=1724442618569203714 $.n>1e18', ['{"n":1724442618569203713}', '{"n":1e400}']],
]

for (const [query, expected] of NUMBERS)
  test(`a search for a number goes by all its digits: ${query}`, () => {
    const { capture, view } = captured()
    for (const payload of [
      '{"n":1724442618569203713}',
      '{"n":1724442618569203714}',
      '{"n":12345678901234567.25}',
      '{"n":0.1}',
      '{"n":"0.10"}',
      '{"n":0.10000000000000000001}',
      '{"n":1e400}',
    ])
      capture.add(arrival('x', payload))
    view.show({ ...DEFAULT_VIEW, query })
    assert.deepEqual(
      view.snapshot().rows.map(({ preview }) => preview),
      expected,
    )
  })

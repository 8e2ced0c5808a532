/** What a search finds by value and by pasted JSON, whatever spaces and words there are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Capture } from '../../web/src/capture/capture.ts'
import { View } from '../../web/src/capture/view.ts'
import { preview } from '../../web/src/decode/preview.ts'
import { DEFAULT_VIEW } from '../../web/src/protocol/view.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

const ARRIVAL = {
  topic: 'x',
  timeMs: 1000,
  outgoing: false,
  qos: 0,
  retain: false,
  dup: false,
  properties: null,
} as const

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
  ['"name":"a.b"', ['{"name": "a.b"}']],
]

for (const [query, expected] of PASTED) {
  test(`a search says what is pasted or compared: ${query}`, () => {
    const capture = new Capture({ messagesMax: 100, bytesMax: 10_000, topicsMax: 10 })
    const view = new View(capture)
    capture.onKept = (seq) => view.add(seq)
    for (const payload of [
      '{"id": 1}',
      '{"id":1,"a":0}',
      '{"id" : 17}',
      '{"id":"low"}',
      '{"id":true}',
      '{"name": "a.b"}',
      '{"name": "aXb"}',
    ])
      capture.add({ ...ARRIVAL, payload: utf8(payload) })
    view.show({ ...DEFAULT_VIEW, query })
    assert.deepEqual(
      view.snapshot().rows.map(({ preview }) => preview),
      expected.map((payload) => preview(utf8(payload), 'auto')),
    )
  })
}

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
    const capture = new Capture({ messagesMax: 100, bytesMax: 10_000, topicsMax: 10 })
    const view = new View(capture)
    capture.onKept = (seq) => view.add(seq)
    for (const payload of [
      '{"n":1724442618569203713}',
      '{"n":1724442618569203714}',
      '{"n":12345678901234567.25}',
      '{"n":0.1}',
      '{"n":"0.10"}',
      '{"n":0.10000000000000000001}',
      '{"n":1e400}',
    ])
      capture.add({ ...ARRIVAL, payload: utf8(payload) })
    view.show({ ...DEFAULT_VIEW, query })
    assert.deepEqual(
      view.snapshot().rows.map(({ preview }) => preview),
      expected,
    )
  })

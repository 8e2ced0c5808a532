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

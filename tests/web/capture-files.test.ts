/** What the page writes into files, and reads from them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { importRecords } from '../../web/src/capture/import.ts'
import { exportParts } from '../../web/src/capture/records.ts'
import { arrival, captured, utf8 } from './arrivals.ts'

test('what is exported as JSON lines comes back the same', () => {
  const { capture, view } = captured()
  capture.add(arrival('a', 'text', { qos: 1, retain: true, timeMs: 1_700_000_000_123 }))
  capture.add(
    arrival('b', new Uint8Array([0, 255, 1]), {
      outgoing: true,
      properties: {
        correlationData: new Uint8Array([1, 2]),
        userProperties: [
          ['k', 'v'],
          ['k', 'w'],
        ],
      },
    }),
  )
  for (const format of ['jsonl', 'json'] as const) {
    const { records } = importRecords([...exportParts(capture, view.seqs(), format)].join(''))
    assert.equal(records.length, 2)
    assert.deepEqual(records[0]?.payload, utf8('text'))
    assert.equal(records[0]?.timeMs, 1_700_000_000_123)
    assert.deepEqual(records[1]?.payload, new Uint8Array([0, 255, 1]))
    assert.deepEqual(records[1]?.properties, {
      correlationData: new Uint8Array([1, 2]),
      userProperties: [
        ['k', 'v'],
        ['k', 'w'],
      ],
    })
    assert.equal(records[1]?.outgoing, true)
  }
})

test('a CSV has one row a message and nothing a spreadsheet would calculate', () => {
  const { capture, view } = captured()
  capture.add(arrival('a', '=HYPERLINK("http://evil")\n"x"'))
  const csv = [...exportParts(capture, view.seqs(), 'csv')].join('')
  assert.match(csv, /,"'=HYPERLINK\(""http:\/\/evil""\)\n""x""",/)
})

const topicsOf = (text: string) => importRecords(text).records.map(({ topic }) => topic)

test('of a file what can be read is, and of each other line it is said why not', () => {
  const text =
    '\n{"topic":"a"}\n\n{"payload":"2"}\nnonsense\n{"topic":"b","qos":7}\n[]\n{"topic":"c"}\n{"topic":"d'
  assert.deepEqual(topicsOf(text), ['a', 'c'])
  assert.deepEqual(importRecords(text).unread, {
    total: 5,
    first: [
      { line: 4, reason: 'topic is missing' },
      { line: 5, reason: 'no JSON' },
      { line: 6, reason: 'qos is 7' },
      { line: 7, reason: 'no object' },
      { line: 9, reason: 'cut off' },
    ],
  })
  assert.throws(() => importRecords('no file of ours'), /^Error: line 1: no JSON$/)
  assert.deepEqual(importRecords('').unread, { total: 0, first: [] })
})

test('a list that is cut off anywhere is read up to there, and said to be cut off', () => {
  const whole = '[\n{"topic":"a","payload":"]},"},\n{"topic":"b","payload":{"x":[1]}}\n]'
  assert.deepEqual(importRecords(whole).unread, { total: 0, first: [] })
  for (let length = 2; length < whole.length; length++) {
    const text = whole.slice(0, length)
    const ends = [whole.indexOf('},\n') + 1, whole.lastIndexOf('}') + 1]
    const readable = ends.filter((end) => end <= length).length
    if (readable === 0) {
      assert.throws(() => importRecords(text), /cut off/)
      continue
    }
    const { records, unread } = importRecords(text)
    assert.equal(records.length, readable, text)
    assert.deepEqual(
      unread.first.map(({ reason }) => reason),
      ['cut off'],
      text,
    )
  }
})

test('what a file says of properties and times is as MQTT and dates have it', () => {
  const reasonOf = (more: string) => {
    const { records, unread } = importRecords(`{"topic":"a"}\n{"topic":"b",${more}}`)
    assert.equal(records.length + unread.total, 2)
    return unread.first[0]?.reason ?? records[1]?.properties ?? null
  }
  for (const wrong of [
    '"userProperties":5',
    '"userProperties":[["a",1]]',
    '"contentType":{"a":1}',
    '"subscriptionIds":["1"]',
    '"correlationData":[1]',
    '"correlationData":{"base64":"?"}',
    '"message-expiry-interval":"x"',
    '"payloadFormat":7',
  ])
    assert.match(reasonOf(`"properties":{${wrong}}`), /^(\S+) is not as MQTT has it$/, wrong)
  const own = '"contentType":"x","userProperties":[["k","v"],["k","w"]],"subscriptionIds":[1,2]'
  const others = '"__proto__":{"contentType":"y"},"constructor":1,"nonsense":[]'
  assert.deepEqual(reasonOf(`"properties":{${own},${others}}`), JSON.parse(`{${own}}`))
  for (const time of ['1e300', '-8640000000000001'])
    assert.equal(reasonOf(`"time":${time}`), 'time is not a time')
})

test('an export has each time to the nearest microsecond', () => {
  const { capture } = captured()
  for (const timeMs of [1.9996, 1.5, -0.5]) capture.add(arrival('t', '', { timeMs }))
  const lines = [...exportParts(capture, [0, 1, 2], 'jsonl')]
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { time: string }).time),
    ['1970-01-01T00:00:00.002Z', '1970-01-01T00:00:00.001500Z', '1969-12-31T23:59:59.999500Z'],
  )
})

test('of a long file without a message no more is looked at than shows that', () => {
  assert.throws(() => importRecords(`[${'1,'.repeat(200_000)}`), /^Error: line 1: no object$/)
  const late = importRecords(`{"topic":"a"}\n${'x\n'.repeat(110_000)}{"topic":"b"}\n`)
  assert.equal(late.records.length, 2)
})

test('whatever a file holds, reading it comes to an end', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{},:"\\\n 1ax') }), (text) => {
      for (const file of [text, `[${text}`]) {
        try {
          assert.ok(importRecords(file).records.length >= 0)
        } catch (error) {
          assert.match(String(error), /^Error: line \d+: /)
        }
      }
    }),
  )
})

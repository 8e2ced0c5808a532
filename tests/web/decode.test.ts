import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { encode as msgpack } from '@msgpack/msgpack'
import { encode as cbor } from 'cborg'
import fc from 'fast-check'
import { decode } from '../../web/src/decode/decode.ts'
import { diffLines } from '../../web/src/decode/diff.ts'
import { jsonLines, jsonLinesOfPart, linesToText, toHex } from '../../web/src/decode/lines.ts'
import { detect, preview } from '../../web/src/decode/preview.ts'
import { decoderOf } from '../../web/src/decode/structured.ts'
import { readValue, valueWithin } from '../../web/src/decode/values.ts'
import {
  correlationBytes,
  encodeInput,
  fromBase64,
  hexDump,
  toBase64,
} from '../../web/src/decode/bytes.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

async function textOf(
  bytes: Uint8Array,
  format: Parameters<typeof decode>[1],
  schema: Parameters<typeof decode>[2] = null,
) {
  const { decoded, problem } = await decode(bytes, format, schema)
  return { text: 'text' in decoded ? decoded.text : decoded.kind, problem, format: decoded.format }
}

test('JSON is indented and no number changes', () => {
  const source = '{"id":18446744073709551615,"t":127.0,"e":1e3,"a":[1,{}],"id":-0.10}'
  const lines = jsonLines(source)
  assert.equal(
    linesToText(lines),
    '{\n  "id": 18446744073709551615,\n  "t": 127.0,\n  "e": 1e3,\n  "a": [\n    1,\n    {}\n  ],\n  "id": -0.10\n}',
  )
  assert.equal(lines.find(({ key }) => key === '"t"')?.path, '$.t')
  assert.equal(lines.find(({ depth, text }) => depth === 2 && text === '1')?.path, '$.a[0]')
})

for (const bad of ['{', '[1,]', '{"a" 1}', '01', '"\u0001"', '[1] 2', '{"a":1,}', 'nul']) {
  test(`no JSON: ${JSON.stringify(bad)}`, () => assert.throws(() => jsonLines(bad)))
}

test('JSON nested without end is refused rather than overflowing', () => {
  assert.throws(() => jsonLines('['.repeat(100_000)), /levels/)
})

test('what a payload is, is seen from its bytes', () => {
  assert.equal(detect(utf8('{"a":1}')), 'json')
  assert.equal(detect(utf8('21.5')), 'text')
  assert.equal(detect(utf8('你好')), 'text')
  assert.equal(detect(new Uint8Array([1, 2, 3])), 'hex')
  assert.equal(detect(new Uint8Array([0xff, 0xfe, 0x41])), 'hex')
  assert.equal(
    detect(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, ...Array.from({ length: 20 }, () => 0))),
    'image',
  )
  assert.equal(detect(utf8('BM is not always a bitmap, you know')), 'text')
})

test('a preview is one line and turns no text around', () => {
  assert.equal(preview(utf8('a\n\tb\u202Ec\u001B[2J'), 'text'), 'a b·c·[2J')
})

test('CBOR and MessagePack keep 64-bit integers and bytes', async () => {
  const value = {
    big: 18446744073709551615n,
    raw: new Uint8Array([1, 255]),
    n: null,
    list: [1.5, 'x'],
  }
  for (const [format, bytes] of [
    ['cbor', cbor(value)],
    ['msgpack', msgpack(value, { useBigInt64: true })],
  ] as const) {
    const { text, problem } = await textOf(bytes, format)
    assert.equal(problem, null)
    assert.match(text, /"big": 18446744073709551615/)
    assert.match(text, /"raw": h'01ff'/)
  }
})

test('a CBOR tag nobody knows is shown with its number', async () => {
  assert.match((await textOf(Uint8Array.of(0xd9, 0x03, 0xe8, 0x01), 'cbor')).text, /"tag 1000": 1/)
})

test('a number of CBOR that nobody could read stays the bytes that it is: to write it takes seconds', async () => {
  const tagged = (tag: number, length: number) =>
    Uint8Array.of(
      0xc0 | tag,
      0x59,
      length >> 8,
      length & 0xff,
      ...Array.from({ length }, () => 0xff),
    )
  const largest = (1n << (1024n * 8n)) - 1n
  assert.equal((await textOf(tagged(2, 1024), 'cbor')).text, String(largest))
  assert.equal((await textOf(tagged(3, 1024), 'cbor')).text, String(-1n - largest))
  assert.equal((await textOf(Uint8Array.of(0xc2, 0x40), 'cbor')).text, '0')
  assert.match(
    (await textOf(tagged(2, 1025), 'cbor')).text,
    /^\{\n {2}"tag 2": h'(?:ff){1025}'\n\}$/,
  )
})

test('names within names of CBOR are written out once: each level would double their quotation marks', async () => {
  await decoderOf('cbor')
  const levels = Array.from({ length: 26 })
  const key = [...levels.map(() => 0xa1), 0xa0, ...levels.map(() => 1)]
  const bytes = Uint8Array.of(0xa2, 0x61, 0x61, 1, ...key, 1)
  assert.equal(preview(bytes, 'auto'), '{ "a": 1, "{\\n \\"{…}\\": 1\\n}": 1 }')
  assert.ok((await textOf(bytes, 'cbor')).text.length < 100)
})

for (const [format, list] of [
  ['cbor', 0x81],
  ['msgpack', 0x91],
] as const)
  test(`what is deeper than anybody reads breaks no line of the list (${format})`, async () => {
    await decoderOf(format)
    const bytes = Uint8Array.from({ length: 301 }, (_, at) => (at < 300 ? list : 1))
    assert.ok(preview(bytes, format).startsWith(`${list.toString(16)} ${list.toString(16)}`))
  })

test('what cannot be decoded is shown as it is, with the reason', async () => {
  const { text, problem, format } = await textOf(Uint8Array.of(0xff, 0x00), 'cbor')
  assert.equal(format, 'hex')
  assert.match(text, /^00000000 {2}ff 00/)
  assert.ok(problem)
})

const PROTO = `syntax = "proto3"; package shop;
message Price { string tag = 1; uint64 cents = 2; repeated int32 history = 3; map<string, sint64> stock = 4; State state = 5; Inner inner = 6; bytes image = 7; double d = 8; }
enum State { UNKNOWN = 0; SHOWN = 1; } message Inner { bool ok = 1; }`

test('Protobuf by a schema, 64 bits whole, packed lists, maps, enums and unknown fields', async () => {
  const bytes = Uint8Array.from([
    0x0a, 2, 0x41, 0x37, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x1a, 2,
    1, 2, 0x22, 5, 0x0a, 1, 0x78, 0x10, 0x03, 0x28, 1, 0x32, 2, 0x08, 1, 0x3a, 1, 0xaa, 0x78, 9,
  ])
  const schema = {
    id: 's',
    name: 's',
    kind: 'protobuf' as const,
    source: PROTO,
    messageType: 'shop.Price',
  }
  const { text, problem } = await textOf(bytes, 'protobuf', schema)
  assert.equal(problem, null)
  for (const part of [
    '"tag": "A7"',
    '"cents": 18446744073709551615',
    '"history": [\n    1,\n    2\n  ]',
    '"x": -2',
    '"state": "SHOWN"',
    '"ok": true',
    `"image": h'aa'`,
    '"unknown 15": 9',
  ]) {
    assert.ok(text.includes(part), `${part} in\n${text}`)
  }
})

test('Protobuf that is cut off or has a bad schema says so', async () => {
  const schema = { id: 's', name: 's', kind: 'protobuf' as const, source: PROTO, messageType: '' }
  assert.match(
    (await textOf(Uint8Array.of(0x0a, 50, 1), 'protobuf', schema)).problem ?? '',
    /shop\.Price/,
  )
  assert.match(
    (await textOf(Uint8Array.of(1), 'protobuf', { ...schema, source: 'message {' })).problem ?? '',
    /schema/,
  )
  assert.match((await textOf(Uint8Array.of(1), 'protobuf', null)).problem ?? '', /no schema/)
})

const AVRO = JSON.stringify({
  type: 'record',
  name: 'R',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'opt', type: ['null', 'double'] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'm', type: { type: 'map', values: 'int' } },
    { name: 'e', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } },
    { name: 'next', type: ['null', 'R'] },
  ],
})

test('Avro by a schema, also behind the framing of a schema registry', async () => {
  const body = [
    0x53, 4, 0x68, 0x69, 2, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 2, 2, 0x78, 0, 2, 2, 0x6b, 14, 0, 2, 0,
  ]
  const schema = { id: 'a', name: 'a', kind: 'avro' as const, source: AVRO, messageType: '' }
  for (const bytes of [body, [0, 0, 0, 0, 7, ...body]]) {
    const { text, problem } = await textOf(Uint8Array.from(bytes), 'avro', schema)
    assert.equal(problem, null)
    assert.match(text, /"id": -42,\n {2}"name": "hi",\n {2}"opt": 1.5/)
    assert.match(text, /"k": 7/)
    assert.match(text, /"e": "B"/)
  }
})

test('Avro that announces lists of nothing again and again is refused', async () => {
  const source = '{"type":"array","items":"null"}'
  const schema = { id: 'a', name: 'a', kind: 'avro' as const, source, messageType: '' }
  // Blocks of 8191 items, of two bytes each.
  const bytes = Uint8Array.from({ length: 20_001 }, (_, at) =>
    at === 20_000 ? 0 : at % 2 === 0 ? 0xfe : 0x7f,
  )
  assert.match((await textOf(bytes, 'avro', schema)).problem ?? '', /longer than the payload/)
})

for (const [value, digits] of [
  [0.1, '0.1'],
  [1000.00006, '1000.00006'],
  [1000.0001, '1000.0001'],
] as const)
  test(`a number of 32 bits is shown as it is told from its neighbours: ${digits}`, async () => {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    const avro = { id: 'f', name: 'f', kind: 'avro' as const, source: '"float"', messageType: '' }
    assert.equal((await textOf(bytes, 'avro', avro)).text, digits)
    const source = 'syntax = "proto3"; message F { float f = 1; }'
    const proto = { id: 'f', name: 'f', kind: 'protobuf' as const, source, messageType: '' }
    const { text } = await textOf(Uint8Array.of(0x0d, ...bytes), 'protobuf', proto)
    assert.ok(text.includes(`"f": ${digits}\n`), text)
  })

test('Avro that announces an endless list of nothing is refused', async () => {
  const schema = {
    id: 'a',
    name: 'a',
    kind: 'avro' as const,
    source: '{"type":"array","items":"null"}',
    messageType: '',
  }
  const bytes = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0)
  assert.match((await textOf(bytes, 'avro', schema)).problem ?? '', /longer than the payload/)
})

test('a difference is the shortest one', () => {
  const marks = diffLines('a\nb\nc\nd', 'a\nx\nc\nd\ne').map(
    ({ kind, text }) => `${kind[0]}${text}`,
  )
  assert.deepEqual(marks.toSorted(), ['ax', 'ae', 'rb', 'sa', 'sc', 'sd'].toSorted())
  assert.deepEqual(diffLines('same', 'same'), [{ kind: 'same', text: 'same' }])
})

test('typed payloads become bytes, or say what is wrong', async () => {
  assert.deepEqual(await encodeInput('0x01 fF', 'hex'), Uint8Array.of(1, 255))
  assert.equal(await encodeInput('0x1', 'hex'), 'hex')
  assert.equal(await encodeInput('{', 'json'), 'json')
  assert.deepEqual(await encodeInput('{"a":1}', 'cbor'), cbor({ a: 1 }))
  assert.deepEqual(fromBase64(toBase64(Uint8Array.of(0, 250, 251))), Uint8Array.of(0, 250, 251))
  assert.deepEqual(correlationBytes('0x0a'), Uint8Array.of(10))
  assert.equal(toHex(Uint8Array.of(1, 2), ' '), '01 02')
  assert.match(
    hexDump(utf8('ABCDEFGHIJKLMNOPQ')),
    /^0{8} {2}41 42 .* {2}ABCDEFGHIJKLMNOP\n00000010 {2}51 /,
  )
})

test('CBOR, MessagePack, gzip and Sparkplug B are found by themselves', async () => {
  const value = { id: 18446744073709551615n, t: 21.5, deep: { list: [1, 'two', null] } }
  const plain = { t: 21.5, deep: { list: [1, 'two', null] }, long: 'x'.repeat(300) }
  assert.equal(detect(cbor(value)), 'cbor')
  assert.equal(detect(msgpack(plain)), 'msgpack')
  assert.equal(detect(cbor(plain).subarray(0, 40)), 'hex')
  assert.equal((await textOf(cbor(value), 'auto')).format, 'cbor')
  assert.match((await textOf(cbor(value), 'auto')).text, /"id": 18446744073709551615/)
  const zipped = new Uint8Array(gzipSync('{"inside": 127.0}'))
  assert.equal(detect(zipped), 'gzip')
  assert.match((await textOf(zipped, 'auto')).text, /"inside": 127.0/)
  // Field 1: a timestamp, field 2: a metric named "t" with a double.
  const sparkplug = Uint8Array.from('0801120c0a0174690000000000003540'.match(/../g) ?? [], (byte) =>
    Number.parseInt(byte, 16),
  )
  const topic = 'spBv1.0/plant/DDATA/edge/sensor'
  const said = { topic, contentType: '' }
  assert.equal(detect(sparkplug, said), 'sparkplug')
  const { decoded } = await decode(sparkplug, 'auto', null, true, said)
  assert.match('text' in decoded ? decoded.text : '', /"name": "t",\s+"double_value": 21/)
  assert.equal(detect(utf8('{"online": true}'), { ...said, topic: 'spBv1.0/STATE/host' }), 'json')
})

test('random bytes are seldom taken for a structure, and never break the look', () => {
  let taken = 0
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
      if (!['hex', 'text', 'json', 'image'].includes(detect(bytes))) taken++
    }),
    { numRuns: 3000 },
  )
  assert.ok(taken < 60, `${taken} of 3000`)
})

test('structured payloads are read for one line as well, and their numbers can be plotted', async () => {
  await decoderOf('cbor')
  assert.equal(preview(cbor({ a: [1, 2], t: 21.5 }), 'auto'), '{ "a": [ 1, 2 ], "t": 21.5 }')
  const { decoded } = await decode(cbor({ t: 21.5, a: { b: 7 } }), 'auto', null)
  const paths = decoded.kind === 'lines' ? decoded.lines.map(({ path }) => path) : []
  assert.deepEqual(paths.filter(Boolean), ['$.a.b', '$.t'])
  const read = readValue(cbor({ a: { b: 7 } }), { topic: 't', format: 'auto', schema: null })
  assert.equal(read === null ? null : valueWithin(read, ['a', 'b']), 7)
})

test('the beginning of a large JSON text is read as far as it is certain', () => {
  const text = JSON.stringify({ list: Array.from({ length: 50 }, (_, at) => at + 100) })
  const lines = jsonLinesOfPart(text.slice(0, 30)).map((line) => line.text)
  assert.deepEqual(lines, ['{', '[', '100', '101', '102', '103', '104'].slice(0, lines.length))
  assert.ok(lines.length > 4)
  assert.throws(() => jsonLinesOfPart(`{"a": nope, ${'"b": 1, '.repeat(20_000)}`))
})

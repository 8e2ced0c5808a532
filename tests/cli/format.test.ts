import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFormat } from '../../src/cli/mqtt/format.ts'
import { printFormat } from '../../src/cli/mqtt/format-print.ts'
import { decoderOf } from '../../src/cli/mqtt/payload-format.ts'
import { indentJson, minifyJson } from '../../src/cli/mqtt/json-text.ts'
import type { ShownMessage } from '../../src/cli/mqtt/shown-message.ts'
import type { Properties } from '../../src/codec/packets.ts'

const date = new Date(2026, 0, 31, 13, 5, 9, 123)
const offset = (() => {
  const minutes = -date.getTimezoneOffset()
  const two = (value: number) => String(value).padStart(2, '0')
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
})()
const seconds = Math.floor(date.getTime() / 1000)

interface Given {
  payload?: string | Uint8Array
  properties?: Properties
  qos?: number
  retain?: boolean
  topic?: string
  pretty?: boolean
}

function print(format: string, given: Given = {}): { out: string; errors: string[] } {
  const { payload = 'abcdef', properties = {}, qos = 0, retain = false, topic = 'a/b' } = given
  const bytes = Buffer.from(payload)
  const message: ShownMessage = {
    topic,
    payload: bytes,
    shown: bytes,
    qos,
    retain,
    packetId: qos === 0 ? 0 : 7,
    properties,
    receivedAt: { date, seconds, nanoseconds: 123_456_789 },
  }
  const parsed = parseFormat(format)
  assert.ok(parsed.ok, format)
  const parts: Buffer[] = []
  const errors: string[] = []
  const out = {
    text: (text: string) => void parts.push(Buffer.from(text)),
    json: (text: string) => void parts.push(Buffer.from(text)),
    foreign: (chunk: Uint8Array) => void parts.push(Buffer.from(chunk)),
    error: (line: string) => void errors.push(line),
  }
  printFormat(out, parsed.pieces, message, { pretty: given.pretty ?? false })
  return { out: Buffer.concat(parts).toString('latin1'), errors }
}

const all: Properties = {
  userProperties: [
    ['a', 'b'],
    ['c', 'd'],
  ],
  contentType: 'text',
  correlationData: Buffer.from('cd'),
  responseTopic: 'r/t',
  messageExpirySeconds: 77,
  payloadFormat: 1,
  topicAlias: 3,
  subscriptionIds: [5, 6],
}

const cases: readonly (readonly [format: string, expected: string, given?: Given])[] = [
  ['%t %p', 'a/b abcdef'],
  ['%%', '%'],
  ['%10t|%-10t|%010t', '       a/b|a/b       |       a/b'],
  ['%.2t|%-6.2t|', 'a/|a/    |'],
  ['%3p|', '\u00ffab|', { payload: Uint8Array.of(255, 97, 98, 99) }],
  ['%l|%5l|%05l|%-5l|%-05l|', '6|    6|00006|6    |6    |'],
  ['%q%r%m', '000'],
  ['%q%r%m', '217', { qos: 2, retain: true }],
  ['%p', '\u00ff\u0000', { payload: Uint8Array.of(255, 0) }],
  ['%3p|%10p|%-10p|%010p|', 'abc|    abcdef|abcdef    |0000abcdef|'],
  ['%x %X', '6a6b6c 6A6B6C', { payload: 'jkl' }],
  ['%.2x', '61 62 63', { payload: 'abc' }],
  ['%.2:x', '61:62:63', { payload: 'abc' }],
  ['%.4-X', '6162-63', { payload: 'abc' }],
  ['%4x|%16x|%-16x|%016x', '61626364|    616263646566|616263646566    |0000616263646566'],
  ['%A %C %D %E %F %P %R %S', '3 text cd 77 1 a:b c:d r/t 5', { properties: all }],
  ['%5C|%05C|%5A|%05E|%5F|%5S|%D|%P|%R|', '     |00000|     |00000|     |     ||||'],
  ['%10C|%-10C|%.2C|', '      text|text      |te|', { properties: all }],
  ['%I', `2026-01-31T13:05:09${offset}`],
  ['%U', `${seconds}.123456789`],
  ['@Y-@m-@d @H:@M:@S.@N @@ @j', '2026-01-31 13:05:09.123456789 @ 031'],
  ['\\\\\\0\\a\\e\\n\\r\\t\\v', '\\\0\u0007\u001b\n\r\t\u000b'],
  ['%f', '1.500000', { payload: Buffer.from(Float32Array.of(1.5).buffer) }],
  ['%.1d|%10.2d|', '-2.5|     -2.50|', { payload: Buffer.from(Float64Array.of(-2.5).buffer) }],
  ['%d', 'inf', { payload: Buffer.from(Float64Array.of(Infinity).buffer) }],
]

for (const [format, expected, given] of cases) {
  test(`-F ${JSON.stringify(format)} prints ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(print(format, given), { out: expected, errors: [] })
  })
}

const tst = `"tst":"2026-01-31T13:05:09.123456${offset}"`

test('%j is the message as JSON, its payload as a string', () => {
  assert.equal(
    print('%j', { payload: 'x"y', qos: 1 }).out,
    `{${tst},"topic":"a/b","qos":1,"retain":false,"payloadlen":3,"mid":7,"payload":"x\\"y"}`,
  )
  assert.equal(
    print('%j', { payload: '', retain: true }).out,
    `{${tst},"topic":"a/b","qos":0,"retain":true,"payloadlen":0,"payload":null}`,
  )
})

test('%J has the payload as JSON, with its digits and repeated keys', () => {
  const payload = '{"a": 1.0, "a": 12345678901234567890, "b": [1, {}]}'
  assert.equal(
    print('%J', { payload }).out,
    `{${tst},"topic":"a/b","qos":0,"retain":false,"payloadlen":${payload.length},"payload":{"a":1.0,"a":12345678901234567890,"b":[1,{}]}}`,
  )
})

test('%J of what is no JSON prints nothing but an error', () => {
  assert.deepEqual(print('[%J]', { payload: '{' }), {
    out: '[]',
    errors: ['Error: Message payload is not valid JSON on topic a/b.'],
  })
})

test('%j lists the properties in the order of the wire', () => {
  assert.equal(
    print('%j', { payload: 'x', properties: all }).out,
    `{${tst},"topic":"a/b","qos":0,"retain":false,"payloadlen":1,"properties":{"user-properties":[{"a":"b"},{"c":"d"}],"content-type":"text","correlation-data":"cd","response-topic":"r/t","message-expiry-interval":77,"payload-format-indicator":1,"topic-alias":3,"subscription-identifier":5,"subscription-identifier":6},"payload":"x"}`,
  )
})

test('%f and %d of another size print an error', () => {
  const errors = ['requested float printing, but non-float data received']
  assert.deepEqual(print('%f', { payload: 'abc' }), { out: '', errors })
  assert.deepEqual(print('%d', { payload: 'abcd' }), { out: '', errors })
})

test('indented JSON is laid out like that of mosquitto_sub --pretty', () => {
  const json = '{"a":1,"b":[1,2,{"c":"x/y"}],"d":{},"e":[],"f":[[1],[{}]]}'
  assert.equal(
    indentJson(json),
    [
      '{',
      '\t"a":\t1,',
      '\t"b":\t[1, 2, {',
      '\t\t\t"c":\t"x/y"',
      '\t\t}],',
      '\t"d":\t{',
      '\t},',
      '\t"e":\t[],',
      '\t"f":\t[[1], [{',
      '\t\t\t}]]',
      '}',
    ].join('\n'),
  )
})

test('blanks go, strings stay when JSON is made smaller', () => {
  assert.equal(minifyJson(' { "a b" : [ 1 , "\\" , " ] } \n'), '{"a b":[1,"\\" , "]}')
  assert.equal(minifyJson('{"a":}'), null)
})

test('JSON may be one long string, with a quote in every other place', () => {
  const json = JSON.stringify({ s: '"'.repeat(8 << 20) })
  assert.equal(minifyJson(` ${json}`), json)
  assert.equal(indentJson(json), `{\n\t"s":\t${json.slice('{"s":'.length, -1)}\n}`)
})

test('JSON deeper than 1000 is none', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  assert.equal(minifyJson(nested(1000)), nested(1000))
  assert.equal(minifyJson(nested(1001)), null)
})

const columns: readonly (readonly [format: string, expected: string, payload: string])[] = [
  ['%6p|%-6p|', '  \u6e29\u5ea6|\u6e29\u5ea6  |', '\u6e29\u5ea6'],
  ['%3p|%4p|%1p|', ' \u6e29|\u6e29\u5ea6| |', '\u6e29\u5ea6'],
  ['%4p|', '   \u00e9|', '\u00e9'],
  ['%2p|', 'e\u0301a|', 'e\u0301ab'],
  ['%4p|', ' \u{1f468}\u200d\u{1f469}x|', '\u{1f468}\u200d\u{1f469}x'],
]

for (const [format, expected, payload] of columns)
  test(`-F ${format} pads and cuts ${payload} by what a terminal shows`, () => {
    assert.equal(Buffer.from(print(format, { payload }).out, 'latin1').toString(), expected)
  })

test('-F pads topics by what a terminal shows', () => {
  const { out } = print('%6t|%-6t|', { topic: '\u6e29\u5ea6' })
  assert.equal(Buffer.from(out, 'latin1').toString(), '  \u6e29\u5ea6|\u6e29\u5ea6  |')
})

for (const [format, pair, empty, two] of [
  ['cbor', 0xa1, 0xa0, 0xa2],
  ['msgpack', 0x81, 0x80, 0x82],
] as const)
  test(`names within names of ${format} do not double their quotation marks without end`, async () => {
    const decode = await decoderOf(format, false)
    const levels = Array.from({ length: 40 })
    const key = [...levels.map(() => pair), empty, ...levels.map(() => 1)]
    const a = format === 'cbor' ? 0x61 : 0xa1
    const shown = Buffer.from(decode(Uint8Array.of(two, a, 0x61, 1, ...key, 2))).toString()
    assert.ok(shown.startsWith('{"a":1,') && shown.length < 5000, shown.slice(0, 100))
  })

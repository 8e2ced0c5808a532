import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  HEADER_BYTES_MAX,
  ProxyHeaderError,
  readProxyHeader,
} from '../../src/transports/proxy-protocol.ts'
import { binaryHeader, tcp4, tcp6, tlsPart, tlv } from './proxy-headers.ts'

const line = (text: string) => readProxyHeader(1, Buffer.from(text, 'latin1'))

for (const [text, remote] of [
  ['PROXY TCP4 192.0.2.7 10.0.0.1 4321 1883\r\n', '192.0.2.7:4321'],
  ['PROXY TCP6 2001:DB8:0::1 ::1 65535 0\r\n', '2001:db8::1:65535'],
  ['PROXY UNKNOWN\r\n', null],
  ['PROXY UNKNOWN ffff:f...f:ffff whatever 1 2\r\n', null],
] as const)
  test(`version 1: ${JSON.stringify(text)} is from ${remote ?? 'nobody known'}`, () => {
    assert.deepEqual(line(`${text}\x10rest`), { length: text.length, remote, tls: null })
  })

for (const text of [
  '\x10\x0c\0\x04MQTT',
  'proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n',
  'PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n',
  'PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n',
  'PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n',
  'PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n',
  'PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n',
  'PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n',
  'PROXY TCP4 ::1 ::1 1 1\r\n',
  'PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n',
  'PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n',
  'PROXY TCP4 999.2.3.4 1.2.3.4 1 1\r\n',
  `PROXY UNKNOWN ${'x'.repeat(200)}\r\n`,
  'x'.repeat(107),
])
  test(`version 1: ${JSON.stringify(text.slice(0, 50))} is none`, () => {
    assert.throws(() => line(text), ProxyHeaderError)
  })

test('version 1 waits for the end of a line, and no longer than 107 bytes', () => {
  const text = 'PROXY TCP4 192.0.2.7 10.0.0.1 4321 1883\r\n'
  for (let length = 0; length < text.length; length++)
    assert.equal(line(text.slice(0, length)), null)
})

test('version 2 gives the address of an IPv4 client', () => {
  const bytes = binaryHeader(tcp4('192.0.2.7', 4321))
  assert.deepEqual(readProxyHeader(2, Buffer.concat([bytes, Buffer.from('rest')])), {
    length: bytes.length,
    remote: '192.0.2.7:4321',
    tls: null,
  })
})

test('version 2 gives the address of an IPv6 client', () => {
  const header = readProxyHeader(2, binaryHeader(tcp6('20010db8000000000000000000000001', 7)))
  assert.equal(header?.remote, '2001:db8::1:7')
})

test('an IPv4 address within an IPv6 one is dotted, in both versions', () => {
  const mapped = '00000000000000000000ffffc0000207'
  assert.equal(readProxyHeader(2, binaryHeader(tcp6(mapped, 7)))?.remote, '::ffff:192.0.2.7:7')
  assert.equal(line('PROXY TCP6 ::FFFF:c000:207 ::1 7 1\r\n')?.remote, '::ffff:192.0.2.7:7')
})

test('version 2 gives the path of a client at a unix socket, padded or as long as it is', () => {
  const path = Buffer.from('/run/client')
  for (const bytes of [path, Buffer.concat([path, Buffer.alloc(216 - path.length)])]) {
    const header = binaryHeader({ command: 0x21, family: 0x31, bytes })
    assert.deepEqual(readProxyHeader(2, header), {
      length: header.length,
      remote: '/run/client',
      tls: null,
    })
  }
  const unnamed = binaryHeader({ command: 0x21, family: 0x31, bytes: Buffer.alloc(216) })
  assert.equal(readProxyHeader(2, unnamed)?.remote, null)
})

test('version 2 LOCAL is the proxy itself, whatever stands behind', () => {
  const header = readProxyHeader(2, binaryHeader({ ...tcp4('1.2.3.4', 5), command: 0x20 }))
  assert.equal(header?.remote, null)
})

for (const [what, flags, verify, verified] of [
  ['a verified certificate', 0x07, 0, true],
  ['one of an earlier connection', 0x05, 0, true],
  ['none', 0x01, 0, false],
  ['one that is not good', 0x07, 1, false],
] as const)
  test(`version 2: TLS with ${what}`, () => {
    const bytes = binaryHeader(tcp4('1.2.3.4', 5), tlsPart(flags, verify, 'device1'))
    assert.deepEqual(readProxyHeader(2, bytes)?.tls, { verified, commonName: 'device1' })
  })

test('version 2: a common name that is no UTF-8 is none', () => {
  const bytes = binaryHeader(tcp4('1.2.3.4', 5), tlsPart(7, 0, Buffer.from([0xff])))
  assert.deepEqual(readProxyHeader(2, bytes)?.tls, { verified: true, commonName: null })
})

for (const [what, bytes] of [
  ['version 3', binaryHeader({ ...tcp4('1.2.3.4', 5), command: 0x31 })],
  ['an unknown command', binaryHeader({ ...tcp4('1.2.3.4', 5), command: 0x22 })],
  ['UDP', binaryHeader({ ...tcp4('1.2.3.4', 5), family: 0x12 })],
  ['addresses that are too short', binaryHeader({ ...tcp4('1.2.3.4', 5), family: 0x21 })],
  ['a part that overruns', binaryHeader(tcp4('1.2.3.4', 5), Buffer.from([4, 0xff, 0xff, 1]))],
  ['a part without a length', binaryHeader(tcp4('1.2.3.4', 5), Buffer.from([4, 0]))],
  ['a TLS part that is too short', binaryHeader(tcp4('1.2.3.4', 5), tlv(0x20, Buffer.alloc(4)))],
  [
    'an inner part that overruns',
    binaryHeader(tcp4('1.2.3.4', 5), tlv(0x20, Buffer.from([7, 0, 0, 0, 0, 0x22, 0xff, 0xff]))),
  ],
  ['two TLS parts', binaryHeader(tcp4('1.2.3.4', 5), tlsPart(7, 0, 'a'), tlsPart(7, 0, 'b'))],
  ['65535 bytes', binaryHeader(tcp4('1.2.3.4', 5), Buffer.alloc(65_535 - 12))],
] as const)
  test(`version 2: ${what} is an error`, () => {
    assert.throws(() => readProxyHeader(2, bytes), ProxyHeaderError)
  })

const good = binaryHeader(tcp4('192.0.2.7', 4321), tlsPart(7, 0, 'device1'))

test('version 2 waits for every byte', () => {
  for (let length = 0; length < good.length; length++)
    assert.equal(readProxyHeader(2, good.subarray(0, length)), null)
})

test('whatever bytes come, the answer is a header within bounds, more, or a ProxyHeaderError', () => {
  const mutated = fc
    .tuple(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), fc.nat(200))
    .map(([changes, extra]) => {
      const bytes = Buffer.concat([good, Buffer.alloc(extra, 0x20)])
      for (const [at, byte] of changes) bytes[at] = byte
      return bytes
    })
  const text = fc
    .string({ maxLength: 150 })
    .map((rest) => Buffer.from(`PROXY ${rest}\r\n`, 'latin1'))
  const any = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(
      fc.oneof(mutated, text, any),
      fc.constantFrom(1 as const, 2 as const),
      (bytes, version) => {
        try {
          const header = readProxyHeader(version, bytes)
          if (header === null) assert.ok(bytes.length < HEADER_BYTES_MAX)
          else assert.ok(header.length <= bytes.length && header.length <= HEADER_BYTES_MAX)
        } catch (error) {
          assert.ok(error instanceof ProxyHeaderError, String(error))
        }
      },
    ),
    { numRuns: 5000 },
  )
})

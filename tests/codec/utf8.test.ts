import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EncodeError } from '../../src/codec/encode-error.ts'
import { ProtocolError } from '../../src/codec/protocol-error.ts'
import {
  decodeUtf8,
  encodedLength,
  isWellFormedUtf8,
  validateUtf8,
  writeUtf8,
} from '../../src/codec/utf8.ts'
import { fromHex } from './fixture.ts'

const REFUSED: readonly (readonly [what: string, hex: string])[] = [
  ['U+0000', '00'],
  ['a control character', '611f'],
  ['DEL', '7f'],
  ['U+0080, a control character', 'c280'],
  ['U+009F, a control character', 'c29f'],
  ['overlong NUL', 'c080'],
  ['overlong slash in two bytes', 'c0af'],
  ['overlong slash in three bytes', 'e080af'],
  ['overlong in four bytes', 'f08080af'],
  ['a high surrogate', 'eda080'],
  ['a low surrogate', 'edbfbf'],
  ['a surrogate pair as CESU-8', 'eda081edb080'],
  ['U+110000', 'f4908080'],
  ['a five-byte form', 'f888808080'],
  ['a lone continuation byte', '80'],
  ['byte FE', 'fe'],
  ['byte FF', '61ff'],
  ['a cut two-byte sequence', '61c3'],
  ['a cut three-byte sequence', 'e282'],
  ['a cut four-byte sequence', 'f09f98'],
  ['a sequence broken by ASCII', 'e28261'],
  ['U+FDD0', 'efb790'],
  ['U+FDEF', 'efb7af'],
  ['U+FFFE', 'efbfbe'],
  ['U+FFFF', 'efbfbf'],
  ['U+1FFFE', 'f09fbfbe'],
  ['U+10FFFF', 'f48fbfbf'],
]

for (const [what, hex] of REFUSED) {
  test(`${what} is refused as malformed, alone and within other text`, () => {
    for (const bytes of [fromHex(hex), fromHex(`${'61'.repeat(70)}${hex}`)]) {
      for (const read of [decodeUtf8, validateUtf8]) {
        assert.throws(
          () => read(bytes, 0, bytes.length),
          (error) => error instanceof ProtocolError && error.reason === 0x81,
        )
      }
    }
  })
}

test('well-formed is what the engine can read, control characters and non-characters too', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const read = (bytes: Uint8Array): boolean => {
    try {
      decoder.decode(bytes)
      return true
    } catch {
      return false
    }
  }
  for (const [what, hex] of REFUSED) {
    const bytes = fromHex(hex)
    assert.equal(isWellFormedUtf8(bytes, 0, bytes.length), read(bytes), what)
  }
  const near = fc.array(fc.constantFrom(...fromHex('00610a80bfc2dfe0a0ed9f9fefbff08f9ff490')))
  fc.assert(
    fc.property(fc.oneof(near, fc.array(fc.integer({ min: 0, max: 255 }))), (values) => {
      const bytes = Uint8Array.from(values)
      assert.equal(isWellFormedUtf8(bytes, 0, bytes.length), read(bytes))
    }),
    { numRuns: 2000 },
  )
})

test('the edges of what is allowed are decoded', () => {
  const text = ' ~\u00a0\u07ff\u0800\ud7ff\ue000\ufdcf\ufdf0\ufffd\u{10000}\u{10fffd}'
  const bytes = new TextEncoder().encode(text)
  assert.equal(decodeUtf8(bytes, 0, bytes.length), text)
})

test('a byte order mark stays where it is', () => {
  assert.equal(decodeUtf8(fromHex('efbbbf61'), 0, 4), '\ufeffa')
})

test('only the range is read', () => {
  const bytes = fromHex('ff612f62ff')
  assert.equal(decodeUtf8(bytes, 1, 4), 'a/b')
  assert.equal(decodeUtf8(bytes, 2, 2), '')
})

test('a sequence that ends beyond the range is cut', () => {
  assert.throws(() => decodeUtf8(fromHex('e282ac'), 0, 2), ProtocolError)
})

test('text of every length up to 300 and of 65,535 bytes is decoded', () => {
  for (const length of [...Array.from({ length: 300 }, (_, i) => i), 65_535]) {
    const bytes = new Uint8Array(length).map((_, i) => 0x21 + (i % 90))
    assert.equal(decodeUtf8(bytes, 0, length), Buffer.from(bytes).toString('latin1'))
  }
})

test('decoding agrees with the engine on whatever it accepts', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  // Pieces of sequences, so that many inputs come close to being valid.
  const piece = fc.constantFrom(
    0x61,
    0x80,
    0xbf,
    0xc2,
    0xc3,
    0xe0,
    0xe2,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0x90,
  )
  fc.assert(
    fc.property(fc.uint8Array(), fc.array(piece), (noise, pieces) => {
      for (const bytes of [noise, Uint8Array.from(pieces)]) {
        let text: string
        try {
          text = decodeUtf8(bytes, 0, bytes.length)
        } catch (error) {
          assert.ok(error instanceof ProtocolError)
          continue
        }
        assert.equal(text, decoder.decode(bytes))
      }
    }),
  )
})

test('encoding gives the bytes of the engine, and their number beforehand', () => {
  const encoder = new TextEncoder()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const expected = encoder.encode(text)
      assert.equal(encodedLength(text), expected.length)
      const bytes = new Uint8Array(expected.length + 1)
      assert.equal(writeUtf8(text, bytes, 1), expected.length + 1)
      assert.deepEqual(bytes.subarray(1), expected)
    }),
  )
})

for (const text of ['\ud800', 'a\udc00', '\ud800a', '\ud800\ud800\udc00', '\udc00\ud800']) {
  test(`${JSON.stringify(text)}, with a lone surrogate, is not encoded`, () => {
    assert.throws(() => writeUtf8(text, new Uint8Array(16), 0), EncodeError)
    assert.ok(encodedLength(text) <= 16)
  })
}

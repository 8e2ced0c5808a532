/** Packed payloads and bitmaps, as price tags are sent them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { bitmapPixels, guessWidth, type BitmapLayout } from '../../web/src/decode/bitmap.ts'
import { decode } from '../../web/src/decode/decode.ts'
import { preview } from '../../web/src/decode/preview.ts'
import { TooMuchError, unpack, UNPACKED_BYTES_MAX } from '../../web/src/decode/unpack.ts'

test('bitmaps of 1, 2 and 4 bits become pixels, the high bits first', () => {
  const layout = { planes: 1, width: 8, palette: 'grey', inverted: false, turn: 0 } as const
  const reds = (bits: 1 | 2 | 4, bytes: number[]) => {
    const pixels = bitmapPixels(Uint8Array.from(bytes), { ...layout, bits })
    return Array.from({ length: 8 }, (_, at) => pixels?.rgba[at * 4])
  }
  assert.deepEqual(reds(1, [0b10000001]), [255, 0, 0, 0, 0, 0, 0, 255])
  assert.deepEqual(reds(2, [0b00011011, 0]), [0, 85, 170, 255, 0, 0, 0, 0])
  assert.deepEqual(reds(4, [0x0f, 0x10, 0, 0]), [0, 255, 17, 0, 0, 0, 0, 0])
  assert.equal(guessWidth(Math.ceil(250 / 8) * 122, { bits: 1, planes: 1 }), 250)
})

test('two planes are one picture of black, white and a third colour, turned and inverted at will', () => {
  const layout = { bits: 1, planes: 2, width: 4, palette: 'red', inverted: false, turn: 0 } as const
  // Black, white, red, red below black; then white.
  const bytes = Uint8Array.of(0b0110_0000, 0b1111_0000, 0b0011_0000, 0)
  const shown = (part: Partial<BitmapLayout>) => {
    const pixels = bitmapPixels(bytes, { ...layout, ...part })
    assert.ok(pixels)
    const { width, height, rgba } = pixels
    const letters: Record<number, string> = { 0: 'k', 0xffffff: 'w', 0xd0021b: 'r', 0xf2c200: 'y' }
    const at = (pixel: number) =>
      letters[
        ((rgba[pixel * 4] ?? 0) << 16) |
          ((rgba[pixel * 4 + 1] ?? 0) << 8) |
          (rgba[pixel * 4 + 2] ?? 0)
      ]
    return Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_unused, x) => at(y * width + x)).join(''),
    )
  }
  assert.deepEqual(shown({}), ['kwrr', 'wwww'])
  assert.deepEqual(shown({ palette: 'yellow' }), ['kwyy', 'wwww'])
  assert.deepEqual(shown({ inverted: true }), ['wkrr', 'kkkk'])
  assert.deepEqual(shown({ turn: 90 }), ['wk', 'ww', 'wr', 'wr'])
  assert.deepEqual(shown({ turn: 180 }), ['wwww', 'rrwk'])
  assert.deepEqual(shown({ turn: 270 }), ['rw', 'rw', 'ww', 'kw'])
})

test('deflate, zlib and gzip are unpacked: by their first bytes, by the content type, or when asked', async () => {
  const text = JSON.stringify({ inside: 127, long: 'x'.repeat(200) })
  const packed = {
    zlib: new Uint8Array(deflateSync(text)),
    raw: new Uint8Array(deflateRawSync(text)),
    gzip: new Uint8Array(gzipSync(text)),
  }
  const shown = async (bytes: Uint8Array, format: 'auto' | 'deflate', contentType = '') => {
    const result = await decode(bytes, format, null, true, { topic: 't', contentType })
    assert.equal(result.problem, null)
    return result.decoded.format
  }
  assert.equal(await shown(packed.gzip, 'auto'), 'json')
  assert.equal(await shown(packed.zlib, 'auto'), 'json')
  assert.equal(await shown(packed.raw, 'auto'), 'hex')
  for (const bytes of Object.values(packed)) {
    assert.equal(await shown(bytes, 'deflate'), 'json')
    assert.equal(await shown(bytes, 'auto', 'application/json+deflate; charset=utf-8'), 'json')
  }
  const image = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, ...Array.from({ length: 40 }, () => 7))
  const { decoded } = await decode(new Uint8Array(deflateSync(image)), 'auto', null)
  assert.deepEqual(decoded.kind === 'image' && decoded.bytes, image)
})

test('in a list a price tag is said by its format and size', () => {
  const type = 'application/x-esl-bitmap+deflate'
  const line = (contentType: string) => preview(Uint8Array.of(1, 2), 'auto', 't', null, contentType)
  assert.equal(line(`${type}; format=bwr; width=800; height=480`), 'bwr 800 × 480')
  assert.equal(line(type), type)
  assert.equal(line('application/octet-stream'), '01 02')
})

test('what is said to be packed and is not says so', async () => {
  const said = { topic: 't', contentType: 'application/x-esl-bitmap+deflate' }
  const cut = new Uint8Array(deflateRawSync('é'.repeat(99))).subarray(0, -1)
  for (const bytes of [Uint8Array.of(0xff, 0xff, 0xff), cut]) {
    const { decoded, problem } = await decode(bytes, 'auto', null, true, said)
    assert.equal(decoded.format, 'hex')
    assert.match(problem ?? '', /^deflate-raw: /)
  }
})

test('of a packed gigabyte no more than a bound is unpacked, and that is said', async () => {
  const bomb = new Uint8Array(deflateRawSync(new Uint8Array(UNPACKED_BYTES_MAX + 1)))
  assert.ok(bomb.length < 40_000)
  for (const [format, contentType] of [
    ['deflate', ''],
    ['bitmap1', ''],
    ['auto', 'application/x-esl-bitmap+deflate'],
  ] as const) {
    const { problem } = await decode(bomb, format, null, true, { topic: 't', contentType })
    assert.equal(problem, 'deflate-raw: more than 32 MiB')
  }
  await assert.rejects(unpack(bomb, 'deflate-raw', 1 << 20), TooMuchError)
})

test('a bitmap that is chosen by hand is unpacked where it is packed, and left alone where it is not', async () => {
  const plain = Uint8Array.from({ length: 4000 }, (_, at) => (at * 7) % 251)
  for (const bytes of [
    plain,
    new Uint8Array(deflateRawSync(plain)),
    new Uint8Array(deflateSync(plain)),
  ]) {
    const { decoded } = await decode(bytes, 'bitmap1', null)
    assert.deepEqual(decoded.kind === 'bitmap' && decoded.bytes, plain)
    assert.equal(decoded.kind === 'bitmap' && decoded.layout.width, 122)
  }
})

test('of what few bytes unpack to, only a part is read until all is asked for', async () => {
  const json = new TextEncoder().encode(`[${'0,'.repeat(2_000_000)}0]`)
  const cbor = new Uint8Array(3_000_001).fill(0)
  cbor.set([0x9a, 0, 0x2d, 0xc6, 0xbc])
  for (const [inner, kind, format] of [
    [json, 'lines', 'json'],
    [new Uint8Array(5_000_000), 'text', 'hex'],
    [cbor, 'text', 'hex'],
    [new Uint8Array(gzipSync(new Uint8Array(9_000_000), { level: 0 })), 'text', 'gzip'],
  ] as const) {
    const packed = new Uint8Array(gzipSync(inner))
    const { decoded, problem, bytes, ofBytes } = await decode(packed, 'auto', null, false)
    assert.equal(problem, null)
    assert.deepEqual([decoded.kind, decoded.format], [kind, format])
    assert.deepEqual([bytes, ofBytes], [256 << 10, inner.length])
    if (decoded.kind === 'lines') assert.ok(decoded.lines.length < 300_000)
  }
  const whole = await decode(
    new Uint8Array(gzipSync(json.subarray(0, 300_000))),
    'auto',
    null,
    true,
  )
  assert.equal(whole.bytes, whole.ofBytes)
})

test('no picture is larger than a canvas can be, whatever its media type says', async () => {
  const layoutOf = async (facts: string) => {
    const contentType = `application/x-esl-bitmap; format=bw; ${facts}`
    const { decoded } = await decode(new Uint8Array(100), 'auto', null, true, {
      topic: 't',
      contentType,
    })
    return decoded.kind === 'bitmap' ? decoded.layout : null
  }
  for (const facts of [
    'width=16000000',
    'width=-8',
    'width=1e9',
    'width=8.5',
    'rotate=45; width=x',
  ]) {
    const layout = await layoutOf(facts)
    assert.ok(layout !== null && layout.width > 0 && layout.width < 100 && layout.turn === 0)
  }
  const narrow = {
    bits: 1,
    planes: 1,
    width: 1,
    palette: 'grey',
    inverted: false,
    turn: 0,
  } as const
  assert.equal(bitmapPixels(new Uint8Array(16_385), narrow), null)
})

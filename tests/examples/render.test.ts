/** What price tags are sent: packed, turned, and the same in the graphical client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { articleOf, csvOf, offerOf } from '../../examples/price-tags/model/articles.ts'
import { COLOURS, TAG_TYPES, type Format } from '../../examples/price-tags/model/tags.ts'
import { pack, rotate, unpack, type Picture } from '../../examples/price-tags/render/picture.ts'
import { pngOf } from '../../examples/price-tags/render/png.ts'
import {
  bitmapOf,
  contentTypeOf,
  draw,
  hashOf,
  shownBy,
} from '../../examples/price-tags/render/render.ts'
import { readPriceList, type CsvError } from '../../examples/price-tags/service/csv.ts'
import { bitmapPixels, type Pixels } from '../../web/src/decode/bitmap.ts'
import { decode } from '../../web/src/decode/decode.ts'

/** Ten pixels a row, so that rows end within a byte. */
function sample(format: Format): Picture {
  const colours = { bw: [0, 1], bwr: [0, 1, 3], bwry: [0, 1, 2, 3] }[format]
  const pixels = Uint8Array.from({ length: 30 }, (_, at) => colours[(at * 7) % colours.length])
  return { width: 10, height: 3, pixels }
}

test('a bit a pixel, the first one the highest, rows at whole bytes', () => {
  const picture = { width: 10, height: 1, pixels: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 1, 1, 0) }
  assert.deepEqual([...pack(picture, 'bw')], [0b10000001, 0b10000000])
})

test('two bits a pixel: black, white, yellow, red', () => {
  const picture = { width: 5, height: 1, pixels: Uint8Array.of(0, 1, 2, 3, 3) }
  assert.deepEqual([...pack(picture, 'bwry')], [0b00011011, 0b11000000])
})

test('black and red have a plane each; what is red is not black', () => {
  const picture = { width: 3, height: 1, pixels: Uint8Array.of(0, 1, 3) }
  assert.deepEqual([...pack(picture, 'bwr')], [0b01100000, 0b00100000])
})

for (const format of ['bw', 'bwr', 'bwry'] as const)
  test(`${format}: what was packed comes out the same, turned by any quarter`, () => {
    const picture = sample(format)
    for (const degrees of [0, 90, 180, 270] as const) {
      const turned = rotate(picture, degrees)
      const { width, height } = turned
      const back = unpack(pack(turned, format), width, height, format)
      assert.deepEqual(rotate(back, ((360 - degrees) % 360) as 0 | 90 | 180 | 270), picture)
    }
  })

test('bytes of another size are no bitmap', () => {
  assert.throws(() => unpack(new Uint8Array(3), 10, 3, 'bw'), RangeError)
})

for (const type of TAG_TYPES)
  test(`${type.name}: has a barcode and a price, and comes back from its bytes as it was drawn`, () => {
    const picture = draw(offerOf(7, 20), type)
    const bitmap = bitmapOf(picture, type)
    assert.deepEqual(shownBy(bitmap, type), picture)
    const bits = type.format === 'bw' ? 1 : 2
    assert.ok(bitmap.length < (type.width * type.height * bits) / 8 / 2, `${bitmap.length} bytes`)
    const { width, height, pixels } = picture
    const row = pixels.subarray(width * Math.floor(height * 0.7))
    const left = row.subarray(0, width * 0.42)
    const changes = left.reduce(
      (sum, colour, at) => sum + (at > 0 && colour !== left[at - 1] ? 1 : 0),
      0,
    )
    // An EAN-13 has 30 bars.
    assert.equal(changes, 60)
    if (type.format !== 'bw') assert.ok(pixels.includes(3), 'the price of an offer is red')
  })

/** What the graphical client makes of a message. */
async function seenBy(payload: Uint8Array, contentType: string): Promise<Pixels | null> {
  const said = { topic: 'esl/1/image/p2p/ap-1-1', contentType }
  const { decoded, problem } = await decode(payload, 'auto', null, true, said)
  assert.equal(problem, null)
  assert.ok(decoded.kind === 'bitmap', decoded.kind)
  return bitmapPixels(decoded.bytes, decoded.layout)
}

const rgbaOf = (pixels: Uint8Array): number[] =>
  [...pixels].flatMap((colour) => [
    ...[1, 3, 5].map((at) => Number.parseInt(COLOURS[colour].slice(at, at + 2), 16)),
    255,
  ])

for (const type of TAG_TYPES)
  test(`${type.name}: the graphical client shows one upright picture, in the colours of the tag`, async () => {
    const picture = draw(offerOf(12, 30), type)
    const seen = await seenBy(bitmapOf(picture, type), contentTypeOf(type))
    assert.deepEqual([seen?.width, seen?.height], [type.width, type.height])
    assert.deepEqual([...(seen?.rgba ?? [])], rgbaOf(picture.pixels))
  })

for (const type of TAG_TYPES)
  test(`${type.name}: a content type that says no more than what it is lets the client guess the rest`, async () => {
    const picture = draw(offerOf(12, 30), type)
    const seen = await seenBy(
      bitmapOf(picture, { ...type, rotate: 0 }),
      'application/x-esl-bitmap+deflate',
    )
    assert.deepEqual([seen?.width, seen?.height], [picture.width, picture.height])
    assert.deepEqual([...(seen?.rgba ?? [])], rgbaOf(picture.pixels))
  })

test('a PNG has the size and the colours of the picture', () => {
  const png = pngOf(sample('bwry'))
  assert.equal(png.toString('latin1', 1, 4), 'PNG')
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]], [10, 3, 2, 3])
})

test('equal content has an equal hash, a cent makes another', () => {
  assert.equal(hashOf(articleOf(3), 0), hashOf({ ...articleOf(3) }, 0))
  assert.notEqual(hashOf(articleOf(3), 0), hashOf(articleOf(3), 1))
  assert.notEqual(hashOf(articleOf(3), 0), hashOf({ ...articleOf(3), cents: 1 }, 0))
})

test('a price list comes back as it was written', () => {
  const articles = [articleOf(1), offerOf(2, 50), { ...articleOf(3), name: 'Tea, "green"' }]
  const csv = csvOf(articles).replace('"Tea, "green""', '"Tea, ""green"""')
  assert.deepEqual(readPriceList(csv), articles)
})

test('everything that is wrong with a price list is said, by line', () => {
  const csv = 'sku,name,price\n1,Milk,1.2\n0,Milk,1\n2,,1\n3,Milk,one\n'
  assert.throws(
    () => readPriceList(csv),
    (error: CsvError) => {
      assert.deepEqual(
        error.problems.map((problem) => problem.split(':')[0]),
        ['line 3', 'line 4', 'line 5'],
      )
      return true
    },
  )
  assert.throws(() => readPriceList('name,price\nMilk,1\n'), /no column sku/)
  assert.throws(() => readPriceList('sku,name,price\n'), /empty/)
})

const MILK = [{ ...articleOf(1), name: 'Milk', cents: 121, unit: '', ean: '200000000001' }]

for (const [what, csv] of [
  ['a byte order mark and CRLF', '\uFEFFsku,name,price\r\n1,Milk,1.21\r\n'],
  ['line ends of old', 'sku,name,price\r1,Milk,1.21'],
  ['semicolons and decimal commas', 'sku;name;price\n1;Milk;1,21\n'],
  ['tabs', 'Price\tSKU\tName\n1.21\t0001\t Milk \n'],
  ['empty lines, and the same line twice', 'sku,name,price\n\n1,Milk,1.21\n,,\n1,Milk,1.21\n'],
  ['a line end within quotes', 'sku,name,price\n1,"\nMilk\n",1.21\n'],
] as const)
  test(`a price list with ${what}`, () => {
    assert.deepEqual(readPriceList(csv), MILK)
  })

for (const [what, line, problem] of [
  ['a quote in the middle of a cell', '1,Mi"l"k,1', /^line 2: a quote in the middle/],
  ['words behind a quote', '1,"Mi"lk,1', /^line 2: a quote in the middle/],
  ['a quote that does not end', '1,"Milk,1\n2,Tea,1', /^line 2: a quote that does not end/],
  ['many quotes and no end', `1,${'"'.repeat(1_000_001)}`, /^line 2: a quote that does not end/],
  ['a line number behind lines within quotes', '1,"a\nb",1\n\n2,,1', /^line 5: a name has/],
  ['two prices for an article', '1,Milk,1\n2,Tea,1\n1,Milk,2', /^line 4: sku 1 was there already/],
  ['more cells than columns', '1,Milk,1,99', /^line 2: 4 cells, line 1 has 3/],
  ['a sign that no tag can show', '1,a\u0001b,1', /no UTF-8 text/],
  ['a zero', '1,a\u0000b,1', /no UTF-8 text/],
  ['half a sign', '1,a\uD800b,1', /no UTF-8 text/],
  ['text of another encoding', '1,\uFFFD\uFFFD,1', /no UTF-8 text/],
  ['a negative price', '1,Milk,-1', /"-1" is no price/],
  ['a huge price', '1,Milk,1e300', /"1e300" is no price/],
] as const)
  test(`a price list is refused for ${what}`, () => {
    assert.throws(() => readPriceList(`sku,name,price\n${line}\n`), { message: problem })
  })

test('the last of 13 digits of an EAN has to fit the others', () => {
  const list = (ean: string) => `sku,name,price,ean\n1,Milk,1,${ean}\n`
  assert.equal(readPriceList(list('4006381333931'))[0].ean, '4006381333931')
  assert.throws(() => readPriceList(list('4006381333932')), /no EAN/)
})

test('names in Chinese fit on every tag, and need no more than a font of the system', () => {
  for (const type of TAG_TYPES) {
    const picture = draw({ ...articleOf(1), name: '特级酱油500毫升促销装买一送一大瓶' }, type)
    const margin = picture.width - Math.round(picture.width * 0.01)
    for (let at = 0; at < picture.pixels.length / 2; at++)
      if (at % picture.width >= margin) assert.equal(picture.pixels[at], 1)
  }
})

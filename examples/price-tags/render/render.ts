/** From an article to what a tag of a type is sent: SVG → pixels → colours → turned → packed → deflated. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { Resvg } from '@resvg/resvg-js'
import { TAG_TYPES, type Article, type TagType } from '../model/tags.ts'
import { pack, pictureOf, rotate, unpack, type Picture } from './picture.ts'
import { svgOf } from './template.ts'

const FONT = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf')

/** What the example's own font has no signs for: scripts of East Asia, emoji. Fonts of the system are slow to load. */
const FOREIGN = /[\u1100-\u11FF\u2E80-\uFFEF\u{1B000}-\u{3FFFF}]/u

/** A bitmap is larger than this only by mistake, and may not fill memory. */
const BITMAP_BYTES_MAX = 1 << 20

export function draw(article: Article, type: TagType): Picture {
  const { width, height, format } = type
  const loadSystemFonts = FOREIGN.test(article.name + article.unit)
  const font = { loadSystemFonts, fontFiles: [FONT], defaultFontFamily: 'DejaVu Sans' }
  const { pixels } = new Resvg(svgOf(article, type), { font }).render()
  return pictureOf(pixels, width, height, format)
}

/** The deflated bytes of the panel. */
export function bitmapOf(picture: Picture, { format, rotate: degrees }: TagType): Uint8Array {
  return deflateRawSync(pack(rotate(picture, degrees), format))
}

/** Says how such bytes lie: pixels a row, rows, and how the panel lies to what people see, degrees clockwise. */
export function contentTypeOf({ width, height, format, rotate: degrees }: TagType): string {
  const [w, h] = degrees % 180 === 0 ? [width, height] : [height, width]
  return `application/x-esl-bitmap+deflate; format=${format}; width=${w}; height=${h}; rotate=${degrees}`
}

/** What a panel of this type shows of such bytes. Throws for bytes that are none. */
export function shownBy(bitmap: Uint8Array, type: TagType): Picture {
  const { width, height, format, rotate: degrees } = type
  const [w, h] = degrees % 180 === 0 ? [width, height] : [height, width]
  const bytes = inflateRawSync(bitmap, { maxOutputLength: BITMAP_BYTES_MAX })
  return rotate(unpack(bytes, w, h, format), ((360 - degrees) % 360) as 0 | 90 | 180 | 270)
}

/** Names what a tag of this type shows of an article: 64 bits, in hex. */
export function hashOf(article: Article, type: number): string {
  const { sku, name, cents, wasCents, unit, ean } = article
  const facts = JSON.stringify([TAG_TYPES[type].name, sku, name, cents, wasCents, unit, ean])
  return createHash('sha256').update(facts).digest('hex').slice(0, 16)
}

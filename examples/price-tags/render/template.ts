/** A price tag as SVG. */
import bwipjs from 'bwip-js/node'
import { COLOURS, RED, YELLOW, type Article, type TagType } from '../model/tags.ts'

/** An article on a tag of this type; what a tag that has the template draws of its fields. */
export function svgOf(article: Article, { width, height, format }: TagType): string {
  const { name, cents, wasCents, unit, ean, sku } = article
  const isOffer = wasCents > cents
  const accent = format === 'bw' ? COLOURS[0] : COLOURS[RED]
  const ground = isOffer && format === 'bwry' ? COLOURS[YELLOW] : COLOURS[1]
  const [whole, rest] = priceOf(cents).split('.')
  const pad = Math.round(width * 0.03)
  const nameSize = Math.min(height * 0.15, (width * 1.3) / Math.max(10, lengthOf(name)))
  const priceSize = height * 0.44
  const small = height * 0.1
  const priceX = width - pad
  const codeWidth = width * 0.38
  const price = isOffer ? accent : COLOURS[0]
  const code = barcodeOf(ean, pad, height * 0.58, codeWidth, height * 0.26)
  const was = isOffer
    ? struck(pad, Math.round(height * 0.42), small * 1.2, `was ${priceOf(wasCents)}`)
    : ''
  const band = isOffer
    ? `<rect x="0" y="0" width="${width}" height="${height * 0.045}" fill="${accent}"/>`
    : ''
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans" font-weight="bold" text-rendering="optimizeSpeed" shape-rendering="crispEdges">
<rect width="${width}" height="${height}" fill="${ground}"/>${band}
${text(pad, height * 0.22, nameSize, name)}${was}${code}
${text(pad, height * 0.96, small, String(sku).padStart(6, '0'))}
<text x="${priceX}" y="${height * 0.78}" font-size="${priceSize}" text-anchor="end" fill="${price}">${whole}<tspan font-size="${priceSize * 0.55}" dy="${-priceSize * 0.28}">${rest}</tspan></text>
${text(priceX, height * 0.96, small, unit, { 'text-anchor': 'end' })}
</svg>`
}

/** In signs of common width; those of East Asia are as wide as they are high. */
function lengthOf(words: string): number {
  return words.length + (words.match(/[\u1100-\u11FF\u2E80-\uFFEF]/g)?.length ?? 0) / 2
}

/** Struck through by a bar of our own: the font's is thinner than a pixel. */
function struck(x: number, y: number, size: number, words: string): string {
  const width = Math.round(words.length * size * 0.66)
  const bar = Math.max(2, Math.round(size / 9))
  const middle = Math.round(y - size * 0.36 - bar / 2)
  return `${text(x, y, size, words)}<rect x="${x}" y="${middle}" width="${width}" height="${bar}"/>`
}

export const priceOf = (cents: number): string => (cents / 100).toFixed(2)

function text(
  x: number,
  y: number,
  size: number,
  words: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const rest = Object.entries(more).map(([name, value]) => ` ${name}="${value}"`)
  return `<text x="${x}" y="${y}" font-size="${size}"${rest.join('')}>${escaped(words)}</text>`
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

/** The bars alone, in whole pixels: a scanner reads no half ones. */
function barcodeOf(ean: string, x: number, y: number, width: number, height: number): string {
  const [{ sbs }] = bwipjs.raw({ bcid: 'ean13', text: ean.slice(0, 12) }) as unknown as [
    { sbs: number[] },
  ]
  const modules = sbs.reduce((sum, bar) => sum + bar, 0)
  const pixel = Math.max(1, Math.floor(width / modules))
  let at = x
  const bars = sbs.map((bar, index) => {
    const start = at
    at += bar * pixel
    return index % 2 === 0
      ? `M${start} ${Math.round(y)}h${bar * pixel}v${Math.round(height)}h${-bar * pixel}z`
      : ''
  })
  return `<path shape-rendering="crispEdges" d="${bars.join('')}"/>`
}

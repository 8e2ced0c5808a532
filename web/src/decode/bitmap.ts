/** Raw 1, 2 and 4 bit bitmaps, as electronic shelf labels show them. */
import type { MediaType } from './media-type.ts'

export interface BitmapLayout {
  readonly bits: 1 | 2 | 4
  /** 2: all of a picture in black and white, then once more where the third colour is; of one bit each. */
  readonly planes: 1 | 2
  /** Pixels a row; rows begin at whole bytes. */
  readonly width: number
  readonly palette: BitmapPalette
  readonly inverted: boolean
  /** Degrees clockwise by which it is shown turned. */
  readonly turn: Turn
}

export const TURNS = [0, 90, 180, 270] as const
export type Turn = (typeof TURNS)[number]

export const BITMAP_PALETTES = ['grey', 'red', 'yellow', 'redYellow'] as const
/** `grey`: from black to white; `red`: white, black, red; `yellow`: white, black, yellow; `redYellow`: black, white, yellow, red, … */
export type BitmapPalette = (typeof BITMAP_PALETTES)[number]

const TABLES: Readonly<Record<Exclude<BitmapPalette, 'grey'>, readonly number[]>> = {
  red: [0xffffff, 0x000000, 0xd0021b, 0xd0021b],
  yellow: [0xffffff, 0x000000, 0xf2c200, 0xf2c200],
  // The first four are the order of four-colour e-paper; six- and seven-colour panels go on like this.
  redYellow: [0x000000, 0xffffff, 0xf2c200, 0xd0021b, 0x1b6fd0, 0x1b9e4b, 0xf07f13],
}

const MIN_WIDTH = 1
const PIXELS_MAX = 16_000_000
/** No browser has a canvas that is longer. */
const SIDE_MAX = 16_384

const PANELS = [
  [250, 122],
  [296, 128],
  [212, 104],
  [152, 152],
  [200, 200],
  [264, 176],
  [400, 300],
  [384, 168],
  [640, 384],
  [800, 480],
] as const

type Depth = Pick<BitmapLayout, 'bits' | 'planes'>

const strideOf = (width: number, bits: number): number => Math.ceil((width * bits) / 8)

/** The width of a common panel that has just so many bytes, or the height, when it lies on its side; null: none has. */
function panelWidth(byteCount: number, { bits, planes }: Depth): number | null {
  for (const [width, height] of PANELS) {
    if (strideOf(width, bits) * height * planes === byteCount) return width
    if (strideOf(height, bits) * width * planes === byteCount) return height
  }
  return null
}

/** Widths of common panels, the likeliest first for a payload of this many bytes. */
export function guessWidth(byteCount: number, depth: Depth): number {
  const known = panelWidth(byteCount, depth)
  if (known !== null) return known
  const pixels = (byteCount * 8) / depth.bits / depth.planes
  return Math.max(8, Math.round(Math.sqrt(pixels) / 8) * 8)
}

/** The layout to begin with when only the depth is known. */
export function guessLayout(byteCount: number, depth: Depth): BitmapLayout {
  const palette = depth.planes === 2 ? 'red' : 'grey'
  return { ...depth, width: guessWidth(byteCount, depth), palette, inverted: false, turn: 0 }
}

type TagFormat = Depth & Pick<BitmapLayout, 'palette'>

const BW: TagFormat = { bits: 1, planes: 1, palette: 'grey' }
const BWR: TagFormat = { bits: 1, planes: 2, palette: 'red' }
const BWRY: TagFormat = { bits: 2, planes: 1, palette: 'redYellow' }

/** By the names that systems of price tags give them. */
const TAG_FORMATS: ReadonlyMap<string, TagFormat> = new Map([
  ['bw', BW],
  ['bwr', BWR],
  ['bwy', { ...BWR, palette: 'yellow' }],
  ['bwry', BWRY],
])

/**
 * The layout of a price tag's bitmap: `format`, `width` and `rotate` (how the panel lies to what people see, degrees clockwise)
 * of its media type; what that leaves out is guessed.
 */
export function tagLayout(bytes: Uint8Array, { parameters }: MediaType): BitmapLayout {
  const format = TAG_FORMATS.get(parameters.get('format') ?? '') ?? guessFormat(bytes)
  const width = Number(parameters.get('width'))
  const isWidth = Number.isInteger(width) && width >= MIN_WIDTH && width <= SIDE_MAX
  const turn = TURNS.find((one) => (one + Number(parameters.get('rotate') ?? 0)) % 360 === 0) ?? 0
  const guessed = guessLayout(bytes.length, format)
  return { ...guessed, ...format, ...(isWidth && { width }), turn }
}

/** Two planes and two bits a pixel are of one size; no pixel of two planes is black and coloured. */
function guessFormat(bytes: Uint8Array): TagFormat {
  if (panelWidth(bytes.length, BWR) === null) return BW
  const half = bytes.length / 2
  for (let at = 0; at < half; at++)
    if ((~(bytes[at] ?? 0) & (bytes[half + at] ?? 0)) !== 0) return BWRY
  return BWR
}

/** Rows that the payload has at this layout, the last one perhaps incomplete. */
function rowsOf(byteCount: number, { bits, planes, width }: BitmapLayout): number {
  return Math.ceil(byteCount / planes / strideOf(width, bits))
}

export interface Pixels {
  readonly width: number
  readonly height: number
  /** RGBA, four bytes a pixel. */
  readonly rgba: Uint8ClampedArray
}

/** The picture; null: it would be unreasonably large, or there is nothing of it. */
export function bitmapPixels(bytes: Uint8Array, layout: BitmapLayout): Pixels | null {
  const { width, turn } = layout
  const rows = rowsOf(bytes.length, layout)
  if (width < MIN_WIDTH || rows === 0 || width * rows > PIXELS_MAX) return null
  if (width > SIDE_MAX || rows > SIDE_MAX) return null
  const valueAt = layout.planes === 2 ? twoPlanes(bytes, layout) : onePlane(bytes, layout)
  const colours = paletteOf(layout)
  const isUpright = turn % 180 === 0
  const [toWidth, toHeight] = isUpright ? [width, rows] : [rows, width]
  const rgba = new Uint8ClampedArray(width * rows * 4)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < width; x++) {
      const colour = colours[valueAt(x, y)] ?? 0
      const toX = turn === 0 ? x : turn === 90 ? rows - 1 - y : turn === 180 ? width - 1 - x : y
      const toY = turn === 0 ? y : turn === 90 ? x : turn === 180 ? rows - 1 - y : width - 1 - x
      const at = (toY * toWidth + toX) * 4
      rgba[at] = colour >> 16
      rgba[at + 1] = (colour >> 8) & 0xff
      rgba[at + 2] = colour & 0xff
      rgba[at + 3] = 0xff
    }
  }
  return { width: toWidth, height: toHeight, rgba }
}

type ValueAt = (x: number, y: number) => number

function onePlane(bytes: Uint8Array, { bits, width }: BitmapLayout): ValueAt {
  const stride = strideOf(width, bits)
  const mask = (1 << bits) - 1
  return (x, y) => {
    const bit = x * bits
    return ((bytes[y * stride + (bit >> 3)] ?? 0) >> (8 - bits - (bit & 7))) & mask
  }
}

/** 0: white, 1: black, 2: the third colour, whatever lies below it. */
function twoPlanes(bytes: Uint8Array, layout: BitmapLayout): ValueAt {
  const half = bytes.length >> 1
  const white = onePlane(bytes.subarray(0, half), layout)
  const third = onePlane(bytes.subarray(half), layout)
  return (x, y) => (third(x, y) === 1 ? 2 : 1 - white(x, y))
}

/** Inverting turns greys around and leaves the inks. */
function paletteOf({ bits, planes, palette, inverted }: BitmapLayout): number[] {
  const count = 1 << (bits * planes)
  return Array.from({ length: count }, (_, at) => {
    const level = Math.round((at * 255) / (count - 1))
    const table = palette === 'grey' ? null : TABLES[palette]
    const colour =
      table === null ? (level << 16) | (level << 8) | level : (table[at % table.length] ?? 0)
    const isGrey = colour >> 16 === (colour & 0xff) && (colour >> 8) % 256 === (colour & 0xff)
    return inverted && isGrey ? colour ^ 0xffffff : colour
  })
}

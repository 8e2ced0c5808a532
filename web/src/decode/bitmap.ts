/** Raw 1, 2 and 4 bit bitmaps, as electronic shelf labels show them. */

export interface BitmapLayout {
  readonly bits: 1 | 2 | 4
  /** Pixels a row; rows begin at whole bytes. */
  readonly width: number
  readonly palette: BitmapPalette
  readonly inverted: boolean
}

export const BITMAP_PALETTES = ['grey', 'red', 'redYellow'] as const
/** `grey`: from black to white; `red`: white, black, red; `redYellow`: black, white, yellow, red, … */
export type BitmapPalette = (typeof BITMAP_PALETTES)[number]

const RED: readonly number[] = [0xffffff, 0x000000, 0xd0021b, 0xd0021b]
/** The first four are the order of four-colour e-paper; six- and seven-colour panels go on like this. */
const RED_YELLOW: readonly number[] = [
  0x000000, 0xffffff, 0xf2c200, 0xd0021b, 0x1b6fd0, 0x1b9e4b, 0xf07f13,
]

const MIN_WIDTH = 1
const MAX_PIXELS = 16_000_000

/** Widths of common panels, the likeliest first for a payload of this many bytes. */
export function guessWidth(byteCount: number, bits: number): number {
  const panels = [
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
  for (const [width, height] of panels) {
    if (Math.ceil((width * bits) / 8) * height === byteCount) return width
    if (Math.ceil((height * bits) / 8) * width === byteCount) return height
  }
  const pixels = (byteCount * 8) / bits
  return Math.max(8, Math.round(Math.sqrt(pixels) / 8) * 8)
}

/** Rows that the payload has at this layout, the last one perhaps incomplete. */
export function bitmapHeight(byteCount: number, { bits, width }: BitmapLayout): number {
  return Math.ceil(byteCount / Math.ceil((width * bits) / 8))
}

/** The picture as RGBA, four bytes a pixel; null: it would be unreasonably large. */
export function bitmapPixels(bytes: Uint8Array, layout: BitmapLayout): Uint8ClampedArray | null {
  const { bits, width } = layout
  const height = bitmapHeight(bytes.length, layout)
  if (width < MIN_WIDTH || width * height > MAX_PIXELS) return null
  const stride = Math.ceil((width * bits) / 8)
  const colours = paletteOf(layout)
  const mask = (1 << bits) - 1
  const pixels = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * bits
      const byte = bytes[y * stride + (bit >> 3)] ?? 0
      const colour = colours[(byte >> (8 - bits - (bit & 7))) & mask] ?? 0
      const at = (y * width + x) * 4
      pixels[at] = colour >> 16
      pixels[at + 1] = (colour >> 8) & 0xff
      pixels[at + 2] = colour & 0xff
      pixels[at + 3] = 0xff
    }
  }
  return pixels
}

function paletteOf({ bits, palette, inverted }: BitmapLayout): number[] {
  const count = 1 << bits
  const table = palette === 'grey' ? null : palette === 'red' ? RED : RED_YELLOW
  const colours = Array.from({ length: count }, (_, at) => {
    if (table !== null) return table[at % table.length] ?? 0
    const level = Math.round((at * 255) / (count - 1))
    return (level << 16) | (level << 8) | level
  })
  return inverted ? colours.map((colour) => colour ^ 0xffffff) : colours
}

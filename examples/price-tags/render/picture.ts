/** Pictures of few colours, and how the memory of an e-paper panel holds them. Rows begin at whole bytes. */
import { BLACK, COLOURS, RED, WHITE, type Format } from '../model/tags.ts'

export interface Picture {
  readonly width: number
  readonly height: number
  /** A colour's number (`COLOURS`) a pixel, row by row. */
  readonly pixels: Uint8Array
}

/** Of each format the colours that it has. */
const PALETTES: Readonly<Record<Format, readonly number[]>> = {
  bw: [0, 1],
  bwr: [0, 1, 3],
  bwry: [0, 1, 2, 3],
}

const RGB = COLOURS.map((colour) =>
  [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)),
)

/** The nearest colour of the format for each pixel of RGBA bytes. */
export function pictureOf(
  rgba: Uint8Array,
  width: number,
  height: number,
  format: Format,
): Picture {
  const palette = PALETTES[format]
  const pixels = new Uint8Array(width * height)
  for (let at = 0; at < pixels.length; at++) pixels[at] = nearest(rgba, at * 4, palette)
  return { width, height, pixels }
}

function nearest(rgba: Uint8Array, at: number, palette: readonly number[]): number {
  let best = palette[0]
  let least = Infinity
  for (const colour of palette) {
    const [red, green, blue] = RGB[colour]
    const distance =
      (rgba[at] - red) ** 2 + (rgba[at + 1] - green) ** 2 + (rgba[at + 2] - blue) ** 2
    if (distance >= least) continue
    least = distance
    best = colour
  }
  return best
}

/** Turned clockwise by quarters. */
export function rotate(picture: Picture, degrees: 0 | 90 | 180 | 270): Picture {
  if (degrees === 0) return picture
  const { width, height, pixels } = picture
  const isUpright = degrees === 180
  const [w, h] = isUpright ? [width, height] : [height, width]
  const turned = new Uint8Array(pixels.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const toX = isUpright ? width - 1 - x : degrees === 90 ? height - 1 - y : y
      const toY = isUpright ? height - 1 - y : degrees === 90 ? x : width - 1 - x
      turned[toY * w + toX] = pixels[y * width + x]
    }
  return { width: w, height: h, pixels: turned }
}

/** The bytes of a panel that lies as the picture does. */
export function pack(picture: Picture, format: Format): Uint8Array {
  if (format === 'bw') return plane(picture, 1, (colour) => (colour === BLACK ? 0 : 1))
  if (format === 'bwry') return plane(picture, 2, (colour) => colour)
  const black = plane(picture, 1, (colour) => (colour === BLACK ? 0 : 1))
  const red = plane(picture, 1, (colour) => (colour === RED ? 1 : 0))
  const both = new Uint8Array(black.length + red.length)
  both.set(black)
  both.set(red, black.length)
  return both
}

/** What {@link pack} packed. Throws RangeError for bytes of another size. */
export function unpack(bytes: Uint8Array, width: number, height: number, format: Format): Picture {
  const bits = format === 'bwry' ? 2 : 1
  const size = strideOf(width, bits) * height
  const wanted = format === 'bwr' ? 2 * size : size
  if (bytes.length !== wanted)
    throw new RangeError(`${bytes.length} bytes are no ${format} of ${width}x${height}`)
  const pixels = unpackPlane(bytes.subarray(0, size), width, height, bits)
  if (format === 'bwr') {
    const red = unpackPlane(bytes.subarray(size), width, height, 1)
    for (let at = 0; at < red.length; at++) if (red[at] === 1) pixels[at] = RED
  }
  return { width, height, pixels }
}

export const strideOf = (width: number, bits: number): number => Math.ceil((width * bits) / 8)

function plane(
  { width, height, pixels }: Picture,
  bits: 1 | 2,
  valueOf: (colour: number) => number,
): Uint8Array {
  const stride = strideOf(width, bits)
  const bytes = new Uint8Array(stride * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const bit = x * bits
      const value = valueOf(pixels[y * width + x])
      bytes[y * stride + (bit >> 3)] |= value << (8 - bits - (bit & 7))
    }
  return bytes
}

function unpackPlane(bytes: Uint8Array, width: number, height: number, bits: 1 | 2): Uint8Array {
  const stride = strideOf(width, bits)
  const mask = (1 << bits) - 1
  const pixels = new Uint8Array(width * height).fill(WHITE)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const bit = x * bits
      pixels[y * width + x] = (bytes[y * stride + (bit >> 3)] >> (8 - bits - (bit & 7))) & mask
    }
  return pixels
}

/** Kinds of tags, what they say, and in which colours. */

/** Colours by their number in a picture; of one bit the first two. */
export const COLOURS = ['#000000', '#ffffff', '#f2c200', '#d0021b'] as const
export const BLACK = 0
export const WHITE = 1
export const YELLOW = 2
export const RED = 3

/** `bw`: 1 bit a pixel. `bwr`: a plane for black, then one for red. `bwry`: 2 bits a pixel. */
export type Format = 'bw' | 'bwr' | 'bwry'

export interface TagType {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly format: Format
  /** How the panel's memory lies to what people see, degrees clockwise. */
  readonly rotate: 0 | 90 | 180 | 270
  /** How long the ink moves. */
  readonly redrawMs: number
}

/** By the number that a tag's type has. */
export const TAG_TYPES: readonly TagType[] = [
  { name: '2.13 bw', width: 250, height: 122, format: 'bw', rotate: 270, redrawMs: 500 },
  { name: '2.9 bwr', width: 296, height: 128, format: 'bwr', rotate: 90, redrawMs: 900 },
  { name: '4.2 bwry', width: 400, height: 300, format: 'bwry', rotate: 0, redrawMs: 1200 },
  { name: '7.5 bwr', width: 800, height: 480, format: 'bwr', rotate: 180, redrawMs: 1200 },
]

/** What a price tag says. Prices are in cents. */
export interface Article {
  readonly sku: number
  readonly name: string
  readonly cents: number
  /** The price before; 0: it is no offer. */
  readonly wasCents: number
  readonly unit: string
  /** 12 or 13 digits. */
  readonly ean: string
}

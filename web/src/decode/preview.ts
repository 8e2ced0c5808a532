/** The beginning of a payload in one line, and what a payload looks like at first sight. */
import type { Format } from '../model/message.ts'
import { asLenientText, toBase64 } from './bytes.ts'
import type { Schema } from '../model/settings.ts'
import { linesToText, toHex, valueLines } from './lines.ts'
import {
  mediaTypeOf,
  NOTHING_SAID,
  saysBitmap,
  saysPacked,
  type MediaType,
  type Said,
} from './media-type.ts'
import { structureOf } from './shape.ts'
import { isSparkplugTopic } from './sparkplug-topic.ts'
import { decodeNow, isStructured } from './structured.ts'
import { isGzip, isZlib } from './unpack.ts'

const PREVIEW_BYTES = 240

const IMAGES: readonly (readonly [mime: string, magic: readonly number[]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['image/bmp', [0x42, 0x4d]],
]

/** The image type that the first bytes announce; null: none a browser shows. */
export function imageType(bytes: Uint8Array): string | null {
  for (const [mime, magic] of IMAGES) {
    if (bytes.length > 16 && magic.every((byte, at) => bytes[at] === byte)) return mime
  }
  const isRiff = bytes.length > 16 && asLenientText(bytes.subarray(0, 4)) === 'RIFF'
  return isRiff && asLenientText(bytes.subarray(8, 12)) === 'WEBP' ? 'image/webp' : null
}

/** Whether bytes are text for people: UTF-8 without control characters other than white space. */
function isReadable(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return false
    if (byte === 0x7f) return false
  }
  return true
}

type Detected =
  'json' | 'text' | 'hex' | 'image' | Packed | 'cbor' | 'msgpack' | 'sparkplug' | 'tagBitmap'
type Packed = 'gzip' | 'deflate'

/** What `auto` stands for with this payload; the topic tells of Sparkplug B, the content type of price tags and what is packed. */
export function detect(bytes: Uint8Array, { topic, contentType }: Said = NOTHING_SAID): Detected {
  if (isSparkplugTopic(topic)) return 'sparkplug'
  if (isGzip(bytes)) return 'gzip'
  if (contentType !== '') {
    const type = mediaTypeOf(contentType)
    if (saysBitmap(type)) return 'tagBitmap'
    if (saysPacked(type)) return 'deflate'
  }
  const found = detectText(bytes)
  if (found !== 'hex') return found
  return structureOf(bytes) ?? (isZlib(bytes) ? 'deflate' : 'hex')
}

function detectText(bytes: Uint8Array): 'json' | 'text' | 'hex' | 'image' {
  const start = bytes.subarray(0, 4096)
  if (imageType(bytes) !== null) {
    // "BM" begins many a word as well.
    if (bytes[0] !== 0x42 || !isReadable(start)) return 'image'
  }
  if (!isReadable(start)) return 'hex'
  const text = asLenientText(start)
  // The cut may go through a character; anywhere else a replacement means that this is no UTF-8.
  const broken = text.indexOf('\uFFFD')
  if (broken !== -1 && (bytes.length <= 4096 || broken < text.length - 1)) return 'hex'
  return /^\s*[[{]/.test(text) ? 'json' : 'text'
}

/** Larger payloads with a structure are not decoded for one line. */
const DECODED_BYTES_MAX = 64 << 10

/** One line for the table. Numbers of JSON are not touched: white space goes, nothing else. */
export function preview(
  bytes: Uint8Array,
  format: Format,
  topic = '',
  schema: Schema | null = null,
  contentType = '',
): string {
  const start = bytes.subarray(0, PREVIEW_BYTES)
  const kind = format === 'auto' ? detect(bytes, { topic, contentType }) : format
  if (isStructured(kind) && bytes.length > 0 && bytes.length <= DECODED_BYTES_MAX) {
    const text = structuredText(decodeNow(kind, bytes, schema))
    if (text !== null) return text
  }
  if (kind === 'tagBitmap') return tagText(mediaTypeOf(contentType))
  if (kind === 'image') return imageType(bytes) ?? 'image'
  if (kind === 'base64') return toBase64(start.subarray(0, 180))
  if (kind === 'text' || kind === 'json') return oneLine(start)
  return toHex(start.subarray(0, 80), ' ')
}

/** Null: there is no value, or it is deeper than anybody reads. */
function structuredText(value: unknown): string | null {
  if (value === undefined) return null
  try {
    return linesToText(valueLines(value)).replaceAll(/\s+/g, ' ').slice(0, PREVIEW_BYTES)
  } catch {
    return null
  }
}

/** `bwr 800 × 480`, as far as the content type says it. */
function tagText({ essence, parameters }: MediaType): string {
  const [format, width, height] = ['format', 'width', 'height'].map((name) => parameters.get(name))
  const size = width === undefined || height === undefined ? '' : `${width} × ${height}`
  const words = [format ?? '', size].filter((word) => word !== '')
  return words.length === 0 ? essence : words.join(' ').slice(0, PREVIEW_BYTES)
}

/** Text in one line; what would steer a terminal or turn the line's direction is shown as a dot. */
function oneLine(bytes: Uint8Array): string {
  return asLenientText(bytes)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '·')
    .replace(/\uFFFD+$/, '')
}

/** A whole payload in the format asked for. Decoders that are seldom needed are loaded when they are. */
import type { Format } from '../model/message.ts'
import type { Schema } from '../model/settings.ts'
import { guessLayout, tagLayout, type BitmapLayout } from './bitmap.ts'
import { asLenientText, asText, hexDump, toBase64 } from './bytes.ts'
import { jsonLines, jsonLinesOfPart, linesToText, valueLines, type Line } from './lines.ts'
import { mediaTypeOf, NOTHING_SAID, saysPacked, type MediaType, type Said } from './media-type.ts'
import { detect, imageType } from './preview.ts'
import { decoderOf, type StructuredFormat } from './structured.ts'
import { isGzip, isZlib, TooMuchError, unpack } from './unpack.ts'

export type Decoded =
  | { kind: 'lines'; format: Format; lines: Line[]; text: string }
  | { kind: 'text'; format: Format; text: string }
  /** `bytes`: the payload, or what was packed in it. */
  | { kind: 'image'; format: Format; mime: string; bytes: Uint8Array }
  | { kind: 'bitmap'; format: Format; layout: BitmapLayout; bytes: Uint8Array }

/** The payload decoded, and when that failed, as text or hex with the reason. */
export interface DecodeResult {
  readonly decoded: Decoded
  readonly problem: string | null
  /** Of {@link ofBytes} so many, from the beginning, are in it. */
  readonly bytes: number
  /** The payload's, or of what was packed in it. */
  readonly ofBytes: number
}

/** Of a payload that is larger, and of what was packed in it, only so much is decoded, unless all of it is asked for. */
export const PART_BYTES = 256 << 10

/** A few bytes may unpack to so many values that no page holds their lines: beyond this they are hex, until all is asked for. */
const UNPACKED_VALUES_BYTES_MAX = 1 << 20

type Decoder = (
  bytes: Uint8Array,
  schema: Schema | null,
  type: MediaType,
) => Decoded | Promise<Decoded>

/** Formats that can be read from a part. */
const PARTIAL: ReadonlySet<Format> = new Set(['text', 'json', 'hex', 'base64'])

const DECODERS: Record<Exclude<Format, 'auto' | 'gzip' | 'deflate'>, Decoder> = {
  text: (bytes) => ({ kind: 'text', format: 'text', text: asLenientText(bytes) }),
  json: (bytes) => ofLines('json', jsonLines(asLenientText(bytes))),
  hex: (bytes) => ({ kind: 'text', format: 'hex', text: hexDump(bytes) }),
  base64: (bytes) => ({ kind: 'text', format: 'base64', text: toBase64(bytes) }),
  cbor: structured('cbor'),
  msgpack: structured('msgpack'),
  protobuf: structured('protobuf'),
  avro: structured('avro'),
  sparkplug: structured('sparkplug'),
  image: (bytes) => ({
    kind: 'image',
    format: 'image',
    mime: imageType(bytes) ?? 'image/png',
    bytes,
  }),
  bitmap1: bitmap('bitmap1', 1, 1),
  bitmap2: bitmap('bitmap2', 2, 1),
  bitmap4: bitmap('bitmap4', 4, 1),
  bitmapPlanes: bitmap('bitmapPlanes', 1, 2),
  tagBitmap: async (payload, _schema, type) => {
    const bytes = await (saysPacked(type) ? unpack(payload) : bitmapBytes(payload))
    return { kind: 'bitmap', format: 'tagBitmap', layout: tagLayout(bytes, type), bytes }
  },
}

function bitmap(format: Format, bits: 1 | 2 | 4, planes: 1 | 2): Decoder {
  return async (payload) => {
    const bytes = await bitmapBytes(payload)
    return { kind: 'bitmap', format, layout: guessLayout(bytes.length, { bits, planes }), bytes }
  }
}

/** What was packed, where bytes are packed whole; else the bytes. Only of raw deflate nothing but the try tells. */
async function bitmapBytes(payload: Uint8Array): Promise<Uint8Array> {
  const isMarked = isGzip(payload) || isZlib(payload)
  return unpack(payload).then(
    (inner) => (isMarked || inner.length > payload.length ? inner : payload),
    (error: unknown) => {
      if (error instanceof TooMuchError) throw error
      return payload
    },
  )
}

function structured(format: StructuredFormat): Decoder {
  return async (bytes, schema) =>
    ofLines(format, valueLines((await decoderOf(format))(bytes, schema)))
}

/** How payloads are read: what else is known, and whether all of it is asked for. */
interface Reading {
  readonly schema: Schema | null
  readonly type: MediaType
  readonly isWhole: boolean
}

type Part = Omit<DecodeResult, 'problem'>

async function read(
  bytes: Uint8Array,
  format: keyof typeof DECODERS,
  { schema, type, isWhole }: Reading,
): Promise<Part> {
  const isCut = !isWhole && bytes.length > PART_BYTES && PARTIAL.has(format)
  const part = isCut ? bytes.subarray(0, PART_BYTES) : bytes
  const decoded =
    isCut && format === 'json'
      ? ofLines('json', jsonLinesOfPart(asLenientText(part)))
      : await DECODERS[format](part, schema, type)
  return { decoded, bytes: part.length, ofBytes: bytes.length }
}

/** What was packed, by the look of it; what was packed twice in hex. */
async function readUnpacked(bytes: Uint8Array, reading: Reading): Promise<Part> {
  const inner = detect(bytes)
  if (inner === 'gzip' || inner === 'deflate') {
    const { decoded, ...sizes } = await read(bytes, 'hex', reading)
    return { decoded: { ...decoded, format: inner }, ...sizes }
  }
  const isTooMuch = !reading.isWhole && bytes.length > UNPACKED_VALUES_BYTES_MAX
  const areValues = !PARTIAL.has(inner) && inner !== 'image' && inner !== 'tagBitmap'
  return read(bytes, isTooMuch && areValues ? 'hex' : inner, reading)
}

function ofLines(format: Format, lines: Line[]): Decoded {
  return { kind: 'lines', format, lines, text: linesToText(lines) }
}

/**
 * Never rejects.
 * @param isWhole False: the beginning of a large payload will do, where its format can be read from a part.
 */
export async function decode(
  payload: Uint8Array,
  format: Format,
  schema: Schema | null,
  isWhole = true,
  said: Said = NOTHING_SAID,
): Promise<DecodeResult> {
  const type = mediaTypeOf(said.contentType)
  const wanted = format === 'auto' ? detect(payload, said) : format
  const reading = { schema, type, isWhole }
  try {
    const part =
      wanted === 'gzip' || wanted === 'deflate'
        ? await readUnpacked(await unpack(payload, wanted === 'gzip' ? 'gzip' : undefined), reading)
        : await read(payload, wanted, reading)
    return { ...part, problem: null }
  } catch (error) {
    const rest = isWhole ? payload : payload.subarray(0, PART_BYTES)
    const decoded: Decoded =
      asText(payload) === null
        ? { kind: 'text', format: 'hex', text: hexDump(rest) }
        : { kind: 'text', format: 'text', text: asLenientText(rest) }
    const problem = error instanceof Error ? error.message : String(error)
    // What only looked like JSON is plain text, and nothing is wrong with it.
    const isGuess = format === 'auto' && !saysPacked(type) && !(error instanceof TooMuchError)
    const sizes = { bytes: rest.length, ofBytes: payload.length }
    return { decoded, problem: isGuess ? null : problem, ...sizes }
  }
}

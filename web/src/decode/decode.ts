/** A whole payload in the format asked for. Decoders that are seldom needed are loaded when they are. */
import type { Format } from '../model/message.ts'
import type { Schema } from '../model/settings.ts'
import { asLenientText, asText, hexDump, toBase64 } from './bytes.ts'
import {
  DecodeError,
  jsonLines,
  jsonLinesOfPart,
  linesToText,
  valueLines,
  type Line,
} from './lines.ts'
import { detect, imageType } from './preview.ts'
import { decoderOf, type StructuredFormat } from './structured.ts'

export type Decoded =
  | { kind: 'lines'; format: Format; lines: Line[]; text: string }
  | { kind: 'text'; format: Format; text: string }
  | { kind: 'image'; format: Format; mime: string }
  | { kind: 'bitmap'; format: Format; bits: 1 | 2 | 4 }

/** The payload decoded, and when that failed, as text or hex with the reason. */
export interface DecodeResult {
  readonly decoded: Decoded
  readonly problem: string | null
  /** Of the payload so many bytes, from its beginning, are in it. */
  readonly bytes: number
}

/** Of a payload that is larger only so much is decoded, unless all of it is asked for. */
export const PART_BYTES = 256 << 10

type Decoder = (bytes: Uint8Array, schema: Schema | null) => Decoded | Promise<Decoded>

/** Formats that can be read from a part. */
const PARTIAL: ReadonlySet<Format> = new Set(['text', 'json', 'hex', 'base64'])

const DECODERS: Record<Exclude<Format, 'auto'>, Decoder> = {
  text: (bytes) => ({ kind: 'text', format: 'text', text: asLenientText(bytes) }),
  json: (bytes) => ofLines('json', jsonLines(asLenientText(bytes))),
  hex: (bytes) => ({ kind: 'text', format: 'hex', text: hexDump(bytes) }),
  base64: (bytes) => ({ kind: 'text', format: 'base64', text: toBase64(bytes) }),
  cbor: structured('cbor'),
  msgpack: structured('msgpack'),
  protobuf: structured('protobuf'),
  avro: structured('avro'),
  sparkplug: structured('sparkplug'),
  gzip: async (bytes, schema) => unpacked(await gunzip(bytes), schema),
  image: (bytes) => ({ kind: 'image', format: 'image', mime: imageType(bytes) ?? 'image/png' }),
  bitmap1: () => ({ kind: 'bitmap', format: 'bitmap1', bits: 1 }),
  bitmap2: () => ({ kind: 'bitmap', format: 'bitmap2', bits: 2 }),
  bitmap4: () => ({ kind: 'bitmap', format: 'bitmap4', bits: 4 }),
}

function structured(format: StructuredFormat): Decoder {
  return async (bytes, schema) =>
    ofLines(format, valueLines((await decoderOf(format))(bytes, schema)))
}

/** What was packed, by the look of it. */
function unpacked(bytes: Uint8Array, schema: Schema | null): Decoded | Promise<Decoded> {
  const inner = detect(bytes)
  return inner === 'gzip' || inner === 'image'
    ? { kind: 'text', format: 'gzip', text: hexDump(bytes) }
    : DECODERS[inner](bytes, schema)
}

/** A few bytes may unpack to very many. */
const UNPACKED_BYTES_MAX = 32 << 20

/** Rejects with DecodeError when it is too much, or no gzip. */
async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(bytes)]).stream()
  const reader = stream.pipeThrough(new DecompressionStream('gzip')).getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    length += value.length
    if (length <= UNPACKED_BYTES_MAX) continue
    await reader.cancel()
    throw new DecodeError(`gzip: more than ${UNPACKED_BYTES_MAX >> 20} MiB`)
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer())
}

function ofLines(format: Format, lines: Line[]): Decoded {
  return { kind: 'lines', format, lines, text: linesToText(lines) }
}

export async function decode(
  payload: Uint8Array,
  format: Format,
  schema: Schema | null,
  isWhole = true,
  topic = '',
): Promise<DecodeResult> {
  const wanted = format === 'auto' ? detect(payload, topic) : format
  const isCut = !isWhole && payload.length > PART_BYTES && PARTIAL.has(wanted)
  const bytes = isCut ? payload.subarray(0, PART_BYTES) : payload
  try {
    const decoded =
      isCut && wanted === 'json'
        ? ofLines('json', jsonLinesOfPart(asLenientText(bytes)))
        : await DECODERS[wanted](bytes, schema)
    return { decoded, problem: null, bytes: bytes.length }
  } catch (error) {
    const rest = isWhole ? bytes : bytes.subarray(0, PART_BYTES)
    const decoded: Decoded =
      asText(bytes) === null
        ? { kind: 'text', format: 'hex', text: hexDump(rest) }
        : { kind: 'text', format: 'text', text: asLenientText(rest) }
    const problem = error instanceof Error ? error.message : String(error)
    // What only looked like JSON is plain text, and nothing is wrong with it.
    return { decoded, problem: format === 'auto' ? null : problem, bytes: rest.length }
  }
}

/** A whole payload in the format asked for. Decoders that are seldom needed are loaded when they are. */
import type { Format } from '../model/message.ts'
import type { Schema } from '../model/settings.ts'
import { asLenientText, asText, hexDump, toBase64 } from './bytes.ts'
import { jsonLines, linesToText, valueLines, type Line } from './lines.ts'
import { detect, imageType } from './preview.ts'

export type Decoded =
  | { kind: 'lines'; format: Format; lines: Line[]; text: string }
  | { kind: 'text'; format: Format; text: string }
  | { kind: 'image'; format: Format; mime: string }
  | { kind: 'bitmap'; format: Format; bits: 1 | 2 | 4 }

/** The payload decoded, and when that failed, as text or hex with the reason. */
export interface DecodeResult {
  readonly decoded: Decoded
  readonly problem: string | null
}

type Decoder = (bytes: Uint8Array, schema: Schema | null) => Decoded | Promise<Decoded>

const DECODERS: Record<Exclude<Format, 'auto'>, Decoder> = {
  text: (bytes) => ({ kind: 'text', format: 'text', text: asLenientText(bytes) }),
  json: (bytes) => ofLines('json', jsonLines(asLenientText(bytes))),
  hex: (bytes) => ({ kind: 'text', format: 'hex', text: hexDump(bytes) }),
  base64: (bytes) => ({ kind: 'text', format: 'base64', text: toBase64(bytes) }),
  cbor: async (bytes) => ofLines('cbor', valueLines((await import('./cbor.ts')).decodeCbor(bytes))),
  msgpack: async (bytes) =>
    ofLines('msgpack', valueLines((await import('./msgpack.ts')).decodeMsgpack(bytes))),
  protobuf: async (bytes, schema) =>
    ofLines('protobuf', valueLines((await import('./protobuf.ts')).decodeProtobuf(bytes, schema))),
  avro: async (bytes, schema) =>
    ofLines('avro', valueLines((await import('./avro.ts')).decodeAvro(bytes, schema))),
  image: (bytes) => ({ kind: 'image', format: 'image', mime: imageType(bytes) ?? 'image/png' }),
  bitmap1: () => ({ kind: 'bitmap', format: 'bitmap1', bits: 1 }),
  bitmap2: () => ({ kind: 'bitmap', format: 'bitmap2', bits: 2 }),
  bitmap4: () => ({ kind: 'bitmap', format: 'bitmap4', bits: 4 }),
}

function ofLines(format: Format, lines: Line[]): Decoded {
  return { kind: 'lines', format, lines, text: linesToText(lines) }
}

export async function decode(
  bytes: Uint8Array,
  format: Format,
  schema: Schema | null,
): Promise<DecodeResult> {
  const wanted = format === 'auto' ? detect(bytes) : format
  try {
    return { decoded: await DECODERS[wanted](bytes, schema), problem: null }
  } catch (error) {
    const text = asText(bytes)
    const decoded: Decoded =
      text === null
        ? { kind: 'text', format: 'hex', text: hexDump(bytes) }
        : { kind: 'text', format: 'text', text }
    const problem = error instanceof Error ? error.message : String(error)
    // What only looked like JSON is plain text, and nothing is wrong with it.
    return { decoded, problem: format === 'auto' ? null : problem }
  }
}

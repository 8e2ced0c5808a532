/** Decoders of structured payloads that are no JSON. Each is loaded when the first payload asks for it; until then there is no value. */
import type { Format } from '../model/message.ts'
import type { Schema } from '../model/settings.ts'

type Decode = (bytes: Uint8Array, schema: Schema | null) => unknown

const LOADERS = {
  cbor: async () => (await import('./cbor.ts')).decodeCbor,
  msgpack: async () => (await import('./msgpack.ts')).decodeMsgpack,
  protobuf: async () => (await import('./protobuf.ts')).decodeProtobuf,
  avro: async () => (await import('./avro.ts')).decodeAvro,
  sparkplug: async () => (await import('./sparkplug.ts')).decodeSparkplug,
} as const satisfies Partial<Record<Format, () => Promise<Decode>>>

export type StructuredFormat = keyof typeof LOADERS

const loaded = new Map<StructuredFormat, Decode>()
const underWay = new Map<StructuredFormat, Promise<Decode>>()
let onLoaded: () => void = () => {}

/** Called whenever payloads that had no value may have one now. */
export function whenLoaded(listener: () => void): void {
  onLoaded = listener
}

export function isStructured(format: Format): format is StructuredFormat {
  return Object.hasOwn(LOADERS, format)
}

export async function decoderOf(format: StructuredFormat): Promise<Decode> {
  const known = loaded.get(format)
  if (known !== undefined) return known
  const loading = underWay.get(format) ?? LOADERS[format]()
  underWay.set(format, loading)
  const decode = await loading
  loaded.set(format, decode)
  return decode
}

/** The value; undefined: it cannot be decoded, or not yet. */
export function decodeNow(
  format: StructuredFormat,
  bytes: Uint8Array,
  schema: Schema | null,
): unknown {
  const decode = loaded.get(format)
  if (decode === undefined) {
    if (!underWay.has(format)) void decoderOf(format).then(onLoaded, () => {})
    return undefined
  }
  try {
    return decode(bytes, schema)
  } catch {
    return undefined
  }
}

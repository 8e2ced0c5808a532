/** MessagePack through @msgpack/msgpack; 64-bit integers come as bigint, so that no digit is lost. */
import { decode, ExtData } from '@msgpack/msgpack'
import { DecodeError } from './lines.ts'

/** The value. Throws DecodeError. */
export function decodeMsgpack(bytes: Uint8Array): unknown {
  try {
    return tidy(decode(bytes, { useBigInt64: true }))
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error))
  }
}

/** Extension types as what they are: a number and bytes. */
function tidy(value: unknown): unknown {
  if (value instanceof ExtData) {
    return { ext: value.type, data: typeof value.data === 'function' ? value.data(0) : value.data }
  }
  if (Array.isArray(value)) return value.map(tidy)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tidy(item)]))
}

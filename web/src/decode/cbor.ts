/** CBOR (RFC 8949) through cborg; integers beyond 2^53 come as bigint, tags as what they mean or as they are. */
import { decode } from 'cborg'
import { DecodeError } from './lines.ts'

type TagDecoder = (inner: () => unknown) => unknown

/** Tags with a meaning here; any other one is shown with its number. */
const KNOWN: Record<number, TagDecoder> = {
  0: (inner) => inner(),
  1: (inner) => new Date(Number(inner()) * 1000),
  2: (inner) => bigintOf(inner() as Uint8Array),
  3: (inner) => -1n - bigintOf(inner() as Uint8Array),
}

function bigintOf(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

const tags = new Proxy<Record<number, TagDecoder>>(
  {},
  {
    get: (_, tag) => {
      const number = Number(String(tag))
      if (Number.isNaN(number)) return undefined
      return KNOWN[number] ?? ((inner: () => unknown) => ({ [`tag ${number}`]: inner() }))
    },
    has: () => true,
  },
)

/** The value. Throws DecodeError. */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { useMaps: true, allowBigInt: true, allowUndefined: true, tags })
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error))
  }
}

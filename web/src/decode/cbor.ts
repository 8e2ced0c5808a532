/** CBOR (RFC 8949) through cborg; integers beyond 2^53 come as bigint, tags as what they mean or as they are. */
import { decode } from 'cborg'
import { DecodeError, toHex } from './lines.ts'

type TagDecoder = (inner: () => unknown) => unknown

/** Tags with a meaning here; any other one is shown with its number. */
const KNOWN: Record<number, TagDecoder> = {
  0: (inner) => inner(),
  1: (inner) => new Date(Number(inner()) * 1000),
  2: (inner) => bignum(2, inner() as Uint8Array, (size) => size),
  3: (inner) => bignum(3, inner() as Uint8Array, (size) => -1n - size),
}

/** A longer number is none that anybody reads, and to write it holds the page up for seconds: it stays the bytes that it is. */
const BIGNUM_BYTES_MAX = 1024

function bignum(tag: number, bytes: Uint8Array, numberOf: (size: bigint) => bigint): unknown {
  if (bytes.length > BIGNUM_BYTES_MAX) return { [`tag ${tag}`]: bytes }
  return numberOf(BigInt(`0x0${toHex(bytes)}`))
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

/** CBOR as it comes, from whatever device: any key, any tag, any simple value. */
import type { TagDecoder } from 'cborg'

const POSITIVE_BIGNUM_TAG = 2
const NEGATIVE_BIGNUM_TAG = 3
/** A longer one is no number that anybody reads, and to write a megabyte as one takes hours: it stays the bytes that it is. */
const BIGNUM_BYTES_MAX = 1024

const bignum =
  (numberOf: (size: bigint) => bigint): TagDecoder =>
  (inner) => {
    const bytes = inner() as Uint8Array
    return bytes.length > BIGNUM_BYTES_MAX ? bytes : numberOf(bigintOf(bytes))
  }

function bigintOf(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`)
}

/** Reads one CBOR value; maps are Map, large integers bigint. What is returned throws when it is no CBOR. */
export async function cborDecoder(): Promise<(payload: Uint8Array) => unknown> {
  const { decode } = await import('cborg')
  // A tag that we do not know says how to read its value, not that there is none: the value itself is shown.
  const tags = new Proxy<Record<number, TagDecoder>>(
    {
      [POSITIVE_BIGNUM_TAG]: bignum((size) => size),
      [NEGATIVE_BIGNUM_TAG]: bignum((size) => -1n - size),
    },
    { get: (known, tag) => known[Number(tag)] ?? ((inner: () => unknown) => inner()) },
  )
  return (payload) => decode(payload, { useMaps: true, tags })
}

/** CBOR as it comes, from whatever device: any key, any tag, any simple value. */
import type { TagDecoder } from 'cborg'

const POSITIVE_BIGNUM_TAG = 2
const NEGATIVE_BIGNUM_TAG = 3

/** Reads one CBOR value; maps are Map, large integers bigint. What is returned throws when it is no CBOR. */
export async function cborDecoder(): Promise<(payload: Uint8Array) => unknown> {
  const [{ decode }, { bigIntDecoder, bigNegIntDecoder }] = await Promise.all([
    import('cborg'),
    import('cborg/taglib'),
  ])
  // A tag that we do not know says how to read its value, not that there is none: the value itself is shown.
  const tags = new Proxy<Record<number, TagDecoder>>(
    { [POSITIVE_BIGNUM_TAG]: bigIntDecoder, [NEGATIVE_BIGNUM_TAG]: bigNegIntDecoder },
    { get: (known, tag) => known[Number(tag)] ?? ((inner: () => unknown) => inner()) },
  )
  return (payload) => decode(payload, { useMaps: true, tags })
}

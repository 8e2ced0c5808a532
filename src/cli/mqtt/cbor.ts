/** CBOR as it comes, from whatever device: any key, any tag, any simple value. */
import { decode, type TagDecoder } from 'cborg'
import { bigIntDecoder, bigNegIntDecoder } from 'cborg/taglib'

const POSITIVE_BIGNUM_TAG = 2
const NEGATIVE_BIGNUM_TAG = 3

/** A tag that we do not know says how to read its value, not that there is none: the value itself is shown. */
const tags = new Proxy<Record<number, TagDecoder>>(
  { [POSITIVE_BIGNUM_TAG]: bigIntDecoder, [NEGATIVE_BIGNUM_TAG]: bigNegIntDecoder },
  { get: (known, tag) => known[Number(tag)] ?? ((inner: () => unknown) => inner()) },
)

/** One CBOR value; maps are Map, large integers bigint. Throws when it is no CBOR. */
export function decodeCbor(payload: Uint8Array): unknown {
  return decode(payload, { useMaps: true, tags })
}

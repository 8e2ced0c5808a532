/** Topic names as text, without decoding the same bytes again. */
import { decodeUtf8 } from '../codec/utf8.ts'

const SLOTS = 1024
const TOPIC_BYTES_MAX = 256

/**
 * Topic names by their bytes: a subscriber sees the same few topics again and again, and comparing
 * bytes is cheaper than making a string, which also would have to be hashed anew to look up who wants it.
 * One slot a hash; the newer topic takes the slot.
 */
export class TopicCache {
  private readonly texts = Array.from<string | undefined>({ length: SLOTS })
  private readonly keys = Array.from<Uint8Array>({ length: SLOTS })

  /** Throws as `decodeUtf8` does. */
  textOf(bytes: Uint8Array, start: number, end: number): string {
    if (end - start > TOPIC_BYTES_MAX) return decodeUtf8(bytes, start, end)
    let hash = end - start
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]) | 0
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const known = this.texts[slot]
    if (known !== undefined && isEqual(this.keys[slot], bytes, start, end)) return known
    const text = decodeUtf8(bytes, start, end)
    this.texts[slot] = text
    this.keys[slot] = bytes.slice(start, end)
    return text
  }
}

function isEqual(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let at = 0; at < key.length; at++) if (key[at] !== bytes[start + at]) return false
  return true
}

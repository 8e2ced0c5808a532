/**
 * A time in two small numbers. Milliseconds since 1970 are more than V8 keeps within a field: each would be an object of its own,
 * and there may be a great many who remember one.
 *
 *     [ 32 bits | 13 bits ]  ms since 1970, until the year 3084
 */

/** Bits that {@link lowBitsOf} takes. */
export const LOW_BITS = 13
const LOW_END = 1 << LOW_BITS

/** The upper part of a time in ms, as 32 bits with a sign. */
export function highBitsOf(ms: number): number {
  return Math.floor(ms / LOW_END) | 0
}

/** What is left beside {@link highBitsOf}. */
export function lowBitsOf(ms: number): number {
  return Math.floor(ms % LOW_END)
}

export function timeOf(highBits: number, lowBits: number): number {
  return (highBits >>> 0) * LOW_END + lowBits
}

/**
 * A time in two small numbers. Milliseconds since 1970 are more than V8 keeps within a field: each would be an object of its own,
 * and there may be a great many who remember one.
 */

/** Bits that {@link millisecondsOf} takes. */
export const MILLISECOND_BITS = 10

/** Whole seconds of a time in ms, until the year 2106, as 32 bits with a sign. */
export function secondBitsOf(ms: number): number {
  return Math.floor(ms / 1000) | 0
}

/** What is left beside {@link secondBitsOf}. */
export function millisecondsOf(ms: number): number {
  return Math.floor(ms % 1000)
}

export function timeOf(secondBits: number, milliseconds: number): number {
  return (secondBits >>> 0) * 1000 + milliseconds
}

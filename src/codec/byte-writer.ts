/**
 * A growable run of bytes that packets are encoded into.
 *
 *     bytes  [ written ............ | free ...... ]
 *                              length ^
 *
 * Encoders call {@link reserve} once with what they will write at most, then store through `bytes` and
 * advance `length` themselves: one bounds decision a packet, not one a byte.
 */
export class ByteWriter {
  bytes: Uint8Array
  length = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Makes room for `count` more bytes; `bytes` may be another array afterwards. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.grow(count)
  }

  /** Appends `source[start..end)`. */
  append(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start)
    copyBytes(source, start, end, this.bytes, this.length)
    this.length += end - start
  }

  private grow(count: number): void {
    let size = Math.max(64, this.bytes.length * 2)
    while (size < this.length + count) size *= 2
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, this.length))
    this.bytes = bytes
  }
}

/** Below this a loop beats `set(subarray())`, which allocates a view. Measured: the lines cross near 40. */
export const LOOP_BYTES_MAX = 40

/** Copies `source[start..end)` to `target[at..]`. The ranges must lie within their arrays. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  if (end - start > LOOP_BYTES_MAX) target.set(source.subarray(start, end), at)
  else while (start < end) target[at++] = source[start++]
}

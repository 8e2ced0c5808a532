/** A cursor over a range of bytes as LevelDB writes them; every read throws rather than pass the range's end. */
export class ByteCursor {
  at: number
  readonly bytes: Uint8Array
  readonly end: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  /** Steps over `length` bytes; returns where they start. */
  skip(length: number): number {
    const start = this.at
    if (!(start + length <= this.end)) throw new Error('it ends too early')
    this.at += length
    return start
  }

  byte(): number {
    return this.bytes[this.skip(1)]
  }

  /** A number of so many bytes, the lowest first. */
  uint(bytes: number): number {
    const start = this.skip(bytes)
    let value = 0
    for (let index = bytes - 1; index >= 0; index--) value = value * 256 + this.bytes[start + index]
    return value
  }

  /** 7 bits a byte, the lowest first. */
  varint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new Error('a number in it is too long')
  }

  /** Bytes with their length in front. */
  text(): Uint8Array {
    const start = this.skip(this.varint())
    return this.bytes.subarray(start, this.at)
  }
}

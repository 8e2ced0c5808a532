/** A cursor over a database of mosquitto. */
import { decodeUtf8 } from '../../codec/utf8.ts'

/** What is wrong with a database of mosquitto, and at which byte. */
export class MosquittoDbError extends Error {
  override name = 'MosquittoDbError'
  readonly offset: number

  constructor(what: string, offset: number) {
    super(`${what} (at byte ${offset})`)
    this.offset = offset
  }
}

/**
 * A cursor over the file. Every read throws {@link MosquittoDbError} rather than pass `end`: the end of the file, or
 * of the chunk being read.
 */
export class FileReader {
  readonly bytes: Uint8Array
  at = 0
  end: number
  /** What is being read, for the error. */
  what = ''
  private readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.end = bytes.length
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  fail(problem: string): never {
    throw new MosquittoDbError(`${this.what}: ${problem}`, this.at)
  }

  isAtEnd(): boolean {
    return this.at === this.end
  }

  /** Steps over `count` bytes; returns where they start. */
  skip(count: number): number {
    const start = this.at
    if (count > this.end - start)
      this.fail(`${count} bytes are announced, ${this.end - start} are left`)
    this.at += count
    return start
  }

  /** Bounds what follows to `length` bytes; returns what {@link widen} wants. */
  narrow(length: number): number {
    const outer = this.end
    const start = this.skip(length)
    this.end = this.at
    this.at = start
    return outer
  }

  /** Goes behind the bounded part, whatever of it was read. */
  widen(outer: number): void {
    this.at = this.end
    this.end = outer
  }

  byte(): number {
    return this.bytes[this.skip(1)]
  }

  uint16(): number {
    return this.view.getUint16(this.skip(2))
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4))
  }

  hostUint64(): bigint {
    return this.view.getBigUint64(this.skip(8), true)
  }

  /** A time: seconds since 1970, 0 for none. */
  hostSeconds(): number {
    const seconds = Number(this.view.getBigInt64(this.skip(8), true))
    if (seconds < 0 || !Number.isSafeInteger(seconds * 1000))
      this.fail(`its time is ${seconds} seconds since 1970`)
    return seconds
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return this.fail('the length of its properties has no end')
  }

  /** A copy. */
  bytesOf(length: number): Uint8Array {
    const start = this.skip(length)
    return this.bytes.slice(start, start + length)
  }

  /** null: no string that MQTT allows. */
  text(length: number): string | null {
    const start = this.skip(length)
    try {
      return decodeUtf8(this.bytes, start, start + length)
    } catch {
      return null
    }
  }

  countedText(): string | null {
    return this.text(this.uint16())
  }
}

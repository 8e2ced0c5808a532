/**
 * CRC-32C (Castagnoli), which Node does not have, and what LevelDB makes of it. Eight bytes a step, by one table for each
 * of them: every table of a store is read at start, and a byte a step takes twice as long.
 */
const POLYNOMIAL = 0x82f63b78
const STEP = 8

const TABLES: readonly Uint32Array[] = makeTables()
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES

function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    return value
  })
  const tables = [first]
  while (tables.length < STEP)
    tables.push(tables[tables.length - 1].map((value) => first[value & 0xff] ^ (value >>> 8)))
  return tables
}

/** The checksum of `bytes[start..end)`. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let value = -1
  let at = start
  for (; at + STEP <= end; at += STEP) {
    value ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    value =
      T7[value & 0xff] ^
      T6[(value >>> 8) & 0xff] ^
      T5[(value >>> 16) & 0xff] ^
      T4[value >>> 24] ^
      T3[bytes[at + 4]] ^
      T2[bytes[at + 5]] ^
      T1[bytes[at + 6]] ^
      T0[bytes[at + 7]]
  }
  for (; at < end; at++) value = nextCrc(value, bytes[at])
  return finishedCrc(value)
}

/** For checksums of every length in turn: begin with -1, go on byte by byte, and look at {@link finishedCrc}. */
export function nextCrc(value: number, byte: number): number {
  return T0[(value ^ byte) & 0xff] ^ (value >>> 8)
}

export function finishedCrc(value: number): number {
  return ~value >>> 0
}

/** LevelDB stores checksums turned and shifted, so that a checksum of checksums is none itself. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** The four bytes at `at`, the lowest first. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}

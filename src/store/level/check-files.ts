/**
 * Looks for damage that LevelDB itself would pass over: when it opens a store it drops what it cannot read of a
 * log, and takes the index of a table on trust. (Format: doc/log_format.md and doc/table_format.md of LevelDB.)
 *
 *     log    [ block of 32 KiB | block | … ]   block: records { crc32c, length, type, data }
 *     table  [ data blocks | … | index block | footer { …, where the index is, magic } ]
 *
 * A log may end in the middle of a record: that write was never answered. Anything else that does not fit
 * its checksum was once promised to somebody, so it is damage, not a torn end.
 */
import { readdirSync, readFileSync, openSync, readSync, closeSync, fstatSync } from 'node:fs'
import { join } from 'node:path'

const BLOCK = 32 * 1024
const HEADER = 7
const TYPES = 4
const FOOTER = 48
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** Behind each block of a table: compression, crc32c. */
const TRAILER = 5

/** What is wrong with the files of a store, as `name: what`; null: nothing. */
export function findDamage(location: string): string | null {
  for (const name of readdirSync(location).sort()) {
    const path = join(location, name)
    const problem = name.endsWith('.log')
      ? logProblem(readFileSync(path))
      : /\.(ldb|sst)$/.test(name)
        ? tableProblem(path)
        : null
    if (problem !== null) return `${name}: ${problem}`
  }
  return null
}

function logProblem(bytes: Buffer): string | null {
  for (let at = 0; at + HEADER <= bytes.length;) {
    const left = BLOCK - (at % BLOCK)
    if (left < HEADER) {
      at += left
      continue
    }
    const length = bytes.readUInt16LE(at + 4)
    const end = at + HEADER + length
    // A crash leaves the last record short; some file systems leave zeros behind it.
    if (end > bytes.length || isZero(bytes, at)) return null
    const sound =
      bytes[at + 6] >= 1 &&
      bytes[at + 6] <= TYPES &&
      HEADER + length <= left &&
      bytes.readUInt32LE(at) === masked(crc32c(bytes, at + 6, end))
    if (!sound) return `the record at byte ${at} does not match its checksum`
    at = end
  }
  return null
}

function isZero(bytes: Buffer, from: number): boolean {
  if (bytes[from] !== 0 || bytes[from + 6] !== 0) return false
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false
  return true
}

function tableProblem(path: string): string | null {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    if (size < FOOTER) return 'it is shorter than the smallest table'
    const footer = readAt(file, size - FOOTER, FOOTER)
    if (!footer.subarray(FOOTER - TABLE_MAGIC.length).equals(TABLE_MAGIC)) return 'it has no footer'
    const [metaOffset, metaLength, indexOffset, indexLength] = readVarints(footer, 4)
    return (
      blockProblem(file, size, metaOffset, metaLength) ??
      blockProblem(file, size, indexOffset, indexLength)
    )
  } finally {
    closeSync(file)
  }
}

function blockProblem(file: number, size: number, offset: number, length: number): string | null {
  if (!(offset + length + TRAILER <= size - FOOTER)) return 'its footer points outside of it'
  const block = readAt(file, offset, length + TRAILER)
  if (block.readUInt32LE(length + 1) === masked(crc32c(block, 0, length + 1))) return null
  return `the block at byte ${offset} does not match its checksum`
}

function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  readSync(file, bytes, 0, length, offset)
  return bytes
}

function readVarints(bytes: Buffer, count: number): number[] {
  const values: number[] = []
  for (let at = 0; values.length < count;) {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
    }
    values.push(value)
  }
  return values
}

const POLYNOMIAL = 0x82f63b78
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let value = 0xffffffff
  for (let at = start; at < end; at++) value = TABLE[(value ^ bytes[at]) & 0xff] ^ (value >>> 8)
  return ~value >>> 0
}

/** LevelDB stores checksums turned and shifted, so that a checksum of checksums is none itself. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

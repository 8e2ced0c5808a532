/**
 * The records of a log of LevelDB, which is what its manifest is too (doc/log_format.md of LevelDB).
 *
 *     [ block of 32 KiB | block | … ]   block: records { crc32c, length, type, data }, never across its end
 *
 * A record of the user's is one FULL record, or FIRST, MIDDLE …, LAST.
 */
import { crc32c, masked } from './crc32c.ts'

const BLOCK = 32 * 1024
const HEADER = 7
/** What a disk writes whole. */
const SECTOR = 512

export const RecordType = { full: 1, first: 2, middle: 3, last: 4 } as const

/** What `visit` is told of each sound record: its data is `bytes[start..end)`. */
export type Visit = (type: number, start: number, end: number) => void

/**
 * Visits the records from the start on. Returns where the first one is that was promised and does not match its
 * checksum; -1: there is none.
 *
 * The end may be torn: the last write before a power cut was never answered, and of its sectors some may be
 * missing, which reads as zeros. As one write is on its way at a time, whatever begins behind a bad place shows that
 * the place was safe once: then it is damage. So is what has no missing sector, wherever it is.
 */
export function visitRecords(bytes: Uint8Array, visit: Visit): number {
  for (let at = 0; at + HEADER <= bytes.length;) {
    const left = BLOCK - (at % BLOCK)
    if (left < HEADER) {
      at += left
      continue
    }
    const end = endOf(bytes, at)
    if (end > bytes.length && end - at <= left) return -1
    if (!isSound(bytes, at)) return isTornEnd(bytes, at) ? -1 : at
    visit(bytes[at + 6], at + HEADER, end)
    at = end
  }
  return -1
}

function endOf(bytes: Uint8Array, at: number): number {
  return at + HEADER + bytes[at + 4] + bytes[at + 5] * 256
}

function isSound(bytes: Uint8Array, at: number): boolean {
  const end = endOf(bytes, at)
  const type = bytes[at + 6]
  if (end > bytes.length || end - at > BLOCK - (at % BLOCK)) return false
  if (type < RecordType.full || type > RecordType.last) return false
  const crc =
    (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
  return crc === masked(crc32c(bytes, at + 6, end))
}

/** Does nothing begin behind the bad record at `at`, and is a sector missing from there on? */
function isTornEnd(bytes: Uint8Array, at: number): boolean {
  const next = endOf(bytes, at)
  const inBlock = next <= bytes.length && next - at <= BLOCK - (at % BLOCK) && next > at + HEADER
  if (inBlock && beginsWithin(bytes, next)) return false
  for (let block = at - (at % BLOCK) + BLOCK; block < bytes.length; block += BLOCK)
    if (beginsWithin(bytes, block)) return false
  return hasMissingSector(bytes, at)
}

/** Does a record of the user's begin between `at` and the end of its block? */
function beginsWithin(bytes: Uint8Array, at: number): boolean {
  const blockEnd = Math.min(bytes.length, at - (at % BLOCK) + BLOCK)
  while (at + HEADER <= blockEnd && isSound(bytes, at)) {
    const type = bytes[at + 6]
    if (type === RecordType.full || type === RecordType.first) return true
    at = endOf(bytes, at)
  }
  return false
}

function hasMissingSector(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length;) {
    const end = Math.min(bytes.length, at - (at % SECTOR) + SECTOR)
    let zeros = at
    while (zeros < end && bytes[zeros] === 0) zeros++
    if (zeros === end) return true
    at = end
  }
  return false
}

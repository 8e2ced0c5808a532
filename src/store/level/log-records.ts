/**
 * The records of a log of LevelDB, which is what its manifest is too (doc/log_format.md of LevelDB).
 *
 *     [ block of 32 KiB | block | … ]   block: parts { crc32c, length, type, data }, never across its end
 *
 * A record is one FULL part, or FIRST, MIDDLE …, LAST.
 */
import { crc32c, masked, uint32At } from './crc32c.ts'

const BLOCK = 32 * 1024
const HEADER = 7
/** What a disk writes whole. */
const SECTOR = 512

const Part = { full: 1, first: 2, middle: 3, last: 4 } as const

/** What `visit` is told of each sound record: its bytes, and where in the file it ends. */
export type VisitRecord = (record: Uint8Array, end: number) => void

/** Could a record begin with `bytes[start..end)`? Of a log more is known than that its checksum is right. */
export type CouldBegin = (bytes: Uint8Array, start: number, end: number) => boolean

const always: CouldBegin = () => true

/**
 * Visits the records from the start on. Returns where the first place is that is damaged; -1: there is none.
 *
 * The end may be torn: the last write before a power cut was never answered, and of its sectors some may be
 * missing, which reads as zeros. As one write is on its way at a time, whatever begins behind a bad place shows that
 * the place was safe once: then it is damage. So is what has no missing sector, wherever it is.
 */
export function visitRecords(
  bytes: Uint8Array,
  visit: VisitRecord,
  couldBegin: CouldBegin = always,
): number {
  let parts: Uint8Array[] = []
  let isWithin = false
  for (let at = 0; at + HEADER <= bytes.length;) {
    const left = BLOCK - (at % BLOCK)
    if (left < HEADER) {
      at += left
      continue
    }
    if (!isSound(bytes, at)) return isTornEnd(bytes, at, couldBegin) ? -1 : at
    const type = bytes[at + 6]
    const begins = type === Part.full || type === Part.first
    if (begins === isWithin) return at
    const end = endOf(bytes, at)
    const data = bytes.subarray(at + HEADER, end)
    parts.push(data)
    isWithin = type !== Part.full && type !== Part.last
    if (!isWithin) visit(parts.length === 1 ? data : Buffer.concat(parts), end)
    if (!isWithin) parts = []
    at = end
  }
  return -1
}

/**
 * Visits all records that can be found, those behind damage too; what is torn out of the middle of one costs the whole
 * record. Tells the bytes that belong to none, as ranges.
 */
export function salvageRecords(
  bytes: Uint8Array,
  visit: VisitRecord,
  lost: (start: number, end: number) => void,
  couldBegin: CouldBegin = always,
): void {
  let parts: Uint8Array[] = []
  let begun = -1
  let badFrom = -1
  const bad = (from: number): void => {
    if (badFrom < 0) badFrom = begun >= 0 ? begun : from
    begun = -1
  }
  for (let at = 0; at + HEADER <= bytes.length;) {
    const left = BLOCK - (at % BLOCK)
    if (left < HEADER) {
      at += left
      continue
    }
    const type = bytes[at + 6]
    const begins = type === Part.full || type === Part.first
    const end = endOf(bytes, at)
    const fits =
      isSound(bytes, at) && (badFrom < 0 || !begins || couldBegin(bytes, at + HEADER, end))
    if (!fits || begins !== begun < 0) bad(at)
    if (!fits) {
      at++
      continue
    }
    const data = bytes.subarray(at + HEADER, end)
    if (begins) {
      if (badFrom >= 0) lost(badFrom, at)
      badFrom = -1
      parts = [data]
      begun = at
    } else parts.push(data)
    if (type === Part.full || (type === Part.last && begun >= 0)) {
      visit(parts.length === 1 ? data : Buffer.concat(parts), end)
      begun = -1
    }
    at = end
  }
  if (begun >= 0) bad(begun)
  if (badFrom >= 0) lost(badFrom, bytes.length)
}

function endOf(bytes: Uint8Array, at: number): number {
  return at + HEADER + bytes[at + 4] + bytes[at + 5] * 256
}

function isSound(bytes: Uint8Array, at: number): boolean {
  const type = bytes[at + 6]
  if (type < Part.full || type > Part.last) return false
  const end = endOf(bytes, at)
  if (end > bytes.length || end - at > BLOCK - (at % BLOCK)) return false
  return uint32At(bytes, at) === masked(crc32c(bytes, at + 6, end))
}

/** Is the bad part at `at` what a crash leaves: the last write, cut off, or without some of its sectors? */
function isTornEnd(bytes: Uint8Array, at: number, couldBegin: CouldBegin): boolean {
  for (let next = at + 1; next + HEADER <= bytes.length; next++)
    if (beginsAt(bytes, next, couldBegin)) return false
  if (isWholeButForItsLength(bytes, at)) return false
  const end = endOf(bytes, at)
  const isCutOff = end > bytes.length && end - at <= BLOCK - (at % BLOCK)
  return isCutOff || hasMissingSector(bytes, at)
}

/** Does a record begin at `at`? */
function beginsAt(bytes: Uint8Array, at: number, couldBegin: CouldBegin): boolean {
  const type = bytes[at + 6]
  if (type !== Part.full && type !== Part.first) return false
  if (endOf(bytes, at) > bytes.length) return false
  return couldBegin(bytes, at + HEADER, endOf(bytes, at)) && isSound(bytes, at)
}

/** A part that reaches to the end of the file, by its checksum: then not the end is missing, the length is wrong. */
function isWholeButForItsLength(bytes: Uint8Array, at: number): boolean {
  const { length } = bytes
  if (length - at > BLOCK - (at % BLOCK)) return false
  return uint32At(bytes, at) === masked(crc32c(bytes, at + 6, length))
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

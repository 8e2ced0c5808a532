/**
 * Looks for damage before LevelDB sees a store: when it opens one it drops what it cannot read of a log, believes every table,
 * and deletes what an incomplete manifest does not name.
 *
 *     CURRENT ──▶ MANIFEST ──▶ tables in use   every block, the size; how far they reach, by the chain's key
 *                     │                          │
 *                     └──────▶ logs              ▼ must go on there, batch by batch, without a gap, each of them sound
 *                                                │
 *     SAFE ──────────────────────────────────────▶ and reach as far as was acknowledged
 *
 * Other tables and logs are left over from a compaction that was cut short.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { visitRecords } from './log-records.ts'
import { readManifest, type Manifest } from './manifest.ts'
import { MARKER_FILE, readMarker } from './marker.ts'
import { pagesFor } from './pages.ts'
import { sequenceOf, tableProblem } from './table-file.ts'
import { CHAIN_KEY } from './track-writes.ts'
import { batchHead, couldBeBatch } from './write-batch.ts'

export const isTable = (name: string): boolean => /^\d+\.(ldb|sst)$/.test(name)
export const isLog = (name: string): boolean => /^\d+\.log$/.test(name)
export const numberOf = (name: string): number => Number.parseInt(name, 10)

/** The files are not what they should be; `message` is `name: what`. */
export class DamageError extends Error {}

/** What is wrong with the files of a store, as `name: what`; null: nothing. */
export function findDamage(location: string): string | null {
  try {
    checkFiles(location)
    return null
  } catch (error) {
    if (error instanceof DamageError) return error.message
    throw error
  }
}

function checkFiles(location: string): void {
  const names = readdirSync(location)
  const manifest = checkManifest(location, names)
  if (manifest === null) return
  const read = makeReader(location, names)
  const inTables = checkTables(location, names, manifest, read)
  const logs = names
    .filter((name) => isLog(name) && numberOf(name) >= manifest.firstLog)
    .sort((a, b) => numberOf(a) - numberOf(b))
  const isFirstLog = manifest.firstLog === manifest.opened.log
  const chain: Chain = {
    last: isFirstLog ? manifest.opened.lastSequence : inTables,
    isMarked: inTables >= 0,
  }
  for (const name of logs) checkLog(read(join(location, name)), name, chain)
  checkMarker(location, chain, logs.at(-1))
}

/** Null: there is no store yet. */
function checkManifest(location: string, names: readonly string[]): Manifest | null {
  if (!names.includes('CURRENT')) {
    // LevelDB makes the first manifest, then CURRENT, then the rest.
    const rest = names.find((name) => isTable(name) || isLog(name) || name === MARKER_FILE)
    if (rest === undefined) return null
    throw new DamageError(`CURRENT is missing, beside ${rest}`)
  }
  const name = /^(MANIFEST-\d+)\n$/.exec(readFileSync(join(location, 'CURRENT'), 'latin1'))?.[1]
  if (name === undefined) throw new DamageError('CURRENT: it does not name a manifest')
  if (!names.includes(name)) throw new DamageError(`${name}, which CURRENT names, is missing`)
  const manifest = readable(name, () => readManifest(readFileSync(join(location, name))))
  const { damagedAt, isComplete } = manifest
  if (damagedAt >= 0)
    throw new DamageError(`${name}: the record at byte ${damagedAt} does not match its checksum`)
  if (!isComplete) throw new DamageError(`${name}: it ends before it names all that makes a store`)
  return manifest
}

/** Returns the sequence that the tables reach to; -1: an older version wrote them, which left no sign. */
function checkTables(
  location: string,
  names: readonly string[],
  { tables }: Manifest,
  read: ReadFile,
): number {
  const files = new Map(names.filter(isTable).map((name) => [numberOf(name), name]))
  let reached = -1
  for (const [number, size] of tables) {
    const name = files.get(number)
    if (name === undefined) throw new DamageError(`the table ${number} is missing`)
    const bytes = read(join(location, name))
    if (bytes.length !== size)
      throw new DamageError(`${name}: it has ${bytes.length} bytes instead of ${size}`)
    const problem = tableProblem(bytes)
    if (problem !== null) throw new DamageError(`${name}: ${problem}`)
    reached = Math.max(
      reached,
      readable(name, () => sequenceOf(bytes, CHAIN_KEY)),
    )
  }
  return reached
}

/** What it returns is good until the next call. */
type ReadFile = (path: string) => Uint8Array

/** Reads tables and logs one after the other into the same memory, made for the largest of them. */
function makeReader(location: string, names: readonly string[]): ReadFile {
  const sizes = names
    .filter((name) => isTable(name) || isLog(name))
    .map((name) => statSync(join(location, name), { throwIfNoEntry: false })?.size ?? 0)
  let room = pagesFor(Math.max(0, ...sizes))
  return (path) => {
    const file = openSync(path, 'r')
    try {
      const { size } = fstatSync(file)
      if (size > room.length) room = pagesFor(size)
      let length = 0
      for (let got = -1; got !== 0 && length < size; length += got)
        got = readSync(file, room, length, size - length, length)
      return room.subarray(0, length)
    } finally {
      closeSync(file)
    }
  }
}

interface Chain {
  /** The sequence it reaches to; -1: not known. */
  last: number
  /** A version wrote to the store that keeps a marker. */
  isMarked: boolean
}

function checkLog(bytes: Uint8Array, name: string, chain: Chain): void {
  const visit = (record: Uint8Array, end: number): void => {
    const { sequence, next } = batchHead(record)
    if (chain.last >= 0 && sequence !== chain.last + 1)
      throw new DamageError(
        `${name}: the changes from ${chain.last + 1} on are missing; the record that ends at byte ${end} begins with ${sequence}`,
      )
    chain.last = next - 1
    chain.isMarked ||= endsWithChainKey(record)
  }
  const couldBegin = (_: Uint8Array, start: number, end: number): boolean =>
    chain.last < 0 || couldBeBatch(bytes, start, end, chain.last)
  const at = readable(name, () => visitRecords(bytes, visit, couldBegin))
  if (at >= 0)
    throw new DamageError(`${name}: the record at byte ${at} does not match its checksum`)
}

/** The last operation: put (1), a key of one byte, an empty value. */
function endsWithChainKey(record: Uint8Array): boolean {
  const end = record.subarray(-4)
  return end[0] === 1 && end[1] === 1 && end[2] === CHAIN_KEY[0] && end[3] === 0
}

function checkMarker(location: string, { last, isMarked }: Chain, log: string | undefined): void {
  const marker = readMarker(location)
  if (marker === 'damaged') throw new DamageError(`${MARKER_FILE}: it is damaged`)
  if (marker === 'missing') {
    if (!isMarked) return
    throw new DamageError(`${MARKER_FILE} is missing: nothing says how far the log must reach`)
  }
  if (last >= 0 && last < marker)
    throw new DamageError(
      `${log === undefined ? 'the log is missing' : `${log}: its end is missing`}: ` +
        `the changes from ${last + 1} to ${marker} were acknowledged`,
    )
}

/** Did the system refuse (no right to, too many open files, no answer from the disk)? That says nothing of what is stored. */
export function isRefused(error: unknown): boolean {
  const { syscall, code } = error as NodeJS.ErrnoException
  return syscall !== undefined || code === 'LEVEL_IO_ERROR'
}

/** What `read` throws becomes damage of that file, unless it could not be read. */
function readable<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof DamageError || isRefused(error)) throw error
    throw new DamageError(`${name}: ${(error as Error).message}`)
  }
}

/** Differs when a broker is at work in the directory. */
export function stateOf(location: string): string {
  return readdirSync(location)
    .filter((name) => name !== 'LOCK' && !name.startsWith('LOG'))
    .map((name) => {
      const { size, mtimeMs } = statSync(join(location, name), { throwIfNoEntry: false }) ?? {}
      return `${name} ${size} ${mtimeMs}`
    })
    .join('\n')
}

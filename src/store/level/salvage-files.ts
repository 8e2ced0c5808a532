/**
 * The first half of a salvage: what the files of a damaged store still say, key by key, written into a new LevelDB. Files are
 * read by our own readers, never by LevelDB. What counts for a key is its operation with the highest sequence, in whichever file.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { failpoint } from '../failpoint.ts'
import { isLog, isTable, numberOf } from './check-files.ts'
import { openLevel } from './database.ts'
import { Kind } from './keys.ts'
import { salvageRecords } from './log-records.ts'
import { readManifest } from './manifest.ts'
import { openRecord } from './sealed-record.ts'
import { salvageTable, type KeySpan } from './table-file.ts'
import { batchHead, couldBeBatch, visitOperations } from './write-batch.ts'

/** Bytes of a file that nothing could be made of. */
export interface Lost {
  readonly file: string
  readonly start: number
  readonly end: number
  readonly why: string
}

export interface SalvageTask {
  readonly from: string
  /** The LevelDB that is made. */
  readonly to: string
  /** Files that are not read: the process died of them. */
  readonly without: readonly string[]
}

export interface Told {
  /** Now this file is read. */
  reading(file: string): void
  lost(what: Lost): void
}

type TellLost = (what: Lost, keys: KeySpan | null) => void
type Visit = (key: Uint8Array, value: Uint8Array | null, sequence: number) => void

const PORTION = 1000

export async function salvageFiles(task: SalvageTask, told: Told): Promise<void> {
  const files = filesOf(task.from).filter((name) => !task.without.includes(name))
  const newest = new Map<string, number>()
  const doubtful: KeySpan[] = []
  for (const file of files) {
    told.reading(file)
    failpoint('salvage')
    const lost: TellLost = (what, keys) => {
      told.lost(what)
      if (keys !== null) doubtful.push(keys)
    }
    visitFile(task.from, file, lost, (key, value, sequence) => {
      const name = nameOf(key)
      if (sequence > (newest.get(name) ?? -1) && isSound(key, value)) newest.set(name, sequence)
    })
  }
  const target = await openLevel(task.to)
  try {
    for (const file of files) {
      told.reading(file)
      let batch = target.batch()
      const full: (typeof batch)[] = []
      visitFile(
        task.from,
        file,
        () => {},
        (key, value, sequence) => {
          if (value === null || newest.get(nameOf(key)) !== sequence || !isSound(key, value)) return
          if (isTable(file) && mayBeOld(key, doubtful)) return
          batch.put(key, value)
          if (batch.length < PORTION) return
          full.push(batch)
          batch = target.batch()
        },
      )
      for (const each of [...full, batch]) await each.write({ sync: false })
    }
  } finally {
    await target.close()
  }
}

/**
 * A block that is lost may have had a later message of a topic than the one in another table: nothing rather than that one. What is
 * in a log is later than all tables. Entries of queues are written once, so an old one is at worst a message that comes again.
 */
function mayBeOld(key: Uint8Array, spans: readonly KeySpan[]): boolean {
  if (key[0] !== Kind.retained) return false
  return spans.some(
    ({ after, upTo }) => Buffer.compare(key, after) > 0 && Buffer.compare(key, upTo) <= 0,
  )
}

const nameOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1')

/** Every record of ours has its checksum; the key of the chain is made anew. */
function isSound(key: Uint8Array, value: Uint8Array | null): boolean {
  if (value === null) return true
  if (key[0] === Kind.chain) return false
  try {
    openRecord(key, value)
    return true
  } catch {
    return false
  }
}

/** Tables, then logs. With a manifest that is whole only what it names: others hold what was deleted since. */
function filesOf(from: string): string[] {
  const names = readdirSync(from)
  const named = namedFiles(from)
  const counts = (name: string): boolean => {
    if (named === null) return isTable(name) || isLog(name)
    return isTable(name)
      ? named.tables.has(numberOf(name))
      : isLog(name) && numberOf(name) >= named.firstLog
  }
  return names
    .filter(counts)
    .sort((a, b) => Number(isLog(a)) - Number(isLog(b)) || numberOf(a) - numberOf(b))
}

function namedFiles(from: string) {
  try {
    const current = readFileSync(join(from, 'CURRENT'), 'latin1').trim()
    const bytes = readFileSync(join(from, current))
    const manifest = readManifest(bytes)
    const isWhole = manifest.damagedAt < 0 && manifest.isComplete && manifest.end === bytes.length
    return isWhole && hasAll(from, manifest.tables) ? manifest : null
  } catch {
    return null
  }
}

/** A manifest that was cut off where an edit ends names tables that are gone. */
function hasAll(from: string, tables: ReadonlyMap<number, number>): boolean {
  const there = new Set(readdirSync(from).filter(isTable).map(numberOf))
  return [...tables.keys()].every((number) => there.has(number))
}

function visitFile(from: string, file: string, lost: TellLost, visit: Visit): void {
  const tell = (start: number, end: number, why: string, keys: KeySpan | null = null): void =>
    lost({ file, start, end, why }, keys)
  try {
    const bytes = readFileSync(join(from, file))
    if (isTable(file))
      salvageTable(bytes, visit, (start, end, keys) => tell(start, end, 'a block is damaged', keys))
    else visitLog(bytes, visit, tell)
  } catch (error) {
    tell(0, 0, (error as Error).message)
  }
}

function visitLog(
  bytes: Uint8Array,
  visit: Visit,
  tell: (start: number, end: number, why: string) => void,
): void {
  let last = -1
  salvageRecords(
    bytes,
    (record, end) => {
      try {
        const operations: Parameters<Visit>[] = []
        visitOperations(record, (...operation) => void operations.push(operation))
        last = batchHead(record).next - 1
        for (const operation of operations) visit(...operation)
      } catch {
        tell(end - record.length, end, 'a batch cannot be read')
      }
    },
    (start, end) => tell(start, end, 'records are damaged or cut off'),
    (_, start, end) => last < 0 || couldBeBatch(bytes, start, end, last),
  )
}

/** Opening the directory: who may have it, what is refused, and in which words. */
import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { findDamage, stateOf } from './check-files.ts'
import { Kind } from './keys.ts'
import type { Database, Engine } from './level-options.ts'
import { readManifest } from './manifest.ts'
import { migrate } from './migrations.ts'
import { FORMAT_VERSION, RecordReader, writeUint } from './records.ts'
import { beginRecord, endRecord, openRecord } from './sealed-record.ts'
import { makeDirectories } from '../make-directories.ts'
import { trackWrites, type Level } from './track-writes.ts'

/** The store cannot be used; `message` names the directory and what to do. */
export class StoreError extends Error {
  override name = 'StoreError'
}

class DamagedError extends StoreError {}

const OPTIONS = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  // Its log is replayed at start: larger means fewer compactions and a longer start after a crash.
  writeBufferSize: 16 << 20,
  cacheSize: 16 << 20,
  maxFileSize: 8 << 20,
} as const

const META_KEY = new Uint8Array([Kind.meta])

/**
 * Opens (or makes) the store in `location`.
 *
 * @throws StoreError when it is in use, damaged, not ours, or written by a newer version.
 */
export async function openDatabase(location: string): Promise<Level> {
  makeDirectory(location)
  refuseDamage(location)
  const database = await openWhole(location)
  try {
    await checkFormat(database, location)
    makePrivate(location)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

/** Nothing is made or deleted before. What another broker has open is not damaged when it changes, or goes, meanwhile. */
function refuseDamage(location: string): void {
  const before = stateOf(location)
  try {
    const damage = findDamage(location)
    if (damage !== null) throw damaged(location, damage)
  } catch (error) {
    throw stateOf(location) === before ? error : inUse(location)
  }
}

/**
 * Opens a store that was looked at. LevelDB refuses a manifest of whose last edit a sector is missing, as a power cut may leave
 * it; the store is known to be whole without that edit, so it is cut off. LevelDB had the lock when it refused: nobody else is at work.
 */
async function openWhole(location: string): Promise<Level> {
  try {
    return await openLevel(location)
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error
    const { path, bytes } = manifestOf(location)
    const { end } = readManifest(bytes)
    if (end === bytes.length) throw error
    truncateSync(path, end)
    return openLevel(location)
  }
}

/** Takes the files from everybody else. LevelDB is at work, and what a compaction is done with goes meanwhile. */
function makePrivate(location: string): void {
  for (const name of readdirSync(location)) {
    try {
      const path = join(location, name)
      const stats = lstatSync(path)
      // A link may lead to anything.
      if (stats.isFile()) closeToOthers(path, stats.mode)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/** Takes from group and others what they may do; never gives anything. */
function closeToOthers(path: string, mode: number): void {
  if ((mode & 0o077) !== 0) chmodSync(path, mode & 0o700)
}

function makeDirectory(location: string): void {
  try {
    makeDirectories(location, 0o700)
    const own = process.getuid?.()
    const link = lstatSync(location)
    if (own !== undefined && link.isSymbolicLink() && link.uid !== own && link.uid !== 0)
      throw new StoreError(`${location} is a link that another user (id ${link.uid}) made`)
    const { uid, mode } = statSync(location)
    if (own !== undefined && uid !== own && own !== 0)
      throw new StoreError(`${location} belongs to another user (id ${uid}); it is left alone`)
    closeToOthers(location, mode)
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError(`unable to make ${location}: ${(error as Error).message}`)
  }
}

/** LevelDB, and the time that everybody has. */
export const levelEngine: Engine = {
  open: openDatabase,
  reopen: reopenLevel,
  hasRoom,
  monotonicMs: () => performance.now(),
  nextTurn: (run) => void setImmediate(run),
  later(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** Beside the tables: a manifest, a log, and the first write into it. */
const ROOM_BYTES = 1 << 20

/** LevelDB brings its logs into tables before it opens. Where the system does not say what is free, it is tried. */
async function hasRoom(location: string): Promise<boolean> {
  try {
    const { bsize, bavail, bfree } = await statfs(location)
    const names = (await readdir(location)).filter((name) => name.endsWith('.log'))
    const logs = await Promise.all(names.map((name) => stat(join(location, name))))
    const bytes = logs.reduce((sum, { size }) => sum + size, ROOM_BYTES)
    return (process.getuid?.() === 0 ? bfree : bavail) * bsize >= bytes
  } catch {
    return true
  }
}

/** LevelDB alone: no look at the directory before, none at the format after. */
export async function openLevel(location: string): Promise<Level> {
  // Native code, and the slowest to load: not before there is a store to open.
  const { ClassicLevel } = await import('classic-level')
  const level = new ClassicLevel<Uint8Array, Uint8Array>(location, OPTIONS)
  try {
    await level.open()
  } catch (error) {
    throw refusal(location, (error as { cause?: unknown }).cause ?? error)
  }
  try {
    return trackWrites(level, openedAt(location))
  } catch (error) {
    await level.close()
    throw error
  }
}

/**
 * Opens what was closed a moment ago. Between the two the lock is free, and the moment is long when the machine sleeps in it:
 * who goes on with what he knew would write over what another broker has acknowledged meanwhile.
 */
async function reopenLevel(location: string, before: Database): Promise<Level> {
  const level = await openLevel(location)
  const sequence = before.lastSequence()
  if (sequence === null || sequence === level.lastSequence()) return level
  await level.close()
  throw inUse(location)
}

/** The last sequence that LevelDB found when it opened the store just now. */
function openedAt(location: string): number {
  return readManifest(manifestOf(location).bytes).opened.lastSequence
}

function manifestOf(location: string): { path: string; bytes: Uint8Array } {
  const path = join(location, readFileSync(join(location, 'CURRENT'), 'latin1').trim())
  return { path, bytes: readFileSync(path) }
}

function inUse(location: string): StoreError {
  return new StoreError(
    `the store in ${location} is in use by another broker; ` +
      'stop that one, give this one its own persistence_location, or start it with --no-persistence',
  )
}

function refusal(location: string, cause: unknown): StoreError {
  const { code, message } = cause as { code?: string; message: string }
  if (code === 'LEVEL_LOCKED') return inUse(location)
  if (code === 'LEVEL_CORRUPTION') return damaged(location, message)
  return new StoreError(`unable to open the store in ${location}: ${message}`)
}

/** Refuses a damaged store; nothing in it is touched. */
export function damaged(location: string, what: string): StoreError {
  return new DamagedError(
    `the store in ${location} is damaged: ${what}. Nothing was changed. ` +
      'Put a backup in its place, or bring what is readable into a new store: ' +
      `mozzie db salvage ${location} NEW`,
  )
}

/** Was `error` for lack of space? Then it passes; any other failed write is final. */
export function isFull(error: Error): boolean {
  return /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/.test(
    `${error.message} ${(error.cause as Error | undefined)?.message ?? ''}`,
  )
}

async function checkFormat(database: Database, location: string): Promise<void> {
  const value = await database.get(META_KEY)
  if (value === undefined) {
    const batch = database.batch()
    writeUint(beginRecord(META_KEY), FORMAT_VERSION)
    endRecord(batch, META_KEY)
    return batch.write({ sync: true })
  }
  const version = formatOf(value, location)
  if (version > FORMAT_VERSION)
    throw new StoreError(
      `the store in ${location} has format ${version}, written by a newer mozzie; ` +
        `this one knows ${FORMAT_VERSION}`,
    )
  if (version < FORMAT_VERSION) await migrate(database, version)
}

function formatOf(value: Uint8Array, location: string): number {
  try {
    return new RecordReader(openRecord(META_KEY, value)).uint()
  } catch (error) {
    throw damaged(location, (error as Error).message)
  }
}

/** Opening the directory: who may have it, what is refused, and in which words. */
import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { findDamage } from './check-files.ts'
import { Kind } from './keys.ts'
import type { Database, Engine } from './level-options.ts'
import { migrate } from './migrations.ts'
import { FORMAT_VERSION, RecordReader, writeUint } from './records.ts'
import { beginRecord, endRecord, openRecord } from './sealed-record.ts'

/** The store cannot be used; `message` names the directory and what to do. */
export class StoreError extends Error {
  override name = 'StoreError'
}

type Level = ClassicLevel<Uint8Array, Uint8Array>

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
  const damage = findDamage(location)
  if (damage !== null) throw damaged(location, damage)
  const database = await openLevel(location)
  try {
    await checkFormat(database, location)
    makePrivate(location)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

/** Takes the files from everybody else. LevelDB is at work, and what a compaction is done with goes meanwhile. */
function makePrivate(location: string): void {
  for (const name of readdirSync(location)) {
    try {
      chmodSync(join(location, name), 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

function makeDirectory(location: string): void {
  try {
    mkdirSync(location, { recursive: true, mode: 0o700 })
    const { uid } = lstatSync(location)
    const own = process.getuid?.()
    if (own !== undefined && uid !== own && own !== 0)
      throw new StoreError(`${location} belongs to another user (id ${uid}); it is left alone`)
    chmodSync(location, 0o700)
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError(`unable to make ${location}: ${(error as Error).message}`)
  }
}

/** LevelDB, and the time that everybody has. */
export const levelEngine: Engine = {
  open: openDatabase,
  reopen: openLevel,
  monotonicMs: () => performance.now(),
  nextTurn: (run) => void setImmediate(run),
  later(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** LevelDB alone: no look at the directory before, none at the format after. */
export async function openLevel(location: string): Promise<Level> {
  const database: Level = new ClassicLevel<Uint8Array, Uint8Array>(location, OPTIONS)
  try {
    await database.open()
    return database
  } catch (error) {
    throw refusal(location, (error as { cause?: unknown }).cause ?? error)
  }
}

function refusal(location: string, cause: unknown): StoreError {
  const { code, message } = cause as { code?: string; message: string }
  if (code === 'LEVEL_LOCKED')
    return new StoreError(
      `the store in ${location} is in use by another broker; ` +
        'stop that one, or give this one its own persistence_location',
    )
  if (code === 'LEVEL_CORRUPTION') return damaged(location, message)
  return new StoreError(`unable to open the store in ${location}: ${message}`)
}

/** Refuses a damaged store; nothing in it is touched. */
export function damaged(location: string, what: string): StoreError {
  return new StoreError(
    `the store in ${location} is damaged: ${what}. Nothing was changed. ` +
      `What is readable can be brought into a new store: mozzie db salvage ${location} NEW`,
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

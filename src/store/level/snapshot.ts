/**
 * A consistent copy of a store from its files, whether a broker has it open or not, without asking it. LevelDB's files
 * allow that: tables never change once a manifest names them, manifest and log only grow; and a file that is open stays
 * readable when it is deleted.
 *
 *     1  marker                 so far the copy must reach
 *     2  all tables and logs    are listed and opened
 *     3  manifest               as it was at some moment of step 2: its last edit after which it named only what is held
 *     4  the copy, at leisure   logs as far as they have come; the last record may be cut, as by a crash
 *     5  a look as at a start   is anything missing? Then step 2 was too slow: begin again
 *
 * All that was acknowledged before the copy began is in it.
 */
import { existsSync } from 'node:fs'
import { link, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { findDamage, isLog, isTable, numberOf, stateOf } from './check-files.ts'
import { StoreError } from './database.ts'
import { makeDirectories } from '../make-directories.ts'
import { readManifest } from './manifest.ts'
import { MARKER_FILE } from './marker.ts'

const ATTEMPTS = 20
const FILE_MODE = 0o600
const CHUNK_BYTES = 1 << 20

/** For tests: called between the steps in which files can go. */
export type BetweenSteps = () => Promise<void>

const atOnce: BetweenSteps = async () => {}

/**
 * Copies the store in `from` to `to`, which must not exist; complete and on the disk, or not there at all.
 *
 * @throws StoreError
 */
export async function copyStore(
  from: string,
  to: string,
  betweenSteps: BetweenSteps = atOnce,
): Promise<void> {
  if (existsSync(to))
    throw new StoreError(`${to} exists already; a copy is made into a new directory`)
  // Without a slash at its end: beside the directory, not within it.
  const place = resolve(to)
  const partial = `${place}.partial-${process.pid}`
  try {
    await take(from, partial, copySynced, betweenSteps)
    await rename(partial, place)
    await syncDirectory(dirname(place))
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** Runs `use` on a short-lived copy beside the store, which shares its tables and so costs next to nothing. */
export async function withSnapshot<T>(
  from: string,
  use: (location: string) => Promise<T>,
): Promise<T> {
  const to = `${resolve(from)}.snapshot-${process.pid}`
  try {
    await take(from, to, linkOrCopy, atOnce)
    return await use(to)
  } finally {
    await rm(to, { recursive: true, force: true })
  }
}

interface Source {
  readonly path: string
  /** Of the file of that name, which may be gone meanwhile. */
  readonly handle: FileHandle
}

/** Makes the file `to` of a table. */
type Transfer = (source: Source, to: string) => Promise<void>

async function take(
  from: string,
  to: string,
  transferTable: Transfer,
  betweenSteps: BetweenSteps,
): Promise<void> {
  if (!existsSync(from)) throw new StoreError(`${from} does not exist`)
  let before = ''
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const state = stateOf(from)
    const problem = await takeOnce(from, to, transferTable, betweenSteps)
    if (problem === null) return
    // What nobody changed, and what looks the same a second time, is no matter of speed.
    if (problem === before || stateOf(from) === state)
      throw new StoreError(`the store in ${from} is damaged: ${problem}`)
    before = problem
  }
  throw new StoreError(`${from} changes too fast for a copy: ${before}`)
}

/** Returns what is wrong with the copy; null: nothing. */
async function takeOnce(
  from: string,
  to: string,
  transferTable: Transfer,
  betweenSteps: BetweenSteps,
): Promise<string | null> {
  await rm(to, { recursive: true, force: true })
  makeDirectories(to, 0o700)
  const held = new Map<string, FileHandle>()
  try {
    const marker = await readIfThere(join(from, MARKER_FILE))
    await betweenSteps()
    await hold(from, held)
    await betweenSteps()
    const current = await readIfThere(join(from, 'CURRENT'))
    if (current === null) {
      const problem = findDamage(from)
      if (problem === null) throw new StoreError(`${from} is not a store`)
      return problem
    }
    const name = current.toString('latin1').trim()
    const whole = await readIfThere(join(from, name))
    if (whole === null) return `${name} is missing`
    await betweenSteps()
    const manifest = whole.subarray(0, endThatFits(whole, held))
    const { tables, firstLog } = readManifest(manifest)
    for (const [file, handle] of held) {
      const source = { path: join(from, file), handle }
      if (isTable(file) && tables.has(numberOf(file))) await transferTable(source, join(to, file))
      if (isLog(file) && numberOf(file) >= firstLog) await copySynced(source, join(to, file))
    }
    if (marker !== null) await writeSynced(join(to, MARKER_FILE), marker)
    await writeSynced(join(to, name), manifest)
    await writeSynced(join(to, 'CURRENT'), current)
    await syncDirectory(to)
    return findDamage(to)
  } finally {
    for (const handle of held.values()) await handle.close()
  }
}

/** Opens the tables and logs that are not held yet. */
async function hold(from: string, held: Map<string, FileHandle>): Promise<void> {
  for (const name of await readdir(from)) {
    if (held.has(name) || !(isTable(name) || isLog(name))) continue
    try {
      held.set(name, await open(join(from, name), 'r'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/** Where the last edit of a manifest ends after which it named only files that are held; 0: there is none. */
function endThatFits(manifest: Uint8Array, held: ReadonlyMap<string, FileHandle>): number {
  const tables = new Set<number>()
  const logs = new Set<number>()
  for (const name of held.keys()) (isTable(name) ? tables : logs).add(numberOf(name))
  let fits = 0
  readManifest(manifest, (sum, end) => {
    if (!logs.has(sum.firstLog)) return
    for (const number of sum.tables.keys()) if (!tables.has(number)) return
    fits = end
  })
  return fits
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function linkOrCopy(source: Source, to: string): Promise<void> {
  try {
    await link(source.path, to)
  } catch {
    await copySynced(source, to)
  }
}

/** Copies the file as long as it is now: a log grows. */
async function copySynced({ handle }: Source, to: string): Promise<void> {
  const { size } = await handle.stat()
  const file = await open(to, 'wx', FILE_MODE)
  try {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size))
    for (let at = 0; at < size;) {
      const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, size - at), at)
      if (bytesRead === 0) break
      await file.appendFile(chunk.subarray(0, bytesRead))
      at += bytesRead
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

function writeSynced(path: string, content: Uint8Array): Promise<void> {
  return writeFile(path, content, { mode: FILE_MODE, flush: true })
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  await directory.sync()
  await directory.close()
}

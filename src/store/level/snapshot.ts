/**
 * A consistent copy of a store from its files, whether a broker has it open or not, without asking it. LevelDB's files
 * allow that: tables never change once a manifest names them, manifest and log only grow.
 *
 *     1  manifest, as long as it is now   says which tables count, and from which log on
 *     2  those tables                     one is gone: a compaction was quicker, begin again
 *     3  the logs from there on           as far as they have come; the last record may be cut, as by a crash
 *
 * All that was acknowledged before the copy began is in it.
 */
import { constants, existsSync } from 'node:fs'
import {
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findDamage } from './check-files.ts'
import { StoreError } from './database.ts'
import { readManifest } from './manifest.ts'

const ATTEMPTS = 20
const FILE_MODE = 0o600
const isTable = (name: string): boolean => /\.(ldb|sst)$/.test(name)

/**
 * Copies the store in `from` to `to`, which must not exist; complete and on the disk, or not there at all.
 *
 * @throws StoreError
 */
export async function copyStore(from: string, to: string): Promise<void> {
  if (existsSync(to))
    throw new StoreError(`${to} exists already; a copy is made into a new directory`)
  const partial = `${to}.partial-${process.pid}`
  try {
    await take(from, partial, copyAndSync)
    const damage = findDamage(partial)
    if (damage !== null) throw new StoreError(`the store in ${from} is damaged: ${damage}`)
    await rename(partial, to)
    await syncDirectory(dirname(to))
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** Runs `use` on a short-lived copy beside the store, which shares its tables and so costs next to nothing. */
export async function withSnapshot<T>(
  from: string,
  use: (location: string) => Promise<T>,
): Promise<T> {
  const to = `${from}.snapshot-${process.pid}`
  try {
    await take(from, to, linkOrCopy)
    return await use(to)
  } finally {
    await rm(to, { recursive: true, force: true })
  }
}

type Transfer = (from: string, to: string) => Promise<void>

async function take(from: string, to: string, transferTable: Transfer): Promise<void> {
  if (!existsSync(join(from, 'CURRENT'))) throw new StoreError(`${from} is not a store`)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await rm(to, { recursive: true, force: true })
    await mkdir(to, { recursive: true, mode: 0o700 })
    try {
      return await takeOnce(from, to, transferTable)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(from)) throw error
    }
  }
  throw new StoreError(`${from} changes too fast for a copy; try again when there is less to do`)
}

async function takeOnce(from: string, to: string, transferTable: Transfer): Promise<void> {
  const current = await readFile(join(from, 'CURRENT'), 'utf8')
  const name = current.trim()
  const manifest = await readFile(join(from, name))
  const { tables, firstLog } = readManifest(manifest)
  const names = await readdir(from)
  for (const table of tables) {
    const file = names.find((each) => isTable(each) && Number.parseInt(each, 10) === table)
    if (file === undefined) throw Object.assign(new Error('a table is gone'), { code: 'ENOENT' })
    await transferTable(join(from, file), join(to, file))
  }
  const logs = names.filter(
    (each) => each.endsWith('.log') && Number.parseInt(each, 10) >= firstLog,
  )
  for (const log of logs.sort()) await copyAndSync(join(from, log), join(to, log))
  await writeSynced(join(to, name), manifest)
  await writeSynced(join(to, 'CURRENT'), current)
  await syncDirectory(to)
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error
    await copyFile(from, to)
  }
}

async function copyAndSync(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  const file = await open(to, 'r+')
  await file.chmod(FILE_MODE)
  await file.sync()
  await file.close()
}

function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  return writeFile(path, content, { mode: FILE_MODE, flush: true })
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  await directory.sync()
  await directory.close()
}

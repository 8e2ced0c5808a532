/**
 * What a power cut may leave of a store's files. A disk keeps what was synced; of the rest it may keep anything:
 *
 *     log       [ synced ........ | not synced: cut off anywhere, or at its full length with sectors missing ]
 *     manifest  the last edit is there or not, or cut off, or without a sector, as long as the files they speak of are still there
 *     tables    those that the manifest names were synced before it; others are cut off anywhere
 *     new log   its name may be gone as long as nothing in it was synced
 *     marker    as it is, or as it was some synced writes before
 *
 * A missing sector reads as zeros: file systems do not show what lay there before.
 */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { visitRecords } from '../../src/store/level/log-records.ts'
import { readManifest } from '../../src/store/level/manifest.ts'
import { MARKER_FILE } from '../../src/store/level/marker.ts'

const SECTOR = 512

/** One line a synced write, by record-syncs.ts: lengths by the log's name. */
export const syncsFile = 'syncs.jsonl'

/** Lengths that are synced, by the log's name. */
export type Synced = Readonly<Record<string, number>>

export interface Cut {
  /** Bytes that were not synced. */
  readonly unsynced: number
  /** Of them not kept. */
  readonly lost: number
}

/** Copies a store that stands still to `to`, as the cut leaves it. */
export function cutPower(from: string, to: string, synced: Synced, random: () => number): Cut {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(from)) {
    if (name === 'LOCK' || name.startsWith('LOG')) continue
    // Tables never change, so that they need no copy; but a half one is cut below.
    if (/\.(ldb|sst)$/.test(name)) linkSync(join(from, name), join(to, name))
    else copyFileSync(join(from, name), join(to, name))
  }
  cutManifest(to, random)
  cutMarker(to, join(from, '..'), random)
  const cuts = readdirSync(to).map((name) => {
    if (name.endsWith('.log')) return cutLog(join(to, name), synced[name] ?? 0, random)
    return { unsynced: 0, lost: 0 }
  })
  cutTables(to, random)
  const sum = (of: (cut: Cut) => number) => cuts.reduce((total, cut) => total + of(cut), 0)
  return { unsynced: sum((cut) => cut.unsynced), lost: sum((cut) => cut.lost) }
}

function cutLog(path: string, synced: number, random: () => number): Cut {
  const bytes = readFileSync(path)
  const unsynced = bytes.length - synced
  if (unsynced === 0) return { unsynced, lost: 0 }
  if (synced === 0 && random() < 0.3) {
    rmSync(path)
    return { unsynced, lost: unsynced }
  }
  const length = random() < 0.5 ? synced + Math.floor(random() * (unsynced + 1)) : bytes.length
  const share = random()
  let missing = 0
  for (let at = synced - (synced % SECTOR); at < length; at += SECTOR) {
    if (random() >= share) continue
    const start = Math.max(at, synced)
    const end = Math.min(at + SECTOR, length)
    bytes.fill(0, start, end)
    missing += end - start
  }
  writeFileSync(path, bytes.subarray(0, length))
  return { unsynced, lost: bytes.length - length + missing }
}

function cutManifest(location: string, random: () => number): void {
  const name = readFileSync(join(location, 'CURRENT'), 'utf8').trim()
  const bytes = readFileSync(join(location, name))
  const ends: number[] = []
  visitRecords(bytes, (_edit, end) => void ends.push(end))
  const before = ends.at(-2)
  if (before === undefined || random() < 0.5) return
  const { tables, firstLog } = readManifest(bytes.subarray(0, before))
  const numbers = new Set(readdirSync(location).map((file) => Number.parseInt(file, 10)))
  const isPossible = [...tables.keys(), firstLog].every((number) => numbers.has(number))
  if (!isPossible) return
  const path = join(location, name)
  if (random() < 0.5) {
    const missing = Math.floor(before / SECTOR + random() * ((bytes.length - before) / SECTOR))
    const end = Math.min((missing + 1) * SECTOR, bytes.length)
    writeFileSync(path, bytes.fill(0, Math.max(before, missing * SECTOR), end))
  } else truncateSync(path, before + Math.floor(random() * (bytes.length - before)))
}

function cutMarker(location: string, markers: string, random: () => number): void {
  const older = readdirSync(markers).filter((name) => name.startsWith(`${MARKER_FILE}.`))
  const chosen = older[Math.floor(random() * (older.length + 1))]
  if (chosen !== undefined) copyFileSync(join(markers, chosen), join(location, MARKER_FILE))
}

function cutTables(location: string, random: () => number): void {
  const name = readFileSync(join(location, 'CURRENT'), 'utf8').trim()
  const { tables } = readManifest(readFileSync(join(location, name)))
  for (const file of readdirSync(location)) {
    if (!/\.(ldb|sst)$/.test(file) || tables.has(Number.parseInt(file, 10))) continue
    const path = join(location, file)
    const bytes = readFileSync(path)
    rmSync(path)
    if (random() < 0.7) writeFileSync(path, bytes.subarray(0, Math.floor(random() * bytes.length)))
  }
}

/** The last line of the recorder that is whole. */
export function readSynced(path: string): Synced {
  if (!existsSync(path)) return {}
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return JSON.parse(lines.at(-1) ?? '{}') as Synced
}

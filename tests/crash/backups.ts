/**
 * `npm run crash -- --backups N`: copies of a store that is written to as fast as it takes it, with a pause between the steps
 * of a copy, so that logs and tables go while it is made. Whatever was written before a copy began must be in it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLevel } from '../../src/store/level/database.ts'
import { copyStore } from '../../src/store/level/snapshot.ts'
import { quickDirectory } from '../store/damaging.ts'

export interface BackupsOptions {
  readonly copies: number
  readonly pauseMs: number
  /** Random, so that it does not compress. */
  readonly value: Uint8Array
  readonly bytesPerSecond: number
}

export interface BackupsResult {
  readonly written: number
  readonly megabytesPerSecond: number
  readonly copyMsMax: number
  /** Copy and number of what it lacks. */
  readonly missing: readonly string[]
}

/** So many of the last values are kept, older ones are deleted. */
const KEPT = 400

const keyOf = (n: number): Uint8Array => Buffer.from(String(n).padStart(9, '0'))

export async function runBackups(options: BackupsOptions): Promise<BackupsResult> {
  const { copies, pauseMs, value, bytesPerSecond } = options
  const root = mkdtempSync(join(quickDirectory, 'mozzie-backups-'))
  const database = await openLevel(join(root, 'store'))
  const startedMs = performance.now()
  let written = 0
  const ending = new AbortController()
  const writing = (async () => {
    while (!ending.signal.aborted) {
      const batch = database.batch().put(keyOf(written + 1), value)
      if (written >= KEPT) batch.del(keyOf(written + 1 - KEPT))
      await batch.write({ sync: written % 50 === 0 })
      written++
      const dueMs = startedMs + (written * value.length * 1000) / bytesPerSecond
      if (dueMs > performance.now()) await sleep(dueMs - performance.now())
    }
  })()
  const missing: string[] = []
  let copyMsMax = 0
  try {
    for (let copy = 1; copy <= copies; copy++) {
      const to = join(root, 'copy')
      const before = written
      const copyStartedMs = performance.now()
      await copyStore(join(root, 'store'), to, () => sleep(pauseMs))
      copyMsMax = Math.max(copyMsMax, performance.now() - copyStartedMs)
      missing.push(...(await missingIn(to, before)).map((n) => `copy ${copy}: ${n}`))
      rmSync(to, { recursive: true })
    }
  } finally {
    ending.abort()
    await writing
    await database.close()
    rmSync(root, { recursive: true, force: true })
  }
  const seconds = (performance.now() - startedMs) / 1000
  const megabytesPerSecond = (written * value.length) / seconds / 1e6
  return { written, megabytesPerSecond, copyMsMax, missing }
}

/** Numbers that are not in the copy, though they were written before, or lie between those that are there. */
async function missingIn(location: string, before: number): Promise<number[]> {
  const database = await openLevel(location)
  const all = await database.keys({ gte: keyOf(0), lt: Uint8Array.of(0x3a) }).all()
  await database.close()
  const there = new Set(all.map((key) => Number(Buffer.from(key).toString())))
  const last = Math.max(before, ...there)
  const missing: number[] = []
  for (let n = Math.max(1, last - KEPT + 1); n <= last; n++) if (!there.has(n)) missing.push(n)
  return missing
}

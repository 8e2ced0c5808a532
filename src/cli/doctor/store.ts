/** Is the store whole, and who does not come back for what waits in it? */
import { statSync } from 'node:fs'
import type { Config } from '../../config/config.ts'
import { openLevel, StoreError } from '../../store/level/database.ts'
import { describeStore, statsOf, type Described } from '../../store/level/inspect.ts'
import { withSnapshot } from '../../store/level/snapshot.ts'
import { dateOf } from './certificates.ts'
import type { Tell } from './finding.ts'

/** It may be whole: this account must not look. */
const DENIED = new Set(['EACCES', 'EPERM'])
const ABSENT_MS = 30 * 86_400_000

/** @param location null: there is no store. @param nowMs Wall clock. */
export async function examineStore(
  { global }: Config,
  location: string | null,
  nowMs: number,
  tell: Tell,
): Promise<void> {
  if (location === null) return tell('note', 'storeNone')
  try {
    if (statSync(location, { throwIfNoEntry: false }) === undefined)
      return tell('good', 'storeNew', { location })
    await withSnapshot(location, async (snapshot) => {
      const database = await openLevel(snapshot)
      try {
        const stats = await statsOf(database)
        const { sessions, queued, retained, longest } = stats
        tell('good', 'storeGood', { location, sessions, queued, retained })
        const limit = global.maxQueuedMessages
        for (const each of longest)
          if (limit > 0 && each.queued >= limit) tell('note', 'storeBehind', { ...each, limit })
        const absent = await absentSince(database, nowMs - ABSENT_MS)
        if (absent !== null) tell('note', 'storeForgotten', absent)
      } finally {
        await database.close()
      }
    })
  } catch (error) {
    const message = error instanceof StoreError ? error.message : String(error)
    const isDenied = DENIED.has(String((error as { code?: unknown }).code))
    tell('bad', isDenied ? 'storeUnreadable' : 'storeDamaged', { location, message })
  }
}

/** The sessions that were left before `limitMs`; null: none. */
async function absentSince(
  database: Parameters<typeof describeStore>[0],
  limitMs: number,
): Promise<{ count: number; queued: number; clientId: string; since: string } | null> {
  const left = new Map<unknown, number>()
  let queued = 0
  await describeStore(database, (record: Described) => {
    const { kind, clientId, disconnectedAtMs } = record
    if (kind === 'session' && Number(disconnectedAtMs) > 0 && Number(disconnectedAtMs) < limitMs)
      left.set(clientId, Number(disconnectedAtMs))
    else if (kind === 'queued' && left.has(clientId)) queued++
  })
  const [oldest] = [...left].sort(([, a], [, b]) => a - b)
  if (oldest === undefined) return null
  return { count: left.size, queued, clientId: String(oldest[0]), since: dateOf(oldest[1]) }
}

/**
 * `npm run crash -- --damage N`: every single bit of a table and of the small files, every seventh of a log, and N places of every
 * other kind in every file of a store (tests/store/damaging.ts). How fast the look at start is, too.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isLog, isTable } from '../../src/store/level/check-files.ts'
import { tableProblem } from '../../src/store/level/table-file.ts'
import { seeded } from '../sim/world.ts'
import {
  flip,
  harms,
  makeKilledStore,
  quickDirectory,
  Torture,
  type Fate,
  type Harm,
} from '../store/damaging.ts'

/** Makes tables of about 11 KB. */
const MESSAGES = 210
/** A log is longer: each seventh bit meets every place of a byte. */
const LOG_STEP = 7
const SPEED_ROUNDS = 2000

interface DamageRow {
  /** File and kind of harm. */
  readonly what: string
  readonly refused: number
  readonly same: number
  readonly changed: number
}

export interface DamageResult {
  readonly rows: readonly DamageRow[]
  readonly changed: readonly string[]
  readonly megabytesPerSecond: number
}

/** An abort of LevelDB ends this process: who gets a result knows that there was none. */
export async function runDamage(places: number, seed: number): Promise<DamageResult> {
  const root = mkdtempSync(join(quickDirectory, 'mozzie-damage-'))
  const rows = new Map<string, Record<Fate['kind'], number>>()
  const changed: string[] = []
  try {
    const sound = await makeKilledStore(root, MESSAGES)
    const torture = await new Torture(sound).begin()
    const inflict = async (kind: string, harm: Harm) => {
      const what = `${harm.file.replace(/\d+/, 'n')}: ${kind}`
      const row = rows.get(what) ?? { refused: 0, same: 0, changed: 0 }
      rows.set(what, row)
      const fate = await torture.inflict(harm)
      row[fate.kind]++
      if (fate.kind === 'changed') changed.push(`${harm.file} ${harm.how}`)
    }
    for (const harm of harms(sound, seeded(seed), { cuts: places, flips: 0, sectors: places }))
      await inflict(/^\w+/.exec(harm.how)![0], harm)
    const data = readdirSync(sound).filter((name) => isTable(name) || isLog(name))
    for (const file of readdirSync(sound).filter((name) => !/^LO(CK|G)/.test(name))) {
      if (isTable(file) && file !== data.find(isTable)) continue
      const bytes = readFileSync(join(sound, file))
      const step = isLog(file) ? LOG_STEP : 1
      for (let bit = 0; bit < bytes.length * 8; bit += step)
        await inflict('bit', flip(file, bytes, bit))
    }
    torture.end()
    const table = readFileSync(join(sound, data.find(isTable)!))
    return {
      rows: [...rows].map(([what, row]) => ({ what, ...row })),
      changed,
      megabytesPerSecond: speedOf(table),
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** By processor time: other work on the machine does not count. */
function speedOf(table: Uint8Array): number {
  const look = (): void => {
    for (let n = 0; n < SPEED_ROUNDS; n++) tableProblem(table)
  }
  look()
  const before = process.cpuUsage()
  look()
  const { user, system } = process.cpuUsage(before)
  return (table.length * SPEED_ROUNDS) / (user + system)
}

/** What the last `npm run attack` measured; docs/attacks.md is written from it. Paths are from the repository's root. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import type { Damage } from './load-field.ts'

const FILE = 'tests/attack/figures.json'

export interface Figures {
  /** Resident memory at its highest, MB. */
  readonly peakMb: number
  /** A bystander's longest wait for a PINGRESP, ms: the broker's CPU time in it; by the clock; by the clock while nothing happened. */
  readonly cpuMs: number
  readonly clockMs: number
  readonly quietMs: number
  /** Processes that wanted the machine's cores meanwhile. */
  readonly load: number
}

/** By the attack's number. */
export function readFigures(): Readonly<Partial<Record<string, Figures>>> {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Figures>) : {}
}

export function recordFigures(id: string, { peakMb, stall, quiet }: Damage): void {
  const rounded = {
    peakMb: Math.round(peakMb),
    cpuMs: Math.round(stall.cpuMs),
    clockMs: Math.round(stall.clockMs),
    quietMs: Math.round(quiet.clockMs),
    load: Math.round(loadavg()[0]),
  }
  writeFileSync(FILE, `${JSON.stringify({ ...readFigures(), [id]: rounded }, null, 2)}\n`)
}

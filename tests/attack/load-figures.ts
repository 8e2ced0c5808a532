/** What the last `npm run attack` measured; docs/attacks.md is written from it. Paths are from the repository's root. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const FILE = 'tests/attack/figures.json'

export interface Figures {
  /** Resident memory at its highest, MB. */
  readonly peakMb: number
  /** A bystander's longest wait for a PINGRESP, ms: during the attack, and while nothing happened. */
  readonly stallMs: number
  readonly quietMs: number
}

/** By the attack's number. */
export function readFigures(): Readonly<Partial<Record<string, Figures>>> {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Figures>) : {}
}

export function recordFigures(id: string, { peakMb, stallMs, quietMs }: Figures): void {
  const rounded = {
    peakMb: Math.round(peakMb),
    stallMs: Math.round(stallMs),
    quietMs: Math.round(quietMs),
  }
  writeFileSync(FILE, `${JSON.stringify({ ...readFigures(), [id]: rounded }, null, 2)}\n`)
}

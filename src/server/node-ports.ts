/** Clock and chance, from Node. */
import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'

export const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}

export const nodeRandom: Random = {
  fill: (bytes) => void randomFillSync(bytes),
  unit: () => Math.random(),
}

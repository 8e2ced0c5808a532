/** How long a bridge waits before it tries again (`restart_timeout`). */
import type { Random } from '../base/random.ts'
import type { RestartDelay } from './settings.ts'

/**
 * Constant when base and cap are one; otherwise each wait is drawn between the base and three times the last
 * one, up to the cap, so that many bridges do not come back in step.
 */
export class Backoff {
  private readonly random: Random
  private lastMs = 0

  constructor(random: Random) {
    this.random = random
  }

  nextMs({ baseMs, capMs }: RestartDelay): number {
    if (capMs <= baseMs) return baseMs
    const highMs = Math.max(baseMs, this.lastMs * 3)
    this.lastMs = Math.min(capMs, baseMs + this.random.unit() * (highMs - baseMs))
    return this.lastMs
  }

  /** A connection has held long enough. */
  reset(): void {
    this.lastMs = 0
  }
}

/**
 * Watches whether the worker keeps up. When its clock comes late, more arrives than can be looked at:
 * then one message of n is kept, all are counted, and the page says so.
 */
import type { Capture } from '../capture/capture.ts'

const TICK_MS = 50
const LATE_MS = 150
const KEEP_EVERY_MAX = 64
const CALM_TICKS = 60

export class Load {
  private readonly capture: Capture
  private lastMs = performance.now()
  private lateTicks = 0
  private calmTicks = 0

  constructor(capture: Capture) {
    this.capture = capture
  }

  /** To be called every 50 ms, or as near as the worker comes to it. */
  tick(): void {
    const nowMs = performance.now()
    const lateMs = nowMs - this.lastMs - TICK_MS
    this.lastMs = nowMs
    this.lateTicks = lateMs > LATE_MS ? this.lateTicks + 1 : Math.max(0, this.lateTicks - 0.1)
    this.calmTicks = lateMs < LATE_MS / 4 ? this.calmTicks + 1 : 0
    if (this.lateTicks >= 2) {
      this.capture.keepEvery = Math.min(KEEP_EVERY_MAX, this.capture.keepEvery * 2)
      this.lateTicks = 0
    } else if (this.calmTicks >= CALM_TICKS && this.capture.keepEvery > 1) {
      this.capture.keepEvery /= 2
      this.calmTicks = 0
    }
  }
}

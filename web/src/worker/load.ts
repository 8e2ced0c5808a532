/**
 * Watches whether the worker keeps up. When much arrives and its clock comes late, it is more than can be looked at: then one
 * message of n is kept, all are counted, and the page says so. A clock that is late while little arrives tells of a machine that
 * has other work, and every message is kept.
 */
import type { Capture } from '../capture/capture.ts'

const TICK_MS = 50
const LATE_MS = 150
const KEEP_EVERY_MAX = 64
const CALM_TICKS = 60
/** Messages a second that the slowest machine looks at one by one. */
const LITTLE_PER_SECOND = 200

export class Load {
  private readonly capture: Pick<Capture, 'received' | 'keepEvery'>
  private lastMs: number
  private lastReceived = 0
  private lateTicks = 0
  private calmTicks = 0

  constructor(capture: Pick<Capture, 'received' | 'keepEvery'>, nowMs = performance.now()) {
    this.capture = capture
    this.lastMs = nowMs
  }

  /** To be called every 50 ms, or as near as the worker comes to it. */
  tick(nowMs = performance.now()): void {
    const { capture } = this
    const passedMs = nowMs - this.lastMs
    const isMuch = capture.received - this.lastReceived > (LITTLE_PER_SECOND * passedMs) / 1000
    this.lastMs = nowMs
    this.lastReceived = capture.received
    const lateMs = passedMs - TICK_MS
    this.lateTicks =
      isMuch && lateMs > LATE_MS ? this.lateTicks + 1 : Math.max(0, this.lateTicks - 0.1)
    this.calmTicks = !isMuch || lateMs < LATE_MS / 4 ? this.calmTicks + 1 : 0
    if (this.lateTicks >= 2) {
      capture.keepEvery = Math.min(KEEP_EVERY_MAX, capture.keepEvery * 2)
      this.lateTicks = 0
    } else if (this.calmTicks >= CALM_TICKS && capture.keepEvery > 1) {
      capture.keepEvery /= 2
      this.calmTicks = 0
    }
  }
}

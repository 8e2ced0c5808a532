/** A pending timer. Owned by who armed it; `cancel` is idempotent. */
export interface Timer {
  dueMs: number
  fire: ((subject: never) => void) | null
  /** What `fire` is called with. */
  readonly subject: unknown
}

/**
 * Timers for hundreds of thousands of connections: arming and cancelling are O(1), and one `advance`
 * a tick does the rest.
 *
 *     slot     0    1    2   ...  511        one slot is `slotMs` wide, one turn of the wheel 512 slots
 *              |    |
 *              t,t  t                        a timer due beyond this turn stays in its slot and is
 *                                            looked at again when the hand passes
 *
 * A timer never fires early, whatever its distance: 0xFFFFFFFE seconds is just many turns away
 * (setTimeout would fire it at once).
 */
export class TimerWheel {
  private readonly slots: Timer[][] = Array.from({ length: 512 }, () => [])
  private hand: number
  private readonly slotMs: number
  /** Timers armed and not yet fired or cancelled. */
  size = 0

  constructor(nowMs: number, slotMs = 100) {
    this.slotMs = slotMs
    this.hand = Math.floor(nowMs / slotMs)
  }

  /** Calls `fire` once, at the first {@link advance} that reaches `dueMs`, rounded up to a whole slot. */
  arm(dueMs: number, fire: () => void): Timer {
    return this.armFor(dueMs, fire, null)
  }

  /** As {@link arm}, with what `fire` is called with: many timers share one function, and none has a closure of its own. */
  armFor<S>(dueMs: number, fire: (subject: S) => void, subject: S): Timer {
    const timer: Timer = { dueMs, fire, subject }
    this.place(timer)
    this.size++
    return timer
  }

  cancel(timer: Timer | null): void {
    if (timer === null || timer.fire === null) return
    timer.fire = null
    this.size--
  }

  /** Fires what is due at `nowMs`. Timers that a callback arms are seen by the next call at the earliest. */
  advance(nowMs: number): void {
    const target = Math.floor(nowMs / this.slotMs)
    const first = Math.max(this.hand, target - 511)
    // Before the sweep: what a callback arms must not land in a slot that the hand has left.
    this.hand = Math.max(this.hand, target + 1)
    for (let slot = first; slot <= target; slot++) this.sweep(slot & 511, nowMs)
  }

  private place(timer: Timer): void {
    const slot = Math.max(Math.ceil(timer.dueMs / this.slotMs), this.hand)
    this.slots[slot & 511].push(timer)
  }

  private sweep(index: number, nowMs: number): void {
    const due = this.slots[index]
    if (due.length === 0) return
    this.slots[index] = []
    for (const timer of due) {
      const fire = timer.fire as ((subject: unknown) => void) | null
      if (fire === null) continue
      if (timer.dueMs > nowMs) {
        this.slots[index].push(timer)
        continue
      }
      timer.fire = null
      this.size--
      fire(timer.subject)
    }
  }
}

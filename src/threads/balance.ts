/**
 * Which threads take connections: whoever is free takes the next one, and one that has far more of them than another leaves them
 * to the others until those have caught up. A thread that does not turn is nobody to wait for.
 */

/** Connections that a thread may have more than the one with the fewest, beside an eighth of what that has. */
const MORE_MAX = 8
const SHARE_SHIFT = 3
/** Ticks within which a thread turns. */
const ALIVE_TICKS = 5

export class Balance {
  /** Told when it changes whether this thread takes connections. */
  onChange: (takes: boolean) => void = () => {}
  private takes = true
  private isAlone = false
  private readonly open: Int32Array
  private readonly ticks: Int32Array
  private readonly own: number
  private readonly areAlive: boolean[]
  private lastTicks: Int32Array
  private count = 0

  /** Over shared memory, a place a thread: open connections, and ticks; `own`: which is this thread's. */
  constructor(open: Int32Array, ticks: Int32Array, own: number) {
    this.open = open
    this.ticks = ticks
    this.own = own
    this.lastTicks = Int32Array.from(ticks)
    this.areAlive = Array.from(open, () => true)
  }

  /** No other thread takes connections: this one takes all, whatever it has. */
  stop(): void {
    this.isAlone = true
  }

  /** A connection came or went, here. */
  look(): void {
    const least = this.leastElsewhere()
    // Once it has stopped it begins again a little later than it would have stopped.
    const more = this.takes ? MORE_MAX : MORE_MAX >> 1
    const takes = this.isAlone || this.open[this.own] <= least + (least >> SHARE_SHIFT) + more
    if (takes === this.takes) return
    this.takes = takes
    this.onChange(takes)
  }

  /** This thread has turned. */
  tick(): void {
    if (++this.count % ALIVE_TICKS === 0) {
      const now = Int32Array.from(this.ticks)
      for (let place = 0; place < now.length; place++)
        this.areAlive[place] = now[place] !== this.lastTicks[place]
      this.lastTicks = now
    }
    this.look()
  }

  private leastElsewhere(): number {
    let least = -1
    for (let place = 0; place < this.open.length; place++) {
      if (place === this.own || !this.areAlive[place]) continue
      const open = Atomics.load(this.open, place)
      if (least < 0 || open < least) least = open
    }
    return least < 0 ? Infinity : least
  }
}

/** What all threads may have together: each has a place of its own in memory that they share, and adds up the others'. */
export class ThreadBudget {
  /** 0: no limit. May be changed. */
  max = 0
  /** Called when this thread's changes. */
  onChange: (() => void) | null = null
  private readonly places: Int32Array
  private readonly own: number

  /** `places`: one for each thread, over shared memory; `own`: which is this thread's. */
  constructor(places: Int32Array, own: number) {
    this.places = places
    this.own = own
  }

  get open(): number {
    return Atomics.load(this.places, this.own)
  }

  set open(count: number) {
    Atomics.store(this.places, this.own, count)
    this.onChange?.()
  }

  readonly elsewhere = (): number => {
    let count = 0
    for (let place = 0; place < this.places.length; place++)
      if (place !== this.own) count += Atomics.load(this.places, place)
    return count
  }
}

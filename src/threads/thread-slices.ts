/** How many were let in within this tenth of a second, by all threads together. */
const SLICE_MS = 100

export class ThreadSlices {
  private readonly places: Int32Array

  /** `places`: two over shared memory: the number of the slice, and how many are in it. */
  constructor(places: Int32Array) {
    this.places = places
  }

  /** One more, if there are fewer than `max`. Two threads that begin a slice at once may let in a few more. */
  take(max: number): boolean {
    const { places } = this
    // Of the wall clock: it is the same in all threads.
    const slice = Math.floor(Date.now() / SLICE_MS) | 0
    if (Atomics.exchange(places, 0, slice) !== slice) Atomics.store(places, 1, 0)
    return Atomics.add(places, 1, 1) < max
  }
}

/** Which of the kept messages a view lists. Places in the list only grow, so rows never move. */
import type { Ring } from './ring.ts'

export class Matches {
  /** Place of the oldest message in the list. */
  first = 0
  /** Place of the next. */
  next = 0
  readonly #ring: Ring
  readonly #seqs: Float64Array
  readonly #countMax: number

  constructor(ring: Ring, countMax: number) {
    this.#ring = ring
    this.#countMax = countMax
    this.#seqs = new Float64Array(countMax)
  }

  add(seq: number): void {
    this.#seqs[this.next % this.#countMax] = seq
    this.next++
    if (this.next - this.first > this.#countMax) this.first = this.next - this.#countMax
  }

  seqAt(place: number): number {
    return this.#seqs[place % this.#countMax] ?? -1
  }

  /** Lets go of what the ring no longer has. */
  trim(): void {
    while (this.first < this.next && this.seqAt(this.first) < this.#ring.first) this.first++
  }

  /** The place of a message, or of the first after it. */
  placeOf(seq: number): number {
    let low = this.first
    let high = this.next
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.seqAt(middle) < seq) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Starts again from what the ring has. */
  rebuild(test: (seq: number) => boolean): void {
    this.first = this.next
    for (let seq = this.#ring.first; seq < this.#ring.next; seq++) if (test(seq)) this.add(seq)
  }
}

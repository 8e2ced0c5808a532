/**
 * Which of the kept messages a view lists. Places in the list only grow, so rows never move; a list made anew keeps the
 * place of the message that the reader looks at.
 */
import type { Ring } from './ring.ts'

/** So far from zero that lists made anew, which may begin before this, never reach it. */
const FIRST_PLACE = 2 ** 40

/** A message that will be listed, and the place it is to have. */
export interface Anchor {
  readonly seq: number
  readonly place: number
}

export class Matches {
  /** Place of the oldest message in the list. */
  first = FIRST_PLACE
  /** Place of the next. */
  next = FIRST_PLACE
  private readonly ring: Ring
  private readonly seqs: Float64Array
  private readonly countMax: number

  constructor(ring: Ring, countMax: number) {
    this.ring = ring
    this.countMax = countMax
    this.seqs = new Float64Array(countMax)
  }

  add(seq: number): void {
    this.seqs[this.next % this.countMax] = seq
    this.next++
    if (this.next - this.first > this.countMax) this.first = this.next - this.countMax
  }

  /** The message at a place of the list; -1: nothing is there. */
  seqAt(place: number): number {
    return place >= this.first && place < this.next ? this.at(place) : -1
  }

  /** Lets go of what the ring no longer has. */
  trim(): void {
    while (this.first < this.next && this.at(this.first) < this.ring.first) this.first++
  }

  /** The place of a message, or of the first after it. */
  placeOf(seq: number): number {
    let low = this.first
    let high = this.next
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.at(middle) < seq) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Starts again from what the ring has. Without an anchor the list goes on at new places. */
  rebuild(test: (seq: number) => boolean, anchor: Anchor | null = null): void {
    const seqs: number[] = []
    for (let seq = this.ring.first; seq < this.ring.next; seq++) if (test(seq)) seqs.push(seq)
    const ahead = anchor === null ? 0 : Math.max(0, seqs.indexOf(anchor.seq))
    this.first = (anchor?.place ?? this.next) - ahead
    this.next = this.first
    for (const seq of seqs) this.add(seq)
  }

  private at(place: number): number {
    return this.seqs[place % this.countMax] ?? -1
  }
}

/**
 * How much is on its way from one thread to another: the sender counts what it hands over, the receiver, in memory that both
 * see, what it has dealt with. A thread that does not keep up makes the others slow, and costs messages in the end, never memory.
 */

/** Beyond it a sender waits for a moment after each bundle, and asks its publishers to. */
const CROWDED_KIB = 4 * 1024
/** Beyond it messages are dropped. */
const FULL_KIB = 64 * 1024
/** How long a sender waits at a time. */
const WAIT_MS = 5

export class Flow {
  private readonly counts: Int32Array
  private readonly ours: number
  private readonly theirs: number
  private sentKib = 0

  /** `counts[ours]`: what the other end has dealt with of ours; `counts[theirs]`: the other way round. */
  constructor(counts: Int32Array, ours: number, theirs: number) {
    this.counts = counts
    this.ours = ours
    this.theirs = theirs
  }

  /** Sent and not dealt with. The counters may wrap, their difference does not. */
  private get underWayKib(): number {
    return (this.sentKib - Atomics.load(this.counts, this.ours)) | 0
  }

  get isCrowded(): boolean {
    return this.underWayKib > CROWDED_KIB
  }

  /** Messages that were dropped because too much was under way. */
  dropped = 0

  /** Has a message no place any more? Counts it then. */
  refuses(): boolean {
    if (this.underWayKib <= FULL_KIB) return false
    this.dropped++
    return true
  }

  sent(bytes: number): void {
    this.sentKib = (this.sentKib + kib(bytes)) | 0
    if (!this.isCrowded) return
    Atomics.wait(this.counts, this.ours, Atomics.load(this.counts, this.ours), WAIT_MS)
  }

  taken(bytes: number): void {
    Atomics.add(this.counts, this.theirs, kib(bytes))
    Atomics.notify(this.counts, this.theirs)
  }
}

function kib(bytes: number): number {
  return (bytes >> 10) + 1
}

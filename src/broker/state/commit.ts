import { Fifo } from '../../base/fifo.ts'

const TIMES = 1024

interface Waiting<W> {
  batch: number
  waiter: W
}

/**
 * Numbers the batches and remembers who waits for which. All that one turn writes is one batch; an
 * acknowledgement whose effect is in a batch leaves after the store said `committed`.
 *
 *     done      filling
 *      4   5 6     7        5 and 6 are on their way to the disk, this turn's writes go into 7
 */
export class Commit<W> {
  filling = 1
  done = 0
  /** Writes so far: two readings tell whether something in between wrote. */
  writes = 0
  /** The batch being filled holds something. */
  dirty = false
  /** When each of the last batches was sealed, by number. */
  private readonly sealedMs = new Float64Array(TIMES)
  private readonly waiters = new Fifo<Waiting<W>>()
  private readonly onDirty: () => void

  /** `onDirty`: the batch being filled got its first write; it wants to be sealed at the turn's end. */
  constructor(onDirty: () => void) {
    this.onDirty = onDirty
  }

  /** Notes a write; returns the batch it belongs to. */
  write(): number {
    this.writes++
    if (!this.dirty) {
      this.dirty = true
      this.onDirty()
    }
    return this.filling
  }

  /** Closes the batch being filled; returns its number, 0 when it was empty. `nowMs`: monotonic. */
  seal(nowMs: number): number {
    if (!this.dirty) return 0
    this.dirty = false
    this.sealedMs[this.filling % TIMES] = nowMs
    return this.filling++
  }

  /** When `batch`, one of the last thousand, was sealed. */
  sealedAtMs(batch: number): number {
    return this.sealedMs[batch % TIMES]
  }

  /** `waiter` is handed out by {@link next} once `batch` is safe. */
  wait(batch: number, waiter: W): void {
    this.waiters.push({ batch, waiter })
  }

  /** Takes out one who waited for what is `done` by now; undefined: there is none left. */
  next(): W | undefined {
    const first = this.waiters.peek()
    if (first === undefined || first.batch > this.done) return undefined
    this.waiters.shift()
    return first.waiter
  }
}

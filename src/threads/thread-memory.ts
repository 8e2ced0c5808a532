/**
 * `memory_limit` is the process's: each thread says in shared memory what it holds, and adds up the others'. Who gives way is a client,
 * not a thread: each says besides how much the client holds whom it would let go.
 */
const KIB = 1024

export class ThreadMemory {
  private readonly held: Int32Array
  private readonly largest: Int32Array
  private readonly own: number

  /** `held` and `largest`: KiB of each thread, and of the client with most in it; `own`: which is this one's. */
  constructor(held: Int32Array, largest: Int32Array, own: number) {
    this.held = held
    this.largest = largest
    this.own = own
  }

  note(bytes: number): void {
    Atomics.store(this.held, this.own, Math.round(bytes / KIB))
  }

  /** `bytes`: what the client with most in this thread holds. */
  noteLargest(bytes: number): void {
    Atomics.store(this.largest, this.own, Math.round(bytes / KIB))
  }

  /** Bytes that the others hold. */
  elsewhere(): number {
    let sum = 0
    for (let place = 0; place < this.held.length; place++)
      if (place !== this.own) sum += Atomics.load(this.held, place)
    return sum * KIB
  }

  /** Does no client of another thread hold more? Of equal ones it is the first thread's. */
  isLargest(): boolean {
    const own = Atomics.load(this.largest, this.own)
    return this.largest.every((bytes, place) => (place < this.own ? bytes < own : bytes <= own))
  }
}

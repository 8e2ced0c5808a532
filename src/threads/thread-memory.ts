/**
 * `memory_limit` is the process's: each thread says in shared memory what it holds, and adds up the others'. Who gives way is a client,
 * not a thread: each says besides how much the client holds whom it would let go.
 */
const KIB = 1024

export class ThreadMemory {
  private readonly held: Int32Array
  private readonly largest: Int32Array
  private readonly garbage: Int32Array
  private readonly own: number

  /** KiB of each thread: what it holds, what the client with most in it does, and garbage; `own`: which is this one's. */
  constructor(held: Int32Array, largest: Int32Array, garbage: Int32Array, own: number) {
    this.held = held
    this.largest = largest
    this.garbage = garbage
    this.own = own
  }

  note(bytes: number): void {
    Atomics.store(this.held, this.own, Math.round(bytes / KIB))
  }

  /** `bytes`: what the client with most in this thread holds. */
  noteLargest(bytes: number): void {
    Atomics.store(this.largest, this.own, Math.round(bytes / KIB))
  }

  noteGarbage(bytes: number): void {
    Atomics.store(this.garbage, this.own, Math.round(bytes / KIB))
  }

  /** Bytes that the others hold. */
  elsewhere(): number {
    return this.sumOfOthers(this.held)
  }

  /** Bytes of garbage that the others have. */
  garbageElsewhere(): number {
    return this.sumOfOthers(this.garbage)
  }

  /** How many threads share the limit. */
  get sharers(): number {
    return this.held.length
  }

  private sumOfOthers(places: Int32Array): number {
    let sum = 0
    for (let place = 0; place < places.length; place++)
      if (place !== this.own) sum += Atomics.load(places, place)
    return sum * KIB
  }

  /** Does no client of another thread hold more? Of equal ones it is the first thread's. */
  isLargest(): boolean {
    const own = Atomics.load(this.largest, this.own)
    return this.largest.every((bytes, place) => (place < this.own ? bytes < own : bytes <= own))
  }
}

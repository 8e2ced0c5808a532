/** `memory_limit` is the process's: each thread says in shared memory what it holds, and adds up the others'. */
const KIB = 1024

export class ThreadMemory {
  private readonly places: Int32Array
  private readonly own: number

  /** `places`: KiB of each thread; `own`: which is this one's. */
  constructor(places: Int32Array, own: number) {
    this.places = places
    this.own = own
  }

  note(bytes: number): void {
    Atomics.store(this.places, this.own, Math.round(bytes / KIB))
  }

  /** Bytes that the others hold. */
  elsewhere(): number {
    let sum = 0
    for (let place = 0; place < this.places.length; place++)
      if (place !== this.own) sum += Atomics.load(this.places, place)
    return sum * KIB
  }

  /** Does no other thread hold more? */
  isLargest(): boolean {
    return this.places.every((held) => held <= this.places[this.own])
  }
}

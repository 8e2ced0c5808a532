/** Numbers that all threads draw from: whoever was led to something by what left before it has the larger one. */
const NUMBER_BYTES = 8

export class Tickets {
  private readonly counter: BigInt64Array

  /** `counter`: one place over shared memory. */
  constructor(counter: BigInt64Array) {
    this.counter = counter
  }

  next(): number {
    return Number(Atomics.add(this.counter, 0, 1n)) + 1
  }

  /** The last one that was drawn. */
  last(): number {
    return Number(Atomics.load(this.counter, 0))
  }
}

/** The one at the end of a bundle. */
export function ticketOf(bytes: Uint8Array): number {
  const end = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - NUMBER_BYTES)
  return end.getUint32(0, true) + end.getUint32(4, true) * 4294967296
}

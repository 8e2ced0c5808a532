/**
 * First in, first out, O(1) at both ends, in one ring that doubles when it is full.
 *
 *     slots  [ . . c d e f . . ]      head ^ (c), tail behind f
 *
 * A slot is cleared when its value leaves, so nothing is kept alive by a queue it is no longer in.
 * The bound belongs to the owner: who pushes checks `length` first.
 */
/** Of a queue that is empty: never written to. */
const NO_SLOTS: undefined[] = []

export class Fifo<T> {
  private slots: (T | undefined)[] = NO_SLOTS
  private head = 0
  length = 0

  push(value: T): void {
    if (this.length === this.slots.length) this.grow()
    this.slots[(this.head + this.length) & (this.slots.length - 1)] = value
    this.length++
  }

  peek(): T | undefined {
    return this.length === 0 ? undefined : this.slots[this.head]
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const value = this.slots[this.head]
    this.slots[this.head] = undefined
    this.head = (this.head + 1) & (this.slots.length - 1)
    this.length--
    if (this.length === 0 && this.slots.length > 1024) this.clear()
    return value
  }

  /** The value at `index`, 0 being the one that leaves next. */
  at(index: number): T | undefined {
    return index >= 0 && index < this.length
      ? this.slots[(this.head + index) & (this.slots.length - 1)]
      : undefined
  }

  /** Takes the value at `index` out; costs as many steps. */
  removeAt(index: number): void {
    const { slots, head } = this
    const mask = slots.length - 1
    for (let at = index; at > 0; at--) slots[(head + at) & mask] = slots[(head + at - 1) & mask]
    this.shift()
  }

  clear(): void {
    this.slots = NO_SLOTS
    this.head = 0
    this.length = 0
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let index = 0; index < this.length; index++) yield this.at(index) as T
  }

  private grow(): void {
    const size = this.slots.length
    const slots: (T | undefined)[] = Array.from({ length: Math.max(4, size * 2) })
    for (let index = 0; index < size; index++)
      slots[index] = this.slots[(this.head + index) & (size - 1)]
    this.slots = slots
    this.head = 0
  }
}

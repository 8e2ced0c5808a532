/**
 * Values by packet identifier (1 to 65535), for the window of one session.
 *
 * Identifiers mostly come and go in ascending order, so a value lies at its identifier modulo the table's size; one
 * whose place is taken (an acknowledgement that stays out while thousands come in) waits beside.
 *
 *     ids     [ 513 | 514 |  0  | 3 | … ]      0: free
 *     values  [  a  |  b  |     | c | … ]      beside: { 1 → d }
 *
 * A Map would do the same, but it makes itself anew every so many changes, and once one of its old tables has grown
 * old the collector keeps every younger one alive behind it: measured, that doubled the cost of a QoS 1 message.
 */
const FIRST_SIZE = 16

// A table that never held anything is mostly that of a session that is away: there may be a great many of them.
// One free place, so that no look is out of bounds; and no slot, so that the first value makes the table grow.
const NO_IDS = new Uint16Array(1)
// Emptied, not born empty: an array that held something has the kind of elements that all other tables have.
const NO_SLOTS: undefined[] = [undefined]
NO_SLOTS.length = 0

export class PacketTable<T> {
  size = 0
  private ids = NO_IDS
  private slots: (T | undefined)[] = NO_SLOTS
  private beside: Map<number, T> | null = null

  get(id: number): T | undefined {
    const at = id & (this.ids.length - 1)
    if (this.ids[at] === id) return this.slots[at]
    return this.beside === null ? undefined : this.beside.get(id)
  }

  has(id: number): boolean {
    return this.ids[id & (this.ids.length - 1)] === id || this.beside?.has(id) === true
  }

  set(id: number, value: T): void {
    if (this.beside?.has(id)) {
      this.beside.set(id, value)
      return
    }
    const at = id & (this.ids.length - 1)
    if (this.ids[at] !== id) {
      if (this.size >= this.slots.length) {
        this.grow()
        return this.set(id, value)
      }
      this.size++
      if (this.ids[at] !== 0) return void (this.beside ??= new Map()).set(id, value)
      this.ids[at] = id
    }
    this.slots[at] = value
  }

  delete(id: number): boolean {
    const at = id & (this.ids.length - 1)
    if (this.ids[at] === id) {
      this.ids[at] = 0
      this.slots[at] = undefined
    } else if (this.beside?.delete(id) !== true) return false
    else if (this.beside.size === 0) this.beside = null
    this.size--
    return true
  }

  /** All of them, beginning behind identifier `last`, as identifiers are given out: the oldest first. */
  entriesBehind(last: number): [id: number, value: T][] {
    const entries = [...this.entries()]
    const age = (id: number): number => (id - last - 1 + 0xffff) % 0xffff
    return entries.sort(([left], [right]) => age(left) - age(right))
  }

  /** In no order. */
  *entries(): IterableIterator<[id: number, value: T]> {
    for (const [at, id] of this.ids.entries()) if (id !== 0) yield [id, this.slots[at] as T]
    yield* this.beside ?? []
  }

  private grow(): void {
    const entries = [...this.entries()]
    this.ids = new Uint16Array(Math.max(FIRST_SIZE, this.ids.length * 2))
    this.slots = Array.from({ length: this.ids.length })
    this.beside = null
    this.size = 0
    for (const [id, value] of entries) this.set(id, value)
  }
}

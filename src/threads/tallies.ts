/**
 * Counts by name of all threads: each keeps its own and tells the others, once a turn, what has changed. So a sum is a turn
 * late at most.
 */

/** Names and what one thread has of each, 0: nothing any more. */
export type TallyEntries = readonly (readonly [name: string, count: number])[]

/** What is counted. */
export type TallyKind = 'addresses' | 'users'

export class Tallies {
  private readonly own = new Map<string, number>()
  /** By thread. */
  private readonly others = new Map<number, Map<string, number>>()
  private readonly tell: (entries: TallyEntries) => void
  private changed = new Set<string>()
  private isShared = false

  /** @param tell Gives the other threads what is this one's. */
  constructor(tell: (entries: TallyEntries) => void) {
    this.tell = tell
  }

  /** Somebody asks for sums from now on: before, nobody is told. */
  share(): void {
    if (this.isShared) return
    this.isShared = true
    for (const name of this.own.keys()) this.note(name)
  }

  add(name: string, change: number): void {
    const count = (this.own.get(name) ?? 0) + change
    if (count > 0) this.own.set(name, count)
    else this.own.delete(name)
    if (this.isShared) this.note(name)
  }

  /** How many this thread has. */
  here(name: string): number {
    return this.own.get(name) ?? 0
  }

  /** How many the others have, as far as they told. */
  elsewhere(name: string): number {
    let sum = 0
    for (const counts of this.others.values()) sum += counts.get(name) ?? 0
    return sum
  }

  /** Another thread has told. */
  told(thread: number, entries: TallyEntries): void {
    const counts = this.others.get(thread) ?? new Map<string, number>()
    this.others.set(thread, counts)
    for (const [name, count] of entries)
      if (count > 0) counts.set(name, count)
      else counts.delete(name)
  }

  private note(name: string): void {
    if (this.changed.size === 0) setImmediate(() => this.send())
    this.changed.add(name)
  }

  private send(): void {
    const entries = [...this.changed].map((name) => [name, this.here(name)] as const)
    this.changed = new Set()
    this.tell(entries)
  }
}

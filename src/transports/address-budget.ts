/** How many connections each address has; bounded by `max` (`max_connections_per_address`). */

/** Counts by name, and what other threads have of each. */
export interface Counts {
  add(name: string, change: 1 | -1): void
  here(name: string): number
  elsewhere(name: string): number
  /** From now on `elsewhere` is asked for. */
  share(): void
}

export class AddressBudget {
  private readonly counts: Counts
  private most = 0

  /** `counts`: of several threads; by default this one is the only one. */
  constructor(counts: Counts = new OwnCounts()) {
    this.counts = counts
  }

  /** 0: no limit. May be changed. */
  get max(): number {
    return this.most
  }

  set max(max: number) {
    this.most = max
    if (max > 0) this.counts.share()
  }

  /** Whether `address` has as many as it may have. */
  isFull(address: string): boolean {
    const { most, counts } = this
    return most > 0 && counts.here(address) + counts.elsewhere(address) >= most
  }

  /** Counts a connection of `address`. */
  enter(address: string): void {
    this.counts.add(address, 1)
  }

  /** A connection that counted is gone. */
  leave(address: string): void {
    this.counts.add(address, -1)
  }
}

class OwnCounts implements Counts {
  private readonly open = new Map<string, number>()

  add(name: string, change: 1 | -1): void {
    const count = this.here(name) + change
    if (count > 0) this.open.set(name, count)
    else this.open.delete(name)
  }

  here(name: string): number {
    return this.open.get(name) ?? 0
  }

  elsewhere(): number {
    return 0
  }

  share(): void {
    // There is nobody.
  }
}

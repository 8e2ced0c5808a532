/** How many connections each address has; bounded by `max` (`max_connections_per_address`). */
export class AddressBudget {
  /** 0: no limit. May be changed. */
  max = 0
  private readonly open = new Map<string, number>()

  /** Whether `address` has as many as it may have. */
  isFull(address: string): boolean {
    return this.max > 0 && (this.open.get(address) ?? 0) >= this.max
  }

  /** Counts a connection of `address`. */
  enter(address: string): void {
    this.open.set(address, (this.open.get(address) ?? 0) + 1)
  }

  /** A connection that counted is gone. */
  leave(address: string): void {
    const count = (this.open.get(address) ?? 0) - 1
    if (count > 0) this.open.set(address, count)
    else this.open.delete(address)
  }
}

/** How many connections each address has; bounded by `max` (`max_connections_per_address`). */
export class AddressBudget {
  /** 0: no limit. May be changed. */
  max = 0
  private readonly open = new Map<string, number>()

  /** Counts a connection of `address`; false: it has as many as it may have, and this one does not count. */
  enter(address: string): boolean {
    const count = this.open.get(address) ?? 0
    if (this.max > 0 && count >= this.max) return false
    this.open.set(address, count + 1)
    return true
  }

  /** A connection that counted is gone. */
  leave(address: string): void {
    const count = (this.open.get(address) ?? 0) - 1
    if (count > 0) this.open.set(address, count)
    else this.open.delete(address)
  }
}

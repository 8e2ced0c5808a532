/**
 * Whose packet identifiers the local session and the remote's agree on. Each keeps the state of its half of an exchange, so
 * with another partner than before the same identifier may mean another message:
 *
 *     ours to the remote:  it may hold identifiers that we use anew     → a sweep frees them there
 *     the remote's to us:  we may hold some that it uses anew           → we release them here
 */
import type { BridgeSettings } from './settings.ts'

export class InStep {
  /** The address whose remote holds no other messages of ours than those under way. */
  private freeAt: string | null
  /** The address whose messages we hold. */
  private heldFrom: string | null

  /** A process that starts does not know with which of several addresses its session was last. */
  constructor({ addresses }: BridgeSettings) {
    this.freeAt = this.heldFrom = addresses.length === 1 ? addresses[0].name : null
  }

  /** The local session counts identifiers from 1. */
  localIsNew(): void {
    this.freeAt = null
  }

  /** The remote there has no session, or was swept. */
  remoteIsFree(address: string): void {
    this.freeAt = address
  }

  isFreeAt(address: string): boolean {
    return this.freeAt === address
  }

  /** Messages cross to `address` from now on. Returns whether what was held until now came from another one. */
  holdsFrom(address: string): boolean {
    const isOther = this.heldFrom !== address
    this.heldFrom = address
    return isOther
  }
}

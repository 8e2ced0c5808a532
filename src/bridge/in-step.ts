/**
 * Whose packet identifiers the local session and the remote's agree on. Each keeps the state of its half of an exchange, so
 * with another partner than before the same identifier may mean another message:
 *
 *     ours to the remote:  it may hold identifiers that we use anew     → a sweep frees them there
 *     the remote's to us:  we may hold some that it uses anew           → we release them here
 */
import type { BridgeSettings } from './settings.ts'

/** A line can be cut by chance once, or twice, in just that moment. */
const SWEEPS_IN_VAIN_MAX = 3

export class InStep {
  /** The address whose remote holds no other messages of ours than those under way. */
  private freeAt: string | null
  /** The address whose messages we hold. */
  private heldFrom: string | null
  /** How often in a row a remote went, by its address, without an answer to any PUBREL. */
  private readonly sweptInVain = new Map<string, number>()

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
    this.sweptInVain.delete(address)
  }

  /** The remote there went without an answer to any PUBREL. Returns whether it is not to be swept again. */
  leftSweep(address: string): boolean {
    const times = (this.sweptInVain.get(address) ?? 0) + 1
    this.sweptInVain.set(address, times)
    return times === SWEEPS_IN_VAIN_MAX
  }

  /** Some close a connection over a PUBREL that they do not know: swept each time, they would never be reached. */
  bearsSweep(address: string): boolean {
    return (this.sweptInVain.get(address) ?? 0) < SWEEPS_IN_VAIN_MAX
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

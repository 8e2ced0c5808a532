/** Clients that are to go to another node: this one is about to be stopped. */
import { Reason } from '../../codec/reason-codes.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection } from '../state/model.ts'
import { closeFor } from './closing.ts'

/**
 * Sends up to `most` clients away, and lets nobody in from now on. Returns how many are left: those whose CONNECT is under
 * way count, for they may still get in.
 */
export function sendAway(core: Core, most: number): number {
  core.isLeaving = true
  let sent = 0
  let left = 0
  for (const connection of core.connections) {
    if (!isClient(connection)) continue
    if (sent < most && connection.phase === Phase.open) {
      closeFor(core, connection, Reason.useAnotherServer)
      sent++
    } else left++
  }
  return left
}

function isClient({ phase, isOurs }: Connection): boolean {
  return !isOurs && (phase === Phase.open || phase === Phase.opening)
}

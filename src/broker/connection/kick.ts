/** Connections that end because their user is another one now, or none. */
import { Reason } from '../../codec/reason-codes.ts'
import { Phase, type Connection, type Core } from '../state/model.ts'
import { takeWill } from '../routing/wills.ts'
import { closeFor } from './closing.ts'

/** Ends them all, without their wills; null: those of clients without a user name. Returns how many there were. */
export function kickUser(core: Core, username: string | null): number {
  const theirs = [...core.connections].filter((connection) => isOf(connection, username))
  for (const connection of theirs) {
    takeWill(core, connection)
    closeFor(core, connection, Reason.administrativeAction)
  }
  return theirs.length
}

/** Where they come from: `address:port`; `clientId` null: any. */
export function addressesOf(core: Core, username: string, clientId: string | null): string[] {
  return [...core.connections]
    .filter((connection) => isOf(connection, username))
    .filter(({ identity }) => clientId === null || identity?.clientId === clientId)
    .map(({ link }) => link.remote)
}

function isOf({ identity, isOurs, phase }: Connection, username: string | null): boolean {
  if (identity === null || isOurs || phase === Phase.closed) return false
  return identity.username === username
}

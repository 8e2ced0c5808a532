/** Connections that end because their user is another one now, or none. */
import { Reason } from '../../codec/reason-codes.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection } from '../state/model.ts'
import { dropWill } from '../routing/wills.ts'
import { closeConnection, closeFor } from './closing.ts'
import { endingWords } from '../state/words.ts'

/** Ends them all, without their wills; null: those of clients without a user name. Returns how many there were. */
export function kickUser(core: Core, username: string | null): number {
  const theirs = [...core.connections].filter((connection) => isOf(connection, username))
  for (const connection of theirs) {
    dropWill(core, connection)
    closeFor(core, connection, Reason.administrativeAction)
  }
  return theirs.length
}

/** Who of the users is connected: client id and `address:port` of each connection. */
export function connectionsByUser(core: Core): Map<string, ConnectedClient[]> {
  const found = new Map<string, ConnectedClient[]>()
  for (const { identity, isOurs, phase, link } of core.connections) {
    if (identity === null || identity.username === null || isOurs || phase === Phase.closed)
      continue
    const client = { clientId: identity.clientId, address: link.remote }
    const others = found.get(identity.username)
    if (others === undefined) found.set(identity.username, [client])
    else others.push(client)
  }
  return found
}

interface ConnectedClient {
  readonly clientId: string
  /** `address:port`. */
  readonly address: string
}

/** Ends the connections whose clients are no longer welcome; `clientId`: of that client alone. Returns how many there were. */
export function recheckLogins(core: Core, clientId?: string): number {
  const { recheck } = core.ports.auth
  if (recheck === null) return 0
  let count = 0
  for (const connection of concerned(core, clientId)) {
    const { identity, phase } = connection
    // One that is still being asked for its password is judged by the new rules anyway.
    const isIn = phase === Phase.open || (phase === Phase.opening && identity?.login)
    if (!isIn || identity === null || connection.isOurs) continue
    const refusal = recheck(identity)
    if (refusal === null) continue
    count++
    const { detail } = refusal
    // DISCONNECT has no code for it [MQTT-3.14.2-1].
    const reason = refusal.reason === Reason.banned ? Reason.administrativeAction : refusal.reason
    closeConnection(core, connection, { text: detail || endingWords(reason), reason, detail })
  }
  return count
}

function concerned(core: Core, clientId: string | undefined): Iterable<Connection> {
  if (clientId === undefined) return core.connections
  const connection = core.sessions.get(clientId)?.connection ?? null
  return connection === null ? [] : [connection]
}

function isOf({ identity, isOurs, phase }: Connection, username: string | null): boolean {
  if (identity === null || isOurs || phase === Phase.closed) return false
  return identity.username === username
}

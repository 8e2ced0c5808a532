/** What ends a connection that threw: its peer broke the protocol, or we made a mistake. */
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection } from '../state/model.ts'
import { closeConnection, closeFor } from './closing.ts'
import { refuse } from './connack.ts'
import { logMistake } from '../state/words.ts'

/** This connection ends, no other notices. */
export function fail(core: Core, connection: Connection, error: unknown): void {
  if (!(error instanceof ProtocolError)) {
    logMistake(core, error, 'closing one connection')
    return closeFor(core, connection, Reason.unspecifiedError)
  }
  if (connection.phase === Phase.open)
    return closeFor(core, connection, error.reason, error.message)
  if (connection.phase === Phase.connect) return failConnect(core, connection, error)
  closeConnection(core, connection, { text: 'protocol error', reason: -1 })
}

/** A CONNECT that could not be read: who can be told in CONNACK is told. */
function failConnect(core: Core, connection: Connection, error: ProtocolError): void {
  if (connection.version === 5 || error.reason === Reason.unsupportedProtocolVersion)
    return refuse(core, connection, error.reason, error.message)
  closeFor(core, connection, error.reason)
}

/** DISCONNECT from a client (MQTT 5.0, 3.14). */
import type { DisconnectPacket } from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { dropWill } from '../routing/wills.ts'
import { setExpiry } from '../session/sessions.ts'
import { closeConnection } from './closing.ts'
import type { Core } from '../state/core.ts'
import type { OpenConnection, Session } from '../state/model.ts'
import { logReceived } from '../state/words.ts'

export function onDisconnect(
  core: Core,
  connection: OpenConnection,
  packet: DisconnectPacket,
): void {
  const { session } = connection
  logReceived(core, connection, 'DISCONNECT')
  changeExpiry(session, packet.properties.sessionExpirySeconds)
  // Only a normal goodbye takes the will along [MQTT-3.14.4-3].
  if (packet.reason === Reason.normalDisconnection) dropWill(core, connection)
  closeConnection(core, connection, { text: '', reason: -1 })
}

/** A session that was to end with the connection cannot be made to stay [MQTT-3.14.2-2]. */
function changeExpiry(session: Session, seconds: number | undefined): void {
  if (seconds === undefined) return
  if (session.expirySeconds === 0 && seconds > 0)
    throw new ProtocolError(Reason.protocolError, 'session expiry was 0 at CONNECT')
  setExpiry(session, seconds)
}

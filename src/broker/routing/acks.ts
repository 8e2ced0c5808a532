/** PUBACK, PUBREC, PUBREL and PUBCOMP from a client (MQTT 5.0, 3.4 to 3.7). */
import { LogType } from '../../base/log.ts'
import { readAck } from '../../codec/ack.ts'
import { PacketType } from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import type { Core } from '../state/core.ts'
import type { Delivery, OpenConnection } from '../state/model.ts'
import { finish, released } from '../delivery/outbound.ts'
import { takeSentBefore } from '../delivery/sent-before.ts'
import { releaseHeld } from './qos2.ts'
import { replyAck } from '../delivery/replies.ts'
import { ACK_NAMES, logAckReceived, warnUnknown } from '../state/words.ts'

/** From here on a reason code is an error. */
const ERRORS_FROM = 0x80

export function onAck(
  core: Core,
  connection: OpenConnection,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): void {
  const ack = readAck(connection.version, first, bytes, bodyStart, frameEnd)
  const packetId = ack & 0xffff
  const reason = ack >>> 16
  const type = first >> 4
  if (core.ports.log.mask & LogType.debug) logAckReceived(core, connection, type, packetId, reason)
  if (type === PacketType.pubrel) return releaseHeld(core, connection, packetId)
  const { session } = connection
  const { outbound } = session
  const delivery = outbound?.inflight.get(packetId) ?? takeSentBefore(session, packetId)
  if (outbound === null || delivery === undefined)
    return onUnknown(core, connection, type, packetId, reason)
  if (!isDue(delivery, type, reason))
    throw new ProtocolError(
      Reason.protocolError,
      `${ACK_NAMES[type - 4]} does not answer what was sent with packet identifier ${packetId}`,
    )
  outbound.ackedAtMs = connection.lastLifeMs
  if (type === PacketType.pubrec && reason < ERRORS_FROM)
    released(core, session, connection, delivery)
  else finish(core, session, delivery)
}

/**
 * Does this acknowledgement answer what was sent last?
 *
 *                             PUBACK   PUBREC   PUBREC that refuses   PUBCOMP
 *     QoS 1 PUBLISH             yes
 *     QoS 2 PUBLISH                      yes           yes
 *     PUBREL                             again                           yes
 */
function isDue({ qos, released: isReleased }: Delivery, type: number, reason: number): boolean {
  if (type === PacketType.puback) return qos === 1
  if (type === PacketType.pubcomp) return qos === 2 && isReleased
  return qos === 2 && !(isReleased && reason >= ERRORS_FROM)
}

/** Nothing is in flight under this identifier: only a PUBREC waits for an answer. */
function onUnknown(
  core: Core,
  connection: OpenConnection,
  type: number,
  packetId: number,
  reason: number,
): void {
  warnUnknown(core, connection, type, packetId)
  if (type !== PacketType.pubrec || reason >= ERRORS_FROM) return
  const notFound = connection.version === 5 ? Reason.packetIdentifierNotFound : 0
  replyAck(core, connection, PacketType.pubrel, packetId, notFound, 0)
}

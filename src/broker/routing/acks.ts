/** PUBACK, PUBREC, PUBREL and PUBCOMP from a client (MQTT 5.0, 3.4 to 3.7). */
import { LogType } from '../../base/log.ts'
import { readAck } from '../../codec/ack.ts'
import { PacketType } from '../../codec/packets.ts'
import { Reason } from '../../codec/reason-codes.ts'
import type { Connection, Core, Session } from '../state/model.ts'
import { finish, released } from '../delivery/outbound.ts'
import { releaseHeld } from './publish.ts'
import { replyAck } from '../delivery/replies.ts'

/** From here on a reason code is an error. */
const ERRORS_FROM = 0x80

const NAMES = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP']

export function onAck(
  core: Core,
  connection: Connection,
  first: number,
  bytes: Uint8Array,
  bodyStart: number,
  frameEnd: number,
): void {
  const ack = readAck(connection.version, first, bytes, bodyStart, frameEnd)
  const packetId = ack & 0xffff
  const reason = ack >>> 16
  const type = first >> 4
  if (core.ports.log.mask & LogType.debug) logAck(core, connection, type, packetId, reason)
  const session = connection.session as Session
  if (type === PacketType.puback) {
    if (!finish(core, session, packetId, 1)) warnUnknown(core, connection, type, packetId)
  } else if (type === PacketType.pubrec) onPubrec(core, connection, session, packetId, reason)
  else if (type === PacketType.pubrel) releaseHeld(core, connection, packetId)
  else if (!finish(core, session, packetId, 2)) warnUnknown(core, connection, type, packetId)
}

function onPubrec(
  core: Core,
  connection: Connection,
  session: Session,
  packetId: number,
  reason: number,
): void {
  if (reason >= ERRORS_FROM) {
    if (!finish(core, session, packetId, 2))
      warnUnknown(core, connection, PacketType.pubrec, packetId)
    return
  }
  if (released(core, session, connection, packetId)) return
  warnUnknown(core, connection, PacketType.pubrec, packetId)
  const notFound = connection.version === 5 ? Reason.packetIdentifierNotFound : 0
  replyAck(core, connection, PacketType.pubrel, packetId, notFound, 0)
}

function warnUnknown(core: Core, connection: Connection, type: number, packetId: number): void {
  const { log } = core.ports
  if (!(log.mask & LogType.warning)) return
  const name = connection.identity?.clientId
  log.write(
    LogType.warning,
    `Warning: Received ${NAMES[type - 4]} from ${name} for an unknown packet identifier ${packetId}.`,
  )
}

function logAck(
  core: Core,
  connection: Connection,
  type: number,
  packetId: number,
  reason: number,
): void {
  const code = type === PacketType.puback || type === PacketType.pubcomp ? `, RC:${reason}` : ''
  const name = connection.identity?.clientId
  core.ports.log.write(
    LogType.debug,
    `Received ${NAMES[type - 4]} from ${name} (Mid: ${packetId}${code})`,
  )
}

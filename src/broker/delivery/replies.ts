/** Acknowledgements that must not overtake the disk, nor each other. */
import { Fifo } from '../../base/fifo.ts'
import type { Packet } from '../../codec/packets.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection, type LateReply } from '../state/model.ts'
import { sendAck, sendPacket } from './outbox.ts'

/** Sends an acknowledgement once `batch` (0: none) is safe and everything held before it is out. */
export function replyAck(
  core: Core,
  connection: Connection,
  type: 4 | 5 | 6 | 7,
  packetId: number,
  reason: number,
  batch: number,
): void {
  if (batch <= core.journal.done && connection.lateReplies === null) {
    sendAck(core, connection, type, packetId, reason)
  } else keepBack(core, connection, { batch, ackType: type, packetId, reason, packet: null })
}

/** The same for any other packet. */
export function replyPacket(
  core: Core,
  connection: Connection,
  packet: Packet,
  batch: number,
): void {
  if (batch <= core.journal.done && connection.lateReplies === null)
    sendPacket(core, connection, packet)
  else keepBack(core, connection, { batch, ackType: 0, packetId: 0, reason: 0, packet })
}

function keepBack(core: Core, connection: Connection, reply: LateReply): void {
  if (connection.phase === Phase.closed) return
  if (connection.lateReplies === null) {
    connection.lateReplies = new Fifo()
    core.journal.wait(reply.batch, connection)
  }
  connection.lateReplies.push(reply)
}

/** The connection is over: nobody waits for them. */
export function dropReplies(connection: Connection): void {
  connection.lateReplies = null
}

/** Sends what the last commit made safe; waits on for the rest. */
export function sendLateReplies(core: Core, connection: Connection): void {
  const held = connection.lateReplies
  if (held === null || connection.phase === Phase.closed) return
  for (;;) {
    const reply = held.peek()
    if (reply === undefined) break
    if (reply.batch > core.journal.done) return core.journal.wait(reply.batch, connection)
    held.shift()
    if (reply.ackType === 0) sendPacket(core, connection, reply.packet as Packet)
    else sendAck(core, connection, reply.ackType, reply.packetId, reply.reason)
  }
  connection.lateReplies = null
}

/** Acknowledgements that must not overtake the disk, nor each other. */
import { PacketType, type Packet } from '../../codec/packets.ts'
import type { Core } from '../state/core.ts'
import { LateReplies, type LateReply } from '../state/late-replies.ts'
import { Phase, type Connection } from '../state/model.ts'
import { Bytes, chargeConnection } from '../state/memory.ts'
import { endCork, flush, isSent, putBehind, sendAck, sendPacket, takeCorked } from './outbox.ts'

/** Nothing waits longer for a SUBACK: a store that stands still must not look like a dead broker. */
const CORKED_MS_MAX = 500

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
    connection.lateReplies = new LateReplies()
    core.journal.wait(reply.batch, connection)
  }
  const held = connection.lateReplies
  held.push(reply)
  // Who goes on asking while the store stands still must not fill the memory.
  chargeConnection(core, connection, Bytes.reply)
  held.batch = Math.max(held.batch, reply.batch)
  if (reply.packet?.type !== PacketType.suback) return
  held.subackBatch = held.batch
  if (held.corkedUntil === 0) cork(core, connection, held)
}

/**
 * What is published to the client from here on, retained messages above all, is to come behind its SUBACK. Not to a client that
 * is slow: what was there before would be kept from it as well.
 */
function cork(core: Core, connection: Connection, held: LateReplies): void {
  flush(core, connection)
  if (!isSent(connection)) return
  const until = held.subackBatch
  held.corkedUntil = until
  core.wheel.arm(core.ports.clock.monotonicMs() + CORKED_MS_MAX, () => {
    if (connection.lateReplies === held && held.corkedUntil === until) endCork(core, connection)
  })
}

/** The connection is over: nobody waits for them, and what they take goes with all that it kept. */
export function dropReplies(connection: Connection): void {
  connection.lateReplies = null
}

/** Sends what the last commit made safe; waits on for the rest. */
export function sendLateReplies(core: Core, connection: Connection): void {
  const held = connection.lateReplies
  if (held === null || connection.phase === Phase.closed) return
  if (held.corkedUntil === 0) sendSafe(core, connection, held)
  else sendBeforeCorked(core, connection, held)
  const next = held.peek()
  if (next === undefined) connection.lateReplies = null
  else core.journal.wait(next.batch, connection)
}

/** Who asks for one subscription after the other is not kept from its messages until the last is safe: with each it gets some. */
function sendBeforeCorked(core: Core, connection: Connection, held: LateReplies): void {
  const corked = takeCorked(core, connection)
  const { corkedUntil } = held
  held.corkedUntil = 0
  sendSafe(core, connection, held)
  if (corkedUntil > core.journal.done) {
    flush(core, connection)
    // What a slow client has not taken of it would be taken for what waits behind.
    if (isSent(connection)) held.corkedUntil = corkedUntil
  }
  putBehind(core, connection, corked)
  if (held.corkedUntil === 0 && held.subackBatch > core.journal.done) cork(core, connection, held)
}

function sendSafe(core: Core, connection: Connection, held: LateReplies): void {
  for (;;) {
    const reply = held.peek()
    if (reply === undefined || reply.batch > core.journal.done) return
    held.shift()
    chargeConnection(core, connection, -Bytes.reply)
    if (reply.ackType === 0) sendPacket(core, connection, reply.packet as Packet)
    else sendAck(core, connection, reply.ackType, reply.packetId, reply.reason)
  }
}

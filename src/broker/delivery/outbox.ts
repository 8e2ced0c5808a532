/**
 * Bytes on their way out of one connection. Everything for a connection is appended to one writer and
 * handed to its link once, at the end of the turn; while the link has not drained, the next turns' bytes
 * collect behind.
 *
 *     link   ◀─ inLink ◀─ segments (shared large frames) ◀─ out (being written)
 *
 * While a SUBACK waits for the disk, what is written behind it waits too (`isCorked`), as far as it is little; the SUBACK is
 * put before it.
 *
 * A connection with nothing to send owns no buffer: writers come from a pool and go back to it.
 */
import { LogType } from '../../base/log.ts'
import { appendAck } from '../../codec/ack.ts'
import { ByteWriter } from '../../codec/byte-writer.ts'
import { encodePacket } from '../../codec/encode.ts'
import { PacketType, type Packet } from '../../codec/packets.ts'
import type { Message } from '../../ports/message.ts'
import { Bytes, charge, addKeeper, dropKeeper } from '../state/memory.ts'
import { BYTES_SHIFT, Work } from '../state/work.ts'
import { askTurnEnd, mayAnswer, type Core } from '../state/core.ts'
import { Phase, type Connection, type Segment } from '../state/model.ts'
import { logAckSent } from '../state/words.ts'

const WRITER_BYTES = 2048
/** Beyond this a writer is sent at once: the receiver may start, and caches stay warm. */
const FLUSH_BYTES = 96 * 1024
/** A flush is a system call: some 10 µs. */
const FLUSHES_PER_TURN = 2000
/** So much waits for a SUBACK: of bytes of its own, and with those of large messages. */
const CORKED_BYTES_MAX = 64 * 1024
const CORKED_ALL_BYTES_MAX = 8 * 1024 * 1024
/** Writers that grew beyond this are not kept. */
const POOLED_BYTES_MAX = 256 * 1024
const POOLED_MAX = 128

/** The writer to append to. Marks the connection for the flush at the end of the turn. */
export function output(core: Core, connection: Connection): ByteWriter {
  const out = connection.out
  if (out !== null && out.length < FLUSH_BYTES) return out
  return out === null ? openOutput(core, connection) : nextOutput(core, connection)
}

/** It is flushed at the end of the turn. */
function markDirty(core: Core, connection: Connection): void {
  if (connection.dirty) return
  connection.dirty = true
  core.work -= Work.flush
  core.dirty.push(connection)
  askTurnEnd(core)
}

function openOutput(core: Core, connection: Connection): ByteWriter {
  markDirty(core, connection)
  const writer = core.writers.pop() ?? new ByteWriter(new Uint8Array(WRITER_BYTES))
  connection.out = writer
  return writer
}

function nextOutput(core: Core, connection: Connection): ByteWriter {
  core.work -= FLUSH_BYTES >> BYTES_SHIFT
  if (connection.inLink === null) flush(core, connection)
  sealOutput(core, connection)
  return connection.out ?? openOutput(core, connection)
}

function sealOutput(core: Core, connection: Connection): void {
  const writer = connection.out
  if (writer === null || writer.length === 0) return
  core.shapes.run.settle()
  connection.out = null
  pushSegment(core, connection, {
    bytes: writer.bytes,
    length: writer.length,
    writer,
    message: null,
  })
}

function pushSegment(core: Core, connection: Connection, segment: Segment): void {
  occupy(core, segment)
  connection.segments ??= []
  connection.segments.push(segment)
  connection.segmentBytes += segment.length
  if (segment.writer === null) connection.sharedBytes += segment.length
}

/** Appends bytes that many connections share: they are sent from where they are, never copied. */
export function appendShared(core: Core, connection: Connection, message: Message): void {
  const bytes = message.payloadBytes()
  // Not copied here, but by the kernel, for each who gets it.
  core.work -= bytes.length >> BYTES_SHIFT
  output(core, connection)
  sealOutput(core, connection)
  pushSegment(core, connection, { bytes, length: bytes.length, writer: null, message })
}

/**
 * Sends the head of a PUBLISH, which is the last in `out`, and the payload behind it from where it came, as far as the link takes
 * them on the spot: only what is left of a large message is copied. False: it takes nothing, or others are before it.
 *
 *     out   [ …… | head ]  payload  ──▶ link
 *                              └ rest, if any ──▶ segments
 */
export function passOn(core: Core, connection: Connection, message: Message): boolean {
  const { link, out, inLink, segments } = connection
  const isFirst = inLink === null && segments === null && core.tap === null
  if (link.writeSome === null || out === null || !isFirst) return false
  if (isCorked(connection) || !mayAnswer(core)) return false
  core.shapes.run.settle()
  const body = message.payloadBytes()
  const gone = link.writeSome(out.bytes, out.length, body)
  if (gone === 0) return false
  endCork(core, connection)
  core.work -= Work.flush + (body.length >> BYTES_SHIFT)
  core.stats.bytesSent += gone
  connection.traffic.bytesSent += gone
  core.shapes.serial++
  connection.out = null
  const { length } = out
  if (gone < length) keepRest(core, connection, out.bytes.slice(gone, length), null)
  recycle(core, out)
  if (gone < length + body.length) {
    const kept = message.kept()
    keepRest(core, connection, kept.payloadBytes().subarray(Math.max(0, gone - length)), kept)
  }
  return true
}

function keepRest(
  core: Core,
  connection: Connection,
  bytes: Uint8Array,
  message: Message | null,
): void {
  pushSegment(core, connection, { bytes, length: bytes.length, writer: null, message })
}

/** Bytes that wait for this client: ours and the link's. */
export function pendingBytes(connection: Connection): number {
  return (
    (connection.out === null ? 0 : connection.out.length) +
    connection.segmentBytes +
    (connection.inLink === null ? 0 : connection.inLink.length)
  )
}

/**
 * Whether so much waits for this client that QoS 0 is dropped for it: of bytes of its own, or with those of large
 * messages, which cost nothing more however many wait for them.
 */
export function isSlow(connection: Connection, ownMax: number, allMax: number): boolean {
  const all = pendingBytes(connection)
  if (all <= ownMax) return false
  const { inLink, sharedBytes } = connection
  const shared = sharedBytes + (inLink !== null && inLink.writer === null ? inLink.length : 0)
  return all - shared > ownMax || all > allMax
}

/** Does what is written wait for a SUBACK? Of much none does: more would only wait in memory. */
export function isCorked(connection: Connection): boolean {
  const { lateReplies } = connection
  if (lateReplies === null || lateReplies.corkedUntil === 0) return false
  return !isSlow(connection, CORKED_BYTES_MAX, CORKED_ALL_BYTES_MAX)
}

/** What waits for a SUBACK does so no more. When some of it is sent, what is left may begin within a packet: nothing can come before it. */
export function endCork(core: Core, connection: Connection): void {
  const { lateReplies } = connection
  if (lateReplies === null || lateReplies.corkedUntil === 0) return
  lateReplies.corkedUntil = 0
  markDirty(core, connection)
}

/** What is written and not in the link. */
type Written = Pick<Connection, 'segments' | 'out'>

/** Takes out what is corked; what is written next goes before it, by {@link putBehind}. */
export function takeCorked(core: Core, connection: Connection): Written {
  core.shapes.run.settle()
  core.shapes.serial++
  const { segments, out } = connection
  connection.segments = null
  connection.out = null
  return { segments, out }
}

export function putBehind(core: Core, connection: Connection, { segments, out }: Written): void {
  if (segments === null && out === null) return
  sealOutput(core, connection)
  if (segments !== null) connection.segments = [...(connection.segments ?? []), ...segments]
  connection.out = out
  markDirty(core, connection)
}

/** Has the link taken all that is written? */
export function isSent({ out, segments, inLink }: Connection): boolean {
  return out === null && segments === null && inLink === null
}

/** Hands what is written to the link, as far as it takes it, before the turn ends. */
export function flush(core: Core, connection: Connection): void {
  if (mayAnswer(core)) flushNow(core, connection)
}

function flushNow(core: Core, connection: Connection): void {
  core.shapes.serial++
  if (connection.inLink !== null || isCorked(connection)) return
  endCork(core, connection)
  if (connection.segments !== null && !flushSegments(core, connection)) return
  const writer = connection.out
  if (writer === null) return
  core.shapes.run.settle()
  connection.out = null
  if (writer.length === 0) return recycle(core, writer)
  const segment = { bytes: writer.bytes, length: writer.length, writer, message: null }
  if (!send(core, connection, segment)) occupy(core, segment)
}

function flushSegments(core: Core, connection: Connection): boolean {
  const segments = connection.segments as Segment[]
  for (let sent = 0; sent < segments.length; sent++) {
    connection.segmentBytes -= segments[sent].length
    if (segments[sent].writer === null) connection.sharedBytes -= segments[sent].length
    if (send(core, connection, segments[sent])) vacate(core, segments[sent])
    else {
      connection.segments = sent + 1 < segments.length ? segments.slice(sent + 1) : null
      return false
    }
  }
  connection.segments = null
  return true
}

function send(core: Core, connection: Connection, segment: Segment): boolean {
  core.stats.bytesSent += segment.length
  connection.traffic.bytesSent += segment.length
  if (core.tap !== null) core.tap.sent(connection, segment)
  const gone = connection.link.write(segment.bytes, segment.length)
  if (!gone) connection.inLink = segment
  else if (segment.writer !== null) recycle(core, segment.writer)
  return gone
}

/** The link has drained: its array is ours again, and what waited behind goes out. */
export function drained(core: Core, connection: Connection): void {
  const segment = connection.inLink
  connection.inLink = null
  if (segment !== null) vacate(core, segment)
  if (segment !== null && segment.writer !== null) recycle(core, segment.writer)
  flush(core, connection)
}

/** A segment that waits is memory; shared bytes are so once, however many wait for them. */
function occupy(core: Core, { bytes, message }: Segment): void {
  charge(core, Bytes.entry)
  if (message === null) charge(core, bytes.length)
  else addKeeper(core, message)
}

function vacate(core: Core, { bytes, message }: Segment): void {
  charge(core, -Bytes.entry)
  if (message === null) charge(core, -bytes.length)
  else dropKeeper(core, message)
}

function recycle(core: Core, writer: ByteWriter): void {
  writer.length = 0
  if (core.writers.length < POOLED_MAX && writer.bytes.length <= POOLED_BYTES_MAX)
    core.writers.push(writer)
}

/** Drops what cannot be sent any more. What the link holds stays its own. */
export function dropOutput(core: Core, connection: Connection): void {
  core.shapes.run.settle()
  if (connection.out !== null) recycle(core, connection.out)
  connection.out = null
  for (const segment of connection.segments ?? []) vacate(core, segment)
  connection.segments = null
  connection.segmentBytes = 0
  connection.sharedBytes = 0
}

/** The link is gone, with what it was given. */
export function abandonOutput(core: Core, connection: Connection): void {
  dropOutput(core, connection)
  if (connection.inLink !== null) vacate(core, connection.inLink)
  connection.inLink = null
}

/** Flushes every connection that has output; the end of the turn. Of very many the rest has its turn next. */
export function flushAll(core: Core): void {
  const { dirty } = core
  const count = Math.min(dirty.length, FLUSHES_PER_TURN)
  for (let index = 0; index < count; index++) {
    const connection = dirty[index]
    connection.dirty = false
    flushNow(core, connection)
  }
  if (count === dirty.length) dirty.length = 0
  else {
    dirty.splice(0, count)
    askTurnEnd(core)
  }
}

export function sendAck(
  core: Core,
  connection: Connection,
  type: 4 | 5 | 6 | 7,
  packetId: number,
  reason: number,
): void {
  if (connection.phase === Phase.closed) return
  if (core.ports.log.mask & LogType.debug) logAckSent(core, connection, type, packetId, reason)
  appendAck(output(core, connection), connection.version, type, packetId, reason)
  core.stats.messagesSent++
}

/**
 * Sends any packet but a PUBLISH. One that is larger than the client takes goes without reason string and
 * user properties [MQTT-3.2.2-19, -20]; false: it is larger even so, and not sent.
 */
export function sendPacket(core: Core, connection: Connection, packet: Packet): boolean {
  if (connection.phase === Phase.closed) return false
  const out = output(core, connection)
  const start = out.length
  encodePacket(out, connection.version, packet)
  if (connection.packetBytesMax > 0 && out.length - start > connection.packetBytesMax) {
    out.length = start
    encodePacket(out, connection.version, shortened(packet))
    if (out.length - start > connection.packetBytesMax) {
      out.length = start
      return false
    }
  }
  core.stats.messagesSent++
  return true
}

function shortened(packet: Packet): Packet {
  if (packet.type === PacketType.pingresp || !('properties' in packet)) return packet
  const { reasonString: _reason, userProperties: _user, ...properties } = packet.properties
  return { ...packet, properties }
}

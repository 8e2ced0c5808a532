/**
 * Bytes from one connection into packets, and packets to the file of their name.
 *
 *     chunk  [ rest of a packet | packet | packet | packet | begin of one ]
 *                   ▼                                           ▼
 *            partial, completed first                 kept in partial for the next chunk
 *
 * Whole packets are handled where they lie; only a packet that is cut is copied, and nothing is
 * allocated for what a length field merely announces.
 */
import { decodePacket } from '../../codec/decode.ts'
import { checkFixedHeader, checkPadding, readFrame, type FrameHeader } from '../../codec/frame.ts'
import type { CutPacket } from '../../codec/framer.ts'
import { PacketType, type ConnectPacket } from '../../codec/packets.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { noteVersion, onConnect } from './connect.ts'
import { fail } from './failing.ts'
import { noteLife, restartWatch, watchPartial } from './keepalive.ts'
import type { Core } from '../state/core.ts'
import { isOpen, Phase, type Connection } from '../state/model.ts'
import { pendingBytes } from '../delivery/outbox.ts'
import { onPublish } from '../routing/publish.ts'
import type { Limits } from '../../ports/limits.ts'
import { isFanningOut } from '../routing/fan-out-later.ts'
import { addTask, BYTES_SHIFT, Work } from '../state/work.ts'
import { decodeOptionsOf, handleAuth, HANDLERS, type Handler } from './handlers.ts'
import { appendInput, keepInput, putBack, freeInput, returnRoom, takeInput } from './partial.ts'
import { applyRate, isThrottled, spend } from './rate.ts'
import { readOn, stopReading } from '../state/reading.ts'
import { stillWaits } from '../state/waiting.ts'

/** Input of up to this size is handled even when the turn has done its share, as long as it is not this far beyond. */
const LITTLE_BYTES = 256
const OVERDRAFT = 8192

/** Who sends at once what takes memory of any account is held back while garbage fills it. TLS gives 16 KiB at most. */
const LARGE_READ_BYTES = 8192

/** Which bound holds for what a packet of a type weighs that is neither PUBLISH nor an acknowledgement. */
const BYTES_MAX: Readonly<Record<number, 'packetBytesMax' | 'controlPacketBytesMax' | undefined>> =
  {
    [PacketType.connect]: 'controlPacketBytesMax',
    [PacketType.subscribe]: 'packetBytesMax',
    [PacketType.unsubscribe]: 'packetBytesMax',
    [PacketType.auth]: 'controlPacketBytesMax',
  }

/** Takes `bytes[start..end)` from a connection. The array may be reused after the call. */
export function receive(
  core: Core,
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (connection.phase === Phase.closed) return
  core.stats.bytesReceived += end - start
  connection.traffic.bytesReceived += end - start
  applyRate(core, connection)
  try {
    const { partial } = connection
    const at = partial === null ? start : complete(core, connection, partial, bytes, start, end)
    const rest = consume(core, connection, bytes, at, end)
    if (rest < end) keep(core, connection, bytes, rest, end)
  } catch (error) {
    fail(core, connection, error)
  }
  if (end - start >= LARGE_READ_BYTES) countLarge(core, connection, end - start)
  if (pendingBytes(connection) > core.ports.limits.outputBytesMax) throttle(connection)
}

/** A client that sends without reading what it gets is not read from until it does. */
function throttle(connection: Connection): void {
  if (connection.phase === Phase.closed || connection.inLink === null) return
  stopReading(connection)
}

/**
 * What a large read brought, or pushed out, may be garbage by now, and is in memory until the collector has been through. It
 * comes sooner than that goes; who cannot be refused for what is not kept is made to wait for it.
 */
function countLarge(core: Core, connection: Connection, bytes: number): void {
  core.largeReadBytesLeft -= bytes
  if (core.largeReadBytesLeft > 0 || connection.phase !== Phase.open || connection.waiting) return
  connection.waiting = true
  stopReading(connection)
  core.heldBack.push(connection)
}

/** There is room again. */
export function readHeldBack(core: Core): void {
  for (const connection of core.heldBack.splice(0)) addTask(core, () => takeTurn(core, connection))
}

/** Handles whole packets from `at` on; returns where the first incomplete one starts. The bytes are free then. */
function consume(
  core: Core,
  connection: Connection,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  try {
    return consumeWhole(core, connection, bytes, at, end)
  } finally {
    core.shapes.run.settle()
  }
}

function consumeWhole(
  core: Core,
  connection: Connection,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
  const start = at
  if (isThrottled(connection) || mustWait(core, connection, end - at)) return at
  while (at < end && isListening(connection)) {
    const isWhole = readFrame(bytes, at, end, frame)
    judgeHeader(core, connection, bytes, at, frame)
    if (!isWhole) break
    const { first, bodyStart, frameEnd } = frame
    core.stats.messagesReceived++
    if (core.tap !== null && connection.waits === null)
      core.tap.received(connection, bytes, at, bodyStart, frameEnd)
    core.work -= 1 + ((frameEnd - at) >> BYTES_SHIFT)
    dispatch(core, connection, first, bytes, at, bodyStart, frameEnd)
    if (connection.waits !== null && comesAgain(core, connection)) break
    const { rate } = connection
    const isLast = rate !== null && spend(core, connection, rate, first, frameEnd - at, goOn)
    at = frameEnd
    if (isLast || connection.request !== null) break
    if (core.work <= 0 && mustWait(core, connection, end - at)) break
  }
  if (at > start) noteLife(core, connection)
  return connection.phase === Phase.closed ? end : at
}

/** The turn has done its share, or what this client published before is still going out: its input waits. */
function mustWait(core: Core, connection: Connection, bytes: number): boolean {
  // A client that says little is heard out: what it says costs less than to come back to it.
  const workMin = bytes <= LITTLE_BYTES ? -OVERDRAFT : 0
  if (core.work > workMin && !isPublishing(core, connection)) return false
  if (connection.phase === Phase.closed || connection.waiting) return connection.waiting
  waitForTurn(core, connection)
  return true
}

function waitForTurn(core: Core, connection: Connection): void {
  connection.waiting = true
  stopReading(connection)
  addTask(core, () => takeTurn(core, connection))
}

function isPublishing(core: Core, { identity }: Connection): boolean {
  return identity !== null && isFanningOut(core, identity.clientId)
}

/** The turn of a client whose input waits; true: it is not its turn yet. */
function takeTurn(core: Core, connection: Connection): boolean {
  if (connection.phase === Phase.closed) return false
  if (isPublishing(core, connection)) return true
  connection.waiting = false
  goOn(core, connection)
  return false
}

/** Whether the packet just handled waits for hooks, and was not counted then. */
function comesAgain(core: Core, connection: Connection): boolean {
  if (!stillWaits(connection)) return false
  core.stats.messagesReceived--
  return true
}

/** Refuses at the header what must not come, before its body has. */
function judgeHeader(
  core: Core,
  connection: Connection,
  bytes: Uint8Array,
  at: number,
  frame: FrameHeader,
): void {
  const { version, phase } = connection
  const first = bytes[at]
  const type = first >> 4
  checkPadding(version, bytes, at, frame.bodyStart)
  checkFixedHeader(first, version)
  const isExpected = phase === Phase.open ? HANDLERS[type] !== undefined : type === FIRST_OF[phase]
  if (!isExpected) refuseType(type, phase)
  // What comes over a bridge was judged there, and may have grown: by its name here, or by what counts its hops.
  if (frame.frameEnd - at > bytesMaxOf(type, core.ports.limits) && !connection.isOurs)
    throw new ProtocolError(Reason.packetTooLarge, 'packet is larger than its type may be')
}

/** What a connection that is not open yet may send. */
const FIRST_OF: Readonly<Record<number, number | undefined>> = {
  [Phase.connect]: PacketType.connect,
  [Phase.proving]: PacketType.auth,
}

function refuseType(type: number, phase: Phase): never {
  const text =
    phase === Phase.connect
      ? 'the first packet is not a CONNECT'
      : `a client does not send packets of type ${type}`
  throw new ProtocolError(Reason.protocolError, text)
}

/** What a packet of this type may weigh. */
function bytesMaxOf(type: number, limits: Limits): number {
  if (type === PacketType.publish) return limits.packetBytesMax
  if (type >= PacketType.puback && type <= PacketType.pubcomp) return limits.ackPacketBytesMax
  return limits[BYTES_MAX[type] ?? 'ackPacketBytesMax']
}

/** Completes the packet in `partial` from the chunk's begin, handles it; returns where the next starts. */
function complete(
  core: Core,
  connection: Connection,
  partial: CutPacket,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  if (connection.phase === Phase.opening || isThrottled(connection)) {
    appendInput(core, connection, partial, bytes, start, end)
    return end
  }
  const frame: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
  const at = partial.completeHeader(bytes, start, end, frame)
  judgeHeader(core, connection, partial.head, 0, frame)
  const next = Math.min(end, at + partial.missing(frame))
  appendInput(core, connection, partial, bytes, at, next)
  if (frame.frameEnd < 0 || partial.length < frame.frameEnd) {
    noteWaiting(core, connection)
    return next
  }
  takeInput(connection)
  if (consumePartial(core, connection, partial)) return next
  keepInput(core, connection, bytes, next, end)
  return end
}

/** Handles what was kept; false: some of it waits on. */
function consumePartial(core: Core, connection: Connection, partial: CutPacket): boolean {
  const joined = partial.join()
  const rest = consume(core, connection, joined, 0, partial.length)
  const isThrough = rest === partial.length || connection.phase === Phase.closed
  returnRoom(core, partial, joined)
  if (isThrough) freeInput(core, connection, partial)
  else putBack(core, connection, partial, joined, rest)
  if (!isThrough) noteWaiting(core, connection)
  return isThrough
}

function keep(
  core: Core,
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  keepInput(core, connection, bytes, start, end)
  noteWaiting(core, connection)
}

/** What is kept waits for the CONNACK, or for its rest. */
function noteWaiting(core: Core, connection: Connection): void {
  if (connection.phase === Phase.opening) stopReading(connection)
  else if (connection.phase === Phase.open && !isThrottled(connection))
    watchPartial(core, connection)
}

/** A connection opened: handles what came in the meantime and reads on. */
export function resumeInput(core: Core, connection: Connection): void {
  if (!isListening(connection) || isThrottled(connection)) return
  if (connection.waits !== null) restartWatch(core, connection)
  const partial = takeInput(connection)
  if (partial !== null) {
    try {
      consumePartial(core, connection, partial)
    } catch (error) {
      fail(core, connection, error)
    }
  }
  if (pendingBytes(connection) > core.ports.limits.outputBytesMax) throttle(connection)
  if (!connection.paused || connection.inLink === null) unpause(connection)
}

/** It may send, and is not waiting for an answer to its CONNECT or AUTH. */
function isListening({ phase }: Connection): boolean {
  return phase === Phase.open || phase === Phase.connect || phase === Phase.proving
}

/** A client that was held back may send again. */
function goOn(core: Core, connection: Connection): void {
  restartWatch(core, connection)
  resumeInput(core, connection)
}

/** Reads on, unless there is a reason left not to. */
export function unpause(connection: Connection): void {
  if (!connection.paused || !isListening(connection) || isThrottled(connection)) return
  readOn(connection)
}

function dispatch(
  core: Core,
  connection: Connection,
  first: number,
  bytes: Uint8Array,
  frameStart: number,
  bodyStart: number,
  frameEnd: number,
): void {
  if (!isOpen(connection)) {
    core.work -= Work.connect
    if (connection.phase === Phase.proving)
      return handleAuth(core, connection, first, bytes, bodyStart, frameEnd)
    noteVersion(connection, bytes, bodyStart, frameEnd)
    checkPadding(connection.version, bytes, frameStart, bodyStart)
    const packet = decodePacket(4, first, bytes, bodyStart, frameEnd, decodeOptionsOf(core))
    return onConnect(core, connection, packet as ConnectPacket)
  }
  const type = first >> 4
  if (type === PacketType.publish)
    return onPublish(core, connection, bytes, frameStart, bodyStart, frameEnd)
  const handler = HANDLERS[type] as Handler
  handler(core, connection, first, bytes, bodyStart, frameEnd)
}

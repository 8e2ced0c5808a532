/** Clients that fall silent (MQTT 5.0, 3.1.2.10), never finish a packet, or never connect. */
import type { FrameHeader } from '../../codec/frame.ts'
import type { CutPacket } from '../../codec/framer.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { closeConnection, closeFor } from './closing.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection } from '../state/model.ts'
import { beginPartial } from './partial.ts'
import { isThrottled } from './rate.ts'

const FRAME: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }

/** A packet that lacks more than this is long: each part of it that comes is a sign of life, as in mosquitto. */
const LONG_BYTES = 1000

/** What a byte that came adds to the time its packet may take, ms: whoever sends slower than that does not get on. */
const CONNECT_BYTE_MS = 1
const PARTIAL_BYTE_MS = 10

/** A whole CONNECT is answered within so many ms: passwords, hooks and the store may take their time, not for ever. */
const ANSWER_MS_MAX = 60_000

/** Whole ms, later rather than sooner: each connection keeps some of them, and a whole number needs no object of its own. */
function nowOf({ ports }: Core): number {
  return Math.ceil(ports.clock.monotonicMs())
}

/** The clock for CONNECT starts with the socket; a byte now and then is no CONNECT. */
export function armConnectTimeout(core: Core, connection: Connection): void {
  watch(core, connection, connection.lastLifeMs + core.ports.limits.connectTimeoutMs)
}

/** Of silence that a client is allowed for each second of its keep alive. */
export const SILENCE_MS_PER_SECOND = 1500

/** From now on the client must show signs of life every one and a half times `seconds` [MQTT-3.1.2-22]. */
export function armKeepAlive(core: Core, connection: Connection, seconds: number): void {
  connection.keepAliveMs = seconds * SILENCE_MS_PER_SECOND
  noteLife(core, connection)
  const dueMs = seconds === 0 ? Infinity : connection.lastLifeMs + connection.keepAliveMs
  const { timer } = connection
  // The one for CONNECT, where it fires first, will look for this.
  if (dueMs !== Infinity && timer !== null && timer.dueMs <= dueMs) return
  core.wheel.cancel(timer)
  connection.timer = null
  if (dueMs !== Infinity) watch(core, connection, dueMs)
}

/** More of a packet came that is not complete: it has its own deadline, keepalive or not. */
export function watchPartial(core: Core, connection: Connection): void {
  if (isLong(connection.partial)) connection.lastLifeMs = nowOf(core)
  const dueMs = partialDueMs(core, connection)
  if (connection.timer !== null && connection.timer.dueMs <= dueMs) return
  core.wheel.cancel(connection.timer)
  watch(core, connection, dueMs)
}

function isLong(partial: CutPacket | null): boolean {
  if (partial === null) return false
  partial.readFrame(FRAME)
  return FRAME.frameEnd - partial.length > LONG_BYTES
}

/** When what has begun must be whole: later, the more of it is there. */
function partialDueMs(core: Core, { partial, partialSinceMs }: Connection): number {
  if (partial === null) return Infinity
  return (
    partialSinceMs + core.ports.limits.partialPacketTimeoutMs + partial.length * PARTIAL_BYTE_MS
  )
}

/** A packet came: a sign of life, once it is known whose. */
export function noteLife(core: Core, connection: Connection): void {
  if (connection.phase === Phase.open) connection.lastLifeMs = nowOf(core)
}

/** A client that had to wait is read from again, or takes what it was sent: its time begins anew. */
export function restartWatch(core: Core, connection: Connection): void {
  const nowMs = nowOf(core)
  if (connection.phase === Phase.open) connection.lastLifeMs = nowMs
  beginPartial(connection, nowMs)
  if (connection.timer === null && connection.keepAliveMs > 0)
    watch(core, connection, nowMs + connection.keepAliveMs)
}

function watch(core: Core, connection: Connection, dueMs: number): void {
  connection.timer = core.wheel.armFor(dueMs, core.look, connection)
}

/** One timer a connection: fires when the nearest deadline could have passed, and looks. */
export function look(core: Core, connection: Connection): void {
  connection.timer = null
  if (connection.phase === Phase.closed) return
  if (connection.phase === Phase.open) judgeSilence(core, connection)
  else judgeArrival(core, connection)
}

/** CONNECT is to be there, and answered. */
function judgeArrival(core: Core, connection: Connection): void {
  const { phase, partial, lastLifeMs } = connection
  const { clock, limits } = core.ports
  const isWhole = phase === Phase.opening || phase === Phase.proving
  const moreMs = isWhole ? ANSWER_MS_MAX : (partial?.length ?? 0) * CONNECT_BYTE_MS
  const dueMs = lastLifeMs + limits.connectTimeoutMs + moreMs
  if (dueMs > clock.monotonicMs()) watch(core, connection, dueMs)
  else closeConnection(core, connection, { text: 'exceeded timeout', reason: -1 })
}

function judgeSilence(core: Core, connection: Connection): void {
  // Its silence is our doing: judged from when it is read from again.
  if (isThrottled(connection)) return
  const nowMs = core.ports.clock.monotonicMs()
  const { keepAliveMs, lastLifeMs } = connection
  const aliveMs = keepAliveMs === 0 ? Infinity : lastLifeMs + keepAliveMs
  const partialMs = partialDueMs(core, connection)
  const dueMs = Math.min(aliveMs, partialMs)
  if (dueMs <= nowMs) return closeFor(core, connection, Reason.keepAliveTimeout)
  if (dueMs !== Infinity) watch(core, connection, dueMs)
}

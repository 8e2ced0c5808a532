/** Clients that fall silent (MQTT 5.0, 3.1.2.10), never finish a packet, or never connect. */
import { Reason } from '../../codec/reason-codes.ts'
import { closeConnection, closeFor } from './closing.ts'
import { Phase, type Connection, type Core } from '../state/model.ts'
import { isHeldBack } from './rate.ts'

/** The clock for CONNECT starts with the socket; a byte now and then does not reset it. */
export function armConnectTimeout(core: Core, connection: Connection): void {
  const { clock, limits } = core.ports
  connection.timer = core.wheel.arm(clock.monotonicMs() + limits.connectTimeoutMs, () => {
    closeConnection(core, connection, { text: 'exceeded timeout', reason: -1 })
  })
}

/** From now on the client must send a whole packet every one and a half times `seconds` [MQTT-3.1.2-22]. */
export function armKeepAlive(core: Core, connection: Connection, seconds: number): void {
  core.wheel.cancel(connection.timer)
  connection.timer = null
  connection.keepAliveMs = seconds * 1500
  connection.lastPacketMs = core.ports.clock.monotonicMs()
  if (seconds > 0) watch(core, connection, connection.lastPacketMs + connection.keepAliveMs)
}

/** A packet has begun and is not complete: it has its own deadline, keepalive or not. */
export function watchPartial(core: Core, connection: Connection): void {
  const { clock, limits } = core.ports
  const dueMs = clock.monotonicMs() + limits.partialPacketTimeoutMs
  if (connection.timer !== null && connection.timer.dueMs <= dueMs) return
  core.wheel.cancel(connection.timer)
  watch(core, connection, dueMs)
}

/** A client that had to wait is read from again: its time begins anew. */
export function restartWatch(core: Core, connection: Connection): void {
  const nowMs = core.ports.clock.monotonicMs()
  connection.lastPacketMs = nowMs
  connection.partialSinceMs = nowMs
  if (connection.timer === null && connection.keepAliveMs > 0)
    watch(core, connection, nowMs + connection.keepAliveMs)
}

function watch(core: Core, connection: Connection, dueMs: number): void {
  connection.timer = core.wheel.arm(dueMs, () => {
    connection.timer = null
    judge(core, connection)
  })
}

/** One timer a connection: fires when the nearest deadline could have passed, and looks. */
function judge(core: Core, connection: Connection): void {
  if (connection.phase !== Phase.open) return
  // Its silence is our doing: judged from when it is read from again.
  if (isHeldBack(connection)) return
  const { clock, limits } = core.ports
  const nowMs = clock.monotonicMs()
  const aliveMs =
    connection.keepAliveMs === 0 ? Infinity : connection.lastPacketMs + connection.keepAliveMs
  const partialMs =
    connection.partial === null
      ? Infinity
      : connection.partialSinceMs + limits.partialPacketTimeoutMs
  const dueMs = Math.min(aliveMs, partialMs)
  if (dueMs <= nowMs) return closeFor(core, connection, Reason.keepAliveTimeout)
  if (dueMs !== Infinity) watch(core, connection, dueMs)
}

/**
 * How fast one client may send (`max_message_rate`, `max_byte_rate`). Nothing is dropped: a client that has
 * used up its second is not read from until it has earned what it took, and TCP makes it wait.
 *
 *     earned  ──▶ [ at most one second's worth ] ──▶ spent by each packet
 *                                                     below 0: held back until it is 0 again
 */
import { PacketType } from '../../codec/packets.ts'
import type { Core } from '../state/core.ts'
import { Phase, type Connection } from '../state/model.ts'
import type { Rate } from '../state/rate.ts'
import { stopReading } from '../state/reading.ts'
import { isWaiting } from '../state/waiting.ts'

/** Gives the connection a rate, or takes it, as the limits say by now. */
export function applyRate(core: Core, connection: Connection): void {
  const { messagesPerSecondMax, bytesPerSecondMax } = core.ports.limits
  const { rate } = connection
  if ((messagesPerSecondMax === 0 && bytesPerSecondMax === 0) || connection.isOurs) {
    if (rate !== null && rate.timer === null) connection.rate = null
    return
  }
  const nowMs = core.ports.clock.monotonicMs()
  if (rate !== null) return earn(core, rate, nowMs)
  connection.rate = {
    messages: messagesPerSecondMax,
    bytes: bytesPerSecondMax,
    filledMs: nowMs,
    timer: null,
  }
}

function earn(core: Core, rate: Rate, nowMs: number): void {
  const { messagesPerSecondMax, bytesPerSecondMax } = core.ports.limits
  const seconds = (nowMs - rate.filledMs) / 1000
  rate.filledMs = nowMs
  rate.messages = Math.min(messagesPerSecondMax, rate.messages + seconds * messagesPerSecondMax)
  rate.bytes = Math.min(bytesPerSecondMax, rate.bytes + seconds * bytesPerSecondMax)
}

/** Whether it has to wait before anything more of it is looked at. */
export function isThrottled(connection: Connection): boolean {
  const { rate, waiting, request } = connection
  if (waiting || request !== null) return true
  return (rate !== null && rate.timer !== null) || isWaiting(connection)
}

/**
 * Takes a handled packet from what the client may send; true: it has to wait now, and is not read from.
 *
 * @param resume Called when it may go on.
 */
export function spend(
  core: Core,
  connection: Connection,
  rate: Rate,
  first: number,
  bytes: number,
  resume: (core: Core, connection: Connection) => void,
): boolean {
  const { messagesPerSecondMax, bytesPerSecondMax } = core.ports.limits
  // What has no bound is not held against it when it gets one.
  if (messagesPerSecondMax > 0 && first >> 4 === PacketType.publish) rate.messages--
  if (bytesPerSecondMax > 0) rate.bytes -= bytes
  const messagesMs = messagesPerSecondMax > 0 ? (-rate.messages / messagesPerSecondMax) * 1000 : 0
  const bytesMs = bytesPerSecondMax > 0 ? (-rate.bytes / bytesPerSecondMax) * 1000 : 0
  const waitMs = Math.max(messagesMs, bytesMs)
  if (waitMs <= 0 || connection.phase !== Phase.open) return false
  stopReading(connection)
  rate.timer = core.wheel.arm(core.ports.clock.monotonicMs() + waitMs, () => {
    rate.timer = null
    earn(core, rate, core.ports.clock.monotonicMs())
    resume(core, connection)
  })
  return true
}

/**
 * Reading pauses when iterators hold more than they may, and goes on when half of that is taken.
 *
 *     server ──▶ socket ──▶ queues of iterators ──▶ the program's loop
 *                   ▲               │
 *                   └── pause ──────┘   but not while an answer of the server is waited for: the loop may
 *                                       be waiting for it, and would wait for ever
 *
 * What comes meanwhile at QoS 1 and 2 is bounded by the receive maximum, and at QoS 0 dropped beyond
 * `HARD` times the bound.
 */
import type { Core } from './model.ts'

const HARD = 8

/** A QoS 0 message has no place any more. */
export function isOverrun(core: Core): boolean {
  const { incomingMessagesMax, incomingBytesMax } = core.settings
  return (
    core.queuedMessages >= incomingMessagesMax * HARD || core.queuedBytes >= incomingBytesMax * HARD
  )
}

function isBeyond(core: Core, share: number): boolean {
  const { incomingMessagesMax, incomingBytesMax } = core.settings
  return (
    core.queuedMessages > incomingMessagesMax * share || core.queuedBytes > incomingBytesMax * share
  )
}

/** After input was handled. */
export function pauseIfFull(core: Core): void {
  if (core.paused || core.wire === null || !isBeyond(core, 1)) return
  if (core.exchanges.size > 0 || core.reauthentication !== null) return
  core.paused = true
  core.wire.pause()
}

/** An iterator gave a message away. */
export function taken(core: Core, bytes: number): void {
  core.queuedMessages--
  core.queuedBytes -= bytes
  if (core.paused && !isBeyond(core, 0.5)) resume(core)
}

/** An answer is waited for from now on, or there is room again. */
export function resume(core: Core): void {
  if (!core.paused) return
  core.paused = false
  core.lastReceivedMs = core.runtime.monotonicMs()
  core.wire?.resume()
}

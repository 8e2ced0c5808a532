/** A message on its way to the screen. */
import type { Properties } from '../../codec/packets.ts'

export interface ShownMessage {
  readonly topic: string
  /** As it came. */
  readonly payload: Uint8Array
  /** What is printed as the payload: the same, or what `--format` made of it. */
  readonly shown: Uint8Array
  readonly qos: number
  readonly retain: boolean
  readonly packetId: number
  readonly properties: Properties
  readonly receivedAt: WallTime
}

/** A moment of the clock on the wall. */
export interface WallTime {
  readonly date: Date
  /** Whole seconds since 1970. */
  readonly seconds: number
  /** 0 to 999,999,999, as fine as the clock is. */
  readonly nanoseconds: number
}

const DRIFT_MS_MAX = 2

let originMs = performance.timeOrigin

/**
 * Now, finer than a millisecond. `performance` does not follow when the clock is set, so that its origin is moved
 * when the two are apart.
 */
export function wallTime(): WallTime {
  const nowMs = Date.now()
  const elapsedMs = performance.now()
  if (Math.abs(originMs + elapsedMs - nowMs) > DRIFT_MS_MAX) originMs = nowMs - elapsedMs
  const ms = originMs + elapsedMs
  const seconds = Math.floor(ms / 1000)
  const nanoseconds = Math.floor((ms - seconds * 1000) * 1e6)
  return { date: new Date(Math.floor(ms)), seconds, nanoseconds }
}

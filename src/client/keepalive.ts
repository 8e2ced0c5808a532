/** Keep alive (MQTT 5.0, 3.1.2.10): PINGREQ when nothing goes out or comes in, and the end when no answer comes. */
import { PacketType } from '../codec/packets.ts'
import { DisconnectedError, type MqttError } from './errors.ts'
import type { Core } from './model.ts'
import { send } from './send.ts'

/** Of the keep alive; the rest is for the way to the server [MQTT-3.1.2-20]. */
const SHARE = 0.9
const ANSWER_MS_MAX = 10_000

type SetTimer = (core: Core, delayMs: number, fire: () => void) => void

/** Watches from now on, until the connection is lost; `lose` is told when the server is silent. */
export function watch(core: Core, setTimer: SetTimer, lose: (error: MqttError) => void): void {
  const { keepAliveMs } = core.limits
  if (keepAliveMs === 0) return
  const intervalMs = keepAliveMs * SHARE
  const answerMs = Math.min(keepAliveMs, ANSWER_MS_MAX)
  const check = (): void => {
    const nowMs = core.runtime.monotonicMs()
    if (core.pingSentMs !== 0 && !core.paused && nowMs - silentSinceMs(core) >= answerMs) {
      const text = `connection lost: no answer from the server for ${answerMs} ms`
      return lose(new DisconnectedError('TIMEOUT', text))
    }
    const quietSinceMs = Math.min(core.output.lastWriteMs, core.lastReceivedMs)
    // While reading is paused nothing can come in, but the server still wants to hear from us.
    const sinceMs = core.paused ? core.output.lastWriteMs : quietSinceMs
    if (core.pingSentMs === 0 && nowMs - sinceMs >= intervalMs) {
      ping(core)
    }
    const dueMs = core.pingSentMs === 0 ? sinceMs + intervalMs : silentSinceMs(core) + answerMs
    setTimer(core, Math.max(intervalMs / 10, dueMs - nowMs), check)
  }
  setTimer(core, intervalMs, check)
}

/** Since when an answer is awaited and nothing came: a long packet may be in front of it, and what comes of that is life. */
function silentSinceMs(core: Core): number {
  return Math.max(core.pingSentMs, core.lastReceivedMs)
}

export function ping(core: Core): void {
  core.pingSentMs = core.paused ? 0 : core.runtime.monotonicMs()
  send(core, { type: PacketType.pingreq })
  core.output.flush()
}

export function onPong(core: Core): void {
  core.pingSentMs = 0
}

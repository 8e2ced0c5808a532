/** The client's side of keep alive: the rule is in `signs-of-life.ts`. */
import { PacketType } from '../codec/packets.ts'
import { deferred } from './deferred.ts'
import { DisconnectedError, MqttError } from './errors.ts'
import type { Core } from './model.ts'
import { send } from './send.ts'
import { SignsOfLife } from './signs-of-life.ts'

type SetTimer = (core: Core, delayMs: number, fire: () => void) => void

/** Watches from now on, until the connection is lost; `lose` is told when the server is silent. */
export function watch(core: Core, setTimer: SetTimer, lose: (error: MqttError) => void): void {
  const { keepAliveMs } = core.limits
  if (keepAliveMs === 0) return
  const life = new SignsOfLife(keepAliveMs)
  core.life = life
  const check = (): void => {
    const { lastReceivedMs, paused: isPaused, output } = core
    const times = { lastWriteMs: output.lastWriteMs, lastReceivedMs, isPaused }
    const waitMs = life.look(core.runtime.monotonicMs(), times, () => ping(core))
    if (waitMs > 0) return setTimer(core, waitMs, check)
    const text = `connection lost: no answer from the server for ${life.answerMs} ms`
    lose(new DisconnectedError('TIMEOUT', text))
  }
  setTimer(core, life.quietMs, check)
}

export function ping(core: Core): void {
  send(core, { type: PacketType.pingreq })
  core.output.flush()
}

export function askForLife(core: Core): Promise<void> {
  if (core.phase !== 'online')
    return Promise.reject(new MqttError('CLOSED', 'the client is not connected'))
  const asked = deferred<void>()
  core.asking.push(asked)
  ping(core)
  return asked.promise
}

/** PINGRESP came, to whichever of the questions: the server lives. */
export function onPingresp(core: Core): void {
  core.life?.answered()
  for (const { resolve } of core.asking.splice(0)) resolve()
}

/** The connection is gone. */
export function endAsking(core: Core): void {
  const error = new MqttError('CLOSED', 'the connection was lost')
  for (const { reject } of core.asking.splice(0)) reject(error)
}

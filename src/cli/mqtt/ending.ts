/** How sub and rr end when nothing failed, and who may ask them to. */
import { exitCodes, type Failure } from './failures.ts'
import type { Session } from './session.ts'
import type { Settings } from './settings.ts'

export const done: Failure = { text: null, hint: null, exitCode: 0 }
export const denied: Failure = {
  text: 'All subscription requests were denied.',
  hint: null,
  exitCode: 0,
}
/** Before the broker accepted. */
export const interrupted: Failure = { text: null, hint: null, exitCode: exitCodes.interrupted }
const timedOut: Failure = { text: 'Timed out', hint: null, exitCode: exitCodes.timeout }

const signals = ['SIGINT', 'SIGTERM'] as const

/** Calls `leave` at a signal and after the time of `-W`; returns what stops listening. */
export function onOutsideEnd(
  { timeoutSeconds }: Settings,
  { client }: Session,
  leave: (failure: Failure) => void,
): () => void {
  const end = (failure: Failure): void => leave(client.info === null ? interrupted : failure)
  const onSignal = (): void => end(done)
  for (const signal of signals) process.once(signal, onSignal)
  const timer =
    timeoutSeconds === null ? undefined : setTimeout(() => end(timedOut), timeoutSeconds * 1000)
  return () => {
    for (const signal of signals) process.removeListener(signal, onSignal)
    clearTimeout(timer)
  }
}

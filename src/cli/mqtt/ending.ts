/** How sub and rr end when nothing failed, and who may ask them to. */
import { EXIT_CODES, type Failure } from './failures.ts'
import type { Session } from './session.ts'
import type { Settings } from './settings.ts'

export const DONE: Failure = { text: null, hint: null, exitCode: 0 }
export const DENIED: Failure = {
  text: 'All subscription requests were denied.',
  hint: null,
  exitCode: 0,
}
/** Before the broker accepted. */
export const INTERRUPTED: Failure = { text: null, hint: null, exitCode: EXIT_CODES.interrupted }
const TIMED_OUT: Failure = { text: 'Timed out', hint: null, exitCode: EXIT_CODES.timeout }

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Calls `leave` at a signal and after the time of `-W`; returns what stops listening. */
export function onOutsideEnd(
  { timeoutSeconds }: Settings,
  { client }: Session,
  leave: (failure: Failure) => void,
): () => void {
  const end = (failure: Failure): void => leave(client.info === null ? INTERRUPTED : failure)
  const onSignal = (): void => end(DONE)
  const onTimeout = (): void => end(TIMED_OUT)
  for (const signal of SIGNALS) process.once(signal, onSignal)
  // What -W is made of in mosquitto: an alarm from outside is the same to it.
  process.once('SIGALRM', onTimeout)
  const timer = timeoutSeconds === null ? undefined : setTimeout(onTimeout, timeoutSeconds * 1000)
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
    process.removeListener('SIGALRM', onTimeout)
    clearTimeout(timer)
  }
}

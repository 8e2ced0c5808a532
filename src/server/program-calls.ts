/** Calls of functions that the program around the broker has given it. */
import type { Log } from '../base/log.ts'
import { isThenable, logHookError } from './hooks.ts'

/** Calls what is the program's own; whatever way it fails, `failed` is told and nothing else happens. */
export function attempt(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call()
    if (isThenable(result)) void Promise.resolve(result).catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** Calls that wait for the end of the turn: the core must not be called while it is in the middle of something. */
export interface Later {
  push(name: string, call: () => unknown): void
  run(): void
}

export function createLater(log: Log): Later {
  let waiting: (readonly [name: string, call: () => unknown])[] = []
  const run = (): void => {
    const calls = waiting
    waiting = []
    for (const [name, call] of calls) attempt(call, (error) => logHookError(log, name, error))
  }
  return {
    push(name, call) {
      if (waiting.length === 0) setImmediate(run)
      waiting.push([name, call])
    },
    run,
  }
}

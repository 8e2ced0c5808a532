/** One listener a signal, however many wait for it: Node takes more than ten for a leak, and warns. */
interface Listening {
  readonly calls: Set<() => void>
  readonly stop: () => void
}

const listening = new WeakMap<AbortSignal, Listening>()

/** Calls `call` when `signal` is aborted, which it is not yet; returns what ends that, for signals outlive what they stop. */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
  const { calls, stop } = listening.get(signal) ?? listen(signal)
  calls.add(call)
  return () => {
    calls.delete(call)
    if (calls.size > 0 || listening.get(signal)?.calls !== calls) return
    listening.delete(signal)
    stop()
  }
}

function listen(signal: AbortSignal): Listening {
  const calls = new Set<() => void>()
  const abort = (): void => {
    listening.delete(signal)
    for (const call of calls) call()
  }
  const made = { calls, stop: () => signal.removeEventListener('abort', abort) }
  listening.set(signal, made)
  signal.addEventListener('abort', abort, { once: true })
  return made
}

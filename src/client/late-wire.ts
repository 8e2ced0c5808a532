/** A wire whose way is still being made: programs and proxies are asked, code is loaded. */
import type { Dial, Wire, WireEvents } from './ports.ts'

/** Stands for the wire: what was asked of it meanwhile is done when it is there; closed before, its making is cancelled. */
class LateWire implements Wire {
  private readonly making = new AbortController()
  private wire: Wire | null = null
  private isPaused = false

  get signal(): AbortSignal {
    return this.making.signal
  }

  become(wire: Wire): void {
    this.wire = wire
    if (this.signal.aborted) wire.destroy()
    else if (this.isPaused) wire.pause()
  }

  write(bytes: Uint8Array, length: number): boolean {
    return this.wire?.write(bytes, length) ?? true
  }

  pause(): void {
    this.isPaused = true
    this.wire?.pause()
  }

  resume(): void {
    this.isPaused = false
    this.wire?.resume()
  }

  end(): void {
    if (this.wire === null) this.making.abort(new Error('the connection was given up'))
    else this.wire.end()
  }

  destroy(): void {
    if (this.wire === null) this.making.abort(new Error('the connection was given up'))
    else this.wire.destroy()
  }
}

/**
 * A dial whose means are loaded, or whose way is made, when it is used. `load` gives up, and lets go of what it holds, when
 * its signal says so.
 */
export function dialLater(load: (signal: AbortSignal, events: WireEvents) => Promise<Dial>): Dial {
  return (events) => {
    const late = new LateWire()
    // Options that cannot be (a cipher nobody knows) throw when the wire is made.
    load(late.signal, events)
      .then((dial) => late.become(dial(events)))
      .catch((error: unknown) => events.closed(error as Error))
    return late
  }
}

/** `promise`, or the signal's reason if that is first: for what cannot be cancelled itself. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

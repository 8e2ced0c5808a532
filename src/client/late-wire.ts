/** A wire whose way is still being made: programs and proxies are asked, code is loaded. */
import { thrownError } from '../base/thrown.ts'
import type { Dial, Wire, WireEvents } from './ports.ts'

/** Stands for a wire that is not there yet, or that another one may take the place of. */
class StandIn implements Wire {
  /** Nobody wants it any more. */
  isOver = false
  private wire: Wire | null = null
  private isPaused = false

  become(wire: Wire): void {
    this.wire = wire
    if (this.isOver) wire.destroy()
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
    this.isOver = true
    if (this.wire === null) this.giveUp()
    else this.wire.end()
  }

  destroy(): void {
    this.isOver = true
    if (this.wire === null) this.giveUp()
    else this.wire.destroy()
  }

  /** It ends before there is a wire. */
  protected giveUp(): void {}
}

/** What was asked of it meanwhile is done when the wire is there; closed before, its making is cancelled. */
class LateWire extends StandIn {
  private readonly making = new AbortController()

  get signal(): AbortSignal {
    return this.making.signal
  }

  protected override giveUp(): void {
    this.making.abort(new Error('the connection was given up'))
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
      .catch((error: unknown) => events.closed(thrownError(error)))
    return late
  }
}

/** A dial to a server with several addresses: the first of `ways` that somebody listens at. */
export function dialFirst(ways: readonly Dial[]): Dial {
  return (events) => {
    const standIn = new StandIn()
    const dial = (index: number, why: Error | null): void => {
      const closed = (error: Error | null): void => {
        const isLast = index + 1 === ways.length || standIn.isOver || !isUnreachable(error)
        if (isLast) events.closed(isUnreachable(error) ? (why ?? error) : error)
        else dial(index + 1, why ?? error)
      }
      standIn.become(
        ways[index]({
          opened: () => events.opened(),
          received: (bytes, start, end) => events.received(bytes, start, end),
          drained: () => events.drained(),
          closed,
        }),
      )
    }
    dial(0, null)
    return standIn
  }
}

/** There was no connection at all. */
function isUnreachable(error: Error | null): boolean {
  return error !== null && (error as { syscall?: unknown }).syscall === 'connect'
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

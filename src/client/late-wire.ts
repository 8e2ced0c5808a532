import type { Dial, Wire, WireEvents } from './ports.ts'

/** Stands for a wire that is still being made: what was asked of it meanwhile is done when it is there. */
class LateWire implements Wire {
  private wire: Wire | null = null
  private isPaused = false
  private isOver = false

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
    this.wire?.end()
  }

  destroy(): void {
    this.isOver = true
    this.wire?.destroy()
  }
}

/** A dial whose means are loaded, or whose way is made, when it is used. */
export function dialLater(load: (events: WireEvents) => Promise<Dial>): Dial {
  return (events) => {
    const late = new LateWire()
    // Options that cannot be (a cipher nobody knows) throw when the wire is made.
    load(events)
      .then((dial) => late.become(dial(events)))
      .catch((error: unknown) => events.closed(error as Error))
    return late
  }
}

/** A queue that is fair to who brings what waits in it. */
import { Fifo } from '../base/fifo.ts'

/**
 * A line for each bringer; the lines take turns, so that who brings much waits behind its own.
 *
 *     a: a1 a2 a3 a4 …
 *     b: b1                ──▶ a1 b1 c1 a2 c2 a3 …
 *     c: c1 c2
 *
 * A line may be as long as there is room left for all others: one alone takes half of it, and somebody new always finds some.
 */
export class FairLine<T> {
  /** None is empty; the first one's turn is next. */
  private readonly lines = new Map<string, Fifo<T>>()
  length = 0

  /** False: with `max` in all there is no room for more of this bringer's. */
  push(bringer: string, value: T, max: number): boolean {
    let line = this.lines.get(bringer)
    if ((line?.length ?? 0) >= max - this.length) return false
    if (line === undefined) this.lines.set(bringer, (line = new Fifo()))
    line.push(value)
    this.length++
    return true
  }

  shift(): T | undefined {
    for (const [bringer, line] of this.lines) {
      const value = line.shift()
      this.lines.delete(bringer)
      if (line.length > 0) this.lines.set(bringer, line)
      this.length--
      return value
    }
    return undefined
  }
}

/** How many connections a second are let in. */
import { Fifo } from '../base/fifo.ts'

const SLICE_MS = 100
const SLICES_PER_SECOND = 1000 / SLICE_MS
/** Connections that may wait for their turn, in seconds of the rate. */
const WAIT_SECONDS_MAX = 10
/** Connections that may wait for the start. */
const WAITING_MAX = 1000

/** A connection that wants in. */
export interface Entrant {
  /** Its turn has come. */
  enter(): void
}

/** Counts for several threads. */
export interface SharedSlices {
  /** One more within this tenth of a second, if there are fewer than `max`. */
  take(max: number): boolean
}

/**
 * Lets so many connections a second in; the others wait, unread, for their turn. A storm of reconnecting
 * clients then leaves time for those that are connected.
 */
export class ConnectionRate {
  /** 0: no limit. May be changed. */
  perSecond: number
  private entered = 0
  private readonly waiting = new Fifo<Entrant>()
  private timer: NodeJS.Timeout | null = null
  private isPaused = false
  private readonly shared: SharedSlices | null

  /** `shared`: of several threads; null: this one is the only one. */
  constructor(perSecond: number, shared: SharedSlices | null = null) {
    this.perSecond = perSecond
    this.shared = shared
  }

  /** Lets `entrant` in, now or in its turn. False: too many wait already, it never will be. */
  pass(entrant: Entrant): boolean {
    if (this.isPaused) {
      if (this.waiting.length >= WAITING_MAX) return false
      this.waiting.push(entrant)
      return true
    }
    if (this.perSecond === 0) {
      entrant.enter()
      return true
    }
    this.startSlices()
    if (this.waiting.length === 0 && this.take()) {
      entrant.enter()
      return true
    }
    if (this.waiting.length >= this.perSecond * WAIT_SECONDS_MAX) return false
    this.waiting.push(entrant)
    return true
  }

  /** Lets nobody in before {@link resume}: who comes is to find all listeners open. */
  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.nextSlice()
    if (this.perSecond > 0) this.startSlices()
  }

  private startSlices(): void {
    this.timer ??= setInterval(() => this.nextSlice(), SLICE_MS).unref()
  }

  private get sliceMax(): number {
    return Math.max(1, Math.ceil(this.perSecond / SLICES_PER_SECOND))
  }

  private nextSlice(): void {
    if (this.entered === 0 && this.waiting.length === 0 && this.timer !== null) {
      clearInterval(this.timer)
      this.timer = null
    }
    this.entered = 0
    while (this.waiting.length > 0 && this.take()) this.waiting.shift()?.enter()
  }

  /** Is there room in this slice? Takes a place of it. */
  private take(): boolean {
    if (this.perSecond === 0) return true
    const { shared, sliceMax } = this
    const isFree = shared === null ? this.entered < sliceMax : shared.take(sliceMax)
    if (isFree) this.entered++
    return isFree
  }
}

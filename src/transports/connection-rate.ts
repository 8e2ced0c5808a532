/** How many connections a second are let in. */
import { FairLine } from './fair-line.ts'

/** µs whose places may be taken later, at once: a rate has a burst of a tenth of a second. */
const BURST_US = 100_000n
/** ms between two looks for those that wait. */
const LOOK_MS = 10
/** Connections that may wait for their turn, in seconds of the rate; of one address half as many. */
const WAIT_SECONDS_MAX = 20
/** Connections that may wait for the start. */
const WAITING_MAX = 2000
/** Of those that left while they waited, how many are passed over before others have the thread. */
const LEFT_AT_ONCE = 200

/** A connection that wants in. */
export interface Entrant {
  /** Where it comes from: addresses take turns. */
  readonly address: string
  /** Its turn has come, at once or, `late`, after others. False: it is not there any more. */
  enter(late: boolean): boolean
}

/** The same clock in all threads. */
const monotonicUs = (): bigint => process.hrtime.bigint() / 1000n

/**
 * Lets so many connections a second in; the others wait, unread, for their turn. A storm of reconnecting
 * clients then leaves time for those that are connected, and one that comes from one address, turns for those of others.
 *
 *     places   … │ taken │ taken │ free │ free │ free │      one each 1/rate s; who comes takes the first, once its time
 *     time       ─────── now − 0.1 s ───────── now ────▶     has come; those of more than a tenth of a second ago are gone
 */
export class ConnectionRate {
  /** 0: no limit. May be changed. */
  perSecond: number
  /** When the next place is, in µs. */
  private readonly next: BigInt64Array
  private readonly nowUs: () => bigint
  private readonly waiting = new FairLine<Entrant>()
  private timer: NodeJS.Timeout | null = null
  private isPaused = false

  /** `next`: one number, over memory of several threads, for which it counts then; absent: this one is the only one. */
  constructor(perSecond: number, next: BigInt64Array = new BigInt64Array(1), nowUs = monotonicUs) {
    this.perSecond = perSecond
    this.next = next
    this.nowUs = nowUs
  }

  /** Lets `entrant` in, now or in its turn. False: too many wait already, it never will be. */
  pass(entrant: Entrant): boolean {
    const { waiting, isPaused, perSecond } = this
    if (!isPaused && (perSecond === 0 || (waiting.length === 0 && this.take()))) {
      entrant.enter(false)
      return true
    }
    const max = isPaused ? WAITING_MAX : perSecond * WAIT_SECONDS_MAX
    if (!waiting.push(entrant.address, entrant, max)) return false
    if (!isPaused) this.look()
    return true
  }

  /** Lets nobody in before {@link resume}: who comes is to find all listeners open. */
  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.look()
  }

  /** Lets in who may come, and looks again while others wait. */
  private look(): void {
    const { waiting } = this
    while (waiting.length > 0 && this.take()) if (!this.enterNext()) break
    if (waiting.length > 0) this.timer ??= setInterval(() => this.look(), LOOK_MS).unref()
    else if (this.timer !== null) {
      clearInterval(this.timer)
      this.timer = null
    }
  }

  /**
   * The place is for the first who is still there: were it spent on who has given up, then in a long storm everybody would have, before
   * the turn came, and nobody would get in. False: nobody was found yet.
   */
  private enterNext(): boolean {
    const { waiting } = this
    for (let left = 0; left < LEFT_AT_ONCE; left++) {
      const next = waiting.shift()
      if (next === undefined) return false
      if (next.enter(true)) return true
    }
    return false
  }

  /** Takes the next place, if its time has come. */
  private take(): boolean {
    const { next, perSecond } = this
    if (perSecond === 0) return true
    const nowUs = this.nowUs()
    const oldest = nowUs - BURST_US
    const stepUs = BigInt(Math.ceil(1_000_000 / perSecond))
    for (;;) {
      const first = Atomics.load(next, 0)
      const place = first > oldest ? first : oldest
      if (place > nowUs) return false
      if (Atomics.compareExchange(next, 0, first, place + stepUs) === first) return true
    }
  }
}

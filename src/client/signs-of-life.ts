/**
 * Keep alive (MQTT 5.0, 3.1.2.10): when a link is asked for a sign of life, and when it is given up.
 *
 *     silence ──90 % of the keep alive──▶ PINGREQ ──no byte for answerMs──▶ dead
 *                                            └── and the next one meanwhile, if the keep alive is shorter than that
 */

/** Of the keep alive; the rest is for the way to the server [MQTT-3.1.2-20]. */
const SHARE = 0.9
/** A server may ask for a keep alive of a second; a slow way may need more than that for an answer. */
const ANSWER_MS_MIN = 5_000
const ANSWER_MS_MAX = 10_000

/** What is known of a link; times by the monotonic clock. */
export interface LinkTimes {
  readonly lastWriteMs: number
  readonly lastReceivedMs: number
  /** Nothing is read, so no answer can be expected; the server still wants to hear from us. */
  readonly isPaused: boolean
}

export class SignsOfLife {
  /** How long the link may be silent behind a PINGREQ, ms. */
  readonly answerMs: number
  /** Silence before a PINGREQ, ms. */
  readonly quietMs: number
  /** Since when an answer is awaited; 0: none is. */
  private askedMs = 0
  private lastAskedMs = -Infinity

  /** `keepAliveMs`: above 0. */
  constructor(keepAliveMs: number) {
    this.quietMs = keepAliveMs * SHARE
    this.answerMs = Math.min(Math.max(keepAliveMs, ANSWER_MS_MIN), ANSWER_MS_MAX)
  }

  /** PINGRESP came. */
  answered(): void {
    this.askedMs = 0
  }

  /** Calls `ask`, which sends PINGREQ, if it is time to. Returns the ms until the next look; 0: the link is dead. */
  look(nowMs: number, times: LinkTimes, ask: () => void): number {
    const { lastWriteMs, lastReceivedMs, isPaused } = times
    if (isPaused) this.askedMs = 0
    if (this.askedMs !== 0 && nowMs >= this.deadMs(lastReceivedMs)) return 0
    const toldMs = Math.max(lastWriteMs, this.lastAskedMs)
    const isListening = !isPaused && this.askedMs === 0
    let askMs = (isListening ? Math.min(toldMs, lastReceivedMs) : toldMs) + this.quietMs
    if (nowMs >= askMs) {
      if (isListening) this.askedMs = nowMs
      this.lastAskedMs = nowMs
      ask()
      askMs = nowMs + this.quietMs
    }
    const nextMs = this.askedMs === 0 ? askMs : Math.min(askMs, this.deadMs(lastReceivedMs))
    return Math.max(this.quietMs / 10, nextMs - nowMs)
  }

  /** A long packet may be in front of the answer, and what comes of that is life. */
  private deadMs(lastReceivedMs: number): number {
    return Math.max(this.askedMs, lastReceivedMs) + this.answerMs
  }
}

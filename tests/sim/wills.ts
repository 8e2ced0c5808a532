/**
 * What is owed in wills. Each CONNECT of the mourner names a topic of its own, and how the connection ended says
 * how often a message of that topic must appear:
 *
 *     cut, delay over before the client is back     once
 *     back before the delay is over; DISCONNECT     never
 *     anything too close to call, or a crash        at most once
 */
const NEVER = 0
const ONCE = 1
const EITHER = -1

interface Owed {
  readonly topic: string
  readonly delayMs: number
  /** When it would be published; Infinity: the connection stands. */
  dueMs: number
  count: number
}

export class WillLedger {
  private readonly guardMs: number
  private readonly all: Owed[] = []

  /** `guardMs`: how long an event may take to be safe in the store. */
  constructor(guardMs: number) {
    this.guardMs = guardMs
  }

  /** A CONNECT with a will is on its way; the topic to use. */
  connecting(nowMs: number, delayMs: number): string {
    const last = this.all.at(-1)
    if (last !== undefined && last.count === ONCE && nowMs < last.dueMs + this.guardMs)
      last.count = EITHER
    const topic = `wills/${this.all.length}`
    this.all.push({ topic, delayMs, dueMs: Infinity, count: EITHER })
    return topic
  }

  /** CONNACK came well before the will of the connection before was due: it must not appear any more. */
  connected(nowMs: number): void {
    const before = this.all.at(-2)
    if (before !== undefined && before.count === EITHER && nowMs + this.guardMs < before.dueMs)
      before.count = before.dueMs === Infinity ? EITHER : NEVER
  }

  /** The connection, up and told so, broke, and the broker saw it. */
  cut(nowMs: number): void {
    const last = this.all.at(-1)
    if (last === undefined || last.dueMs !== Infinity) return
    last.dueMs = nowMs + last.delayMs
    last.count = ONCE
  }

  /** DISCONNECT went through. */
  disconnected(): void {
    const last = this.all.at(-1)
    if (last === undefined) return
    last.dueMs = -Infinity
    last.count = NEVER
  }

  /** The broker stopped in order: the will of a connection that stands is published; one that waits goes on waiting. */
  stopped(isConnected: boolean): void {
    const last = this.all.at(-1)
    if (last === undefined || last.dueMs < Infinity || !isConnected) return
    last.count = ONCE
    last.dueMs = -Infinity
  }

  /** The broker crashed: what was not yet safe may be lost; what waits goes on waiting. */
  crashed(nowMs: number): void {
    for (const owed of this.all) {
      if (owed.count !== ONCE) continue
      const isSafe = nowMs > owed.dueMs + this.guardMs
      const waits = nowMs < owed.dueMs && nowMs > owed.dueMs - owed.delayMs + this.guardMs
      if (!isSafe && !waits) owed.count = EITHER
    }
  }

  /** `seen`: how often each topic appeared, up to `nowMs`. */
  check(seen: ReadonlyMap<string, number>, nowMs: number): string[] {
    return this.all.flatMap(({ topic, count, dueMs }) => {
      const times = seen.get(topic) ?? 0
      if (times > 1) return [`will ${topic}: ${times} times`]
      if (count === NEVER && times > 0) return [`will ${topic}: must not appear`]
      if (count === ONCE && times === 0 && nowMs > dueMs + 1000) return [`will ${topic}: lost`]
      return []
    })
  }
}

/** Messages per second, second by second. */

const SECONDS = 60

export class Rates {
  readonly history: number[] = Array.from({ length: SECONDS }, () => 0)
  inPerSecond = 0
  outPerSecond = 0
  private readonly perSubscription = new Map<string, { before: number; perSecond: number }>()
  private lastMs = performance.now()
  private received = 0
  private sent = 0

  /** To be called about once a second with the totals so far. */
  tick(received: number, sent: number, subscriptions: Iterable<readonly [string, number]>): void {
    const nowMs = performance.now()
    const seconds = Math.max(0.001, (nowMs - this.lastMs) / 1000)
    const rate = (count: number, before: number) =>
      Math.max(0, Math.round((count - before) / seconds))
    this.inPerSecond = rate(received, this.received)
    this.outPerSecond = rate(sent, this.sent)
    for (const [id, messages] of subscriptions) {
      const before = this.perSubscription.get(id)?.before ?? 0
      this.perSubscription.set(id, { before: messages, perSecond: rate(messages, before) })
    }
    this.history.push(this.inPerSecond)
    this.history.shift()
    this.lastMs = nowMs
    this.received = received
    this.sent = sent
  }

  of(subscriptionId: string): number {
    return this.perSubscription.get(subscriptionId)?.perSecond ?? 0
  }
}

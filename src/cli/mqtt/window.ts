/** Promises under way, at most so many at once. The first that fails is the failure of all. */
export class Window {
  private readonly max: number
  private readonly isHarmless: (error: unknown) => boolean
  private underWay = 0
  private failure: Error | null = null
  private wake: (() => void) | null = null

  /** @param isHarmless Errors that count as done. */
  constructor(max: number, isHarmless: (error: unknown) => boolean) {
    this.max = max
    this.isHarmless = isHarmless
  }

  get isFull(): boolean {
    return this.underWay >= this.max || this.failure !== null
  }

  add(promise: Promise<unknown>): void {
    this.underWay++
    promise.then(
      () => this.settled(null),
      (error: unknown) => this.settled(this.isHarmless(error) ? null : (error as Error)),
    )
  }

  /** Resolves when another promise may be added; rejects with the first failure. */
  async room(): Promise<void> {
    while (this.underWay >= this.max) await this.next()
    if (this.failure !== null) throw this.failure
  }

  /** Resolves when all are done; rejects with the first failure. */
  async empty(): Promise<void> {
    while (this.underWay > 0 && this.failure === null) await this.next()
    if (this.failure !== null) throw this.failure
  }

  private settled(error: Error | null): void {
    this.underWay--
    this.failure ??= error
    this.wake?.()
  }

  private next(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }
}

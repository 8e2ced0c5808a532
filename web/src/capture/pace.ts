/** Work that may be put off: done at most so often that it takes a tenth of the time. */

const REST_MS_MIN = 250
const REST_PER_MS = 10

export class Pace {
  private restUntilMs = 0

  /** Whether it is time again. */
  get isDue(): boolean {
    return performance.now() >= this.restUntilMs
  }

  /** Does the work now. */
  run<T>(work: () => T): T {
    const startMs = performance.now()
    const result = work()
    const endMs = performance.now()
    this.restUntilMs = endMs + Math.max(REST_MS_MIN, (endMs - startMs) * REST_PER_MS)
    return result
  }
}

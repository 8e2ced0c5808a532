/** What an entry weighs beside its topic and its result: map slot, array and string headers. */
const ENTRY_BYTES = 64
const SLOT_BYTES = 8
/** The average weight that the bound in bytes allows an entry. */
const BYTES_PER_ENTRY_MAX = 512

/**
 * Match results by topic, bounded in number and in weight (topics can be 64 KiB long and results can
 * name every client). When it is full it starts again from nothing instead of choosing whom to evict:
 * a hot topic then costs one match for every `entriesMax` cold ones, while an order of ages would
 * cost every hit more than most matches take.
 */
export class MatchCache<S> {
  private results = new Map<string, readonly S[]>()
  private bytes = 0
  private readonly entriesMax: number

  /** `entriesMax` 0 keeps nothing. */
  constructor(entriesMax: number) {
    this.entriesMax = entriesMax
  }

  get size(): number {
    return this.results.size
  }

  get(topic: string): readonly S[] | undefined {
    return this.results.get(topic)
  }

  /** Keeps the result of a topic that {@link get} did not find. */
  put(topic: string, result: readonly S[]): void {
    if (this.entriesMax === 0) return
    if (this.size >= this.entriesMax || this.bytes >= this.entriesMax * BYTES_PER_ENTRY_MAX) {
      this.clear()
    }
    this.results.set(topic, result)
    this.bytes += weight(topic, result)
  }

  delete(topic: string): void {
    const result = this.results.get(topic)
    if (result === undefined) return
    this.results.delete(topic)
    this.bytes -= weight(topic, result)
  }

  /** Forgets everything: O(1) here, and the collector pays for each entry once, as its `put` did. */
  clear(): void {
    if (this.results.size > 0) this.results = new Map()
    this.bytes = 0
  }
}

function weight(topic: string, result: readonly unknown[]): number {
  return ENTRY_BYTES + topic.length + SLOT_BYTES * result.length
}

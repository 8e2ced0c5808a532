/**
 * What one subscriber got, without keeping it: for each publisher and topic the messages are numbered from 1, so the
 * highest number and the gaps below it say everything.
 */
export interface LedgerFigures {
  readonly received: number
  /** Came again after it had come. */
  readonly twice: number
  /** Came for the first time behind a later one. */
  readonly inversions: number
}

interface Stream {
  highest: number
  twice: number
  readonly missing: Set<number>
}

export class Ledger {
  private readonly streams = new Map<string, Stream>()
  private received = 0
  private inversions = 0

  /** `stream`: publisher and topic. */
  note(stream: string, number: number): void {
    let known = this.streams.get(stream)
    if (known === undefined)
      this.streams.set(stream, (known = { highest: 0, twice: 0, missing: new Set() }))
    if (number > known.highest) {
      for (let gap = known.highest + 1; gap < number; gap++) known.missing.add(gap)
      known.highest = number
      this.received++
    } else if (known.missing.delete(number)) {
      this.inversions++
      this.received++
    } else known.twice++
  }

  clone(): Ledger {
    const clone = new Ledger()
    for (const [name, { highest, twice, missing }] of this.streams)
      clone.streams.set(name, { highest, twice, missing: new Set(missing) })
    return clone
  }

  figures(): LedgerFigures {
    const { received, inversions } = this
    return { received, twice: this.twiceOf(() => true), inversions }
  }

  /** How many came again, of the streams that `counts` names. */
  twiceOf(counts: (stream: string) => boolean): number {
    let sum = 0
    for (const [name, { twice }] of this.streams) if (counts(name)) sum += twice
    return sum
  }

  highest(stream: string): number {
    return this.streams.get(stream)?.highest ?? 0
  }

  /** Numbers of `sent` (by stream, the last one) that never came. */
  missing(sent: Readonly<Record<string, number>>): string[] {
    return Object.entries(sent).flatMap(([stream, last]) => {
      const { highest, missing } = this.streams.get(stream) ?? { highest: 0, missing: [] }
      const behind = Array.from({ length: Math.max(0, last - highest) }, (_, n) => highest + 1 + n)
      return [...missing, ...behind].map((number) => `${stream} ${number}`)
    })
  }
}

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
  readonly missing: Set<number>
}

export class Ledger {
  private readonly streams = new Map<string, Stream>()
  private received = 0
  private twice = 0
  private inversions = 0

  /** `stream`: publisher and topic. */
  note(stream: string, number: number): void {
    let known = this.streams.get(stream)
    if (known === undefined) this.streams.set(stream, (known = { highest: 0, missing: new Set() }))
    if (number > known.highest) {
      for (let gap = known.highest + 1; gap < number; gap++) known.missing.add(gap)
      known.highest = number
      this.received++
    } else if (known.missing.delete(number)) {
      this.inversions++
      this.received++
    } else this.twice++
  }

  figures(): LedgerFigures {
    const { received, twice, inversions } = this
    return { received, twice, inversions }
  }

  /** Numbers of `sent` (by stream, the last one) that never came. */
  missing(sent: Readonly<Record<string, number>>): string[] {
    return Object.entries(sent).flatMap(([stream, last]) => {
      const { highest, missing } = this.streams.get(stream) ?? { highest: 0, missing: new Set() }
      const behind = Array.from({ length: Math.max(0, last - highest) }, (_, n) => highest + 1 + n)
      return [...missing, ...behind].map((number) => `${stream} ${number}`)
    })
  }
}

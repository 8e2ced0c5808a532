/**
 * Times in µs, counted in buckets that are at most 1/32 wide of what they hold: percentiles of any number of samples at a
 * fixed cost, and histograms of several threads add up.
 *
 *     µs   0 1 2 … 63 | 64 66 68 … | 128 132 … | …      each octave in 32 steps
 */
const STEP_BITS = 5
const STEPS = 1 << STEP_BITS
const OCTAVES = 32

export class Histogram {
  readonly counts: Float64Array
  total = 0
  maxUs = 0

  constructor(counts: Float64Array = new Float64Array((OCTAVES + 2) * STEPS)) {
    this.counts = counts
  }

  record(us: number): void {
    const value = us < 1 ? 0 : us
    this.counts[bucketOf(value)]++
    this.total++
    if (value > this.maxUs) this.maxUs = value
  }

  add({ counts, total, maxUs }: Readonly<Pick<Histogram, 'counts' | 'total' | 'maxUs'>>): void {
    for (let index = 0; index < counts.length; index++) this.counts[index] += counts[index]
    this.total += total
    this.maxUs = Math.max(this.maxUs, maxUs)
  }

  /** The time that a `share` (0 to 1) of the samples does not exceed, in µs; 0 without samples. */
  percentile(share: number): number {
    if (this.total === 0) return 0
    if (share >= 1) return this.maxUs
    let left = Math.ceil(this.total * share)
    for (let index = 0; index < this.counts.length; index++) {
      left -= this.counts[index]
      if (left <= 0) return Math.min(this.maxUs, upperOf(index))
    }
    return this.maxUs
  }
}

function bucketOf(us: number): number {
  const whole = Math.min(Math.floor(us), 2 ** (OCTAVES + STEP_BITS) - 1)
  if (whole < 2 * STEPS) return whole
  const octave = Math.floor(Math.log2(whole)) - STEP_BITS
  return octave * STEPS + Math.floor(whole / 2 ** octave)
}

/** The largest value of a bucket. */
function upperOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket
  const octave = Math.floor(bucket / STEPS) - 1
  return (bucket - octave * STEPS + 1) * 2 ** octave - 1
}

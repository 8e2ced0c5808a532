/**
 * Latency samples in microseconds, kept whole: percentiles of a few million numbers need no
 * histogram.
 */
export interface Latency {
  samplesUs: Float64Array
  count: number
  /** False during warm-up and after the measured window. */
  recording: boolean
}

export function newLatency(): Latency {
  return { samplesUs: new Float64Array(1 << 16), count: 0, recording: false }
}

export function recordLatency(latency: Latency, sentMs: number, receivedMs: number): void {
  if (!latency.recording) return
  if (latency.count === latency.samplesUs.length) {
    const grown = new Float64Array(latency.count * 2)
    grown.set(latency.samplesUs)
    latency.samplesUs = grown
  }
  latency.samplesUs[latency.count++] = (receivedMs - sentMs) * 1000
}

/** Latencies at the given shares (0.5 is the median), in whole microseconds; 0 without samples. */
export function latencyPercentiles(latency: Latency, shares: readonly number[]): number[] {
  const sorted = latency.samplesUs.slice(0, latency.count).sort()
  return shares.map((share) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0))
}

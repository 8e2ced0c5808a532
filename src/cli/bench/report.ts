/** What `mozzie bench` says: one line while it runs, a table or JSON at the end. */
import type { Counters } from './counters.ts'
import type { Figures } from './fail-if.ts'
import type { Histogram } from './histogram.ts'
import type { BenchOptions } from './options.ts'

export interface Outcome {
  readonly total: Counters
  readonly before: Counters
  readonly after: Counters
  readonly ms: number
}

/** Names and values of everything that was measured; times in µs, rates a second. */
export function figuresOf({ load }: BenchOptions, { total, before, after, ms }: Outcome): Figures {
  const perSecond = (count: number): number => (ms === 0 ? 0 : Math.round((count * 1000) / ms))
  const times = load.mode === 'conn' ? total.connectTimes : total.latency
  const received = perSecond(after.received - before.received)
  const sent = perSecond(after.sent - before.sent)
  return {
    connected: total.connected,
    errors: total.failed,
    sent: total.sent,
    received: total.received,
    acked: total.acked,
    lost: load.mode === 'flow' ? Math.max(0, total.expected - total.received) : 0,
    seconds: ms / 1000,
    'sent-rate': sent,
    rate: load.mode === 'pub' ? sent : received,
    'sent-bytes-rate': perSecond(after.sentBytes - before.sentBytes),
    'received-bytes-rate': perSecond(after.receivedBytes - before.receivedBytes),
    ...percentiles(times),
  }
}

function percentiles(times: Histogram): Figures {
  return {
    samples: times.total,
    p50: Math.round(times.percentile(0.5)),
    p90: Math.round(times.percentile(0.9)),
    p99: Math.round(times.percentile(0.99)),
    'p99.9': Math.round(times.percentile(0.999)),
    max: Math.round(times.maxUs),
  }
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** 1234 µs as `1.23 ms`. */
function timeText(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`
  return us < 1_000_000
    ? `${(us / 1000).toPrecision(3)} ms`
    : `${(us / 1_000_000).toPrecision(3)} s`
}

function bytesText(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB/s`
  return `${(bytes / 1e6).toFixed(1)} MB/s`
}

/** The end of a run for people. */
export function reportText(
  options: BenchOptions,
  figures: Figures,
  problem: string | null,
): string {
  const { mode, rate } = options.load
  const lines: [string, string][] = [
    ['connections', `${grouped(figures.connected)}, ${grouped(figures.errors)} failed`],
  ]
  if (mode !== 'sub' && mode !== 'conn')
    lines.push([
      'sent',
      `${grouped(figures['sent-rate'])}/s, ${bytesText(figures['sent-bytes-rate'])}` +
        (rate > 0 ? ` (asked for ${grouped(rate)}/s)` : ''),
    ])
  if (mode === 'sub' || mode === 'flow')
    lines.push([
      'received',
      `${grouped(figures.rate)}/s, ${bytesText(figures['received-bytes-rate'])}`,
    ])
  if (mode === 'flow') lines.push(['lost', grouped(figures.lost)])
  if (figures.samples > 0)
    lines.push([
      titleOf(options),
      ['p50', 'p90', 'p99', 'p99.9', 'max']
        .map((name) => `${name} ${timeText(figures[name])}`)
        .join('   '),
    ])
  if (problem !== null) lines.push(['first problem', problem])
  return lines.map(([name, value]) => `${`${name}:`.padEnd(15)}${value}\n`).join('')
}

function titleOf({ load: { mode } }: BenchOptions): string {
  if (mode === 'conn') return 'to CONNACK'
  return mode === 'pub' ? 'acknowledged' : 'delivered'
}

/** The line that is written again and again on a terminal. */
export class LiveLine {
  private readonly isShown: boolean
  private readonly endMs: number
  private last = { sent: 0, received: 0, connected: 0, ms: performance.now() }

  constructor({ json, quiet, load }: BenchOptions) {
    this.isShown = process.stderr.isTTY && !json && !quiet
    this.endMs = performance.now() + (load.warmUpSeconds + load.seconds) * 1000
  }

  show({ connected, sent, received }: Counters): void {
    if (!this.isShown) return
    const ms = performance.now()
    const seconds = (ms - this.last.ms) / 1000
    if (seconds < 0.2) return
    const rate = (count: number, before: number): string => grouped((count - before) / seconds)
    const left = Math.max(0, Math.ceil((this.endMs - ms) / 1000))
    process.stderr.write(
      `\r\u001b[2K${grouped(connected)} connected   sent ${rate(sent, this.last.sent)}/s   ` +
        `received ${rate(received, this.last.received)}/s   ${left} s left`,
    )
    this.last = { sent, received, connected, ms }
  }

  clear(): void {
    if (this.isShown) process.stderr.write('\r\u001b[2K')
  }
}

/** A line on a terminal that tells how far a long input has come. */
import type { Settings } from './settings.ts'

const FIRST_MS = 1000
const INTERVAL_MS = 250

const CLEAR_LINE = '\r\u001b[2K'

/** 1234567 as `1,234,567`. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(?:[0-9]{3})+$)/g, ',')
}

function sizeText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`
  return bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1e6)} MB`
}

/** Shows nothing when standard error is not a terminal, or when all is done within a second. */
export class Progress {
  private readonly noun: string
  private readonly total: number | null
  private readonly isShown: boolean
  private readonly startMs: number
  private nextMs: number
  private count = 0
  private bytes = 0
  private isDirty = false

  /** @param total How many there will be; null: nobody knows. */
  constructor({ quiet, debug }: Settings, noun: string, total: number | null) {
    this.noun = noun
    this.total = total
    // What is typed line by line shows itself.
    this.isShown =
      !quiet &&
      !debug &&
      total !== 1 &&
      process.stderr.isTTY &&
      (total !== null || !process.stdin.isTTY)
    this.startMs = this.isShown ? performance.now() : 0
    this.nextMs = this.startMs + FIRST_MS
  }

  add(count: number, bytes: number): void {
    this.count += count
    this.bytes += bytes
    if (!this.isShown) return
    const nowMs = performance.now()
    if (nowMs < this.nextMs) return
    this.nextMs = nowMs + INTERVAL_MS
    this.isDirty = true
    process.stderr.write(`${CLEAR_LINE}${this.text(nowMs)}`)
  }

  /** The line goes away. */
  done(): void {
    if (this.isDirty) process.stderr.write(CLEAR_LINE)
    this.isDirty = false
  }

  private text(nowMs: number): string {
    const rate = Math.round(this.count / ((nowMs - this.startMs) / 1000))
    const of = this.total === null ? '' : ` of ${grouped(this.total)}`
    return `${grouped(this.count)}${of} ${this.noun}, ${sizeText(this.bytes)}, ${grouped(rate)}/s`
  }
}

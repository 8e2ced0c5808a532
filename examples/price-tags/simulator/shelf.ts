/**
 * The tags behind one AP, and the air between. A tag sleeps, and listens when it checks in; the AP has one radio, so
 * orders wait for their tag and for each other:
 *
 *     order ─▶ waits for the tag's check-in ─▶ on the air, block by block, lost ones again ─▶ the ink moves ─▶ shown
 *
 * Half a million tags are arrays, and nothing happens for a tag that has nothing to do.
 */
import type { Order } from '../model/messages.ts'
import { TAG_TYPES } from '../model/tags.ts'

export interface ShelfOptions {
  /** Time between two check-ins of a sleeping tag. */
  readonly checkInMs: number
  /** A tag that was woken listens for so long. */
  readonly awakeMs: number
  readonly radioBytesPerSecond: number
  /** Share of blocks that do not arrive, 0 to 1. */
  readonly loss: number
  /** Share of redraws that fail. */
  readonly badRedraws: number
  /** How much faster than the world this goes. */
  readonly speed: number
  readonly random: () => number
}

/** What an AP knows of an order to one of its tags. */
export interface Job extends Order {
  /** From 0 on. */
  readonly index: number
  readonly type: number
  /** Over the air. */
  readonly bytes: number
}

export interface Ending {
  readonly job: Job
  /** Empty: it is shown. */
  readonly reason: string
  readonly batteryMv: number
  readonly rssi: number
}

const BLOCK_BYTES = 4096
/** A block of a message of fields is as long as that. */
const OVERHEAD_BYTES = 24
const TRIES = 6
const REDRAWS = 2
const EMPTY_MV = 2200
const REDRAW_MV = 1
const REPLACED = 'replaced by a newer order'

/** Calls `ended` once for every job that {@link Shelf.add} took. */
export class Shelf {
  readonly shown: string[]
  private readonly options: ShelfOptions
  private readonly batteryMv: Uint16Array
  private readonly phaseMs: Float32Array
  private readonly ended: (ending: Ending) => void
  private awakeUntilMs = 0
  /** When the radio is free. */
  private freeAtMs = 0
  /** By the tag's index: the newest job; an older one ends when it meets it. */
  private readonly newest = new Map<number, Job>()
  /** By the tag's index: the highest number of a task. Numbers rise, and messages may overtake each other. */
  private readonly latest: Float64Array

  constructor(tags: number, options: ShelfOptions, ended: (ending: Ending) => void) {
    const { random, checkInMs } = options
    this.options = options
    this.ended = ended
    this.shown = Array.from({ length: tags }, () => '')
    this.latest = new Float64Array(tags)
    this.batteryMv = Uint16Array.from({ length: tags }, () => 2500 + Math.floor(random() * 500))
    this.phaseMs = Float32Array.from({ length: tags }, () => random() * checkInMs)
  }

  /** All tags listen for a while. */
  wake(nowMs: number): void {
    this.awakeUntilMs = nowMs + this.options.awakeMs
  }

  /** One tag's battery is empty. */
  drain(index: number): void {
    this.batteryMv[index] = EMPTY_MV - 1
  }

  /** False: this job is under way already. One that the tag shows ends at once, at no cost. */
  add(job: Job, nowMs: number): boolean {
    const known = this.newest.get(job.index)
    if (known?.task === job.task) return false
    if (job.task < this.latest[job.index]) {
      this.end(job, REPLACED)
      return true
    }
    this.latest[job.index] = job.task
    if (known === undefined && this.shown[job.index] === job.hash) {
      this.end(job, '')
      return true
    }
    this.newest.set(job.index, job)
    this.later(this.listensAtMs(job.index, nowMs) - nowMs, () => this.send(job))
    return true
  }

  /** When the tag listens next. */
  private listensAtMs(index: number, nowMs: number): number {
    if (nowMs < this.awakeUntilMs) return nowMs
    const { checkInMs } = this.options
    const rounds = Math.ceil((nowMs - this.phaseMs[index]) / checkInMs)
    return this.phaseMs[index] + rounds * checkInMs
  }

  private send(job: Job): void {
    if (this.newest.get(job.index) !== job) return this.end(job, REPLACED)
    if (this.batteryMv[job.index] < EMPTY_MV) return this.finish(job, 'no answer: battery empty')
    const { loss, random, radioBytesPerSecond } = this.options
    const nowMs = performance.now()
    let bytes = 0
    for (let left = job.bytes + OVERHEAD_BYTES; left > 0; left -= BLOCK_BYTES) {
      let tries = 1
      while (random() < loss && tries <= TRIES) tries++
      if (tries > TRIES) return this.finish(job, `no answer: ${TRIES} blocks lost`)
      bytes += Math.min(left, BLOCK_BYTES) * tries
    }
    const airMs = (bytes * 1000) / radioBytesPerSecond / this.options.speed
    this.freeAtMs = Math.max(this.freeAtMs, nowMs) + airMs
    setTimeout(() => this.redraw(job, 1), this.freeAtMs - nowMs)
  }

  private redraw(job: Job, tries: number): void {
    const { badRedraws, random } = this.options
    this.batteryMv[job.index] -= REDRAW_MV
    this.later(TAG_TYPES[job.type].redrawMs, () => {
      // A newer one came over the air meanwhile: the ink stays as that wants it.
      if (job.task < this.latest[job.index]) return this.end(job, REPLACED)
      if (random() >= badRedraws) {
        this.shown[job.index] = job.hash
        this.finish(job, '')
      } else if (tries < REDRAWS) this.redraw(job, tries + 1)
      else this.finish(job, 'the display did not redraw')
    })
  }

  private finish(job: Job, reason: string): void {
    if (this.newest.get(job.index) === job) this.newest.delete(job.index)
    this.end(job, reason)
  }

  private end(job: Job, reason: string): void {
    const rssi = -45 - Math.floor(this.phaseMs[job.index] % 40)
    this.ended({ job, reason, batteryMv: this.batteryMv[job.index], rssi })
  }

  /** `ms` of the world. */
  private later(ms: number, run: () => void): void {
    setTimeout(run, ms / this.options.speed)
  }
}

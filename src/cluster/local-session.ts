/**
 * A session whose client is here: its queue as it comes in, and what of it is done with.
 *
 *     queue in the stream:   3 7 8 │ 15 19 22      tail: everything up to it has been told, or was there at the claim
 *                                tail
 *     a copy says 22, and that the one before it is 19: 15 and 19 have been missed, and are read
 */
import type { Msg } from '@nats-io/transport-node'
import type { StoredDelivery } from '../ports/store.ts'
import { readEntry } from './entries.ts'
import { pause, type StreamEntry, type Wire } from './wire.ts'

const ENTRIES_AT_ONCE = 256
/**
 * From so many on that are done with one behind the other they are purged in one request: a server looks for them through
 * all that waits in the stream, while each by its sequence costs the same however much waits.
 */
const PURGE_FROM = 8
const RETRY_MS = 500
/** Of entries that were read at the claim, to be kept for the first page. */
const AHEAD_BYTES_MAX = 64 * 1024

export interface Page {
  readonly entries: StoredDelivery[]
  readonly more: boolean
}

export interface QueuePlace {
  readonly clientId: string
  /** Of its queue. */
  readonly stream: string
  readonly subject: string
  /** Where copies of what comes in are sent. */
  readonly live: string
}

export class LocalSession {
  readonly place: QueuePlace
  /** Entries that the client has answered with PUBREC. */
  readonly released = new Set<number>()
  /** Told and not acknowledged. */
  private readonly open = new Set<number>()
  private readonly done = new Set<number>()
  private readonly wire: Wire
  private readonly arrived: (clientId: string, entry: StoredDelivery) => void
  private readonly forgetMarker: (sequence: number) => Promise<void>
  private readonly stop: () => void
  /** Until then entries were there at the claim, and are only read. */
  private backlogTo = 0
  private pagedTo = 0
  /** The first of them, until the first page is asked for. */
  private ahead: readonly StreamEntry[] = []
  private tail = 0
  private heardOf = 0
  /** Copies are looked at once the claim has been answered. */
  private isLive = false
  private reading: Promise<void> | null = null
  private flushing: Promise<void> = Promise.resolve()
  ended = false

  constructor(
    wire: Wire,
    place: QueuePlace,
    arrived: (clientId: string, entry: StoredDelivery) => void,
    forgetMarker: (sequence: number) => Promise<void>,
  ) {
    this.wire = wire
    this.place = place
    this.arrived = arrived
    this.forgetMarker = forgetMarker
    this.stop = wire.listen(place.live, (message) => this.copied(message))
  }

  /**
   * `last`: the highest sequence that was there at the claim; from here on arrivals are told. `read`: the first entries, as far
   * as somebody has looked at them.
   */
  begin(last: number, read: readonly StreamEntry[] = []): void {
    this.tail = this.backlogTo = last
    this.isLive = true
    if (read.reduce((sum, { data }) => sum + data.length, 0) <= AHEAD_BYTES_MAX) this.ahead = read
    if (this.heardOf > this.tail) void this.catchUp()
  }

  end(): void {
    this.ended = true
    this.stop()
  }

  /** An entry of this sequence exists: resolves when everything up to it is told. */
  hear(sequence: number): Promise<void> {
    this.heardOf = Math.max(this.heardOf, sequence)
    return this.isLive && this.heardOf > this.tail ? this.catchUp() : Promise.resolve()
  }

  private copied({ headers, data }: Msg): void {
    if (headers === undefined) return
    const sequence = Number(headers.get('Nats-Sequence'))
    this.heardOf = Math.max(this.heardOf, sequence)
    if (!this.isLive || sequence <= this.tail || this.reading !== null) return
    if (Number(headers.get('Nats-Last-Sequence')) > this.tail) return void this.catchUp()
    this.tell(sequence, new Uint8Array(data))
  }

  private tell(sequence: number, data: Uint8Array): void {
    this.tail = sequence
    this.open.add(sequence)
    this.arrived(this.place.clientId, readEntry(data, sequence, this.released.has(sequence)))
  }

  /** Reads what was missed. */
  private catchUp(): Promise<void> {
    this.reading ??= this.readOn()
      // What is still missing then is seen by the next copy, or the next look.
      .catch(() => {})
      .finally(() => {
        this.reading = null
      })
    return this.reading
  }

  private async readOn(): Promise<void> {
    while (!this.ended && this.tail < this.heardOf && !this.wire.isClosed) {
      const target = this.heardOf
      const { stream, subject } = this.place
      const from = this.tail + 1
      const entries = await this.wire.readTo(stream, subject, from, target, ENTRIES_AT_ONCE)
      if (this.ended) return
      for (const { sequence, data } of entries) if (sequence > this.tail) this.tell(sequence, data)
      if (isLast(entries)) this.tail = Math.max(this.tail, target)
    }
  }

  /** The first page, if what was read at the claim is all of it that is known; null: it has to be read. */
  firstPage(after: number, limit: number): Page | null {
    const read = this.ahead.filter(({ sequence }) => sequence > after).slice(0, limit)
    this.ahead = []
    return read.length === 0 || this.tail > this.backlogTo ? null : this.pageOf(read)
  }

  /** Entries behind `after`, and whether there are more. */
  async page(after: number, limit: number): Promise<Page> {
    await this.flush()
    const { stream, subject } = this.place
    return this.pageOf(await this.wire.readTo(stream, subject, after + 1, this.tail, limit))
  }

  private pageOf(read: readonly StreamEntry[]): Page {
    const found = read.filter(({ sequence }) => sequence <= this.tail)
    for (const { sequence } of found) this.open.add(sequence)
    const isEnd = isLast(read) || found.length < read.length
    this.pagedTo = Math.max(this.pagedTo, isEnd ? this.tail : (found.at(-1)?.sequence ?? 0))
    return { entries: found.map((entry) => this.deliveryOf(entry)), more: !isEnd }
  }

  private deliveryOf({ sequence, data }: StreamEntry): StoredDelivery {
    return readEntry(data, sequence, this.released.has(sequence))
  }

  // ── what is done with ────────────────────────────────────────────────────────────────────────────

  /** False: no entry of this session, or one that is gone already. */
  acknowledge(sequence: number): boolean {
    if (!this.open.delete(sequence)) return false
    this.done.add(sequence)
    return true
  }

  get hasDone(): boolean {
    return this.done.size > 0
  }

  /** Takes what is done with out of the stream; resolves when it is out. */
  flush(): Promise<void> {
    if (this.done.size > 0) this.flushing = this.flushing.then(() => this.flushDone())
    return this.flushing
  }

  private async flushDone(): Promise<void> {
    const all = [...this.done].sort((a, b) => a - b)
    this.done.clear()
    if (all.length === 0) return
    const prefix = this.prefixEnd()
    const inPrefix = all.filter((sequence) => sequence <= prefix)
    const single = inPrefix.length >= PURGE_FROM ? all.slice(inPrefix.length) : all
    const { stream, subject } = this.place
    const work = single.map((seq) =>
      this.retried(`STREAM.MSG.DELETE.${stream}`, { seq, no_erase: true }),
    )
    if (single.length < all.length)
      work.push(this.retried(`STREAM.PURGE.${stream}`, { filter: subject, seq: prefix + 1 }))
    await Promise.all(work)
    // A marker may go once its entry is gone: without the marker the entry would be sent again.
    const marked = all.filter((sequence) => this.released.delete(sequence))
    await Promise.all(marked.map((sequence) => this.forgetMarker(sequence)))
  }

  /** Everything up to it is done with. */
  private prefixEnd(): number {
    let end = this.pagedTo < this.backlogTo ? this.pagedTo : this.tail
    for (const sequence of this.open) end = Math.min(end, sequence - 1)
    return end
  }

  /** What is gone by now is as good. */
  private async retried(name: string, body: object): Promise<void> {
    for (let attempt = 0; attempt < 3 && !this.wire.isClosed; attempt++) {
      try {
        await this.wire.api(name, body)
        return
      } catch (error) {
        if (!(error instanceof Error) || /no message found/.test(error.message)) return
        await pause(RETRY_MS)
      }
    }
  }
}

/** Did the stream say that nothing is behind these? */
function isLast(entries: readonly StreamEntry[]): boolean {
  const last = entries.at(-1)
  return last === undefined || last.pending === 0
}

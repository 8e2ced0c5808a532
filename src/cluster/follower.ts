/**
 * A stream as every node knows it: read from its beginning, then followed by the copies that the server sends of what comes
 * in. Sequences of a stream have no holes when they are given, so a copy that is missing is seen, and read.
 *
 *     applied ─┐
 *     1 2 3 4 5 . . 8 9      8 has come before 6 and 7: both are read, or have been replaced meanwhile
 */
import type { Msg } from '@nats-io/transport-node'
import { pause, type StreamEntry, type Wire } from './wire.ts'

export interface Followed {
  readonly stream: string
  /** Of the stream's entries. */
  readonly subject: string
  /** Of the copies; `NAME.f.s.x` for `NAME.s.x`. */
  readonly live: string
}

const ENTRIES_AT_ONCE = 500
/** After a server has refused to say what there is. */
const RETRY_MS = 500

interface StreamState {
  readonly state: { readonly last_seq: number }
}

export class Follower {
  /** Every entry up to this one has been given to `apply`, or is replaced by a later one. */
  applied = 0
  private readonly wire: Wire
  private readonly what: Followed
  private readonly apply: (entry: StreamEntry) => void
  private known = 0
  private reading: Promise<void> | null = null
  private waiting: { sequence: number; done: () => void }[] = []
  private stop: () => void = () => {}

  constructor(wire: Wire, what: Followed, apply: (entry: StreamEntry) => void) {
    this.wire = wire
    this.what = what
    this.apply = apply
  }

  /** Resolves when everything is applied that was there when this was called. */
  async start(): Promise<void> {
    this.stop = this.wire.listen(this.what.live, (message) => this.copied(message))
    await this.wire.nc.flush()
    await this.refresh()
  }

  end(): void {
    this.stop()
  }

  /** Asks the stream how far it is, and applies all of it: after a lost connection, and now and then. */
  async refresh(): Promise<void> {
    const { state } = await this.wire.api<StreamState>(`STREAM.INFO.${this.what.stream}`)
    await this.until(state.last_seq)
  }

  /** Resolves when everything up to `sequence` is applied. */
  until(sequence: number): Promise<void> {
    if (sequence <= this.applied) return Promise.resolve()
    return new Promise((done) => {
      this.waiting.push({ sequence, done })
      this.known = Math.max(this.known, sequence)
      void this.catchUp()
    })
  }

  private copied({ headers, data, subject }: Msg): void {
    const sequence = Number(headers?.get('Nats-Sequence') ?? 0)
    if (sequence <= this.applied) return
    this.known = Math.max(this.known, sequence)
    if (sequence > this.applied + 1 || this.reading !== null) return void this.catchUp()
    const own = headers?.get('Nats-Subject') ?? subject
    this.take({ subject: own, sequence, data: new Uint8Array(data), pending: 0 })
    this.advance(sequence)
  }

  private catchUp(): Promise<void> {
    this.reading ??= this.readOn()
      .catch(() => pause(RETRY_MS))
      .finally(() => {
        this.reading = null
        if (this.applied < this.known && !this.wire.isClosed) void this.catchUp()
      })
    return this.reading
  }

  private async readOn(): Promise<void> {
    while (this.applied < this.known && !this.wire.isClosed) {
      const target = this.known
      const { stream, subject } = this.what
      const from = this.applied + 1
      const entries = await this.wire.readTo(stream, subject, from, target, ENTRIES_AT_ONCE)
      for (const entry of entries) this.take(entry)
      const last = entries.at(-1)
      // Nothing more: what was in between has been replaced.
      const isEnd = entries.length < ENTRIES_AT_ONCE && (last === undefined || last.pending === 0)
      this.advance(isEnd ? Math.max(target, last?.sequence ?? 0) : (last?.sequence ?? 0))
    }
  }

  private take(entry: StreamEntry): void {
    if (entry.sequence > this.applied) this.apply(entry)
  }

  private advance(sequence: number): void {
    this.applied = Math.max(this.applied, sequence)
    if (this.waiting.length === 0) return
    const due = this.waiting.filter((waiter) => waiter.sequence <= this.applied)
    this.waiting = this.waiting.filter((waiter) => waiter.sequence > this.applied)
    for (const { done } of due) done()
  }
}

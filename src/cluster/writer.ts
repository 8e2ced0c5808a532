/** Sends group after group, and says when each is stored. */
import { Appender } from './batches.ts'
import { isForGood, WRONG_LAST, type Failure } from './failures.ts'
import { Group, TOMBSTONE_TTL } from './group.ts'
import { writeRow } from './rows.ts'
import type { KnownSession, SessionTable } from './session-table.ts'
import { isFailure, pause, type Wire } from './wire.ts'

/** As {@link TOMBSTONE_TTL} where nobody follows. */
const SHORT_TTL = '1s'
const RETRY_MS = 1000
/** Requests under way: a heartbeat, which a lease hangs on, has to wait behind them. */
const REQUESTS_MAX = 512
/** Of rows that nobody waits for, those in one group. */
const ROWS_AT_ONCE = 256

const NO_DATA = new Uint8Array(0)

export interface WriterEvents {
  committed(batch: number): void
  overflowed(clientId: string): void
  /** Something is larger than its stream takes, and is left out. */
  tooLarge(subject: string, bytes: number): void
  /** JetStream takes nothing; what waits is tried again. */
  refused(failure: Failure): void
  /** Something could not be written, and nobody knows why: nothing can be promised any more. */
  broken(error: unknown): void
  /** What a session that is about to be deleted has in other streams: the result takes that out. */
  remains(known: KnownSession): Promise<() => Promise<void>>
}

export interface WriterOptions {
  readonly name: string
  readonly node: string
  readonly run: string
}

export class Writer {
  filling = new Group()
  private readonly wire: Wire
  private readonly options: WriterOptions
  private readonly table: SessionTable
  private readonly events: WriterEvents
  private readonly appender: Appender
  private isSending = false
  private doneBatch = 0
  /** The highest sequence that a session written here was given. */
  lastRow = 0
  private isAsked = false
  private lastPut = 0
  private waiting: { group: Group; done: () => void }[] = []

  constructor(wire: Wire, options: WriterOptions, table: SessionTable, events: WriterEvents) {
    this.wire = wire
    this.options = options
    this.table = table
    this.events = events
    this.appender = new Appender(wire, options.run, {
      overflowed: ({ known }) => events.overflowed(known.row.clientId),
      tooLarge: (subject, bytes) => events.tooLarge(subject, bytes),
      refused: (failure) => events.refused(failure),
    })
  }

  /** The first batch that is not stored yet. */
  get oldestBatch(): number {
    return this.doneBatch + 1
  }

  /** The batch ends here. */
  seal(batch: number): void {
    this.filling.batch = batch
    this.pump()
  }

  /** Resolves when all that was written so far is stored, sealed or not. */
  flush(): Promise<void> {
    if (this.filling.isEmpty && this.filling.batch === 0 && !this.isSending)
      return Promise.resolve()
    this.isAsked = true
    return new Promise((done) => {
      this.waiting.push({ group: this.filling, done })
      this.pump()
    })
  }

  private pump(): void {
    if (this.isSending || (this.filling.batch === 0 && !this.isAsked)) return
    const group = this.filling
    this.filling = new Group()
    this.isAsked = false
    this.isSending = true
    void this.send(group).then(
      () => this.ended(group),
      // Nothing may be acknowledged behind it.
      (error: unknown) => this.events.broken(error),
    )
  }

  private ended(group: Group): void {
    if (this.wire.isClosed) return
    this.isSending = false
    if (group.batch > 0) {
      this.doneBatch = group.batch
      this.events.committed(group.batch)
    }
    const done = this.waiting.filter((waiter) => waiter.group === group)
    this.waiting = this.waiting.filter((waiter) => waiter.group !== group)
    for (const waiter of done) waiter.done()
    this.pump()
  }

  private async send(group: Group): Promise<void> {
    await forEach(group.leaving, (local) => local.flush())
    await Promise.all([
      ...[...group.appends.values()].map((appends) => this.appender.write(appends)),
      forEach(group.rows, (known) => this.writeRow(known)),
      forEach(group.puts, async ([subject, { data, headers, stored }]) => {
        const sequence = await this.putSurely(subject, data, headers ?? undefined)
        stored?.(sequence)
      }),
    ])
    await forEach(group.drops, (subject) =>
      this.putSurely(subject, NO_DATA, { 'Nats-TTL': SHORT_TTL }),
    )
  }

  /**
   * Writes rows that have changed here and that nobody waits for, a few with each group: a node that dies may leave a hundred
   * thousand of them. One that another node writes meanwhile is left to that.
   */
  async writeByAndBy(changed: readonly KnownSession[]): Promise<void> {
    const rows = changed.map(({ row }) => row)
    for (let at = 0; at < changed.length && !this.wire.isClosed; at += ROWS_AT_ONCE) {
      for (let index = at; index < Math.min(at + ROWS_AT_ONCE, rows.length); index++)
        if (changed[index].row === rows[index]) this.writeWithGroup(changed[index])
      await this.flush()
    }
  }

  /** With the group that is being filled; once, however often it changes until then. */
  writeWithGroup(known: KnownSession): void {
    const { rows } = this.filling
    if (rows.has(known)) return
    rows.add(known)
    known.writing++
  }

  /**
   * Until it is stored; 0: the connection is closed. A server that stood still hands on what it had taken when it goes on, and
   * something newer may have been stored by then: by its number it is known to be the same.
   */
  async putSurely(
    subject: string,
    data: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    const numbered = { 'Nats-Msg-Id': `${this.options.run}.${++this.lastPut}`, ...headers }
    for (;;) {
      const outcome = await this.wire.putUntilAnswered(subject, data, numbered)
      if (!isFailure(outcome)) return outcome.sequence
      if (this.wire.isClosed) return 0
      if (isForGood(outcome)) {
        this.events.tooLarge(subject, data.length)
        return 0
      }
      this.events.refused(outcome)
      await pause(RETRY_MS)
    }
  }

  /** Writes a session on top of what we knew of it; who was faster than we has it. */
  private async writeRow(known: KnownSession): Promise<void> {
    const { row } = known
    const { isGone } = row
    const data = writeRow(row)
    const subject = `${this.options.name}.s.${known.sid}`
    const more: Record<string, string> = isGone ? { 'Nats-TTL': TOMBSTONE_TTL } : {}
    // Looked at before, for what comes behind the deletion is the next session's.
    const clear = isGone ? await this.events.remains(known) : null
    try {
      for (;;) {
        // This node has claimed it meanwhile, and written it with that.
        if (known.row !== row) return
        const expected = { 'Nats-Expected-Last-Subject-Sequence': String(known.sequence), ...more }
        const outcome = await this.wire.putUntilAnswered(subject, data, expected)
        if (!isFailure(outcome)) {
          known.sequence = outcome.sequence
          this.lastRow = Math.max(this.lastRow, outcome.sequence)
          break
        }
        if (this.wire.isClosed) return
        if (isForGood(outcome)) return this.events.tooLarge(subject, data.length)
        if (outcome.code !== WRONG_LAST) {
          this.events.refused(outcome)
          await pause(RETRY_MS)
        } else if (!(await this.mayWriteAgain(known, row))) return
      }
    } finally {
      known.writing--
      this.table.settle(known)
    }
    await clear?.()
    if (isGone) this.table.forget(known)
  }

  /** The stream has another row: of a write of ours whose answer was lost, or of another node. */
  private async mayWriteAgain(known: KnownSession, row: KnownSession['row']): Promise<boolean> {
    const { name } = this.options
    const entry = await this.wire.readOne(`${name}_S`, { last_by_subj: `${name}.s.${known.sid}` })
    if (entry === null) {
      known.sequence = 0
      return !row.isGone
    }
    const isOurs = this.table.isOwnWrite(entry, row)
    if (isOurs) known.sequence = entry.sequence
    else this.table.stash(known, entry)
    return isOurs
  }
}

/** Each of them, {@link REQUESTS_MAX} at a time. */
async function forEach<T>(
  all: Iterable<T> & { readonly size: number },
  work: (one: T) => Promise<unknown>,
): Promise<void> {
  if (all.size === 0) return
  const rest = all[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: Math.min(all.size, REQUESTS_MAX) }, lane))
}

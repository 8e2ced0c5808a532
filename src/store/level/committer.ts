/**
 * Brings write sets to the disk, one after the other, and says when they are safe. A full disk is waited out: the
 * set stays, and what is stored can be read. Once there is room LevelDB is opened anew (a log with a torn record must not
 * be written to again; to open it takes space), and it is tried again. Any other failure is final.
 */
import type { StoreFailure } from '../../ports/store.ts'
import { failpoint } from '../failpoint.ts'
import { isRefused } from './check-files.ts'
import { damaged, isFull, StoreError } from './database.ts'
import type { Database, Engine, LevelStoreOptions, LevelStoreStats } from './level-options.ts'
import { Kind } from './keys.ts'
import { encodeSet, type WriteSet } from './write-set.ts'

interface Owner {
  /** The set being filled, settled; a new one is begun. */
  take(): WriteSet
  /** The set is on the disk: what is read from now on shows it. */
  written(set: WriteSet): void
  committed(batch: number): void
  failed(batch: number, failure: StoreFailure, error: Error): void
}

/** With `persistence_sync interval` the sync begins so long after the first write that needs it; it is over within a second. */
const SYNC_DELAY_MS = 800
/** No record has this key. */
const NO_KEY = new Uint8Array([Kind.meta, 0])

const RETRY_MS = 500
const GATHER_TURNS_MAX = 8
/** A write that takes longer is worth a line in the log. */
const SLOW_MS = 5000

export class Committer {
  /** The set on its way. */
  writing: WriteSet | null = null
  private opened: Database | null = null
  private readonly engine: Engine
  private readonly options: LevelStoreOptions
  private readonly stats: LevelStoreStats
  private readonly owner: Owner
  private sealed = 0
  private told = 0
  /** Changes since the last seal: a turn is under way, its group must not be cut. */
  private touched = false
  /** It has gathered enough, in the middle of a turn: it goes as soon as that has ended, whatever more would come. */
  private overdue = false
  /** Changes so far. */
  private changes = 0
  /** Flushes asked for and done, by number. */
  private flushesAsked = 0
  private flushesDone = 0
  private busy: Promise<void> | null = null
  /** Settles when it is open for the first time, or never will be; null: nobody has asked for it. */
  private opening: Promise<void> | null = null
  /** Takes back the sync that is on its way; null: all that was written is on the disk, or need not be. */
  private cancelSync: (() => void) | null = null
  private syncDue = false
  /** Settles when the database is open again; null: it is. */
  private reopening: Promise<void> | null = null
  /** The disk is full; the database is open and not written to. */
  private waitsForRoom = false
  private begun = false
  /** Whatever is not written at the first attempt is left. */
  private closing = false
  private stopped = false

  constructor(engine: Engine, options: LevelStoreOptions, stats: LevelStoreStats, owner: Owner) {
    this.engine = engine
    this.options = options
    this.stats = stats
    this.owner = owner
  }

  /** Opens the store, whenever there is space to do it. Nothing is written before {@link begin}. */
  open(): Promise<void> {
    return (this.opening = this.openWhenRoom())
  }

  private async openWhenRoom(): Promise<void> {
    for (let told = false; ; told = true) {
      try {
        this.opened = await this.engine.open(this.options.location)
        return
      } catch (error) {
        if (!isFull(error as Error)) throw error
        if (!told) this.owner.failed(0, 'full', new StoreError(reasonOf(error)))
        await this.pause(RETRY_MS)
        if (this.stopped) throw error
      }
    }
  }

  /** What the store holds is known: what was sealed meanwhile may go behind it. */
  begin(): void {
    this.begun = true
    this.start()
  }

  /**
   * Opens the database anew: LevelDB keeps the tables mapped that it has read, all of them after a start, and lets go of
   * nothing else. Not where that might take space which is not there.
   */
  async openAnew(): Promise<void> {
    if (!(await this.engine.hasRoom(this.options.location)) || this.stopped) return
    this.reopening = this.reopen()
    await this.reopening
    this.reopening = null
  }

  /** As it is open now. */
  get database(): Database {
    if (this.opened === null)
      throw new StoreError(`the store in ${this.options.location} is not open`)
    return this.opened
  }

  /** Something was put into the set being filled. */
  touch(): void {
    this.touched = true
    this.changes++
  }

  /** What was put in belongs to no turn. */
  endTouch(): void {
    this.touched = false
  }

  seal(batch: number): void {
    this.sealed = batch
    this.touched = false
    this.start()
  }

  /** Writes what is there even though no batch asks for it; true once it is written, false when it never will be. */
  async flush(): Promise<boolean> {
    const flush = ++this.flushesAsked
    this.start()
    while (this.flushesDone < flush && !this.stopped) await (this.busy ?? this.pause(1))
    return this.flushesDone >= flush
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.engine.later(ms, resolve))
  }

  /** Runs `use` on the open database; again, when it was closed under its hands. */
  async whileOpen<T>(use: (database: Database) => Promise<T>): Promise<T> {
    for (;;) {
      if (this.reopening !== null) await this.reopening
      const { database } = this
      try {
        return await use(database)
      } catch (error) {
        if (database.status === 'open' && this.reopening === null) throw error
        if (this.stopped) throw error
      }
    }
  }

  /** Writes what was sealed, then closes the database. */
  async close(): Promise<void> {
    this.closing = true
    while (this.busy !== null && !this.isStuck()) await this.busy
    if (this.cancelSync !== null) {
      this.cancelSync()
      this.sync()
    }
    while (this.busy !== null && !this.isStuck()) await this.busy
    this.stopped = true
    // Why it failed is told by who asked for it.
    await this.opening?.catch(() => {})
    await this.reopening?.catch(() => {})
    await this.opened?.close()
  }

  /** What is said of a store of which something could not be read. */
  damage(error: Error): Error {
    const { location } = this.options
    if (error instanceof StoreError) return error
    if (isRefused(error))
      return new StoreError(`unable to read the store in ${location}: ${error.message}`)
    return damaged(location, error.message)
  }

  private isStuck(): boolean {
    return this.waitsForRoom || this.reopening !== null
  }

  private start(): void {
    if (this.busy !== null || this.stopped || !this.begun) return
    // Never within the call that sealed: what it answers comes later.
    this.busy = Promise.resolve().then(() => this.run())
  }

  private async run(): Promise<void> {
    try {
      while (this.isAsked() && !this.touched && !this.stopped) {
        if (!this.overdue) await this.gather()
        this.overdue = this.touched
        if (this.touched || this.stopped) break
        const batch = this.sealed
        const flush = this.flushesAsked
        const wasFull = await this.commit()
        if (this.stopped) break
        this.flushesDone = flush
        // Whoever was told that there is no space wants to hear that there is again.
        if (batch === this.told && !wasFull) continue
        this.told = batch
        this.owner.committed(batch)
      }
    } catch (error) {
      this.stopped = true
      const text = `unable to write to the store in ${this.options.location}: ${reasonOf(error)}`
      this.owner.failed(this.told + 1, 'broken', new StoreError(text))
    } finally {
      this.busy = null
    }
  }

  private isAsked(): boolean {
    return this.sealed > this.told || this.flushesAsked > this.flushesDone || this.syncDue
  }

  /**
   * Lets a few turns pass as long as each brings more: a write for many is as dear as one for a few, and a client
   * that is online acknowledges within turns, so that much of what waits here need not be written at all.
   */
  private gather(): Promise<void> {
    return new Promise((resolve) => {
      let turns = 0
      let seen = this.changes
      const look = (): void => {
        if (this.changes === seen || ++turns === GATHER_TURNS_MAX) return resolve()
        seen = this.changes
        this.engine.nextTurn(look)
      }
      this.engine.nextTurn(look)
    })
  }

  /** Resolves when the set is safe: was there no space in between? Rejects when it never will be. */
  private async commit(): Promise<boolean> {
    const set = this.owner.take()
    if (set.isEmpty() && !this.syncDue) return false
    this.writing = set
    const startedMs = this.engine.monotonicMs()
    let wasFull = false
    for (;;) {
      try {
        await this.write(set)
        break
      } catch (error) {
        if (!isFull(error as Error) || this.closing) throw error
        // The first of those that are written together.
        if (!wasFull) this.owner.failed(this.told + 1, 'full', new StoreError(reasonOf(error)))
        wasFull = true
        await this.untilReopened()
        if (this.stopped) return wasFull
      }
    }
    for (const session of set.queues) session.settleWritten()
    this.writing = null
    this.owner.written(set)
    const { stats } = this
    stats.commits++
    stats.commitMs = this.engine.monotonicMs() - startedMs
    stats.commitMsMax = Math.max(stats.commitMsMax, stats.commitMs)
    return wasFull
  }

  private async write(set: WriteSet): Promise<void> {
    const batch = this.database.batch()
    const sync = this.options.sync === 'always' || this.syncDue
    encodeSet(set, batch)
    // A sync is part of a write, and LevelDB is not given an empty one.
    if (set.isEmpty()) batch.del(NO_KEY)
    failpoint('before-commit')
    const stopWarning = this.engine.later(SLOW_MS, () => {
      this.options.warn(
        `Warning: the disk has not taken a write to ${this.options.location} for ${SLOW_MS / 1000} s; ` +
          'acknowledgements wait for it.',
      )
    })
    try {
      await batch.write({ sync })
    } finally {
      stopWarning()
    }
    this.noteSync(sync)
    failpoint('after-commit')
    if (set.inbound.length > 0) failpoint('qos2-held')
    if (set.released.length > 0) failpoint('qos2-released')
  }

  /**
   * After a write: what it left in the system's hands goes to the disk soon. (A log that LevelDB has left meanwhile is on
   * its way into a table, which it syncs.)
   */
  private noteSync(synced: boolean): void {
    if (this.options.sync !== 'interval') return
    if (synced) {
      this.syncDue = false
      this.cancelSync = null
    } else this.cancelSync ??= this.engine.later(SYNC_DELAY_MS, () => this.sync())
  }

  private sync(): void {
    this.syncDue = true
    this.start()
  }

  /** Waits for space, then closes LevelDB and opens it until that works. */
  private async untilReopened(): Promise<void> {
    this.waitsForRoom = true
    do await this.pause(RETRY_MS)
    while (!this.stopped && !(await this.engine.hasRoom(this.options.location)))
    this.waitsForRoom = false
    if (this.stopped) return
    this.reopening = this.reopen()
    await this.reopening
    this.reopening = null
  }

  private async reopen(): Promise<void> {
    const before = this.database
    await before.close()
    for (let told = this.begun; !this.stopped; told = true) {
      try {
        this.opened = await this.engine.reopen(this.options.location, before)
        return
      } catch (error) {
        if (!isFull(error as Error)) throw error
        // Later on it is known that the disk is full; a start says why it takes its time.
        if (!told)
          this.options.warn(
            `Warning: there is no space to open the store in ${this.options.location} again; the start goes on when there is.`,
          )
      }
      await this.pause(RETRY_MS)
    }
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message : message
}

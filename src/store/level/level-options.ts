/** What the store asks of LevelDB. */
import type { Batch } from './sealed-record.ts'

/** A batch that {@link Database.write} would take; it copies what it is given. */
export interface LevelBatch extends Batch {
  /** All of it or nothing; with `sync`, it and all before it is on the disk afterwards. */
  write(options: { readonly sync: boolean }): Promise<void>
}

/** A state of the database that stays as it is while others write. */
export interface Snapshot {
  close(): Promise<void>
}

export interface KeyRange {
  readonly gt?: Uint8Array
  readonly gte?: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
  /** Absent: the state at the time of the call. */
  readonly snapshot?: Snapshot
  readonly highWaterMarkBytes?: number
  /** false: what is read once only does not push other things out of LevelDB's cache. */
  readonly fillCache?: boolean
}

interface Iteration<T> {
  nextv(size: number): Promise<T[]>
  all(): Promise<T[]>
  close(): Promise<void>
}

/** What the store uses of LevelDB (`ClassicLevel`); the simulator has one of its own. */
export interface Database {
  readonly status: string
  /** The number of the last operation in it; null: one failed, and it may be in it or not. */
  lastSequence(): number | null
  batch(): LevelBatch
  snapshot(): Snapshot
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  getMany(keys: Uint8Array[], options: { snapshot: Snapshot }): Promise<(Uint8Array | undefined)[]>
  keys(range: KeyRange): Iteration<Uint8Array>
  iterator(range: KeyRange): Iteration<[Uint8Array, Uint8Array]>
  close(): Promise<void>
}

/** What the store stands on: LevelDB and time. */
export interface Engine {
  /** Opens what a start finds, and refuses what is not whole. */
  open(location: string): Promise<Database>
  /** Opens again what was open as `before`; refuses it when somebody else has written into it since. */
  reopen(location: string, before: Database): Promise<Database>
  /** Is there space for what opening it again takes, as far as can be told? */
  hasRoom(location: string): Promise<boolean>
  monotonicMs(): number
  /** Calls `run` when the input of the present turn is through. */
  nextTurn(run: () => void): void
  /** Calls `run` after `ms`, unless what it returns is called before. */
  later(ms: number, run: () => void): () => void
}

/**
 * When a group counts as safe (`persistence_sync`): once it is on the disk; once the system has it, which puts it on
 * the disk every second; or once the system has it.
 */
export type SyncMode = 'always' | 'interval' | 'never'

export interface LevelStoreOptions {
  /** The directory; it is made when it is not there. */
  readonly location: string
  readonly sync: SyncMode
  wallMs(): number
  /** Called with one line for the log. */
  warn(text: string): void
}

/** What the store has done so far. */
export interface LevelStoreStats {
  /** Groups written. */
  commits: number
  /** ms from the start of the last one until it was safe. */
  commitMs: number
  /** The longest of them. */
  commitMsMax: number
}

import type { ClassicLevel } from 'classic-level'

export type Database = ClassicLevel<Uint8Array, Uint8Array>

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

/**
 * A value in localStorage that all tabs change. The storage has no transactions: two tabs may read the same value and write
 * one after the other, and the first change would be gone. So the value carries the names of the changes that made it, and a
 * tab that sees it without a change of its own makes that one again:
 *
 *     tab A   reads v ──▶ writes v+a           sees v+b, which does not know a ──▶ writes v+b+a
 *     tab B   reads v ────▶ writes v+b ──────────────────────────────────────────▶ sees v+b+a: all is well
 *
 * Changes are made to whatever is stored by then, so each of them touches only what it is about. Those of one tab stay in
 * their order.
 */

import { newId } from '../model/profile.ts'
import { read, store, type Keeps } from './storage.ts'

/** Milliseconds in which another tab may write without having seen a change of this one: a few, and many where the machine is busy. */
const UNSEEN_MS_MAX = 20_000
/** More than all tabs together make in that time. */
const NAMES_MAX = 300

type Change<T> = (stored: T) => T

interface Made<T> {
  readonly name: string
  readonly atMs: number
  readonly change: Change<T>
}

interface Stored {
  readonly changes: readonly string[]
  readonly value: unknown
}

export interface SharedOptions<T> {
  /** null: there is none, and nothing is shared. */
  readonly storage: Keeps | null
  readonly key: string
  /** Where the bare value was before it carried names. */
  readonly oldKey: string
  readonly empty: T
  readonly nowMs: () => number
  /** The storage is full: from then on the value lives in this tab. */
  readonly onFailure: () => void
}

export class SharedValue<T> {
  private readonly options: SharedOptions<T>
  private made: readonly Made<T>[] = []
  /** What could not be stored. */
  private unstored: Stored | null = null
  private lastName = 0
  private readonly tab = newId().slice(0, 8)

  constructor(options: SharedOptions<T>) {
    this.options = options
  }

  read(): T {
    return this.load().value as T
  }

  change(change: Change<T>): void {
    // What is stored may lack a change of before that nobody has told yet: made after this one it would undo it.
    this.seen()
    const { nowMs } = this.options
    const made = { name: `${this.tab}-${++this.lastName}`, atMs: nowMs(), change }
    this.made = [...this.recent(), made]
    this.make([made])
  }

  /** To be called when another tab has written. */
  seen(): void {
    const known = new Set(this.load().changes)
    const lost = this.recent().filter(({ name }) => !known.has(name))
    if (lost.length > 0) this.make(lost)
  }

  private recent(): Made<T>[] {
    const sinceMs = this.options.nowMs() - UNSEEN_MS_MAX
    return this.made.filter(({ atMs }) => atMs >= sinceMs)
  }

  private make(made: readonly Made<T>[]): void {
    const { storage, key, onFailure } = this.options
    const { changes, value } = this.load()
    const stored: Stored = {
      changes: [...changes, ...made.map(({ name }) => name)].slice(-NAMES_MAX),
      value: made.reduce((before, { change }) => change(before), value as T),
    }
    const isStored = store(storage, key, stored)
    this.unstored = storage === null || !isStored ? stored : null
    if (!isStored) onFailure()
  }

  private load(): Stored {
    if (this.unstored !== null) return this.unstored
    const { storage, key, oldKey, empty } = this.options
    const stored = read(storage, key) as Partial<Stored> | null
    if (Array.isArray(stored?.changes))
      return { changes: stored.changes as string[], value: stored.value ?? empty }
    return { changes: [], value: read(storage, oldKey) ?? empty }
  }
}

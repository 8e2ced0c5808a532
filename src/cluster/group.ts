/**
 * What is written together: all that the core wrote since the group before was sent. One group is under way at a time, so
 * what comes later is stored later, whatever has to be said twice.
 *
 *     first    queue entries of each partition, as one atomic batch each: all of it is there, in this order, or nothing
 *              sessions, held messages, markers, retained messages
 *     then     what may only go when that is safe: held messages that have been handed on
 */
import type { LocalSession } from './local-session.ts'
import type { KnownSession } from './session-table.ts'

/** How long what is left of something deleted says so, to followers that are behind. */
export const TOMBSTONE_TTL = '600s'

export interface Append {
  readonly known: KnownSession
  readonly subject: string
  readonly data: Uint8Array
  /** By which the server knows it when it comes again; null: twice would do no harm. */
  readonly id: string | null
}

export interface Put {
  readonly data: Uint8Array
  readonly headers: Readonly<Record<string, string>> | null
  /** Is told the sequence that the stream gave it; 0: it was not stored. */
  readonly stored: ((sequence: number) => void) | null
}

export class Group {
  /** The last batch that was sealed with it; 0: none. */
  batch = 0
  readonly appends = new Map<number, Append[]>()
  /** Sessions whose row is to be written as it is then. */
  readonly rows = new Set<KnownSession>()
  /** Whose client left: what it acknowledged is taken out first. */
  readonly leaving = new Set<LocalSession>()
  readonly puts = new Map<string, Put>()
  readonly drops = new Set<string>()

  get isEmpty(): boolean {
    const { appends, rows, leaving, puts, drops } = this
    return appends.size + rows.size + leaving.size + puts.size + drops.size === 0
  }

  append(partition: number, append: Append): void {
    const list = this.appends.get(partition)
    if (list === undefined) this.appends.set(partition, [append])
    else list.push(append)
  }

  /** The last one of a subject counts. */
  put(subject: string, put: Put): void {
    this.puts.get(subject)?.stored?.(0)
    this.puts.set(subject, put)
    this.drops.delete(subject)
  }

  drop(subject: string): void {
    this.drops.add(subject)
  }
}

/**
 * Reads the records of a store kind by kind, without keeping the store in memory: LevelDB maps each table that it reads and lets
 * go of none, unless it is opened anew.
 *
 *     [ 8 MiB of records ] open anew [ the next 8 MiB, from behind the last key ] open anew …
 */
import { keyBehind, type Kind } from './keys.ts'
import type { Database, KeyRange } from './level-options.ts'
import { openRecord } from './sealed-record.ts'

/** Records taken from LevelDB at a time. */
const PORTION = 500
const PORTION_BYTES = 1 << 18
/** Of what was read so much may stay mapped. */
const MAPPED_BYTES_MAX = 8 << 20

/** What is read, and how it is opened anew; absent where it stays open. */
interface Source {
  readonly database: Database
  openAnew?(): Promise<void>
}

type Visit = (key: Uint8Array, value: Uint8Array) => void

export class KindReader {
  private readonly source: Source
  private mappedBytes = 0
  private isLarge = false

  constructor(source: Source) {
    this.source = source
  }

  /** Calls `visit` with every record of a kind, its checksum checked and taken off. */
  each(kind: Kind, visit: Visit): Promise<void> {
    return this.eachStored(kind, (key, stored) => visit(key, openRecord(key, stored)))
  }

  /** The same, as it is stored: nothing is checked. */
  async eachStored(kind: Kind, visit: Visit): Promise<void> {
    const prefix = new Uint8Array([kind])
    const lt = keyBehind(prefix)
    let last = await this.readSome({ gte: prefix, lt }, visit)
    while (last !== null) {
      this.isLarge = true
      await this.letGo()
      last = await this.readSome({ gt: last, lt }, visit)
    }
  }

  /** All is read: of a large store nothing stays mapped. */
  async end(): Promise<void> {
    if (this.isLarge && this.mappedBytes > 0) await this.letGo()
  }

  private async letGo(): Promise<void> {
    this.mappedBytes = 0
    await this.source.openAnew?.()
  }

  /** Visits what lies within `range`, until it is enough; returns the last key, null: that was all. */
  private async readSome(range: KeyRange, visit: Visit): Promise<Uint8Array | null> {
    const iterator = this.source.database.iterator({
      ...range,
      highWaterMarkBytes: PORTION_BYTES,
      fillCache: false,
    })
    try {
      let next = iterator.nextv(PORTION)
      for (let portion = await next; portion.length > 0; portion = await next) {
        // LevelDB reads the next ones in its own thread meanwhile.
        next = iterator.nextv(PORTION)
        // Nobody waits for it when a record is refused, or what was read is enough.
        next.catch(() => {})
        for (const [key, stored] of portion) {
          this.mappedBytes += key.length + stored.length
          visit(key, stored)
        }
        if (this.mappedBytes >= MAPPED_BYTES_MAX) return portion[portion.length - 1][0]
      }
      return null
    } finally {
      await iterator.close()
    }
  }
}

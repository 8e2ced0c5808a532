/** Which files a store of LevelDB consists of: the sum of the edits in its manifest (doc/impl.md of LevelDB). */
import { ByteCursor } from './byte-cursor.ts'
import { visitRecords } from './log-records.ts'

/** What an edit consists of, by its tag. */
const Tag = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const

export interface Manifest {
  /** Bytes of the tables in use, by number. */
  readonly tables: ReadonlyMap<number, number>
  /** Logs with lower numbers are in the tables. */
  readonly firstLog: number
  /**
   * LevelDB begins a manifest when it opens a store, with all it found in tables and a new log: the log, and the last
   * sequence before it.
   */
  readonly opened: { readonly log: number; readonly lastSequence: number }
  /** Where its last whole edit ends. */
  readonly end: number
  /** Where the first byte is that is damaged; -1: nowhere. */
  readonly damagedAt: number
  /** Are all parts there that make a manifest? */
  readonly isComplete: boolean
}

/** What the edits so far come to. */
export interface Sum {
  /** As in {@link Manifest}. */
  readonly tables: Map<number, number>
  /** -1: not named yet. */
  firstLog: number
  lastSequence: number
  nextFile: number
}

/**
 * @param afterEdit Called with the state of things after each edit, which is good until it returns, and where the edit ends.
 * @throws Error on an edit that cannot be read.
 */
export function readManifest(
  bytes: Uint8Array,
  afterEdit: (sum: Readonly<Sum>, end: number) => void = () => {},
): Manifest {
  const sum: Sum = { tables: new Map(), firstLog: -1, lastSequence: -1, nextFile: -1 }
  let opened: { log: number; lastSequence: number } | null = null
  let end = 0
  const damagedAt = visitRecords(bytes, (edit, editEnd) => {
    applyEdit(edit, sum)
    end = editEnd
    afterEdit(sum, end)
    if (opened === null && sum.firstLog >= 0 && sum.lastSequence >= 0)
      opened = { log: sum.firstLog, lastSequence: sum.lastSequence }
  })
  const { tables, firstLog, nextFile } = sum
  return {
    tables,
    firstLog,
    end,
    damagedAt,
    opened: opened ?? { log: -1, lastSequence: -1 },
    isComplete: opened !== null && nextFile >= 0,
  }
}

function applyEdit(edit: Uint8Array, sum: Sum): void {
  const cursor = new ByteCursor(edit)
  const number = (): number => cursor.varint()
  const readers: Readonly<Record<number, () => void>> = {
    [Tag.comparator]: () => void cursor.text(),
    [Tag.logNumber]: () => void (sum.firstLog = number()),
    [Tag.nextFile]: () => void (sum.nextFile = number()),
    [Tag.lastSequence]: () => void (sum.lastSequence = number()),
    [Tag.previousLog]: number,
    [Tag.compactPointer]: () => {
      number()
      cursor.text()
    },
    [Tag.deletedFile]: () => {
      number()
      sum.tables.delete(number())
    },
    [Tag.newFile]: () => {
      number()
      sum.tables.set(number(), number())
      cursor.text()
      cursor.text()
    },
  }
  while (cursor.at < cursor.end) {
    const read = readers[number()]
    if (read === undefined) throw new Error('an edit has an unknown part')
    read()
  }
}

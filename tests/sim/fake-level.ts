/**
 * LevelDB in memory, for the simulator: the store's own code runs on it, and every answer comes when virtual time says so.
 *
 *     batch.write ──▶ applied, at some time ──▶ told, some time later       a crash comes before, between or behind
 *     iterator    ──▶ sees what was applied when it was made
 */
import type {
  Database,
  Engine,
  KeyRange,
  LevelBatch,
  Snapshot,
} from '../../src/store/level/level-options.ts'

type Row = [Uint8Array, Uint8Array]
/** By key, as latin1 text; never changed, only replaced. */
type State = ReadonlyMap<string, Row>

/** What outlives a crash. */
export interface Disk {
  state: State
  /** What a power cut leaves: `state` after the last synced write. */
  synced: State
  /** Writes fail for lack of space. */
  isFull: boolean
}

export function newDisk(): Disk {
  const state = new Map()
  return { state, synced: state, isFull: false }
}

/** Virtual time: runs what it is given so much later. */
export interface Time {
  readonly nowMs: number
  at(delayMs: number, run: () => void): void
}

export interface EngineOptions {
  readonly disk: Disk
  readonly time: Time
  /** How long the next answer takes, ms. */
  delayMs(): number
  /** false: the process is gone, nothing of it runs any more. */
  isAlive(): boolean
}

const textOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')

/** What {@link createLevelStore} stands on in the simulator. */
export function fakeEngine(options: EngineOptions): Engine {
  const { time, isAlive } = options
  const open = async () => {
    await pause(options)
    if (options.disk.isFull) throw noSpace()
    return new FakeLevel(options)
  }
  return {
    open,
    reopen: open,
    hasRoom: async () => !options.disk.isFull,
    monotonicMs: () => time.nowMs,
    nextTurn: (run) => time.at(0, () => void (isAlive() && run())),
    later(ms, run) {
      let wanted = true
      time.at(ms, () => void (wanted && isAlive() && run()))
      return () => void (wanted = false)
    },
  }
}

function pause({ time, delayMs, isAlive }: EngineOptions): Promise<void> {
  return new Promise((resolve) => time.at(delayMs(), () => void (isAlive() && resolve())))
}

function noSpace(): Error {
  return new Error('IO error: No space left on device')
}

interface State0 extends Snapshot {
  readonly state: State
}

class FakeLevel implements Database {
  status = 'open'
  private readonly options: EngineOptions

  constructor(options: EngineOptions) {
    this.options = options
  }

  /** Answers later; not at all when the process is gone, with an error when the database was closed meanwhile. */
  private async answer<T>(value: T): Promise<T> {
    await pause(this.options)
    if (this.status !== 'open') throw new Error('Database is not open')
    return value
  }

  /** Nobody else has this disk. */
  lastSequence(): null {
    return null
  }

  batch(): LevelBatch {
    const { disk, time, delayMs, isAlive } = this.options
    const writes: (() => void)[] = []
    let next = new Map<string, Row>()
    return {
      put: (key, value) => {
        const row: Row = [key.slice(), value.slice()]
        writes.push(() => next.set(textOf(row[0]), row))
      },
      del: (key) => {
        const text = textOf(key)
        writes.push(() => next.delete(text))
      },
      write: ({ sync }) =>
        new Promise((resolve, reject) => {
          const appliedMs = delayMs()
          const toldMs = appliedMs + delayMs()
          const { isFull } = disk
          time.at(appliedMs, () => {
            if (!isAlive() || isFull) return
            next = new Map(disk.state)
            for (const write of writes) write()
            disk.state = next
            if (sync) disk.synced = next
          })
          time.at(toldMs, () => {
            if (!isAlive()) return
            if (isFull) reject(noSpace())
            else resolve()
          })
        }),
    }
  }

  snapshot(): State0 {
    return { state: this.options.disk.state, close: async () => {} }
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.answer(this.options.disk.state.get(textOf(key))?.[1])
  }

  getMany(
    keys: Uint8Array[],
    { snapshot }: { snapshot: Snapshot },
  ): Promise<(Uint8Array | undefined)[]> {
    const { state } = snapshot as State0
    return this.answer(keys.map((key) => state.get(textOf(key))?.[1]))
  }

  keys(range: KeyRange) {
    return this.iterate(range, ([key]) => key)
  }

  iterator(range: KeyRange) {
    return this.iterate(range, (row) => row)
  }

  private iterate<T>(range: KeyRange, pick: (row: Row) => T) {
    const state = (range.snapshot as State0 | undefined)?.state ?? this.options.disk.state
    const rows = rowsOf(state, range).map(pick)
    return {
      nextv: (size: number) => this.answer(rows.splice(0, size)),
      all: () => this.answer(rows),
      close: async () => {},
    }
  }

  async close(): Promise<void> {
    this.status = 'closed'
    await pause(this.options)
  }
}

/** Rows of a range in their order. */
export function rowsOf(state: State, range: KeyRange): Row[] {
  const { gt, gte, lt, lte, reverse, limit } = range
  const [above, from] = [gt && textOf(gt), gte && textOf(gte)]
  const [below, to] = [lt && textOf(lt), lte && textOf(lte)]
  const keys = [...state.keys()].filter(
    (key) =>
      (above === undefined || key > above) &&
      (from === undefined || key >= from) &&
      (below === undefined || key < below) &&
      (to === undefined || key <= to),
  )
  keys.sort()
  if (reverse === true) keys.reverse()
  return keys.slice(0, limit).map((key) => state.get(key) as Row)
}

/**
 * Stores that are damaged on purpose, and what becomes of them: every kind of file, deleted, emptied, cut off, with a bit
 * flipped, with a sector of zeros. A damaged store may be refused by name, or be as if nothing had happened.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findDamage, isLog, isTable } from '../../src/store/level/check-files.ts'
import { openLevel } from '../../src/store/level/database.ts'
import { createLevelStore } from '../../src/store/level/level-store.ts'
import { salvageRecords, visitRecords } from '../../src/store/level/log-records.ts'
import { openMarker, readMarker } from '../../src/store/level/marker.ts'
import { beginRecord, endRecord } from '../../src/store/level/sealed-record.ts'
import { salvageTable } from '../../src/store/level/table-file.ts'
import { batchHead, visitOperations } from '../../src/store/level/write-batch.ts'
import { until } from '../server/run-mozzie.ts'
import { Door } from './door.ts'
import { messageOf } from './told.ts'

const SECTOR = 512
/** Where a sync costs nothing: no power is cut here. */
export const quickDirectory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export const optionsOf = (location: string) => ({
  location,
  sync: 'always' as const,
  wallMs: Date.now,
  warn() {},
})

/**
 * A directory with the store of a broker that was killed: two tables and a log, all of it acknowledged, and the marker
 * written. `messages` are queued in each of its three lives.
 */
export async function makeKilledStore(root: string, messages: number): Promise<string> {
  const living = join(root, 'living')
  const setup = { store: () => createLevelStore(optionsOf(living)), dispose: async () => {} }
  for (let life = 1; life <= 2; life++) {
    const door = await new Door(setup, 'local').open()
    await live(door, life, messages)
    await door.close()
  }
  const door = await new Door(setup, 'local').open()
  await live(door, 3, messages)
  // The marker follows: what is behind it looks like what nobody was told of.
  const log = readFileSync(join(living, readdirSync(living).find(isLog)!))
  const safe = lastSequenceOf(log)
  await until(
    () => readMarker(living) === safe,
    () => `the marker does not come to ${safe}`,
  )
  const killed = join(root, 'killed')
  cpSync(living, killed, { recursive: true })
  await door.close()
  return killed
}

/**
 * A store as one that was killed in the middle of a compaction leaves it: its log has changed since it was opened, so that only the tables
 * say where the first log begins; and there are two logs, the second of them small.
 */
export async function makeSwitchedStore(root: string, batches: number): Promise<string> {
  const living = join(root, 'switching')
  const database = await openLevel(living)
  const write = async (from: number): Promise<void> => {
    for (let n = from; n < from + batches; n++) {
      const batch = database.batch()
      for (const key of [n, n % 7]) {
        const bytes = Uint8Array.of(1, key >> 8, key & 255)
        beginRecord(bytes).append(Buffer.from(String(n).repeat(40)), 0, 40)
        endRecord(batch, bytes)
      }
      await batch.write({ sync: true })
    }
  }
  await write(0)
  await database.compactRange(Uint8Array.of(0), Uint8Array.of(255))
  await write(batches)
  const switched = join(root, 'switched')
  cpSync(living, switched, { recursive: true })
  await database.close()
  splitLog(switched)
  return switched
}

/** Moves the last records of the log into a log of their own, as if LevelDB had changed it there. */
function splitLog(location: string): void {
  const name = readdirSync(location).find(isLog)!
  const path = join(location, name)
  const bytes = readFileSync(path)
  const ends: number[] = []
  visitRecords(bytes, (_record, end) => void ends.push(end))
  const at = ends[ends.length - 5]
  writeFileSync(path, bytes.subarray(0, at))
  const next = String(Number.parseInt(name, 10) + 1).padStart(6, '0')
  writeFileSync(join(location, `${next}.log`), bytes.subarray(at))
  openMarker(location, lastSequenceOf(bytes)).close()
}

function lastSequenceOf(log: Uint8Array): number {
  let last = 0
  visitRecords(log, (record) => void (last = batchHead(record).next - 1))
  return last
}

async function live(door: Door, life: number, messages: number): Promise<void> {
  for (const clientId of ['a', 'b', `only ${life}`]) {
    const { session } = await door.claim(clientId)
    if (session !== null) continue
    door.store.saveSession({
      clientId,
      username: null,
      version: 5,
      expirySeconds: 0xffffffff,
      disconnectedAtMs: 1e12,
      will: null,
    })
  }
  for (let n = 0; n < messages; n++) {
    const sequence = life * 1000 + n
    const text = `${life}.${n} ${String(n * 7919).repeat(1 + (n % 30))}`
    const shared = messageOf('t', text)
    if (n % 5 === 0)
      for (const clientId of ['a', 'b']) door.store.append(clientId, sequence, shared, 1, false, 0)
    else door.append('a', sequence, text)
    if (n % 11 === 0) door.acknowledge('a', sequence - 4)
    if (n % 7 === 0) door.store.saveRetained(`kept/${n % 3}`, messageOf(`kept/${n % 3}`, text))
    if (n % 4 === 0) await door.commit()
  }
  await door.commit()
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** All that LevelDB has, as text; opening changes the directory. */
export async function contentOf(location: string): Promise<string> {
  const database = await openLevel(location)
  const lines: string[] = []
  for (const [key, value] of await database.iterator().all())
    lines.push(`${hex(key)} ${hex(value)}`)
  await database.close()
  return lines.join('\n')
}

/** All that was ever written and still lies in the files of a sound store, as lines of {@link contentOf}. */
export function versionsIn(location: string): Set<string> {
  const lines = new Set<string>()
  const add = (key: Uint8Array, value: Uint8Array | null): void =>
    void (value !== null && lines.add(`${hex(key)} ${hex(value)}`))
  const fail = (): never => {
    throw new Error('the store is not sound')
  }
  for (const name of readdirSync(location)) {
    if (!isTable(name) && !isLog(name)) continue
    const bytes = readFileSync(join(location, name))
    if (isTable(name)) salvageTable(bytes, add, fail)
    else salvageRecords(bytes, (record) => visitOperations(record, add), fail)
  }
  return lines
}

/** How a file is damaged; `to` null: it is gone. */
export interface Harm {
  readonly file: string
  readonly how: string
  readonly to: Uint8Array | null
}

export interface Places {
  readonly cuts: number
  readonly flips: number
  readonly sectors: number
}

const isOurs = (name: string): boolean => !/^LO(CK|G)/.test(name)

/** Every kind of harm to every file, at so many places each. */
export function* harms(location: string, random: () => number, places: Places): Generator<Harm> {
  for (const file of readdirSync(location).filter(isOurs)) {
    const bytes = readFileSync(join(location, file))
    const { length } = bytes
    const below = (bound: number) => Math.floor(random() * bound)
    yield { file, how: 'deleted', to: null }
    if (length === 0) continue
    yield { file, how: 'emptied', to: new Uint8Array(0) }
    for (let n = 0; n < places.cuts; n++) {
      const at = below(length)
      yield { file, how: `cut off at ${at} of ${length}`, to: bytes.subarray(0, at) }
    }
    for (let n = 0; n < places.flips; n++) yield flip(file, bytes, below(length * 8))
    for (let n = 0; n < places.sectors; n++) {
      const at = below(Math.ceil(length / SECTOR)) * SECTOR
      const to = Uint8Array.from(bytes)
      to.fill(0, at, at + SECTOR)
      yield { file, how: `sector of zeros at ${at} of ${length}`, to }
    }
  }
}

export function flip(file: string, bytes: Uint8Array, bit: number): Harm & { to: Uint8Array } {
  const to = Uint8Array.from(bytes)
  to[bit >> 3] ^= 1 << (bit & 7)
  return { file, how: `bit ${bit & 7} of byte ${bit >> 3} of ${bytes.length} flipped`, to }
}

/** What became of a damaged copy; the process that asks may die of it, which is the worst of all. */
export type Fate = { readonly kind: 'refused' | 'same' | 'changed'; readonly why: string }

export class Torture {
  private readonly sound: string
  private readonly root = mkdtempSync(join(quickDirectory, 'mozzie-torture-'))
  private readonly copy = join(this.root, 'copy')
  private expected = ''

  constructor(sound: string) {
    this.sound = sound
  }

  async begin(): Promise<this> {
    cpSync(this.sound, this.copy, { recursive: true })
    this.expected = await contentOf(this.copy)
    this.renew()
    return this
  }

  private renew(): void {
    rmSync(this.copy, { recursive: true, force: true })
    cpSync(this.sound, this.copy, { recursive: true })
  }

  async inflict({ file, to }: Harm): Promise<Fate> {
    const path = join(this.copy, file)
    if (to === null) rmSync(path)
    else writeFileSync(path, to)
    const why = findDamage(this.copy)
    if (why !== null) {
      const sound = join(this.sound, file)
      if (existsSync(sound)) writeFileSync(path, readFileSync(sound))
      return { kind: 'refused', why }
    }
    try {
      const kind = (await contentOf(this.copy)) === this.expected ? 'same' : 'changed'
      return { kind, why: '' }
    } catch (error) {
      return { kind: 'refused', why: (error as Error).message }
    } finally {
      this.renew()
    }
  }

  end(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

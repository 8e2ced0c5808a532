/**
 * Brings what is readable of a damaged store into a new one; the old one is only read.
 *
 *     files of OLD ── a process of its own ──▶ a new LevelDB ──▶ record by record, what others refer to first ──▶ NEW
 *
 * Nothing rather than something wrong: a record must match its checksum and its kind, and what it refers to must be there.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findDamage } from './check-files.ts'
import { openDatabase, openLevel, StoreError } from './database.ts'
import { keyBehind, Kind, NUMBER_BYTES, readNumber } from './keys.ts'
import type { Database } from './level-options.ts'
import {
  readEntryHead,
  readMessage,
  readSession,
  readSubscription,
  readWill,
  RecordReader,
} from './records.ts'
import type { SalvageMessage } from './salvage-child.ts'
import type { Lost } from './salvage-files.ts'
import { openRecord } from './sealed-record.ts'

export interface Salvaged {
  /** What the look at the store's files says first; null: they are whole. */
  readonly damage: string | null
  /** Bytes that nothing could be made of. */
  readonly lost: readonly Lost[]
  /** Records by kind. */
  readonly brought: ReadonlyMap<string, number>
  readonly leftOut: ReadonlyMap<string, number>
}

const PORTION = 1000
const CHILD = fileURLToPath(new URL('./salvage-child.js', import.meta.url))

/** What a record of each kind must be, besides sound: throws, or says what is missing. */
type Check = (key: Uint8Array, value: Uint8Array, known: Known) => boolean

interface Known {
  readonly sessions: Set<number>
  readonly bodies: Set<number>
  readonly entries: Set<string>
}

const ofSession: Check = (key, _value, { sessions }) => sessions.has(readNumber(key, 1))

/** In the order in which they are brought over: first what others refer to. */
const KINDS: readonly { name: string; kind: Kind; check: Check }[] = [
  { name: 'sessions', kind: Kind.session, check: checkSession },
  { name: 'message bodies', kind: Kind.body, check: checkBody },
  {
    name: 'subscriptions',
    kind: Kind.filter,
    check: (...args) => readSubscription(args[1]).qos <= 2 && ofSession(...args),
  },
  {
    name: 'half-received messages',
    kind: Kind.inbound,
    check: (...args) => readMessage(new RecordReader(args[1])).size > 0 && ofSession(...args),
  },
  { name: 'queued messages', kind: Kind.queue, check: checkEntry },
  { name: 'releases', kind: Kind.pubrec, check: checkRelease },
  {
    name: 'retained messages',
    kind: Kind.retained,
    check: (_key, value) => readMessage(new RecordReader(value)).size > 0,
  },
  {
    name: 'delayed messages',
    kind: Kind.delayed,
    check: (_key, value) => readWill(new RecordReader(value)).message.size > 0,
  },
]

/** @throws StoreError */
export async function salvage(from: string, to: string): Promise<Salvaged> {
  if (!existsSync(from)) throw new StoreError(`${from} does not exist`)
  if (existsSync(to)) throw new StoreError(`${to} exists already; salvage makes a new directory`)
  // Without a slash at its end: beside the directory, not within it.
  const place = resolve(to)
  const raw = `${place}.raw-${process.pid}`
  const partial = `${place}.partial-${process.pid}`
  try {
    const damage = problemOf(from)
    const lost = await readFiles(from, raw)
    const counts = await fromTo(await openLevel(raw), await openDatabase(partial))
    await rename(partial, place)
    return { damage, lost, ...counts }
  } finally {
    await rm(raw, { recursive: true, force: true })
    await rm(partial, { recursive: true, force: true })
  }
}

/** What a start would say; a disk that does not answer everywhere keeps nobody from reading the rest. */
function problemOf(location: string): string | null {
  try {
    return findDamage(location)
  } catch (error) {
    return (error as Error).message
  }
}

/** Makes a LevelDB in `to` of the files in `from`; again without a file of which the reading process has died. */
async function readFiles(from: string, to: string): Promise<Lost[]> {
  const deaths: Lost[] = []
  for (;;) {
    await rm(to, { recursive: true, force: true })
    const lost: Lost[] = []
    let reading = ''
    const without = deaths.map(({ file }) => file)
    const child = fork(CHILD, [JSON.stringify({ from, to, without })])
    child.on('message', (message: SalvageMessage) => {
      if ('reading' in message) reading = message.reading
      else lost.push(message.lost)
    })
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    if (code === 0) return [...deaths, ...lost]
    const why = `reading it ended the process (${signal ?? code})`
    if (reading === '' || without.includes(reading))
      throw new StoreError(`unable to salvage ${from}: ${why}`)
    deaths.push({ file: reading, start: 0, end: 0, why })
  }
}

type Counts = Pick<Salvaged, 'brought' | 'leftOut'>

async function fromTo(source: Database, target: Database): Promise<Counts> {
  try {
    return await bringOver(source, target)
  } finally {
    await source.close()
    await target.close()
  }
}

async function bringOver(source: Database, target: Database): Promise<Counts> {
  const known: Known = { sessions: new Set(), bodies: new Set(), entries: new Set() }
  const brought = new Map<string, number>()
  const leftOut = new Map<string, number>()
  const count = (counts: Map<string, number>, name: string): void =>
    void counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const { name, kind, check } of KINDS) {
    const prefix = new Uint8Array([kind])
    const iterator = source.iterator({ gte: prefix, lt: keyBehind(prefix) })
    try {
      for (;;) {
        const portion = await iterator.nextv(PORTION)
        if (portion.length === 0) break
        const batch = target.batch()
        for (const [key, stored] of portion) {
          const isGood = isReadable(key, stored, check, known)
          count(isGood ? brought : leftOut, name)
          if (isGood) batch.put(key, stored)
        }
        await batch.write({ sync: true })
      }
    } finally {
      await iterator.close()
    }
  }
  return { brought, leftOut }
}

function isReadable(key: Uint8Array, stored: Uint8Array, check: Check, known: Known): boolean {
  try {
    return check(key, openRecord(key, stored), known)
  } catch {
    return false
  }
}

function checkSession(_key: Uint8Array, value: Uint8Array, { sessions }: Known): boolean {
  sessions.add(readSession('', value).number)
  return true
}

function checkBody(key: Uint8Array, value: Uint8Array, { bodies }: Known): boolean {
  const isMessage = readMessage(new RecordReader(value)).size > 0
  if (isMessage) bodies.add(readNumber(key, 1))
  return isMessage
}

function checkEntry(key: Uint8Array, value: Uint8Array, known: Known): boolean {
  const reader = new RecordReader(value)
  const { body } = readEntryHead(reader)
  const hasMessage = body > 0 ? known.bodies.has(body) : readMessage(reader).size > 0
  if (!hasMessage || !known.sessions.has(readNumber(key, 1))) return false
  known.entries.add(nameOf(key))
  return true
}

function checkRelease(key: Uint8Array, _value: Uint8Array, { entries }: Known): boolean {
  return entries.has(nameOf(key))
}

function nameOf(key: Uint8Array): string {
  return `${readNumber(key, 1)} ${readNumber(key, 1 + NUMBER_BYTES)}`
}

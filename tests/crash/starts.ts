/**
 * `npm run crash -- --starts N --seed S`: a start reads a large store in pieces and opens it anew between two of them. N starts, each
 * disturbed at one of its pieces; what the store holds must be told once and whole, by this start or by the next one:
 *
 *     [ 8 MiB ] close ─ here ─ open ─ or here ─ [ 8 MiB ] close … open [ the rest ] ready
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isTable } from '../../src/store/level/check-files.ts'
import { levelEngine } from '../../src/store/level/database.ts'
import type { Engine } from '../../src/store/level/level-options.ts'
import { createLevelStore, type LevelStore } from '../../src/store/level/level-store.ts'
import { seeded } from '../sim/world.ts'
import { quickDirectory } from '../store/damaging.ts'
import { contentOf, messageOf, Told } from '../store/told.ts'
import { cutPower } from './power-cut.ts'

/** Makes four pieces of queues, and three of retained messages. */
const SESSIONS = 12
const ENTRIES = 12
const ENTRY_BYTES = 200_000
const RETAINED = 110

interface Start {
  readonly store: LevelStore
  /** 'ready', or why it failed. */
  readonly outcome: string
  /** A digest of all that was told. */
  readonly content: string
  readonly told: Told
  /** How often it was opened anew. */
  readonly pieces: number
  readonly warnings: readonly string[]
}

/** Does its harm at the piece of this number, from 1 on; `open` opens the store again. */
type Reopen = (
  piece: number,
  open: () => ReturnType<Engine['reopen']>,
) => ReturnType<Engine['reopen']>

async function start(location: string, reopen: Reopen = (_piece, open) => open()): Promise<Start> {
  let pieces = 0
  const warnings: string[] = []
  const engine: Engine = {
    ...levelEngine,
    reopen: (place, before) => reopen(++pieces, () => levelEngine.reopen(place, before)),
  }
  const options = { location, sync: 'always', wallMs: () => 1e12 } as const
  const store = createLevelStore({ ...options, warn: (text) => warnings.push(text) }, engine)
  const told = new Told()
  const outcome = await new Promise<string>((resolve) =>
    store.open({
      ...told.events,
      ready: () => resolve('ready'),
      failed: (...failure) => {
        told.events.failed(...failure)
        if (failure[1] === 'broken') resolve(failure[2].message)
      },
    }),
  )
  const content = outcome === 'ready' ? digestOf(told) : ''
  return { store, outcome, content, told, pieces, warnings }
}

const close = (store: LevelStore): Promise<void> => new Promise((done) => store.close(done))

function digestOf(told: Told): string {
  const rows = [
    ...told
      .all('session')
      .map(([clientId, , backlog]) => [clientId, backlog?.queuedCount, backlog?.queuedBytes]),
    ...told.all('route').map(([clientId, filter, options]) => [clientId, filter, options]),
    ...told
      .all('retained')
      .map(([topic, message]) => [topic, message && contentOf(message).payload]),
  ]
  return createHash('sha256')
    .update(JSON.stringify(rows.map((row) => JSON.stringify(row)).sort()))
    .digest('hex')
}

async function fill(location: string): Promise<void> {
  const { store, told } = await start(location)
  const options = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionId: 0 } as const
  let batch = 0
  const commit = async (): Promise<void> => {
    store.seal(++batch)
    await told.next('committed')
  }
  for (let n = 0; n < SESSIONS; n++) {
    store.claim(n + 1, `c${n}`, false)
    await told.next('claimed')
    store.saveSubscription(`c${n}`, `t/${n}`, options)
    await commit()
  }
  for (let sequence = 1; sequence <= ENTRIES; sequence++) {
    const shared = messageOf('shared', 'x'.repeat(100))
    for (let n = 0; n < SESSIONS; n++) {
      store.append(
        `c${n}`,
        2 * sequence - 1,
        messageOf(`t/${n}`, `${sequence} `.padEnd(ENTRY_BYTES, 'y')),
        1,
        false,
        0,
      )
      store.append(`c${n}`, 2 * sequence, shared, 1, false, 0)
    }
    await commit()
  }
  for (let n = 0; n < RETAINED; n++) {
    store.saveRetained(`r/${n}`, messageOf(`r/${n}`, `${n} `.padEnd(ENTRY_BYTES, 'z')))
    if (n % 10 === 9) await commit()
  }
  await commit()
  await close(store)
}

interface Place {
  /** Disturbed. */
  readonly location: string
  /** Where a copy may be put. */
  readonly copy: string
  readonly piece: number
  readonly random: () => number
}

/** What is started next, and why this one ended, where it should have. */
type Harm = (
  place: Place,
) => Promise<{ next: string; first: Start | null; isRefusalFine?: boolean }>

const failing = (code: string, text: string): Error =>
  Object.assign(new Error(`IO error: MANIFEST-000005: ${text}`), { code })

/** The files as they lie at this moment, beside a start that goes on. */
function copied(make: (place: Place) => void, isBehind: boolean): Harm {
  return async (place) => {
    const first = await start(place.location, async (piece, open) => {
      if (piece === place.piece && !isBehind) make(place)
      const database = await open()
      if (piece === place.piece && isBehind) make(place)
      return database
    })
    await close(first.store)
    return { next: place.copy, first }
  }
}

const kill = ({ location, copy }: Place): void => cpSync(location, copy, { recursive: true })
const cut = ({ location, copy, random }: Place): void => void cutPower(location, copy, {}, random)

export const HARMS: Readonly<Record<string, Harm>> = {
  'killed while it was closed': copied(kill, false),
  'killed when it was open again': copied(kill, true),
  'power cut while it was closed': copied(cut, false),
  'power cut when it was open again': copied(cut, true),
  'too many open files': async ({ location, piece: at }) => {
    const first = await start(location, async (piece, open) => {
      if (piece === at) throw failing('EMFILE', 'Too many open files')
      return open()
    })
    await close(first.store)
    assert.match(first.outcome, /Too many open files/)
    return { next: location, first: null }
  },
  'no space': async ({ location, piece: at }) => {
    let left = 2
    const first = await start(location, async (piece, open) => {
      if (piece >= at && left-- > 0) throw failing('ENOSPC', 'No space left on device')
      return open()
    })
    await close(first.store)
    assert.match(first.warnings.join(), /no space/i)
    return { next: location, first }
  },
  'a bit of a table': async ({ location, random }) => {
    const tables = readdirSync(location).filter(isTable)
    const path = join(location, tables[Math.floor(random() * tables.length)])
    const bytes = readFileSync(path)
    bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8)
    writeFileSync(path, bytes)
    const { store, outcome, told } = await start(location)
    await close(store)
    if (outcome !== 'ready') {
      assert.match(outcome, /is damaged/)
      assert.equal(told.all('session').length, 0, 'nothing is told of a store that is refused')
    }
    return { next: location, first: null, isRefusalFine: outcome !== 'ready' }
  },
}

export interface StartsResult {
  /** Starts by what was done to them. */
  readonly harms: Readonly<Record<string, number>>
  readonly pieces: number
  readonly wrong: readonly string[]
}

export async function runStarts(rounds: number, seed: number): Promise<StartsResult> {
  const root = mkdtempSync(join(quickDirectory, 'mozzie-starts-'))
  const random = seeded(seed)
  const harms: Record<string, number> = {}
  const wrong: string[] = []
  // A store that waits for space keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  try {
    const sound = join(root, 'sound')
    await fill(sound)
    const { store, content, pieces } = await start(sound)
    await close(store)
    const names = Object.keys(HARMS)
    for (let round = 0; round < rounds; round++) {
      const what = names[round % names.length]
      harms[what] = (harms[what] ?? 0) + 1
      const own = mkdtempSync(join(root, 'round-'))
      const piece = 1 + Math.floor(random() * pieces)
      const place = { location: join(own, 'store'), copy: join(own, 'copy'), piece, random }
      cpSync(sound, place.location, { recursive: true })
      const note = (text: string): void => void wrong.push(`${what}, piece ${piece}: ${text}`)
      try {
        const { next, first, isRefusalFine = false } = await HARMS[what](place)
        if (first !== null && first.content !== content) note(`told otherwise: ${first.outcome}`)
        const again = await start(next)
        await close(again.store)
        if (again.content !== content && !isRefusalFine)
          note(`then told otherwise: ${again.outcome}`)
      } catch (error) {
        note((error as Error).message)
      }
      rmSync(own, { recursive: true, force: true })
    }
    return { harms, pieces, wrong }
  } finally {
    clearInterval(alive)
    rmSync(root, { recursive: true, force: true })
  }
}

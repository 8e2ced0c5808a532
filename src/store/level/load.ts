/** What a store holds, told when it is opened. */
import type { StoreEvents } from '../../ports/ports.ts'
import { decodeUtf8 } from '../../codec/utf8.ts'
import type { BodyReferences } from './body-references.ts'
import type { Database } from './level-options.ts'
import { keyBehind, Kind, NUMBER_BYTES, readNumber } from './keys.ts'
import { LevelSession } from './level-session.ts'
import {
  readEntryCosts,
  readMessage,
  readSession,
  readSubscription,
  readWill,
  RecordReader,
} from './records.ts'
import { checkRecord, openRecord } from './sealed-record.ts'

/** Records taken from LevelDB at a time. */
const PORTION = 500
const PORTION_BYTES = 1 << 18
/** User names that are looked for again while a store is loaded. */
const SHARED_NAMES_MAX = 10_000

export interface Loaded {
  readonly sessions: Map<string, LevelSession>
  /** The highest numbers in use. */
  lastSession: number
  lastBody: number
  /** Sessions of which something is left though their record is gone. */
  readonly garbage: Set<number>
  /** Read of queues. */
  queueBytes: number
  /** Sessions whose client was connected when the broker went down. */
  readonly cutOff: LevelSession[]
}

/** Reads every record but the bodies; tells sessions, then what belongs to them, then retained messages. */
export async function load(
  database: Database,
  references: BodyReferences,
  events: StoreEvents,
  wallMs: number,
): Promise<Loaded> {
  const loaded: Loaded = {
    sessions: new Map(),
    lastSession: 0,
    lastBody: await lastBodyOf(database),
    garbage: new Set(),
    queueBytes: 0,
    cutOff: [],
  }
  const byNumber = await loadSessions(database, loaded, wallMs)
  const sessionOf = (key: Uint8Array): LevelSession | undefined => {
    const number = readNumber(key, 1)
    const session = byNumber.get(number)
    if (session !== undefined) return session
    loaded.garbage.add(number)
    loaded.lastSession = Math.max(loaded.lastSession, number)
    return undefined
  }
  await loadQueues(database, references, loaded, sessionOf)
  for (const [clientId, session] of loaded.sessions)
    events.session(clientId, session.record, session)
  await eachRecord(database, Kind.filter, (key, value) => {
    const session = sessionOf(key)
    if (session === undefined) return
    const filter = decodeUtf8(key, 1 + NUMBER_BYTES, key.length)
    events.route(session.clientId, filter, readSubscription(value))
  })
  await eachRecord(database, Kind.retained, (key, value) => {
    const message = readMessage(new RecordReader(value)).owned()
    events.retained(decodeUtf8(key, 1, key.length), message)
  })
  await eachRecord(database, Kind.delayed, (key, value) =>
    events.delayed(decodeUtf8(key, 1, key.length), readWill(new RecordReader(value))),
  )
  return loaded
}

async function loadSessions(
  database: Database,
  loaded: Loaded,
  wallMs: number,
): Promise<Map<number, LevelSession>> {
  const byNumber = new Map<number, LevelSession>()
  const shared = new Map<string, string>()
  await eachRecord(database, Kind.session, (key, value) => {
    const clientId = decodeUtf8(key, 1, key.length)
    const { number, lastSequence, idShift, record } = readSession(clientId, value)
    // The broker went down while it was connected: its clock starts now.
    const cutOff = record.disconnectedAtMs < 0
    const disconnectedAtMs = cutOff ? wallMs : record.disconnectedAtMs
    const username = sharedName(shared, record.username)
    const session = new LevelSession(number, { ...record, username, disconnectedAtMs })
    if (cutOff) loaded.cutOff.push(session)
    session.lastSequence = lastSequence
    session.idShift = idShift
    loaded.sessions.set(clientId, session)
    loaded.lastSession = Math.max(loaded.lastSession, number)
    byNumber.set(number, session)
  })
  return byNumber
}

/** The same text as one string: a user may have a great many sessions. */
function sharedName(shared: Map<string, string>, name: string | null): string | null {
  if (name === null) return null
  const known = shared.get(name)
  if (known === undefined && shared.size < SHARED_NAMES_MAX) shared.set(name, name)
  return known ?? name
}

async function loadQueues(
  database: Database,
  references: BodyReferences,
  loaded: Loaded,
  sessionOf: (key: Uint8Array) => LevelSession | undefined,
): Promise<void> {
  // Entries of a session lie side by side.
  let owner: LevelSession | undefined
  let ownerNumber = -1
  await eachStored(database, Kind.queue, (key, stored) => {
    const end = checkRecord(key, stored)
    loaded.queueBytes += stored.length
    const { body, payloadLength } = readEntryCosts(new RecordReader(stored, 0, end))
    // Those of a session that is gone count too: they are taken off when the entry is cleared away.
    if (body > 0) {
      references.add(body)
      // Were the body missing, its number must not be given to another one.
      loaded.lastBody = Math.max(loaded.lastBody, body)
    }
    const number = readNumber(key, 1)
    if (number !== ownerNumber) owner = sessionOf(key)
    ownerNumber = number
    if (owner === undefined) return
    const sequence = readNumber(key, 1 + NUMBER_BYTES)
    owner.queuedCount++
    owner.queuedBytes += payloadLength
    owner.writtenTo = sequence
    owner.lastSequence = Math.max(owner.lastSequence, sequence)
  })
  await eachRecord(database, Kind.pubrec, (key) => {
    const session = sessionOf(key)
    if (session !== undefined)
      (session.released ??= new Set()).add(readNumber(key, 1 + NUMBER_BYTES))
  })
  await eachRecord(database, Kind.inbound, (key, value) => {
    const session = sessionOf(key)
    const packetId = key[7] * 256 + key[8]
    if (session !== undefined)
      (session.inbound ??= new Map()).set(packetId, readMessage(new RecordReader(value)))
  })
}

async function lastBodyOf(database: Database): Promise<number> {
  const prefix = new Uint8Array([Kind.body])
  const keys = database.keys({ gte: prefix, lt: keyBehind(prefix), reverse: true, limit: 1 })
  const [key] = await keys.all()
  return key === undefined ? 0 : readNumber(key, 1)
}

/** Calls `visit` with every record of a kind, its checksum checked and taken off. */
export function eachRecord(
  database: Database,
  kind: Kind,
  visit: (key: Uint8Array, value: Uint8Array) => void,
): Promise<void> {
  return eachStored(database, kind, (key, stored) => visit(key, openRecord(key, stored)))
}

/** The same, as it is stored: nothing is checked. */
async function eachStored(
  database: Database,
  kind: Kind,
  visit: (key: Uint8Array, stored: Uint8Array) => void,
): Promise<void> {
  const prefix = new Uint8Array([kind])
  const iterator = database.iterator({
    gte: prefix,
    lt: keyBehind(prefix),
    highWaterMarkBytes: PORTION_BYTES,
    fillCache: false,
  })
  try {
    let next = iterator.nextv(PORTION)
    for (let portion = await next; portion.length > 0; portion = await next) {
      // LevelDB reads the next ones in its own thread meanwhile.
      next = iterator.nextv(PORTION)
      // Nobody waits for it when a record is refused.
      next.catch(() => {})
      for (const [key, stored] of portion) visit(key, stored)
    }
  } finally {
    await iterator.close()
  }
}

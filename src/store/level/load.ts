/** What a store holds, told when it is opened. */
import type { StoreEvents } from '../../ports/store.ts'
import { decodeUtf8 } from '../../codec/utf8.ts'
import type { BodyReferences } from './body-references.ts'
import type { Database } from './level-options.ts'
import { keyBehind, Kind, NUMBER_BYTES, readNumber } from './keys.ts'
import { LevelSession } from './level-session.ts'
import { KindReader } from './read-kinds.ts'
import {
  readEntryCosts,
  readMessage,
  readSession,
  readSubscription,
  readWill,
  RecordReader,
} from './records.ts'
import { checkRecord } from './sealed-record.ts'

/** User names that are looked for again while a store is loaded. */
const SHARED_NAMES_MAX = 10_000

/** What is loaded: opened anew now and then while it is read. */
interface OpenStore {
  readonly database: Database
  openAnew(): Promise<void>
}

export interface Loaded {
  readonly sessions: Map<string, LevelSession>
  /** The highest numbers in use. */
  lastSession: number
  lastBody: number
  /** Sessions of which something is left though their record is gone. */
  readonly garbage: Set<number>
  /** Sessions whose client was connected when the broker went down. */
  readonly cutOff: LevelSession[]
}

/** Reads every record but the bodies; tells sessions, then what belongs to them, then retained messages. */
export async function load(
  source: OpenStore,
  references: BodyReferences,
  events: StoreEvents,
  wallMs: number,
): Promise<Loaded> {
  const loaded: Loaded = {
    sessions: new Map(),
    lastSession: 0,
    lastBody: await lastBodyOf(source.database),
    garbage: new Set(),
    cutOff: [],
  }
  const reader = new KindReader(source)
  const sessionOf = finderOf(await loadSessions(reader, loaded, wallMs), loaded)
  await loadQueues(reader, references, loaded, sessionOf)
  for (const [clientId, session] of loaded.sessions) {
    session.boundSent()
    events.session(clientId, session.record, session)
  }
  await reader.each(Kind.filter, (key, value) => {
    const session = sessionOf(key)
    if (session === undefined) return
    const filter = decodeUtf8(key, 1 + NUMBER_BYTES, key.length)
    events.route(session.clientId, filter, readSubscription(value))
  })
  await reader.each(Kind.retained, (key, value) => {
    const message = readMessage(new RecordReader(value))
    events.retained(decodeUtf8(key, 1, key.length), message)
  })
  await reader.each(Kind.delayed, (key, value) =>
    events.delayed(decodeUtf8(key, 1, key.length), readWill(new RecordReader(value))),
  )
  await reader.end()
  return loaded
}

/** By their numbers, ascending. */
async function loadSessions(
  reader: KindReader,
  loaded: Loaded,
  wallMs: number,
): Promise<LevelSession[]> {
  const shared = new Map<string, string>()
  await reader.each(Kind.session, (key, value) => {
    const clientId = decodeUtf8(key, 1, key.length)
    const { number, lastSequence, idShift, sentTo, record } = readSession(clientId, value)
    // The broker went down while it was connected: its clock starts now.
    const cutOff = record.disconnectedAtMs < 0
    const disconnectedAtMs = cutOff ? wallMs : record.disconnectedAtMs
    const username = sharedName(shared, record.username)
    const session = new LevelSession(number, { ...record, username, disconnectedAtMs })
    if (cutOff) loaded.cutOff.push(session)
    session.lastSequence = lastSequence
    session.idShift = idShift
    session.sentTo = sentTo
    loaded.sessions.set(clientId, session)
  })
  const byNumber = [...loaded.sessions.values()].sort((a, b) => a.number - b.number)
  loaded.lastSession = byNumber.at(-1)?.number ?? 0
  return byNumber
}

type SessionOf = (key: Uint8Array) => LevelSession | undefined

/** Finds the session that a key names; notes one that is gone. */
function finderOf(byNumber: readonly LevelSession[], loaded: Loaded): SessionOf {
  return (key) => {
    const number = readNumber(key, 1)
    let from = 0
    for (let to = byNumber.length; from < to;) {
      const middle = (from + to) >>> 1
      if (byNumber[middle].number < number) from = middle + 1
      else to = middle
    }
    const found = from < byNumber.length ? byNumber[from] : undefined
    if (found?.number === number) return found
    loaded.garbage.add(number)
    loaded.lastSession = Math.max(loaded.lastSession, number)
    return undefined
  }
}

/** The same text as one string: a user may have a great many sessions. */
function sharedName(shared: Map<string, string>, name: string | null): string | null {
  if (name === null) return null
  const known = shared.get(name)
  if (known === undefined && shared.size < SHARED_NAMES_MAX) shared.set(name, name)
  return known ?? name
}

async function loadQueues(
  reader: KindReader,
  references: BodyReferences,
  loaded: Loaded,
  sessionOf: SessionOf,
): Promise<void> {
  // Entries of a session lie side by side.
  let owner: LevelSession | undefined
  let ownerNumber = -1
  await reader.eachStored(Kind.queue, (key, stored) => {
    const end = checkRecord(key, stored)
    const { qos, body, payloadLength } = readEntryCosts(new RecordReader(stored, 0, end))
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
    if (qos === 0) owner.noteAtQos0(payloadLength)
    owner.writtenTo = sequence
    owner.lastSequence = Math.max(owner.lastSequence, sequence)
  })
  await reader.each(Kind.pubrec, (key) => {
    const session = sessionOf(key)
    if (session !== undefined)
      (session.released ??= new Set()).add(readNumber(key, 1 + NUMBER_BYTES))
  })
  await reader.each(Kind.inbound, (key, value) => {
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

/**
 * A session is taken for this node: its row is written with this node as its owner, on top of the row that the stream's
 * leader had. Whoever was faster is seen by that, and asked.
 */
import type { Message } from '../ports/message.ts'
import type { ClaimedSession, StoredWill } from '../ports/store.ts'
import type { ClusterNode } from './cluster-node.ts'
import { WRONG_LAST } from './failures.ts'
import { readNamed } from './entries.ts'
import type { FoundWill } from './left-wills.ts'
import { LocalSession } from './local-session.ts'
import { storedWill } from './resting-wills.ts'
import { readRow, writeRow, type SessionRow } from './rows.ts'
import type { KnownSession } from './session-table.ts'
import { partitionOf, tokenFor } from './tokens.ts'
import { clearRemains, exchangesOf } from './remains.ts'
import { isFailure, pause, type StreamEntry } from './wire.ts'

const RETRY_MS = 1000
/** Another node sees to the will that is in the way of a claim: so often it is looked at again, and so long after. */
const SEEN_TO_MS = 20
const LOOKS_MAX = 100
/** Of its queue, to know what it weighs. */
const ENTRIES_LOOKED_AT = 256

export interface Claimed {
  readonly session: ClaimedSession | null
  readonly owner: string | null
  /** Of its held messages, in their order. */
  readonly heldIds: string[]
  /** From here on what comes into its queue is told. */
  begin(): void
}

/** Takes a session, or makes it; or names the node that has it. */
export async function claimSession(
  node: ClusterNode,
  clientId: string,
  cleanStart: boolean,
): Promise<Claimed> {
  const sid = tokenFor(clientId)
  let last = guess(node, clientId)
  let left: FoundWill | null = null
  if (last === null) await node.writer.flush()
  for (; ; last = null) {
    const { found, sequence } = last ?? (await readLast(node, sid))
    const owner = found === null ? null : await ownerOf(node, found)
    if (owner !== null) return await heldBy(node, owner, left)
    const goesOn = found !== null && !found.isGone && !cleanStart
    left ??=
      found === null || !mayHaveLeft(found, cleanStart) ? null : await takeOrphan(node, found)
    const goingOn = goesOn ? found : null
    const waiting = left === null ? null : waitingOf(node, goingOn, left)
    const row = nextRow(node, clientId, (found?.epoch ?? 0) + 1, goingOn, waiting)
    const known = await takeRow(node, row, sequence)
    if (known !== null && left !== null) await settleWill(node, left, waiting !== null)
    if (known !== null) return await stateOf(node, known, found, goesOn)
    if (node.wire.isClosed) return { session: null, owner: null, heldIds: [], begin() {} }
  }
}

/**
 * Nobody has let it go: its node is gone. Or somebody has, for that node, and what ends now could not be told any more from what begins
 * by who sees to the wills, which may be many.
 */
function mayHaveLeft({ owner, isGone }: SessionRow, cleanStart: boolean): boolean {
  return owner !== '' || (cleanStart && !isGone)
}

/** What was taken before another node was faster is as any other that is left. */
async function heldBy(
  { leftWills }: ClusterNode,
  owner: string,
  left: FoundWill | null,
): Promise<Claimed> {
  if (left !== null) await leftWills?.settle([left])
  return { session: null, owner, heldIds: [], begin() {} }
}

/** The session as its stream has it, or is believed to. */
interface LastRow {
  readonly found: SessionRow | null
  readonly sequence: number
}

/** As it is known here: the stream refuses what is written on top of it if that was wrong. null: too much is open. */
function guess({ table, options }: ClusterNode, clientId: string): LastRow | null {
  const known = table.get(clientId)
  if (known === undefined) return { found: null, sequence: 0 }
  const { row, sequence, writing } = known
  if (writing > 0 || sequence === 0 || row.owner !== '' || row.keeper === options.node) return null
  return { found: row, sequence }
}

/** Resolves when the core has been told of the session that a client id has by now, at whichever node it was. */
export async function knowSession(node: ClusterNode, clientId: string): Promise<void> {
  const known = node.table.get(clientId)
  if (known !== undefined && known.toldAs !== null) return
  while (!node.wire.isClosed) {
    try {
      const { sequence } = await readLast(node, tokenFor(clientId))
      return await node.sessionsUntil(sequence)
    } catch {
      // Nobody leads the stream just now.
      await pause(RETRY_MS)
    }
  }
}

async function readLast({ wire, options: { name } }: ClusterNode, sid: string): Promise<LastRow> {
  const entry = await wire.readOne(`${name}_S`, { last_by_subj: `${name}.s.${sid}` })
  if (entry === null) return { found: null, sequence: 0 }
  return { found: readRow(entry.data), sequence: entry.sequence }
}

/** The other node that has its client; null: none. */
async function ownerOf(
  { options, membership }: ClusterNode,
  row: SessionRow,
): Promise<string | null> {
  const { owner } = row
  if (owner === '' || owner === options.node || row.isGone) return null
  await membership.refreshNode(owner)
  return membership.mayHold(owner) ? owner : null
}

/**
 * The will that the last connection left, if nobody else has seen to it: its node is gone. Where somebody is about to, the row is
 * another one behind that.
 */
async function takeOrphan(node: ClusterNode, row: SessionRow): Promise<FoundWill | null> {
  const { leftWills, membership, options, wire } = node
  if (leftWills === null) return null
  for (let looks = 0; looks < LOOKS_MAX && !wire.isClosed; looks++) {
    const found = await leftWills.find(row.clientId)
    if (found === null) return null
    const isLive = membership.isRunAlive(found.node, found.run) && membership.mayHold(found.node)
    // Of a connection that there is.
    if (isLive && (found.node === row.owner || found.node === options.node)) return null
    const taken = isLive ? null : await leftWills.take(found)
    if (taken !== null) return taken
    await pause(SEEN_TO_MS)
  }
  return null
}

/** As the row of a session that goes on has it; null: it is to be said, its delay is over or nothing goes on. */
function waitingOf(
  { membership, options }: ClusterNode,
  goingOn: SessionRow | null,
  left: FoundWill,
): StoredWill | null {
  const goneMs = membership.goneForMs(left.node, left.run)
  const isOver = goneMs >= left.will.delaySeconds * 1000
  if (isOver || (goingOn?.record ?? null) === null) return null
  return storedWill(left, options.wallMs(), goneMs)
}

/** `waiting`: the will that the last connection left. */
function nextRow(
  { options: { node, partitions } }: ClusterNode,
  clientId: string,
  epoch: number,
  goingOn: SessionRow | null,
  waiting: StoredWill | null,
): SessionRow {
  const own = { clientId, owner: node, keeper: node, epoch, isGone: false, sentTo: -1 }
  if (goingOn === null) {
    const partition = partitionOf(tokenFor(clientId), partitions)
    return { ...own, partition, record: null, subscriptions: new Map() }
  }
  const { partition, record, subscriptions } = goingOn
  const isLeft = record !== null && waiting !== null
  return {
    ...own,
    partition,
    subscriptions,
    record: isLeft ? { ...record, will: waiting } : record,
  }
}

/** `waits`: the row has it, and with that it is the core's to say, or not: the client is back. */
async function settleWill(
  { leftWills }: ClusterNode,
  left: FoundWill,
  waits: boolean,
): Promise<void> {
  if (!waits) await leftWills?.sayTaken(left)
  await leftWills?.erase(left.sequence)
}

/** Writes the row on top of the one at `last`; null: somebody was faster, or nobody knows. */
async function takeRow(
  node: ClusterNode,
  row: SessionRow,
  last: number,
): Promise<KnownSession | null> {
  const { table, wire, options } = node
  const known = table.get(row.clientId) ?? table.add(row)
  known.writing++
  try {
    const outcome = await wire.putUntilAnswered(`${options.name}.s.${known.sid}`, writeRow(row), {
      'Nats-Expected-Last-Subject-Sequence': String(last),
    })
    if (isFailure(outcome)) {
      if (outcome.code === WRONG_LAST || wire.isClosed) return null
      node.refused(outcome)
      await pause(RETRY_MS)
      return null
    }
    table.tellClaimed(known, row)
    known.row = row
    known.sequence = outcome.sequence
    known.toldAs = ''
    known.isFresh = true
    known.local?.end()
    // Somebody with a later claim is told by his copy.
    known.local = new LocalSession(
      wire,
      node.placeOf(known),
      (clientId, delivery) => node.tell((events) => events.arrived(clientId, delivery)),
      (sequence) => node.forgetMarker(known.sid, sequence),
    )
    return known
  } finally {
    known.writing--
    table.settle(known)
  }
}

/** What the claim brings, read from those who lead the streams. */
async function stateOf(
  node: ClusterNode,
  known: KnownSession,
  found: SessionRow | null,
  goesOn: boolean,
): Promise<Claimed> {
  const { local } = known
  const { wire } = node
  if (local === null) return { session: null, owner: null, heldIds: [], begin() {} }
  const { stream, subject } = local.place
  const [last, exchanges] = await Promise.all([
    wire.readOne(stream, { last_by_subj: subject }),
    exchangesOf(wire, node.options.name, known.sid),
  ])
  const lastSequence = last?.sequence ?? 0
  if (!goesOn) {
    const begin = (): void => local.begin(0)
    if (found !== null || lastSequence > 0)
      await clearRemains(node.wire, node.options.name, local.place, lastSequence, exchanges)
    return { session: null, owner: null, heldIds: [], begin }
  }
  const inbound: { packetId: number; message: Message }[] = []
  const heldIds: string[] = []
  for (const { subject: name, data } of exchanges) {
    const [kind, number] = name.split('.').slice(-2)
    if (kind === 'o') local.released.add(Number(number))
    const { name: id, message } = readNamed(data)
    if (kind !== 'i' || message === null) continue
    inbound.push({ packetId: Number(number), message })
    heldIds.push(id)
  }
  const read = await firstEntries(node, local, lastSequence)
  const begin = (): void => local.begin(lastSequence, read)
  const weight = weighed(node, read)
  const record = known.row.record ?? { ...BLANK_RECORD, clientId: known.row.clientId }
  const sentTo = found === null || found.sentTo < 0 ? undefined : found.sentTo
  const session = { record, inbound, lastSequence, idShift: 0, sentTo, ...weight }
  return { session, owner: null, heldIds, begin }
}

/** Of a session that was claimed, and never saved. */
const BLANK_RECORD = {
  username: null,
  version: 4,
  expirySeconds: 0,
  disconnectedAtMs: -1,
  will: null,
} as const

async function firstEntries(
  node: ClusterNode,
  { place: { stream, subject } }: LocalSession,
  lastSequence: number,
): Promise<StreamEntry[]> {
  const read: StreamEntry[] = []
  for (let at = 0; at < lastSequence && read.length < ENTRIES_LOOKED_AT;) {
    const limit = ENTRIES_LOOKED_AT - read.length
    const more = await node.wire.readTo(stream, subject, at + 1, lastSequence, limit)
    read.push(...more)
    // What came less than asked for was cut off, or is the end.
    at = more.at(-1)?.sequence ?? lastSequence
  }
  return read
}

/** How much waits: counted by the server, weighed by its first entries. */
function weighed(node: ClusterNode, entries: readonly StreamEntry[]) {
  const more = entries.length < ENTRIES_LOOKED_AT ? 0 : (entries.at(-1)?.pending ?? 0)
  const bytes = entries.reduce((sum, { data }) => sum + node.payloadBytes(data), 0)
  const each = entries.length === 0 ? 0 : bytes / entries.length
  return {
    queuedCount: entries.length + more,
    queuedBytes: Math.round(bytes + more * each),
  }
}

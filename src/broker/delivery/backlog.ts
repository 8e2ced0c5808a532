/** What waits for a session: its queue and window or, until these are needed, what the store counts. */
import type { AtQos0, Backlog, ClaimedSession } from '../../ports/store.ts'
import type { Qos } from '../../codec/packets.ts'
import type { Core } from '../state/core.ts'
import { Bytes, charge } from '../state/memory.ts'
import { Outbound, type Connection, type Session } from '../state/model.ts'
import { freeDelivery } from './window.ts'

const NOTHING = { count: 0, bytes: 0 }

/** Its queue and window, made of what waits in the store when they are first needed. */
export function outboundOf(session: Session): Outbound {
  if (session.outbound !== null) return session.outbound
  const outbound = (session.outbound = new Outbound())
  const { backlog } = session
  session.backlog = null
  if (backlog === null) return outbound
  outbound.lastSequence = backlog.lastSequence
  outbound.queuedCount = backlog.queuedCount
  outbound.queuedBytes = backlog.queuedBytes
  const found = backlog.foundAtQos0 ?? NOTHING
  boundAtQos0(outbound, found.count, found.bytes)
  return outbound
}

/** The store says what waits for a session that nobody here serves. */
export function noteBacklog(session: Session, backlog: Readonly<Backlog>): void {
  session.outbound = null
  session.backlog = backlog
}

/**
 * State that another process, or another node, left in the store. How much of it that one had sent is known, or is at most
 * what the largest window of this client lets through: nobody has noted the one it had then.
 */
export function adoptOutbound(
  core: Core,
  connection: Connection,
  session: Session,
  state: ClaimedSession,
): void {
  const { queuedCount, sentTo, sentAtMost = state.lastSequence } = state
  // What came since the start was counted here.
  const before = session.outbound
  forgetOutbound(core, session)
  const outbound = (session.outbound = new Outbound())
  outbound.lastSequence = state.lastSequence
  outbound.idShift = state.idShift
  outbound.queuedCount = queuedCount
  outbound.queuedBytes = state.queuedBytes
  const { count, bytes } = state.atQos0 ?? countedAtQos0(before) ?? state.foundAtQos0 ?? NOTHING
  boundAtQos0(outbound, count, bytes)
  const windowMax = Math.max(core.ports.limits.windowMax, connection.receiveMaximum)
  outbound.dupLeft = sentTo === undefined ? Math.min(queuedCount, windowMax) : queuedCount
  outbound.sentTo = sentTo ?? sentAtMost
  outbound.knowsSent = sentTo !== undefined || queuedCount === 0
  if (queuedCount === 0) outbound.loadedTo = state.lastSequence
}

/** Other nodes may have queued something while its client was away; the store alone knows that. */
export function catchUp(outbound: Outbound, state: ClaimedSession): void {
  outbound.lastSequence = Math.max(outbound.lastSequence, state.lastSequence)
  outbound.queuedCount = Math.max(0, state.queuedCount - outbound.inflight.size)
  outbound.queuedBytes = Math.max(0, state.queuedBytes - outbound.inflightBytes)
  const { count, bytes } = state.atQos0 ?? (countedAtQos0(outbound) as AtQos0)
  boundAtQos0(outbound, count, bytes)
}

function countedAtQos0(outbound: Outbound | null): AtQos0 | null {
  return outbound === null
    ? null
    : { count: outbound.queuedAtQos0, bytes: outbound.queuedBytesAtQos0 }
}

/** A message waits, in memory. */
export function countQueued(outbound: Outbound, bytes: number, qos: Qos): void {
  outbound.queuedCount++
  outbound.queuedBytes += bytes
  if (qos > 0) return
  outbound.queuedAtQos0++
  outbound.queuedBytesAtQos0 += bytes
}

/** A message waits, in the store. */
export function countStored(outbound: Outbound, sequence: number, bytes: number, qos: Qos): void {
  outbound.lastSequence = sequence
  countQueued(outbound, bytes, qos)
}

/** One that was counted waits no more: it goes into the window, or nowhere. */
export function countGone(outbound: Outbound, bytes: number, qos: Qos): void {
  outbound.queuedCount--
  outbound.queuedBytes -= bytes
  const { queuedAtQos0, queuedBytesAtQos0 } = outbound
  if (queuedAtQos0 === 0) return
  if (qos === 0) boundAtQos0(outbound, queuedAtQos0 - 1, queuedBytesAtQos0 - bytes)
  else boundAtQos0(outbound, queuedAtQos0, queuedBytesAtQos0)
}

/** What others have queued was not counted so, and of one that is lost nobody knows it. */
function boundAtQos0(outbound: Outbound, count: number, bytes: number): void {
  const { queuedCount, queuedBytes } = outbound
  outbound.queuedAtQos0 = Math.min(count, queuedCount)
  outbound.queuedBytesAtQos0 = count === 0 ? 0 : Math.max(0, Math.min(bytes, queuedBytes))
}

/** How many of those that wait count against `max_queued_messages` for one at `qos`: QoS 0 takes no room from others. */
export function waitingBefore({ queuedCount, queuedAtQos0 }: Outbound, qos: Qos): number {
  return qos === 0 ? queuedCount : queuedCount - queuedAtQos0
}

/** The same of `max_queued_bytes`. */
export function waitingBytesBefore({ queuedBytes, queuedBytesAtQos0 }: Outbound, qos: Qos): number {
  return qos === 0 ? queuedBytes : queuedBytes - queuedBytesAtQos0
}

/** All up to this place of the store's queue is in memory, or done with. */
export function noteLoaded(outbound: Outbound, sequence: number): void {
  outbound.loadedTo = sequence
}

/** All up to this place was sent once; what an earlier process left open too, where that ends no later. */
export function noteSentTo(outbound: Outbound, sequence: number): void {
  if (sequence < outbound.sentTo) return
  outbound.sentTo = sequence
  outbound.knowsSent = true
}

/** No entry behind this one was sent, in this process or before; undefined: nobody knows. */
export function knownSentTo(outbound: Outbound | null): number | undefined {
  if (outbound === null) return 0
  return outbound.knowsSent || outbound.queuedCount === 0 ? outbound.sentTo : undefined
}

/** Is an entry that comes from the store to be marked DUP? Asked once for each, in order. */
export function takesDup(outbound: Outbound, sequence: number): boolean {
  if (outbound.dupLeft === 0) return false
  outbound.dupLeft--
  return sequence <= outbound.sentTo
}

/** The client is gone: what the store has need not be in memory. It will be read, and judged, again. */
export function unloadQueue(core: Core, outbound: Outbound, isStored: boolean): void {
  const first = outbound.queue.peek()
  if (first !== undefined && isStored) {
    outbound.loadedTo = first.sequence - 1
    for (const { dup } of outbound.queue) if (dup) outbound.dupLeft++
  }
  freeQueue(core, outbound)
  outbound.queue.clear()
}

/** What was known of it is old, or the session has ended. */
export function forgetOutbound(core: Core, session: Session): void {
  const { outbound } = session
  session.outbound = null
  session.backlog = null
  if (outbound !== null) freeOutbound(core, outbound)
}

/** Takes it from a session that ends: for others of its shared groups, who then frees it. */
export function takeOutbound(session: Session): Outbound | null {
  const { outbound } = session
  session.outbound = null
  session.backlog = null
  return outbound
}

/** All of it goes with the session. */
export function freeOutbound(core: Core, outbound: Outbound): void {
  const replays = outbound.replays === null ? 0 : outbound.replays.size
  charge(core, -outbound.inflight.size * Bytes.entry - replays * Bytes.replay)
  for (const [, delivery] of outbound.inflight.entries()) freeDelivery(core, delivery)
  freeQueue(core, outbound)
}

function freeQueue(core: Core, outbound: Outbound): void {
  charge(core, -outbound.queue.length * Bytes.entry)
  for (const delivery of outbound.queue) freeDelivery(core, delivery)
}

/** Messages that wait for it, sent and unacknowledged ones among them. */
export function waitingCount({ outbound, backlog }: Session): number {
  if (outbound === null) return backlog === null ? 0 : backlog.queuedCount
  return outbound.queuedCount + outbound.inflight.size
}

/** Their payloads. */
export function waitingBytes({ outbound, backlog }: Session): number {
  if (outbound === null) return backlog === null ? 0 : backlog.queuedBytes
  return outbound.queuedBytes + outbound.inflightBytes
}

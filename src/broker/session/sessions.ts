/** The life of a session: made, resumed, left alone, expired. */
import type { Core } from '../state/core.ts'
import type { Version } from '../../codec/packets.ts'
import type { SessionRecord } from '../../ports/store.ts'
import { NEVER_EXPIRES, type Connection, type Session } from '../state/model.ts'
import { endDirect } from '../routing/direct.ts'
import { handOver, handOverStored, sharedWithOthers } from '../routing/hand-over.ts'
import { freeOutbound, takeOutbound } from '../delivery/backlog.ts'
import { suspend } from '../delivery/outbound.ts'
import { dropAllUnreleased } from '../state/held.ts'
import { Bytes, charge } from '../state/memory.ts'
import { settle } from '../state/settle.ts'
import { removeSubscriptions } from './subscriptions.ts'
import { publishWaitingWill, settleWill } from '../routing/wills.ts'
import { logExpired } from '../state/words.ts'

export function addSession(core: Core, session: Session): void {
  core.sessions.set(session.clientId, session)
  if (session.isOurs) core.hasBridge = true
  if (!session.durable) countClean(core, session, 1)
  countUser(core, session.username, 1)
  charge(core, Bytes.session + session.clientId.length)
  core.stats.sessionsMax = Math.max(core.stats.sessionsMax, core.sessions.size)
}

function countClean(core: Core, { username }: Session, change: 1 | -1): void {
  const { peers } = core.ports
  core.cleanSessions += change
  if (peers === null) return
  peers.cleanSessions(core.cleanSessions)
  if (username !== null) peers.userSessions(username, change)
}

/** The session is another user's from now on: that of who took it over (`session_takeover_any_user`). */
export function giveTo(core: Core, session: Session, username: string | null): void {
  if (session.username === username) return
  countUser(core, session.username, -1)
  session.username = username
  countUser(core, username, 1)
}

/** A session more, or fewer, is this user's, and keeps the name. */
export function countUser(core: Core, username: string | null, change: 1 | -1): void {
  if (username === null) return
  charge(core, change * username.length)
  const count = (core.sessionsOfUser.get(username) ?? 0) + change
  if (count > 0) core.sessionsOfUser.set(username, count)
  else core.sessionsOfUser.delete(username)
}

/**
 * Drops the session with all it holds; a will that waits is published now [MQTT-3.1.2-8]. `stored`: what becomes of the
 * store's part of it; `keep` when that is gone by now, or is another session's.
 */
export function endSession(core: Core, session: Session, stored: 'keep' | 'delete'): void {
  if (session.ended) return
  session.end()
  core.wheel.cancel(session.expiryTimer)
  const isStored = session.durable && stored === 'delete'
  const toHandOver = isStored ? sharedWithOthers(core, session) : []
  removeSubscriptions(core, session)
  endDirect(core, session)
  core.owing.delete(session)
  if (core.sessions.get(session.clientId) === session) core.sessions.delete(session.clientId)
  countUser(core, session.username, -1)
  if (!session.durable) countClean(core, session, -1)
  charge(core, -Bytes.session - session.clientId.length)
  const outbound = takeOutbound(session)
  dropAllUnreleased(core, session)
  if (outbound !== null) freeOutbound(core, outbound)
  if (toHandOver.length > 0) handOverStored(core, session, toHandOver)
  else if (isStored) core.journal.deleteSession(session.clientId)
  if (outbound !== null && !session.durable) handOver(core, outbound)
  publishWaitingWill(core, session)
}

/** The session of a client id. One whose time is up has ended, though the wheel has not turned that far. */
export function liveSession(core: Core, clientId: string): Session | undefined {
  const session = core.sessions.get(clientId)
  const timer = session?.expiryTimer ?? null
  if (session === undefined || timer === null || timer.dueMs > core.ports.clock.monotonicMs())
    return session
  // With other nodes the store has to say whether it is ours to end.
  if (core.ports.peers !== null) return session
  expireSession(core, session)
  return undefined
}

/** This node has it, and its client asks for this from now on. */
export function beginServing(session: Session, version: Version, expirySeconds: number): void {
  session.version = version
  session.expirySeconds = expirySeconds
  session.foreign = false
  session.loaded = true
}

/** What the store says of it: an earlier process had it, or another node has. */
export function noteRecord(core: Core, session: Session, record: SessionRecord): void {
  giveTo(core, session, record.username)
  core.wheel.cancel(session.expiryTimer)
  session.expiryTimer = null
  session.expirySeconds = record.expirySeconds
  session.disconnectedAtMs = record.disconnectedAtMs
  session.loaded = false
  session.foreign = record.disconnectedAtMs < 0
}

export function setExpiry(session: Session, seconds: number): void {
  session.expirySeconds = seconds
}

/** Its client is back. */
export function wakeSession(core: Core, session: Session, connection: Connection): void {
  core.wheel.cancel(session.expiryTimer)
  session.expiryTimer = null
  session.disconnectedAtMs = -1
  settleWill(core, session)
  session.connection = connection
}

export function leaveConnection(session: Session): void {
  session.connection = null
}

/** Its client is gone and it lives on: starts its clock. */
export function restSession(core: Core, session: Session): void {
  const { clock } = core.ports
  session.disconnectedAtMs = clock.wallMs()
  suspend(core, session)
  armExpiry(core, session, 0)
}

/** Arms the end of an offline session that has been offline for `elapsedMs`. */
export function armExpiry(core: Core, session: Session, elapsedMs: number): void {
  const { clock, limits } = core.ports
  let lifeMs = session.expirySeconds === NEVER_EXPIRES ? Infinity : session.expirySeconds * 1000
  // A bridge keeps what is to cross however long its remote is away, as in mosquitto.
  const isCapped = limits.sessionExpiryMsMax > 0 && !session.isOurs
  if (isCapped) lifeMs = Math.min(lifeMs, limits.sessionExpiryMsMax)
  if (lifeMs === Infinity) return
  const dueMs = clock.monotonicMs() + Math.max(0, lifeMs - elapsedMs)
  session.expiryTimer = core.wheel.armFor(dueMs, core.expire, session)
}

/** The time of an offline session is up. */
export function sessionDue(core: Core, session: Session): void {
  settle(core, session, () => expireSession(core, session))
}

function expireSession(core: Core, session: Session): void {
  core.stats.expired++
  logExpired(core, session)
  core.ports.observer?.expired?.(session.clientId, session.username)
  endSession(core, session, 'delete')
}

/**
 * From an authenticated CONNECT to an open connection.
 *
 *     openSession ─▶ another CONNECT of the same id is under way? ── wait behind it
 *          │
 *          ▼ the connection that has the id now is taken over
 *     peers.claim: at other nodes too
 *          ▼
 *     durable? ── no ──▶ enter
 *          │ yes
 *          ▼
 *     store.claim ── claimed: held by another node ──▶ kick, claim again
 *          │ claimed
 *          ▼
 *        enter ─▶ CONNACK (after its batch) ─▶ input goes on, what was in flight is sent again
 */
import type { ConnectPacket } from '../../codec/packets.ts'
import { Reason } from '../../codec/reason-codes.ts'
import { answerProperties, cappedExpiry, keepAliveOf } from './answer.ts'
import { closeConnection } from './closing.ts'
import { refuse, welcome } from './connack.ts'
import { makeRoomForBridge, takeOver } from './give-way.ts'
import { askTurnEnd, type Core, type Opening } from '../state/core.ts'
import { isOpen, NEVER_EXPIRES, Phase, Session, type Connection } from '../state/model.ts'
import { adoptOutbound, catchUp } from '../delivery/backlog.ts'
import { resume } from '../delivery/outbound.ts'
import type { PeerClaim } from '../../ports/peers.ts'
import type { ClaimedSession, SessionRecord } from '../../ports/store.ts'
import { announceDirect } from '../routing/direct.ts'
import { countInterests } from '../routing/interest.ts'
import { dropAllUnreleased, heldCount, heldIds, holdUntilPubrel } from '../state/held.ts'
import { saveSession } from '../state/session-record.ts'
import { autoSubscribe } from '../session/auto-subscribe.ts'
import { sharedWithOthers } from '../routing/hand-over.ts'
import {
  addSession,
  endSession,
  giveTo,
  liveSession,
  wakeSession,
  beginServing,
} from '../session/sessions.ts'
import { noteOwner } from '../state/rights.ts'
import { sendLateReplies } from '../delivery/replies.ts'
import { resumeReplays } from '../routing/retained.ts'
import { restoreWill, takeWill } from '../routing/wills.ts'
import { armKeepAlive } from './keepalive.ts'
import { logConnected, logOtherUser } from '../state/words.ts'
import {
  expiryOf,
  hasNoRoom,
  isFullFor,
  idOf,
  isSamePlace,
  keepPlace,
  leavePlace,
  mayTakeOver,
  sessionRefusal,
  userOf,
} from './session-rules.ts'

/** The store is ready, or not to be had for now: those who came early go on. */
export function openEarly(core: Core): void {
  for (const { connection, packet, assigned } of core.early.splice(0))
    if (connection.phase === Phase.opening) openSession(core, connection, packet, assigned)
}

export function openSession(
  core: Core,
  connection: Connection,
  packet: ConnectPacket,
  assigned: boolean,
): void {
  const opening = { connection, packet, assigned, isGranted: false, replaces: false }
  if (!core.ready && !core.withoutStore && !connection.isOurs) return void core.early.push(opening)
  const queue = core.openings.get(idOf(connection))
  if (queue !== undefined) queue.push(opening)
  else begin(core, opening)
}

function begin(core: Core, opening: Opening): void {
  const { connection, packet } = opening
  const clientId = idOf(connection)
  if (connection.isOurs) makeRoomForBridge(core, clientId)
  const known = liveSession(core, clientId)
  if (waitsForLeaving(core, opening)) return
  const refusal = sessionRefusal(core, opening, known)
  if (refusal !== 0) return refuse(core, connection, refusal)
  if (known?.connection) takeOver(core, known.connection, packet.cleanStart)
  // What others are owed of it must not go with what the store drops at the claim.
  if (packet.cleanStart && known?.durable && sharedWithOthers(core, known).length > 0)
    endSession(core, known, 'delete')
  if (waitsForLeaving(core, opening)) return
  if (known?.ended === true && isSamePlace(core, known.username, userOf(connection)))
    keepPlace(core, opening)
  if (core.ports.peers === null) return goOn(core, opening)
  core.openings.set(clientId, [opening])
  core.ports.peers.claim(peerClaim(core, opening), (granted, had) => {
    if (had === true) keepPlace(core, opening)
    claimedOfPeers(core, opening, granted)
  })
}

/** What the last session of this client id leaves is still being given to others: its CONNECT waits. */
function waitsForLeaving(core: Core, { connection, packet, assigned }: Opening): boolean {
  const leaving = core.leaving.get(idOf(connection))
  leaving?.push(() => {
    if (connection.phase === Phase.opening) openSession(core, connection, packet, assigned)
  })
  return leaving !== undefined
}

function peerClaim(core: Core, { connection, packet }: Opening): PeerClaim {
  const { cleanStart } = packet
  const isFull = isFullFor(core, connection)
  return { clientId: idOf(connection), username: userOf(connection), cleanStart, isFull }
}

function claimedOfPeers(core: Core, opening: Opening, granted: boolean): void {
  const { connection } = opening
  opening.isGranted = granted
  if (connection.phase === Phase.opening) {
    if (granted) return goOn(core, opening)
    const isFull = isFullFor(core, connection)
    if (!isFull) logOtherUser(core, connection, idOf(connection))
    refuse(core, connection, isFull ? Reason.serverBusy : Reason.clientIdentifierNotValid)
  }
  leavePlace(core, opening)
  admitNext(core, idOf(connection))
}

/** Nobody else has the client id. */
function goOn(core: Core, opening: Opening): void {
  const clientId = idOf(opening.connection)
  const left = core.sessions.get(clientId)
  if (expiryOf(opening.packet) === 0 && left?.durable !== true) {
    leavePlace(core, opening)
    if (!opening.replaces && hasNoRoom(core, opening.connection, left))
      refuse(core, opening.connection, Reason.serverBusy)
    else joinSession(core, opening, null, false)
    if (core.ports.peers !== null) admitNext(core, clientId)
    return
  }
  if (core.ports.peers === null) core.openings.set(clientId, [opening])
  claim(core, opening, opening.packet.cleanStart)
}

function claim(core: Core, opening: Opening, cleanStart: boolean): void {
  const request = ++core.lastRequest
  core.claims.set(request, opening)
  core.journal.claim(request, idOf(opening.connection), cleanStart)
}

/** The store's answer to a claim. */
export function claimed(
  core: Core,
  request: number,
  state: ClaimedSession | null,
  owner: string | null,
): void {
  const opening = core.claims.get(request)
  if (opening === undefined) return
  core.claims.delete(request)
  const clientId = idOf(opening.connection)
  const { peers } = core.ports
  if (owner !== null && peers !== null)
    return peers.kick(owner, peerClaim(core, opening), () =>
      claim(core, opening, opening.packet.cleanStart),
    )
  const { connection } = opening
  if (peers !== null && state !== null && isOver(core, state.record))
    return claim(core, opening, true)
  leavePlace(core, opening)
  const replaced = state?.record ?? core.sessions.get(clientId)
  if (connection.phase !== Phase.opening) abandon(core, clientId, state)
  else if (
    state !== null &&
    !mayTakeOver(core, connection, state.record, opening.packet.cleanStart)
  ) {
    // Another node wrote it between our look and our claim.
    core.journal.unclaim(clientId)
    refuse(core, connection, Reason.clientIdentifierNotValid)
  } else if (!opening.replaces && hasNoRoom(core, connection, replaced)) {
    abandon(core, clientId, state)
    refuse(core, connection, Reason.serverBusy)
  } else joinSession(core, opening, state, true)
  admitNext(core, clientId)
}

/** Its time ran out, and whoever was to see to it has not come to it yet. */
function isOver(core: Core, { expirySeconds, disconnectedAtMs }: SessionRecord): boolean {
  if (disconnectedAtMs < 0 || expirySeconds === NEVER_EXPIRES) return false
  return core.ports.clock.wallMs() - disconnectedAtMs >= expirySeconds * 1000
}

/** A CONNECT is through, in or not: the next one of its client id. */
function admitNext(core: Core, clientId: string): void {
  const queue = core.openings.get(clientId) ?? []
  core.openings.delete(clientId)
  queue.shift()
  if (!core.sessions.get(clientId)?.connection) core.ports.peers?.unclaim(clientId)
  const kicks = core.kicks.get(clientId) ?? []
  core.kicks.delete(clientId)
  for (const done of kicks) done()
  const next = queue.shift()
  if (next === undefined) return
  if (next.connection.phase === Phase.opening) begin(core, next)
  for (const later of queue) {
    if (later.connection.phase === Phase.opening)
      openSession(core, later.connection, later.packet, later.assigned)
  }
}

/** The client left while its session was being claimed: nothing stays of the claim, nor of what it replaced. */
function abandon(core: Core, clientId: string, state: ClaimedSession | null): void {
  const session = core.sessions.get(clientId)
  if (state !== null) core.journal.unclaim(clientId)
  else {
    if (session !== undefined) endSession(core, session, 'keep')
    core.journal.deleteSession(clientId)
  }
}

/** The session is ours: opens the connection. `isClaimed`: the store was asked for it, and keeps it from now on. */
function joinSession(
  core: Core,
  opening: Opening,
  state: ClaimedSession | null,
  isClaimed: boolean,
): void {
  const { connection, packet } = opening
  const session = sessionFor(core, opening, state)
  const sessionPresent = state !== null && !packet.cleanStart
  beginServing(session, packet.version, cappedExpiry(core, packet, connection.isOurs))
  // Until its session is safe, and its will.
  let left = core.ports.peers === null || connection.will === null ? 1 : 2
  const enter = (): void => {
    if (--left === 0) open(core, opening, session, sessionPresent)
  }
  if (core.ports.peers !== null) joinPeers(core, connection, session, state, enter)
  wakeSession(core, session, connection)
  countInterests(core, session, 1)
  announceDirect(core, session)
  noteOwner(session, connection.identity)
  giveTo(core, session, userOf(connection))
  connection.session = session
  connection.heldBefore = heldIdsOf(session)
  if (!session.durable && !isClaimed) return enter()
  // It was there before, and what is new of it may wait until there is space.
  if (core.full && sessionPresent) {
    saveSession(core, session)
    return enter()
  }
  connection.onSafe = enter
  // A session that keeps nothing needed the store only to be rid of the one before it.
  const batch = session.durable
    ? saveSession(core, session)
    : core.journal.deleteSession(session.clientId)
  core.journal.wait(batch, connection)
}

/**
 * The will that the client left the last time may be due; the one it leaves now is to outlive this node: `isKept` is called when it
 * does.
 */
function joinPeers(
  core: Core,
  connection: Connection,
  session: Session,
  state: ClaimedSession | null,
  isKept: () => void,
): void {
  if (state !== null) restoreWill(core, session, state.record.will)
  const { will, identity } = connection
  if (will === null || identity === null) return
  const { username, remote, origin } = identity
  // Where the node is gone nobody knows when the session ends with the connection, or before the delay.
  const delaySeconds = Math.min(will.delaySeconds, session.expirySeconds)
  const left = { ...will, delaySeconds, username, remote, origin }
  core.ports.peers?.will(session.clientId, left, isKept)
}

function heldIdsOf(session: Session): Set<number> | null {
  return heldCount(session) === 0 ? null : new Set(heldIds(session))
}

/** The batch that a connection waited for is safe: it opens, or says what it held back. */
export function batchSafe(core: Core, connection: Connection): void {
  const { onSafe } = connection
  connection.onSafe = null
  if (onSafe === null) sendLateReplies(core, connection)
  else onSafe()
}

/** Nothing more is in the way: CONNACK, what was in flight, and the input that came meanwhile. */
function open(core: Core, opening: Opening, session: Session, sessionPresent: boolean): void {
  const { connection, packet } = opening
  if (connection.phase !== Phase.opening) return
  connection.setPhase(Phase.open)
  if (!welcome(core, connection, sessionPresent, answerProperties(core, opening, session)))
    return closeUnanswered(core, connection)
  connection.openedAtMs = core.ports.clock.wallMs()
  logConnected(core, connection, packet)
  armKeepAlive(core, connection, connection.isOurs ? 0 : keepAliveOf(core, packet))
  if (connection.identity !== null)
    core.ports.observer?.connected?.(connection.identity, packet.version)
  resume(core, session, connection)
  resumeReplays(core, connection)
  if (isOpen(connection)) autoSubscribe(core, connection)
  core.opened.push(connection)
  askTurnEnd(core)
}

/** Who cannot be told that it is in would wait for ever. It has said nothing that counts, and leaves no will. */
function closeUnanswered(core: Core, connection: Connection): void {
  takeWill(core, connection)
  closeConnection(core, connection, { text: 'oversize packet', reason: -1 })
}

function sessionFor(core: Core, opening: Opening, state: ClaimedSession | null): Session {
  const { connection, packet } = opening
  const clientId = idOf(connection)
  const known = core.sessions.get(clientId)
  if (known !== undefined && state !== null && !packet.cleanStart) {
    const { outbound } = known
    const isShared = core.ports.peers !== null
    if (!known.loaded || (isShared && outbound === null)) adoptState(core, connection, known, state)
    else if (isShared && outbound !== null) catchUp(outbound, state)
    return known
  }
  // The claim has dropped what the store had of it, or there was nothing.
  if (known !== undefined) endSession(core, known, 'keep')
  const resumes = state !== null && !packet.cleanStart
  const isDurable = resumes || expiryOf(packet) > 0
  const session = new Session(clientId, userOf(connection), packet.version, isDurable)
  addSession(core, session)
  if (resumes) adoptState(core, connection, session, state)
  return session
}

/** State that another process, or another node, left in the store. */
function adoptState(
  core: Core,
  connection: Connection,
  session: Session,
  state: ClaimedSession,
): void {
  adoptOutbound(core, connection, session, state)
  dropAllUnreleased(core, session)
  for (const { packetId, message } of state.inbound)
    holdUntilPubrel(core, session, packetId, message)
}

/** Wills: what a client wants said when it goes without saying goodbye (MQTT 5.0, 3.1.2.5). */
import type { Message } from '../../ports/message.ts'
import type { PeerWill } from '../../ports/peers.ts'
import type { Identity, Verdict } from '../../ports/ports.ts'
import type { StoredWill } from '../../ports/store.ts'
import type { Core } from '../state/core.ts'
import { NEVER_EXPIRES, Session, type Connection, type Will } from '../state/model.ts'
import { mayPublish, ownerOf } from '../state/rights.ts'
import { addKeeper, dropKeeper } from '../state/memory.ts'
import { newDelayedId } from './delayed.ts'
import { mayBegin } from './fan-out-later.ts'
import { retainedIsFull } from './retained.ts'
import { publish, publishOnce } from './routing.ts'
import { settle } from '../state/settle.ts'
import { saveSession } from '../state/session-record.ts'
import { logWillDenied, logWillNotRetained } from '../state/words.ts'

/** The will of a connection that ended without a clean DISCONNECT: at once, or after its delay. */
export function fireWill(core: Core, session: Session, will: Will): void {
  const delayMs = will.delaySeconds * 1000
  const sessionMs = session.ended ? 0 : session.expirySeconds * 1000
  const waitMs =
    session.expirySeconds === NEVER_EXPIRES && !session.ended
      ? delayMs
      : Math.min(delayMs, sessionMs)
  const author = ownerOf(session)
  if (waitMs === 0) return publishWill(core, session, will.message, author)
  waitWill(core, session, will.message, author, waitMs)
}

/** The will of a connection that begins. */
export function leaveWill(
  core: Core,
  connection: Connection,
  message: Message,
  delaySeconds: number,
): void {
  addKeeper(core, message)
  connection.will = { message, delaySeconds }
}

/** Takes the will from a connection: it is published, waits, or is forgotten. */
export function takeWill(core: Core, connection: Connection): Will | null {
  const { will } = connection
  connection.will = null
  if (will !== null) dropKeeper(core, will.message)
  return will
}

/** Takes the will from a connection that is not to have one any more, whatever becomes of this node [MQTT-3.1.2-10]. */
export function dropWill(core: Core, connection: Connection): void {
  const { session } = connection
  if (takeWill(core, connection) === null || session?.connection !== connection) return
  core.ports.peers?.will(session.clientId, 'unwanted')
}

/** Arms a will that is due in `waitMs`; a new connection of the client cancels it [MQTT-3.1.3-9]. */
export function waitWill(
  core: Core,
  session: Session,
  message: Message,
  author: Identity,
  waitMs: number,
): void {
  const timer = core.wheel.arm(core.ports.clock.monotonicMs() + waitMs, () =>
    settle(core, session, () => {
      if (session.will?.message === message) sayWill(core, session, message, author)
    }),
  )
  session.will = { message, timer, author }
  addKeeper(core, message)
}

/** Its time has come. */
function sayWill(core: Core, session: Session, message: Message, author: Identity): void {
  session.will = null
  dropKeeper(core, message)
  publishKeptWill(core, session, message, author)
}

/** One that waited, and is in the session's record: it must not come back with that. */
function publishKeptWill(core: Core, session: Session, message: Message, author: Identity): void {
  const verdict = mayPublish(core, session, message, author)
  const goesNow = typeof verdict === 'boolean' && mayBegin(core, message.publisher)
  const forget = (): void => forgetWill(core, session)
  // After this process, or at another node meanwhile.
  const isReadAgain = session.durable && (core.journal.survives || core.ports.peers !== null)
  if (goesNow || !isReadAgain) return askedWill(core, session, message, verdict, forget)
  askedWill(core, session, message, verdict, keepDueWill(core, session, message, author))
}

/** Writes that the session's record has no will any more; one that is gone from the store has no record. */
function forgetWill(core: Core, session: Session): void {
  const isStored = !session.ended || core.leaving.has(session.clientId)
  if (session.durable && isStored) saveSession(core, session)
}

/**
 * A will that is due and cannot go out in this batch: its session's record may be gone by then, or have another one, so the
 * store keeps it with the delayed messages. Returns what writes that it does no longer.
 */
function keepDueWill(
  core: Core,
  session: Session,
  message: Message,
  { remote, origin }: Identity,
): () => void {
  const id = newDelayedId(core)
  const dueAtMs = core.ports.clock.wallMs()
  core.journal.saveDelayed(id, { message, dueAtMs, remote, origin })
  forgetWill(core, session)
  return () => void core.journal.saveDelayed(id, null)
}

/** A will that the store has kept: waits on for what is left of its delay. */
export function restoreWill(core: Core, session: Session, will: StoredWill | null): void {
  if (will === null || session.will !== null) return
  const { message, dueAtMs, remote, origin } = will
  const { publisherUser: username } = message
  const { clientId } = session
  const author = { clientId, username, remote, listener: null, login: null, origin }
  waitWill(core, session, message, author, Math.max(0, dueAtMs - core.ports.clock.wallMs()))
}

/** The node of its client is gone, and this one was chosen to speak for it. */
export function adoptWill(core: Core, clientId: string, will: PeerWill): void {
  const { message, delaySeconds, username, remote, origin } = will
  const author = { clientId, username, remote, listener: null, login: null, origin }
  const known = core.sessions.get(clientId)
  // Whether it is back or not, the connection of this one has ended; only a delay that a session goes on in is for nothing.
  if (known !== undefined && known.connection !== null && delaySeconds > 0) return
  const session = known ?? new Session(clientId, username, 5, false)
  if (known?.durable && delaySeconds > 0)
    waitWill(core, session, message, author, delaySeconds * 1000)
  else publishWill(core, session, message, author)
}

/** The client is back: in time nothing is said, but a delay that ran out while the broker was down did run out. */
export function settleWill(core: Core, session: Session): void {
  if (session.will === null) return
  if (session.will.timer.dueMs > core.ports.clock.monotonicMs()) cancelWill(core, session)
  else publishWaitingWill(core, session)
}

/** Nobody here is to say it. */
export function cancelWill(core: Core, session: Session): void {
  if (session.will === null) return
  core.wheel.cancel(session.will.timer)
  dropKeeper(core, session.will.message)
  session.will = null
}

/** The session ends, or the broker: a will that still waits is due now [MQTT-3.1.2-8]. */
export function publishWaitingWill(core: Core, session: Session): void {
  const will = session.will
  if (will === null) return
  cancelWill(core, session)
  publishKeptWill(core, session, will.message, will.author)
}

/** The right of its author to publish it is asked now, not when the will was left. */
export function publishWill(
  core: Core,
  session: Session,
  message: Message,
  author: Identity,
): void {
  askedWill(core, session, message, mayPublish(core, session, message, author), null)
}

/** `forget`: of one that the store keeps, writes that it does no longer. */
function askedWill(
  core: Core,
  session: Session,
  message: Message,
  verdict: Verdict,
  forget: (() => void) | null,
): void {
  if (typeof verdict === 'boolean') return ruleWill(core, session, message, verdict, forget)
  const ruling = verdict.then((allowed) => {
    core.rulings.delete(ruling)
    ruleWill(core, session, message, allowed, forget)
  })
  core.rulings.add(ruling)
}

function ruleWill(
  core: Core,
  session: Session,
  message: Message,
  allowed: boolean,
  forget: (() => void) | null,
): void {
  const { clock, observer } = core.ports
  observer?.willDue?.(session.clientId, session.username, message.topicName, allowed)
  if (!allowed) {
    forget?.()
    return logWillDenied(core, session, message.topicName)
  }
  const wallMs = clock.wallMs()
  if (message.expiresAtMs !== Infinity) message.expiresAtMs += wallMs - message.madeAtMs
  message.madeAtMs = wallMs
  core.stats.publishReceived++
  if (message.retain && retainedIsFull(core, message.topicName, message.payloadLength))
    heardOnce(core, session, message)
  if (forget === null) publish(core, message, session)
  else publishOnce(core, message, session, forget)
}

/** Where a PUBLISH would be refused nobody is left to be told: those who listen hear the will, it is not kept. */
function heardOnce(core: Core, session: Session, message: Message): void {
  message.retain = false
  logWillNotRetained(core, session, message.topicName)
}

/**
 * Wills go out while there is still someone to read them; one with a delay waits for it in the store, its client may be
 * back in time [MQTT-3.1.3-9].
 */
export function publishLastWill(core: Core, connection: Connection): void {
  const { will, session } = connection
  if (will === null || session === null) return
  const waits = will.delaySeconds > 0 && session.expirySeconds > 0
  if (waits && session.durable && core.journal.survives) return
  takeWill(core, connection)
  publishWill(core, session, will.message, ownerOf(session))
}

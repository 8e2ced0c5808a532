/** What the store tells, and who is told. */
import { LogType } from '../base/log.ts'
import { Reason } from '../codec/reason-codes.ts'
import { closeFor } from './connection/closing.ts'
import type { Core } from './state/core.ts'
import { Phase, Session } from './state/model.ts'
import { batchSafe, claimed, openEarly } from './connection/open-session.ts'
import { countGone, forgetOutbound, noteBacklog } from './delivery/backlog.ts'
import { arrived } from './delivery/arrived.ts'
import { pageRead, pump } from './delivery/outbound.ts'
import type { Backlog, SessionRecord, StoreEvents, SubscriptionOptions } from '../ports/store.ts'
import { dropped } from './state/drops.ts'
import { Bytes, charge, addKeeper, dropKeeper } from './state/memory.ts'
import { findSubscription } from './state/own-subscriptions.ts'
import { applyRetained } from './routing/retained.ts'
import { settled } from './state/settle.ts'
import { addSession, armExpiry, endSession, noteRecord } from './session/sessions.ts'
import { addSubscription, changeSubscription, removeSubscription } from './session/subscriptions.ts'
import { armDelayed, delayedTold } from './routing/delayed.ts'
import { cancelWill, restoreWill } from './routing/wills.ts'

export function storeEvents(
  core: Core,
  ready: () => void,
  first: (go: () => void) => void,
): StoreEvents {
  let announced = false
  const announce = (): void => {
    if (!announced) ready()
    announced = true
  }
  return {
    session(clientId, record, backlog, isTended = false) {
      endWithoutStore(core)
      sessionTold(core, clientId, record, backlog, isTended)
    },
    route: (clientId, filter, options) => routeTold(core, clientId, filter, options),
    retained(topic, message) {
      endWithoutStore(core)
      applyRetained(core, topic, message)
    },
    delayed: (id, waiting) => delayedTold(core, id, waiting),
    ready() {
      endWithoutStore(core)
      first(() => {
        core.ready = true
        armDelayed(core)
        if (core.full) noteSpace(core)
        openEarly(core)
        announce()
      })
    },
    claimed(request, session, owner) {
      if (!settled(core, request, session, owner)) claimed(core, request, session, owner)
    },
    page(request, clientId, entries, more) {
      const look = core.looks.get(request)
      if (look !== undefined) {
        core.looks.delete(request)
        return look(entries, more)
      }
      const session = core.sessions.get(clientId)
      if (session !== undefined) pageRead(core, session, request, entries, more)
    },
    lost: (clientId, sequence, bytes, reason) => lost(core, clientId, sequence, bytes, reason),
    arrived(clientId, entry) {
      const session = core.sessions.get(clientId)
      if (session !== undefined) arrived(core, session, entry)
    },
    keeps(message, change) {
      charge(core, change * Bytes.entry)
      if (change > 0) addKeeper(core, message)
      else dropKeeper(core, message)
    },
    takes: (bytes) => charge(core, bytes),
    overflowed: (clientId) => dropped(core, core.sessions.get(clientId) ?? null, 'queueFull'),
    committed: (batch) => committed(core, batch),
    failed(batch, failure, error) {
      if (failure === 'broken') return core.ports.fatal(error)
      if (core.ready) return refuseLate(core, batch, error)
      beginWithoutStore(core, error)
      announce()
    },
  }
}

/**
 * There is no space to open the store. What it holds is not known: clean sessions are served, QoS 0, and whatever is no
 * client's; all that would have to be stored, or found there, is refused.
 */
function beginWithoutStore(core: Core, error: Error): void {
  core.full = true
  core.withoutStore = true
  core.ports.log.write(
    LogType.error,
    `Error: there is no space to open the store: ${error.message}. Until there is, sessions and retained messages are not known, and only clean sessions and QoS 0 are served.`,
  )
  openEarly(core)
}

/** The store tells what it holds: who was served without it comes again, and finds everything. */
function endWithoutStore(core: Core): void {
  if (!core.withoutStore) return
  core.withoutStore = false
  for (const connection of core.connections)
    if (connection.phase === Phase.open && !connection.isOurs)
      closeFor(core, connection, Reason.serverBusy, 'the store is open: connect again')
}

/** A session that exists in the store: kept from an earlier run, or held by another node. */
function sessionTold(
  core: Core,
  clientId: string,
  record: SessionRecord | null,
  backlog: Readonly<Backlog> | undefined,
  isTended: boolean,
): void {
  if (record !== null) giveUpClean(core, clientId)
  const known = core.sessions.get(clientId)
  if (known !== undefined && known.connection !== null) return
  if (record === null) {
    if (known !== undefined) endSession(core, known, 'keep')
    return
  }
  const session = known ?? new Session(clientId, record.username, record.version, true)
  if (known === undefined) addSession(core, session)
  noteRecord(core, session, record)
  if (backlog !== undefined && backlog.queuedCount > 0) noteBacklog(session, backlog)
  // Another node has seen to it: what this one knew of its queue is old, and a claim brings it again.
  if (core.ports.peers !== null && core.ready) forgetOutbound(core, session)
  if (session.foreign || isTended) return cancelWill(core, session)
  armExpiry(core, session, Math.max(0, core.ports.clock.wallMs() - record.disconnectedAtMs))
  restoreWill(core, session, record.will)
}

/** A client connected at another node meanwhile, and neither heard of the other: what that one keeps goes on. */
function giveUpClean(core: Core, clientId: string): void {
  const known = core.sessions.get(clientId)
  if (known === undefined || known.connection === null || known.durable) return
  if (core.ports.peers !== null) closeFor(core, known.connection, Reason.sessionTakenOver)
}

function routeTold(
  core: Core,
  clientId: string,
  filter: string,
  options: SubscriptionOptions | null,
): void {
  const session = core.sessions.get(clientId)
  if (session === undefined) return
  if (options === null) removeSubscription(core, session, filter)
  else {
    const known = findSubscription(session, filter)
    if (known === undefined) addSubscription(core, session, filter, options)
    else changeSubscription(core, known, options)
    if (options.owesRetained === true) core.owing.add(session)
  }
}

/** A queued message is gone: whoever runs the broker must hear of it, and everybody else is served. */
function lost(core: Core, clientId: string, sequence: number, bytes: number, reason: string): void {
  const session = core.sessions.get(clientId) ?? null
  core.ports.log.write(
    LogType.error,
    `Error: message ${sequence} queued for client ${clientId} is lost, it cannot be read from the store: ${reason}.`,
    { event: 'message_lost', client: clientId, sequence, reason },
  )
  dropped(core, session, 'unreadable')
  core.journal.note()
  if (session?.outbound) countGone(session.outbound, bytes, 1)
}

/** What waited for the batch goes on. */
function committed(core: Core, batch: number): void {
  const { journal } = core
  noteTime(core, batch)
  journal.done = Math.max(journal.done, batch)
  if (core.full) noteSpace(core)
  for (let waiter = journal.next(); waiter !== undefined; waiter = journal.next()) {
    if (waiter.kind === 'connection') batchSafe(core, waiter)
    else if (waiter.kind === 'session') pump(core, waiter)
    else waiter.run()
  }
}

/** How long the oldest batch waited that is safe now. */
function noteTime({ journal, stats, ports }: Core, batch: number): void {
  if (batch <= journal.done) return
  const waitedMs = ports.clock.monotonicMs() - journal.sealedAtMs(journal.done + 1)
  stats.commits++
  stats.commitMs += waitedMs
  stats.commitMsMax = Math.max(stats.commitMsMax, waitedMs)
}

/**
 * The disk is full. What could not be written is not lost, the store goes on trying; but nobody may be kept waiting
 * for it: clients with an unanswered packet are told, and send it again when they are back.
 */
function refuseLate(core: Core, batch: number, error: Error): void {
  core.full = true
  core.ports.log.write(
    LogType.error,
    `Error: the store is full: ${error.message}. QoS 1 and 2 messages for stored sessions are refused until there is space.`,
  )
  for (const connection of core.connections) {
    const { lateReplies, onSafe } = connection
    const waits = lateReplies !== null && [...lateReplies].some((reply) => reply.batch >= batch)
    if (waits || onSafe !== null)
      closeFor(core, connection, Reason.quotaExceeded, 'the broker has no space to store it')
  }
  for (const waiter of core.journal.waitingFrom(batch))
    if (waiter.kind === 'call') waiter.refuse?.()
}

function noteSpace(core: Core): void {
  core.full = false
  core.ports.log.write(LogType.notice, 'The store has space again; everything is accepted.')
}

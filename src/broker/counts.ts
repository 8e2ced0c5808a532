/** How much of everything the core holds. */
import { waitingBytes, waitingCount } from './delivery/backlog.ts'
import type { Counts } from '../ports/stats.ts'
import { pendingBytes } from './delivery/outbox.ts'
import type { Core } from './state/core.ts'
import { subscriptionsOf } from './state/own-subscriptions.ts'

export function countsOf(core: Core): Counts {
  let connected = 0
  let queued = 0
  let queuedBytes = 0
  for (const session of core.sessions.values()) {
    if (session.connection !== null) connected++
    queued += waitingCount(session)
    queuedBytes += waitingBytes(session)
  }
  let outputBytes = 0
  let outputPackets = 0
  for (const connection of core.connections) {
    const bytes = pendingBytes(connection)
    outputBytes += bytes
    if (bytes > 0) outputPackets++
  }
  return {
    sessions: core.sessions.size,
    connected,
    sockets: core.connections.size,
    retained: core.retained.count,
    retainedBytes: core.retainedBytes,
    queued,
    queuedBytes,
    subscriptions: core.stats.subscriptions,
    sharedSubscriptions: core.stats.sharedSubscriptions,
    outputBytes,
    outputPackets,
  }
}

/** Of clients that are connected here, and of clean sessions. */
export interface OwnCounts {
  cleanSessions: number
  cleanSubscriptions: number
  cleanSharedSubscriptions: number
  connected: number
  sockets: number
  queued: number
  queuedBytes: number
  outputBytes: number
  outputPackets: number
}

export function ownCountsOf(core: Core): OwnCounts {
  const { connected, sockets, outputBytes, outputPackets } = countsOf(core)
  const own: OwnCounts = {
    cleanSessions: core.cleanSessions,
    cleanSubscriptions: 0,
    cleanSharedSubscriptions: 0,
    connected,
    sockets,
    queued: 0,
    queuedBytes: 0,
    outputBytes,
    outputPackets,
  }
  for (const session of core.sessions.values()) {
    const { durable, connection, outbound } = session
    if (!durable)
      for (const { group } of subscriptionsOf(session)) {
        own.cleanSubscriptions++
        if (group !== null) own.cleanSharedSubscriptions++
      }
    if (outbound === null || (durable && connection === null)) continue
    own.queued += outbound.queuedCount + outbound.inflight.size
    own.queuedBytes += outbound.queuedBytes + outbound.inflightBytes
  }
  return own
}

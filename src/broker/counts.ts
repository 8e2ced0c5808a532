/** How much of everything the core holds. */
import { waitingBytes, waitingCount } from './delivery/window.ts'
import type { Counts } from '../ports/stats.ts'
import { pendingBytes } from './delivery/outbox.ts'
import type { Core } from './state/model.ts'

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

/** A session as the store keeps it. */
import type { Core } from './core.ts'
import type { Session } from './model.ts'
import type { PendingWill } from './pending-will.ts'
import type { SessionRecord, StoredWill } from '../../ports/store.ts'

/** What the store keeps of it beside its queue and subscriptions. */
function recordOf(core: Core, session: Session): SessionRecord {
  const { clientId, username, version, expirySeconds, disconnectedAtMs, will } = session
  const { clock } = core.ports
  const dueAtMs =
    will === null ? 0 : clock.wallMs() + Math.max(0, will.timer.dueMs - clock.monotonicMs())
  return {
    clientId,
    username,
    version,
    expirySeconds,
    disconnectedAtMs,
    will: will === null ? null : storedWill(will, dueAtMs),
  }
}

function storedWill({ message, author }: PendingWill, dueAtMs: number): StoredWill {
  const { remote, origin } = author
  return { message, dueAtMs, remote, origin }
}

/** Writes the record of a durable session into the batch being filled; returns the batch. */
export function saveSession(core: Core, session: Session): number {
  return core.journal.saveSession(recordOf(core, session))
}

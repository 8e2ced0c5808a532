/**
 * What is done about a session because time passed. With other nodes its client may be at one of them by now, so the
 * session is claimed first; who gets it acts.
 */
import type { ClaimedSession } from '../../ports/store.ts'
import type { Core } from './core.ts'
import type { Session } from './model.ts'

/** Calls `act`, now or later, if nobody has the session; its timers may have been overtaken by what the store says. */
export function settle(core: Core, session: Session, act: () => void): void {
  if (core.ports.peers === null || !session.durable) return act()
  const request = ++core.lastRequest
  core.settlings.set(request, (state) => {
    const { clientId } = session
    if (core.openings.has(clientId) || session.connection !== null) return
    if (state === null) core.journal.deleteSession(clientId)
    else if (!session.ended && state.record.disconnectedAtMs === session.disconnectedAtMs) act()
    if (state !== null && !session.ended) core.journal.unclaim(clientId)
  })
  core.journal.claim(request, session.clientId, false)
}

/** The answer to a claim, if {@link settle} made it. */
export function settled(
  core: Core,
  request: number,
  state: ClaimedSession | null,
  owner: string | null,
): boolean {
  const goOn = core.settlings.get(request)
  core.settlings.delete(request)
  if (owner === null) goOn?.(state)
  return goOn !== undefined
}

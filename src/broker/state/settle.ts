/**
 * What is done about a session because time passed. With other nodes its client may be at one of them by now, so the
 * session is claimed first; who gets it acts.
 */
import type { ClaimedSession } from '../../ports/store.ts'
import type { Core } from './core.ts'
import type { Session } from './model.ts'
import type { Due } from './settlings.ts'

/**
 * So many at once, from the claim until what was done is safe: of a hundred thousand whose time is up in the same second most
 * wait here, and not in the store in front of what clients wait for.
 */
export const SETTLINGS_MAX = 256

/** Calls `act`, now or later, if nobody has the session; its timers may have been overtaken by what the store says. */
export function settle(core: Core, session: Session, act: () => void): void {
  if (core.ports.peers === null || !session.durable) return act()
  core.settlings.waiting.push({ session, leftAtMs: session.disconnectedAtMs, act })
  settleNext(core)
}

function settleNext(core: Core): void {
  while (core.settlings.count < SETTLINGS_MAX) {
    const due = core.settlings.waiting.shift()
    if (due === undefined) return
    if (isStillDue(due)) claimFor(core, due)
  }
}

/** Its client has not been here meanwhile. */
function isStillDue({ session, leftAtMs }: Due): boolean {
  return !session.ended && session.connection === null && session.disconnectedAtMs === leftAtMs
}

function claimFor(core: Core, due: Due): void {
  const request = ++core.lastRequest
  core.settlings.count++
  core.settlings.claimed.set(request, due)
  core.journal.claim(request, due.session.clientId, false)
}

/** The answer to a claim, if {@link settle} made it. */
export function settled(
  core: Core,
  request: number,
  state: ClaimedSession | null,
  owner: string | null,
): boolean {
  const due = core.settlings.claimed.get(request)
  if (due === undefined) return false
  core.settlings.claimed.delete(request)
  const { journal } = core
  const { mark } = journal
  if (owner === null) decide(core, due, state)
  const batch = journal.since(mark)
  if (batch === 0) ended(core)
  else journal.wait(batch, { kind: 'call', run: () => ended(core) })
  return true
}

function decide(core: Core, due: Due, state: ClaimedSession | null): void {
  const { session, leftAtMs } = due
  const { clientId } = session
  if (isServed(core, clientId)) return
  // Its CONNECT has asked for it as well, and may come to nothing: nothing is to stay claimed for it.
  if (isAskedFor(core, clientId))
    return afterOpening(core, clientId, () => {
      if (!isServed(core, clientId)) claimFor(core, due)
    })
  if (state === null) return void core.journal.deleteSession(clientId)
  const isDue = isStillDue(due) && state.record.disconnectedAtMs === leftAtMs
  if (isDue) due.act()
  // What has just ended is gone from the store as well.
  if (!isDue || !session.ended) core.journal.unclaim(clientId)
}

/** A CONNECT here waits for the store. One that waits for another node gets nothing before that has what is claimed here. */
function isAskedFor(core: Core, clientId: string): boolean {
  return core.openings.get(clientId)?.[0]?.isGranted === true
}

/** Its client is here, and the claim that of its session. */
function isServed(core: Core, clientId: string): boolean {
  return (core.sessions.get(clientId)?.connection ?? null) !== null
}

/** Calls `run` when the CONNECT of this client id that is under way is through. */
export function afterOpening(core: Core, clientId: string, run: () => void): void {
  const waiting = core.kicks.get(clientId) ?? []
  waiting.push(run)
  core.kicks.set(clientId, waiting)
}

function ended(core: Core): void {
  core.settlings.count--
  settleNext(core)
}

/**
 * With shared groups that have members in common it only shows later which copy a PUBLISH was: c and d share one
 * group, d and e another; what d got first may belong to either. Then what was taken for one is given back for the
 * other.
 */
import type { Candidate, Copy, State, Taken } from './state.ts'

/**
 * A copy that was seen and could be the one looked for (`wayFor`), while what was seen can as well be one that still
 * waits; that one is seen from now on.
 */
export function rearrange(
  state: State,
  wayFor: (copy: Copy) => Candidate | undefined,
): { copy: Copy; way: Candidate } | null {
  for (const earlier of state.taken) {
    const { copy } = earlier
    const way = wayFor(copy)
    if (way !== undefined && moveOn(state, earlier, new Set([copy]))) return { copy, way }
  }
  return null
}

/** Finds another copy for what was seen: one that waits, or one that another can give up (an augmenting path). */
function moveOn(state: State, earlier: Taken, tried: Set<Copy>): boolean {
  for (const other of [...state.copies, ...state.ghosts]) {
    const way = alike(earlier, other)
    if (way === undefined || tried.has(other)) continue
    state.copies = state.copies.filter((each) => each !== other)
    state.ghosts = state.ghosts.filter((each) => each !== other)
    replace(earlier, other, way)
    return true
  }
  for (const rival of state.taken) {
    const { copy } = rival
    const way = tried.has(copy) ? undefined : alike(earlier, copy)
    if (way === undefined) continue
    tried.add(copy)
    if (!moveOn(state, rival, tried)) continue
    replace(earlier, copy, way)
    return true
  }
  return false
}

/**
 * A copy that must have been sent by now, and was if something seen was it: then another waits again, or never comes
 * (`mayLack`). That one is returned.
 */
export function findAmongTaken(
  state: State,
  missing: Copy,
  mayLack: (copy: Copy) => boolean,
  tried = new Set([missing]),
): Copy | null {
  for (const earlier of state.taken) {
    const { copy } = earlier
    const way = tried.has(copy) ? undefined : alike(earlier, missing)
    if (way === undefined) continue
    tried.add(copy)
    const left = mayLack(copy) ? copy : findAmongTaken(state, copy, mayLack, tried)
    if (left === null) continue
    replace(earlier, missing, way)
    return left
  }
  return null
}

/** The one of a copy that looks like what was seen. */
function alike({ copy, way, version }: Taken, other: Copy): Candidate | undefined {
  if (other.message !== copy.message) return undefined
  return other.first.find(
    (each) =>
      each.session === way.session &&
      each.qos === way.qos &&
      each.retain === way.retain &&
      (version === 4 || each.subscriptionId === way.subscriptionId),
  )
}

function replace(taken: Taken, copy: Copy, way: Candidate): void {
  const { inflight, done } = taken.way.session
  const sent = [...inflight, ...done].find((each) => each.way === taken.way)
  if (sent !== undefined) sent.way = way
  taken.copy = copy
  taken.way = way
}

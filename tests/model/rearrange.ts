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
    if (way === undefined) continue
    for (const other of [...state.copies, ...state.ghosts]) {
      const otherWay = alike(earlier, other)
      if (otherWay === undefined || other === copy) continue
      state.copies = state.copies.filter((each) => each !== other)
      state.ghosts = state.ghosts.filter((each) => each !== other)
      replace(earlier, other, otherWay)
      return { copy, way }
    }
  }
  return null
}

/** A copy that must have been sent by now, and was if something seen was it: then the other waits again. */
export function findAmongTaken(
  state: State,
  missing: Copy,
  mayWait: (copy: Copy) => boolean,
): Copy | null {
  for (const earlier of state.taken) {
    const { copy } = earlier
    const way = alike(earlier, missing)
    if (way === undefined || !mayWait(copy)) continue
    replace(earlier, missing, way)
    return copy
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

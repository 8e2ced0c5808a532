/**
 * What the record of a shared log says: which parts it has, and in which order they are read.
 *
 *     base            everything up to some change
 *     changes         what came behind it
 *     former          changes of the base before, which are in the base of now: who has some of them reads the rest
 *
 *     before   base A, changes 1 2 3 4
 *     after    base B (which is A 1 2 3), changes 4, former A with 1 2 3
 */
export interface LogHead {
  /** Of one writing. */
  readonly id: string
  /** Names of parts, as everywhere here. */
  readonly base: readonly string[]
  readonly changes: readonly string[]
  readonly former: { readonly base: string; readonly changes: readonly string[] }
}

/** How much of it a node has read. */
export interface LogPlace {
  /** The first part of a base; empty: nothing. */
  readonly base: string
  /** Parts of changes behind that. */
  readonly changes: number
}

export const BEGINNING: LogPlace = { base: '', changes: 0 }
/** A base is made anew behind so many parts of changes for each part of it, and not sooner than that. */
const CHANGES_PER_PART = 4
const CHANGES_MIN = 64

export function nameOfBase({ base }: LogHead): string {
  return base[0] ?? ''
}

/** The place of who has read all of it. */
export function endOf(head: LogHead): LogPlace {
  return { base: nameOfBase(head), changes: head.changes.length }
}

export interface Way {
  /** Nothing of what was read before counts. */
  readonly isAnew: boolean
  readonly parts: readonly string[]
}

/** What is to be read from a place to the end. */
export function wayTo(head: LogHead, { base, changes }: LogPlace): Way {
  const { former } = head
  if (base === nameOfBase(head)) return { isAnew: false, parts: head.changes.slice(changes) }
  if (base !== '' && base === former.base && changes <= former.changes.length)
    return { isAnew: false, parts: [...former.changes.slice(changes), ...head.changes] }
  return { isAnew: true, parts: [...head.base, ...head.changes] }
}

/** With one more change; the first one is the base. */
export function withChange(head: LogHead | null, id: string, parts: readonly string[]): LogHead {
  if (head === null) return { id, base: parts, changes: [], former: { base: '', changes: [] } }
  return { ...head, id, changes: [...head.changes, ...parts] }
}

/** With another base, which holds what was there up to a place; null: it is of no use any more. */
export function withBase(
  head: LogHead,
  id: string,
  parts: readonly string[],
  { base, changes }: LogPlace,
): LogHead | null {
  if (base !== nameOfBase(head)) return null
  return {
    id,
    base: parts,
    changes: head.changes.slice(changes),
    former: { base, changes: head.changes.slice(0, changes) },
  }
}

export function isLong({ base, changes }: LogHead): boolean {
  return changes.length >= Math.max(CHANGES_MIN, CHANGES_PER_PART * base.length)
}

/** Of everything that it refers to. */
export function partsOf({ base, changes, former }: LogHead): Set<string> {
  return new Set([...base, ...changes, ...former.changes])
}

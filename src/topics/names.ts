/**
 * Rules of topic names and topic filters, MQTT 5.0 section 4.7 (the same in 3.1.1), and of shared
 * subscriptions, section 4.8. Every function here is linear in its input, with neither recursion nor
 * regular expressions, because the input comes from strangers. Length in bytes and the validity of
 * UTF-8 are the codec's to check.
 */

/** The most levels a name or filter may have, unless told otherwise: 200 separators, as mosquitto counts. */
export const LEVELS_MAX_DEFAULT = 201

const SLASH = 0x2f
const PLUS = 0x2b
const HASH = 0x23
const DOLLAR = 0x24

const SHARE_PREFIX = '$share/'

/** A shared subscription's two parts: `$share/GROUP/FILTER`. */
export interface SharedFilter {
  readonly group: string
  readonly filter: string
}

/** How many levels `topic` has: one more than it has slashes, so that `/` has two (both empty). */
export function levelCount(topic: string): number {
  let count = 1
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) count++
  return count
}

/**
 * Why `name` cannot be published to, in words fit for a reason string, or null when it can:
 * not empty [MQTT-4.7.3-1], no wildcards [MQTT-3.3.2-2], at most `levelsMax` levels.
 */
export function topicNameProblem(name: string, levelsMax = LEVELS_MAX_DEFAULT): string | null {
  if (name.length === 0) return 'topic name is empty'
  if (name.includes('+') || name.includes('#')) return 'topic name contains a wildcard'
  if (levelCount(name) > levelsMax) return `topic name has more than ${levelsMax} levels`
  return null
}

/**
 * Why `filter` cannot be subscribed to, or null when it can: not empty [MQTT-4.7.3-1], `#` alone in
 * the last level [MQTT-4.7.1-1], `+` alone in its level [MQTT-4.7.1-2], at most `levelsMax` levels,
 * and the rules of {@link sharedFilterProblem} when it is a shared one.
 */
export function topicFilterProblem(filter: string, levelsMax = LEVELS_MAX_DEFAULT): string | null {
  if (levelCount(filter) > levelsMax) return `topic filter has more than ${levelsMax} levels`
  return isShared(filter) ? sharedFilterProblem(filter) : wildcardProblem(filter)
}

/** Whether `filter` claims to be shared, well formed or not. `$shared/x` does not. */
export function isShared(filter: string): boolean {
  return filter.startsWith('$share') && (filter.length === 6 || filter.charCodeAt(6) === SLASH)
}

/**
 * Why a filter that {@link isShared} is malformed, or null: the group is one level of at least one
 * character without wildcards [MQTT-4.8.2-1] and a valid filter follows it [MQTT-4.8.2-2], which is
 * not shared again: no subscription could give the inner group a meaning.
 */
export function sharedFilterProblem(filter: string): string | null {
  if (!filter.startsWith(SHARE_PREFIX)) return 'shared subscription has no group'
  const groupEnd = filter.indexOf('/', SHARE_PREFIX.length)
  const group = filter.slice(SHARE_PREFIX.length, groupEnd === -1 ? filter.length : groupEnd)
  if (group.length === 0) return 'group of a shared subscription is empty'
  if (group.includes('+') || group.includes('#')) {
    return 'group of a shared subscription contains a wildcard'
  }
  if (groupEnd === -1) return 'shared subscription has no topic filter'
  const inner = filter.slice(groupEnd + 1)
  if (isShared(inner)) return 'shared subscription inside a shared subscription'
  return wildcardProblem(inner)
}

/** The parts of a shared filter; null when `filter` is an ordinary one or malformed. */
export function parseShared(filter: string): SharedFilter | null {
  if (!isShared(filter) || sharedFilterProblem(filter) !== null) return null
  const groupEnd = filter.indexOf('/', SHARE_PREFIX.length)
  return { group: filter.slice(SHARE_PREFIX.length, groupEnd), filter: filter.slice(groupEnd + 1) }
}

/** Whether a valid filter can match more than the one topic it spells. */
export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.endsWith('#')
}

/**
 * Whether a valid, unshared `filter` matches the topic `name`, character by character
 * without normalization [MQTT-4.7.3-4]. A filter that starts
 * with a wildcard matches no name that starts with `$` [MQTT-4.7.2-1]; `sport/#` matches `sport`.
 */
export function matches(filter: string, name: string): boolean {
  let filterAt = 0
  let nameAt = 0
  let wildcard = filter.charCodeAt(0)
  if (name.charCodeAt(0) === DOLLAR && (wildcard === PLUS || wildcard === HASH)) return false
  for (;;) {
    if (wildcard === HASH) return true
    const filterEnd = levelEnd(filter, filterAt)
    const nameEnd = levelEnd(name, nameAt)
    if (wildcard !== PLUS && !sameLevel(filter, filterAt, filterEnd, name, nameAt, nameEnd)) {
      return false
    }
    if (nameEnd === name.length) {
      return filterEnd === filter.length || isHashTail(filter, filterEnd + 1)
    }
    if (filterEnd === filter.length) return false
    filterAt = filterEnd + 1
    nameAt = nameEnd + 1
    wildcard = filter.charCodeAt(filterAt)
  }
}

function wildcardProblem(filter: string): string | null {
  if (filter.length === 0) return 'topic filter is empty'
  for (let at = 0; at < filter.length; at++) {
    const code = filter.charCodeAt(at)
    if (code !== PLUS && code !== HASH) continue
    const opens = at === 0 || filter.charCodeAt(at - 1) === SLASH
    const ends = at + 1 === filter.length
    if (code === HASH && !(opens && ends)) return "'#' is not alone in the last level"
    if (!opens || !(ends || filter.charCodeAt(at + 1) === SLASH))
      return "'+' is not alone in its level"
  }
  return null
}

function isHashTail(filter: string, at: number): boolean {
  return at + 1 === filter.length && filter.charCodeAt(at) === HASH
}

function levelEnd(text: string, from: number): number {
  const end = text.indexOf('/', from)
  return end === -1 ? text.length : end
}

// Compares in place: two slices a level would be garbage at the rate of matching.
function sameLevel(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number) {
  if (aEnd - aFrom !== bEnd - bFrom) return false
  for (let offset = 0; offset < aEnd - aFrom; offset++) {
    if (a.charCodeAt(aFrom + offset) !== b.charCodeAt(bFrom + offset)) return false
  }
  return true
}

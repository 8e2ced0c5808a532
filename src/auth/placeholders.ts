/** `%u` and `%c` in the filters of rules: the client's own user name and id, each as a whole level. */

/** Whose rights: the client id matters to placeholders only. */
export interface AclSubject {
  readonly clientId: string
  /** null: anonymous. */
  readonly username: string | null
}

export function hasPlaceholder(filter: string): boolean {
  return filter.includes('%') && /(?:^|\/)%[uc](?:\/|$)/.test(filter)
}

/** Whether one of the names would be a wildcard in a filter. */
export function hasWildName({ clientId, username }: AclSubject): boolean {
  return isWild(clientId) || isWild(username ?? '')
}

/**
 * The filter with the names in it; null where that would open what is not theirs: names that hold wildcards, a name
 * with a slash (no whole level), and a name like "$SYS" in the first level.
 */
export function filledFilter(filter: string, subject: AclSubject): string | null {
  return filledLevels(filter.split('/'), subject)?.join('/') ?? null
}

/** The same of its levels. */
export function filledLevels(
  levels: readonly string[],
  subject: AclSubject,
): readonly string[] | null {
  if (hasWildName(subject)) return null
  if (levels.includes('%u') && levelOf(subject.username) === null) return null
  if (levels.includes('%c') && levelOf(subject.clientId) === null) return null
  const filled = fill(levels, subject)
  return filled[0].startsWith('$') && levels[0] !== filled[0] ? null : filled
}

/** The filter with the names in it as they are: for a rule that denies, which may well deny too much. */
export function filledWidely(filter: string, subject: AclSubject): string {
  return fill(filter.split('/'), subject).join('/')
}

function fill(levels: readonly string[], { clientId, username }: AclSubject): string[] {
  return levels.map((level) =>
    level === '%u' ? (username ?? '') : level === '%c' ? clientId : level,
  )
}

function isWild(name: string): boolean {
  return name.includes('+') || name.includes('#')
}

/** The name as the level that a placeholder stands for; null: it is none. */
export function levelOf(name: string | null): string | null {
  return name === null || name === '' || name.includes('/') ? null : name
}

/** Two valid, unshared topic filters held against each other: what they have in common. */

const DOLLAR = '$'

/** Whether some topic name matches both filters. */
export function overlaps(left: string, right: string): boolean {
  return overlapsLevels(left.split('/'), right.split('/'))
}

/** The same of their levels. */
export function overlapsLevels(a: readonly string[], b: readonly string[]): boolean {
  if (hidesDollar(a[0], b[0]) || hidesDollar(b[0], a[0])) return false
  for (let level = 0; ; level++) {
    // `a/#` takes in `a` itself.
    if (a[level] === '#' || b[level] === '#') return true
    if (level === a.length || level === b.length)
      return a.length === b.length || a[level] === '#' || b[level] === '#'
    if (a[level] !== b[level] && a[level] !== '+' && b[level] !== '+') return false
  }
}

/** Whether every topic name that matches `narrow` matches `wide`. */
export function covers(wide: string, narrow: string): boolean {
  return coversLevels(wide.split('/'), narrow.split('/'))
}

/** The same of their levels. */
export function coversLevels(a: readonly string[], b: readonly string[]): boolean {
  if (hidesDollar(a[0], b[0])) return false
  for (let level = 0; ; level++) {
    if (a[level] === '#') return true
    if (level === a.length || level === b.length) return a.length === b.length
    // Every name has a first level: `+/#` takes in all that `#` does.
    if (b[level] === '#') return level === 0 && a[0] === '+' && a[1] === '#'
    if (a[level] !== b[level] && a[level] !== '+') return false
  }
}

/** A leading wildcard does not match names that begin with `$` [MQTT-4.7.2-1]. */
function hidesDollar(wild: string, other: string): boolean {
  return (wild === '+' || wild === '#') && other.startsWith(DOLLAR)
}

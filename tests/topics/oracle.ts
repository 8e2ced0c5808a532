import fc from 'fast-check'

/** The definition of matching, word by word from section 4.7 and slow: what the fast ones answer to. */
export function matchesByLevels(filter: string, name: string): boolean {
  const wanted = filter.split('/')
  const given = name.split('/')
  if (/^[+#]/.test(filter) && name.startsWith('$')) return false
  if (wanted.at(-1) === '#') {
    const parent = wanted.slice(0, -1)
    return given.length >= parent.length && sameLevels(parent, given.slice(0, parent.length))
  }
  return wanted.length === given.length && sameLevels(wanted, given)
}

function sameLevels(wanted: readonly string[], given: readonly string[]): boolean {
  return wanted.every((level, index) => level === '+' || level === given[index])
}

// Few levels, so that filters and names often meet; among them what trips objects used as maps, the
// empty level, '$', and one that is longer than V8 copies when it slices.
const level = fc.constantFrom('a', 'b', '', '$', '$SYS', '__proto__', 'a-level-of-21-letters')

const longerThanEmpty = (text: string): boolean => text.length > 0

/** Valid topic names of 1 to 4 levels. */
export const anyName = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter(longerThanEmpty)

/** Valid, unshared topic filters of 1 to 5 levels, about two thirds with wildcards. */
export const anyFilter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, hash]) => (hash ? [...levels, '#'] : levels).join('/'))
  .filter(longerThanEmpty)

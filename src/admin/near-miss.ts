/** How a filter that does not match a topic differs from one that does. */
import { editDistance } from '../base/edit-distance.ts'
import { matches, parseShared } from '../topics/names.ts'

/**
 * - `case`: only capital letters; `space`: only spaces; `slash`: a slash at an end; `dollar`: a wildcard that begins a filter
 *   matches no topic that begins with `$`
 * - `several`: more than one of capitals, spaces and slashes at the ends
 * - `letter`: one letter of one level, or two that changed places; `level`: one level too many or too few
 */
export type Difference = 'case' | 'space' | 'slash' | 'dollar' | 'several' | 'letter' | 'level'

type Test = (filter: string, topic: string) => boolean

const withoutSpace = (text: string): string => text.replaceAll(/\s+/g, '')
const withoutEnds = (text: string): string => text.replaceAll(/^\/+|\/+$/g, '')

const bare = (text: string): string => withoutEnds(withoutSpace(text)).toLowerCase()

/** The likeliest mistake first. */
const TESTS: readonly (readonly [Difference, Test])[] = [
  ['case', (filter, topic) => matches(filter.toLowerCase(), topic.toLowerCase())],
  ['space', (filter, topic) => matches(withoutSpace(filter), withoutSpace(topic))],
  ['slash', (filter, topic) => matches(withoutEnds(filter), withoutEnds(topic))],
  ['dollar', (filter, topic) => topic.startsWith('$') && matches(filter, topic.slice(1))],
  ['several', (filter, topic) => matches(bare(filter), bare(topic))],
  ['letter', oneLetterOff],
  ['level', oneLevelOff],
]

/** null: they are no near miss (or do match). `$share/group/` of the filter does not count. */
export function nearMiss(shared: string, topic: string): Difference | null {
  const filter = parseShared(shared)?.filter ?? shared
  if (filter === '' || matches(filter, topic)) return null
  return TESTS.find(([, test]) => test(filter, topic))?.[0] ?? null
}

/** The more likely of two differences: the one with the lower number. */
export function rankOf(difference: Difference): number {
  return TESTS.findIndex(([name]) => name === difference)
}

const LEVEL_CHARACTERS_MAX = 100

function oneLetterOff(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  const isOpen = wanted.at(-1) === '#'
  if (isOpen ? levels.length < wanted.length - 1 : levels.length !== wanted.length) return false
  let off = 0
  for (const [at, level] of wanted.entries()) {
    if (level === '+' || level === '#' || level === levels[at]) continue
    const other = levels[at] ?? ''
    // Two short words are no slip of a finger: 1 and 2, on and of.
    const isSlip =
      Math.max(level.length, other.length) > 2 &&
      level.length <= LEVEL_CHARACTERS_MAX &&
      Math.abs(level.length - other.length) <= 1 &&
      editDistance(level, other) === 1
    if (!isSlip || ++off > 1) return false
  }
  return off === 1
}

/** Where nothing but wildcards is left of a filter it would match anything. */
function oneLevelOff(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  if (Math.abs(wanted.length - levels.length) > 1 && wanted.at(-1) !== '#') return false
  const without = (list: string[], at: number): string => list.toSpliced(at, 1).join('/')
  return (
    (levels.length > 1 && levels.some((_, at) => matches(filter, without(levels, at)))) ||
    (wanted.length > 1 &&
      wanted.some(
        (_, at) => /[^+#/]/.test(without(wanted, at)) && matches(without(wanted, at), topic),
      ))
  )
}

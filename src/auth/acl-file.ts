/**
 * `acl_file`: who may read and write which topics.
 *
 *     topic read news/#          for clients without a user name
 *     user alice                 from here on for alice
 *     topic home/#
 *     topic deny home/safe
 *     pattern write from/%u/%c   for every client
 */
import { topicFilterProblem } from '../topics/names.ts'
import { AuthFileError, authLines, readAuthFile, trimBlanks } from './auth-file.ts'

export type AclAccess = 'read' | 'write' | 'readwrite' | 'deny'

export interface AclRule {
  readonly access: AclAccess
  /** Of a pattern: with `%u` and `%c` in it. */
  readonly filter: string
  /** `acl.conf:12 "topic read a/#"`, for the log. */
  readonly place: string
}

export interface AclRules {
  readonly file: string
  /** For clients without a user name. */
  readonly anonymous: readonly AclRule[]
  readonly users: ReadonlyMap<string, readonly AclRule[]>
  readonly patterns: readonly AclRule[]
  readonly warnings: readonly string[]
}

/** A file of many such patterns is not to be written into the log at each SIGHUP. */
const WARNINGS_MAX = 10

const ACCESSES: readonly AclAccess[] = ['read', 'write', 'readwrite', 'deny']

/** null: there is no such access. */
export function aclAccessOf(word: string): AclAccess | null {
  return ACCESSES.find((access) => access === word) ?? null
}

/** Whether nothing is allowed, for lack of a single rule. */
function isWithoutRules({ anonymous, users, patterns }: Omit<AclRules, 'file'>): boolean {
  return anonymous.length === 0 && users.size === 0 && patterns.length === 0
}

/** @throws AuthFileError */
export function loadAclFile(file: string): AclRules {
  const { text, warnings } = readAuthFile('acl_file', file, false)
  const rules = parseAclFile(text, file)
  return { ...rules, warnings: [...warnings, ...rules.warnings] }
}

/**
 * Reads the text of an ACL file. One without a single rule denies everything, and is warned of.
 *
 * @throws AuthFileError
 */
export function parseAclFile(text: string, file: string): AclRules {
  const anonymous: AclRule[] = []
  const users = new Map<string, AclRule[]>()
  const patterns: AclRule[] = []
  const warnings: string[] = []
  let section = anonymous
  let doubtful = 0
  for (const [line, content] of authLines({ text })) {
    const fail = (message: string): never => {
      throw new AuthFileError(message, file, line)
    }
    const [, word, rest] = /^ *([^ ]*) *(.*)$/s.exec(content) ?? ['', '', '', '']
    if (word === 'user') {
      const name = trimBlanks(rest)
      if (name === '') fail('"user" needs a name')
      section = users.get(name) ?? []
      users.set(name, section)
    } else if (word === 'topic' || word === 'pattern') {
      const place = `${file}:${line} "${content}"`
      const rule = parseRule(rest, place, fail)
      if (word === 'topic') section.push(rule)
      else {
        patterns.push(rule)
        const warning = patternWarning(rule)
        if (warning !== null && ++doubtful <= WARNINGS_MAX) warnings.push(warning)
      }
    } else fail(`"${word}" is none of user, topic and pattern`)
  }
  if (doubtful > WARNINGS_MAX)
    warnings.push(`acl_file ${file} has ${doubtful - WARNINGS_MAX} more patterns of that kind.`)
  for (const [name, rules] of users) if (rules.length === 0) users.delete(name)
  const rules = { file, anonymous, users, patterns, warnings }
  if (isWithoutRules(rules)) warnings.push(`acl_file ${file} has no rules: everything is denied.`)
  return rules
}

function parseRule(rest: string, place: string, fail: (message: string) => never): AclRule {
  const [, first, tail] = /^([^ ]*)(?: (.*))?$/s.exec(rest) ?? ['', '', '']
  if (first === '') fail('A topic is missing')
  // A lone word is the topic, even if it is "read".
  const filter = tail === undefined ? first : trimBlanks(tail)
  const access = tail === undefined ? 'readwrite' : aclAccessOf(first)
  if (access === null) return fail(`"${first}" is none of read, write, readwrite and deny`)
  if (filter === '') fail('A topic is missing')
  const problem = topicFilterProblem(filter)
  if (problem !== null) fail(`"${filter}": ${problem}`)
  return { access, filter, place }
}

function patternWarning({ filter, place }: AclRule): string | null {
  const levels = filter.split('/')
  if (levels.includes('%u') || levels.includes('%c')) return null
  if (/%[uc]/.test(filter))
    return `%u and %c count only as a whole level; these stand for themselves: ${place}`
  return `The pattern has neither %u nor %c, it is the same for all clients: ${place}`
}

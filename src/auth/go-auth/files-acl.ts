/**
 * The ACL file of mosquitto-go-auth's `files`: mosquitto's, with three differences. What stands before the first `user` line is
 * for every user. `subscribe` is an access of its own. A rule that denies decides, wherever it stands.
 */
import { covers } from '../../topics/overlap.ts'
import { matches, parseShared, topicFilterProblem } from '../../topics/names.ts'
import { AuthFileError, authLines, readAuthFile } from '../auth-file.ts'
import { Access, type AclQuestion } from './backend.ts'

interface Rule {
  readonly access: number
  /** Of a common rule: with `%u` and `%c` in it. */
  readonly filter: string
}

export interface FilesAcl {
  readonly file: string
  /** For every user. */
  readonly common: readonly Rule[]
  readonly users: ReadonlyMap<string, readonly Rule[]>
  readonly warnings: readonly string[]
}

const DENY = 0
const READ_WRITE = Access.read | Access.write
const ACCESSES: ReadonlyMap<string, number> = new Map([
  ['read', Access.read],
  ['write', Access.write],
  ['readwrite', READ_WRITE],
  ['subscribe', Access.subscribe],
  ['deny', DENY],
])

/** @throws AuthFileError */
export function loadFilesAcl(file: string): FilesAcl {
  const { text, warnings } = readAuthFile('auth_opt_files_acl_path', file, false)
  return { ...parseFilesAcl(text, file), warnings }
}

/** @throws AuthFileError */
export function parseFilesAcl(text: string, file: string): FilesAcl {
  const common: Rule[] = []
  const users = new Map<string, Rule[]>()
  let section = common
  for (const [line, content] of authLines({ text })) {
    const fail = (message: string): never => {
      throw new AuthFileError(message, file, line)
    }
    const [, word, rest] = /^\s*(\S*)\s*(.*)$/s.exec(content) ?? ['', '', '', '']
    if (word === 'user') {
      if (rest === '') fail('"user" needs a name')
      section = users.get(rest) ?? []
      users.set(rest, section)
    } else if (word === 'topic') section.push(parseRule(rest, fail))
    else if (word === 'pattern') common.push(parseRule(rest, fail))
    else fail(`"${word}" is none of user, topic and pattern`)
  }
  return { file, common, users, warnings: [] }
}

function parseRule(rest: string, fail: (message: string) => never): Rule {
  const [, first, tail] = /^(\S*)(?:\s+(.*))?$/s.exec(rest) ?? ['', '', undefined]
  if (first === '') fail('A topic is missing')
  // A lone word is the topic, even if it is "read".
  const filter = tail ?? first
  const access = tail === undefined ? READ_WRITE : ACCESSES.get(first)
  if (access === undefined)
    return fail(`"${first}" is none of read, write, readwrite, subscribe and deny`)
  const problem = topicFilterProblem(filter)
  if (problem !== null) fail(`"${filter}": ${problem}`)
  return { access, filter }
}

/** Whether the rules allow it: none denies, and one grants. */
export function filesAclAllows({ common, users }: FilesAcl, question: AclQuestion): boolean {
  const own = users.get(question.username) ?? []
  if (own.some(({ access, filter }) => access === DENY && meets(filter, question))) return false
  if (common.some((rule) => rule.access === DENY && meetsFilled(rule, question))) return false
  return (
    own.some((rule) => grants(rule, question) && meets(rule.filter, question)) ||
    common.some((rule) => grants(rule, question) && meetsFilled(rule, question))
  )
}

function grants({ access: given }: Rule, { access, topic }: AclQuestion): boolean {
  if (given === DENY) return false
  if (given === access || given === READ_WRITE) return true
  return access === Access.subscribe && topic !== '#' && given === Access.read
}

function meets(filter: string, { access, topic }: AclQuestion): boolean {
  if (access !== Access.subscribe) return matches(filter, topic)
  return covers(filter, parseShared(topic)?.filter ?? topic)
}

/** A name with wildcards or levels of its own gets no rule that has a placeholder for it, unless that one denies. */
function meetsFilled({ filter, access }: Rule, question: AclQuestion): boolean {
  if (!filter.includes('%')) return meets(filter, question)
  const { username, clientId } = question
  const isOdd =
    (filter.includes('%u') && !isLevel(username)) || (filter.includes('%c') && !isLevel(clientId))
  if (isOdd && access !== DENY) return false
  const filled = filter.replaceAll('%c', () => clientId).replaceAll('%u', () => username)
  return meets(filled, question)
}

function isLevel(name: string): boolean {
  return name !== '' && !/[+#/$%]/.test(name)
}

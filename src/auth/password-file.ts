/** `password_file`: `user:hash` lines. */
import { AuthFileError, authLines, readAuthFile, trimBlanks } from './auth-file.ts'
import {
  dummyLike,
  formatPasswordHash,
  newPasswordHash,
  parsePasswordHash,
  spellPasswordHash,
  type HashKind,
  type PasswordHash,
} from './password-hash.ts'

export interface PasswordEntry {
  /** The hash as the file spells it: equal text, same password. */
  readonly encoded: string
  readonly hash: PasswordHash
}

/** One of a file: its bytes are made when somebody logs in. */
class Line implements PasswordEntry {
  readonly encoded: string
  private readonly parse: ParseHash

  constructor(encoded: string, parse: ParseHash) {
    this.encoded = encoded
    this.parse = parse
  }

  get hash(): PasswordHash {
    // It was looked at when the file was read.
    return this.parse(this.encoded) as PasswordHash
  }
}

/** Says in words what is wrong with a hash. */
type ParseHash = (encoded: string) => PasswordHash | string

/** How a kind of password file spells its hashes. */
interface HashReader {
  readonly parse: ParseHash
  /** The hash in what stands behind a name. Unset: all of it. */
  readonly field?: (rest: string) => string
  /** Says in words what is wrong with a hash; what is not wrong need not be read whole. Unset: what `parse` says. */
  readonly look?: (encoded: string, user: string) => string | null
}

export interface PasswordFile {
  readonly file: string
  readonly users: ReadonlyMap<string, PasswordEntry>
  /** What the password of an unknown user is checked against: a line as those of others, so that it takes as long as a known one's. */
  readonly dummy: PasswordEntry
  readonly warnings: readonly string[]
  /** One like most hashes of a scheme; undefined: there are none. */
  usual(scheme: Scheme): PasswordHash | undefined
}

type Scheme = HashKind['scheme']

const USER_BYTES_MAX = 65_535
/** Below it a stolen file is soon guessed; mosquitto 2.0 wrote 101. */
const ITERATIONS_FEW = 100
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/

/** @throws AuthFileError */
export function loadPasswordFile(file: string): PasswordFile {
  const { text, warnings } = readAuthFile('password_file', file, true)
  const parsed = parsePasswordFile(text, file)
  return { ...parsed, warnings: [...warnings, ...parsed.warnings] }
}

/** Reads the text of a password file. @throws AuthFileError */
export function parsePasswordFile(text: string, file: string): PasswordFile {
  const kinds = new Kinds<string>()
  const weak: string[] = []
  const look = (encoded: string, user: string): string | null => {
    const spelled = spellPasswordHash(encoded)
    if (typeof spelled === 'string') return spelled
    kinds.add(spelled.kind, encoded)
    if (isWeak(spelled.kind)) weak.push(user)
    return null
  }
  const users = parseUsers(text, file, { parse: parsePasswordHash, field: hashField, look })
  const usual = (scheme?: Scheme): PasswordHash | undefined => {
    const encoded = kinds.usual(scheme)
    return encoded === undefined ? undefined : (parsePasswordHash(encoded) as PasswordHash)
  }
  const like = usual() ?? newPasswordHash('sha512-pbkdf2', 1000)
  const dummy = new Line(formatPasswordHash(dummyLike(like)), parsePasswordHash)
  return { file, users, dummy, usual, warnings: warningsOf(file, users.size, weak) }
}

/** Of what stands behind a name the hash: as in mosquitto, fields behind it, such as those of a `passwd`, are nothing to us. */
export function hashField(rest: string): string {
  const colon = rest.indexOf(':')
  return trimBlanks(colon < 0 ? rest : rest.slice(0, colon))
}

/**
 * Reads lines of USER:HASH. One that is wrong makes the whole file wrong: whoever is in doubt must not get in.
 *
 * @throws AuthFileError
 */
export function parseUsers(
  text: string,
  file: string,
  { parse, field = trimBlanks, look = (encoded) => problemOf(parse, encoded) }: HashReader,
): Map<string, PasswordEntry> {
  const users = new Map<string, PasswordEntry>()
  for (const [line, content] of authLines({ text })) {
    const fail = (message: string): never => {
      throw new AuthFileError(message, file, line)
    }
    const colon = content.indexOf(':')
    if (colon < 0) fail('A line of the password file must be USER:HASH')
    const user = trimBlanks(content.slice(0, colon))
    const encoded = field(content.slice(colon + 1))
    const problem = userNameProblem(user)
    if (problem !== null) fail(problem)
    if (users.has(user)) fail(`User "${user}" is here twice, first in line ${lineOf(text, user)}`)
    if (encoded === '') fail(`User "${user}" has no password hash`)
    const wrong = look(encoded, user)
    if (wrong !== null) fail(`User "${user}": ${wrong}`)
    users.set(user, new Line(encoded, parse))
  }
  return users
}

function problemOf(parse: ParseHash, encoded: string): string | null {
  const hash = parse(encoded)
  return typeof hash === 'string' ? hash : null
}

function lineOf(text: string, user: string): number {
  for (const [line, content] of authLines({ text })) if (userOfLine(content) === user) return line
  return 0
}

/** The name before the colon; null for comments and lines that are no entry. */
export function userOfLine(line: string): string | null {
  const colon = line.indexOf(':')
  return line.startsWith('#') || colon < 0 ? null : trimBlanks(line.slice(0, colon)) || null
}

/** Why `user` cannot be a name in a password file, or null. */
export function userNameProblem(user: string): string | null {
  if (user === '') return 'The user name is empty'
  if (user !== trimBlanks(user)) return 'A user name cannot begin or end with a blank'
  if (user.includes(':')) return 'A user name cannot contain ":"'
  if (CONTROLS.test(user)) return 'A user name cannot contain control characters'
  if (Buffer.byteLength(user) > USER_BYTES_MAX)
    return `A user name has at most ${USER_BYTES_MAX} bytes`
  return null
}

function isWeak({ scheme, iterations }: HashKind): boolean {
  return scheme === 'sha512' || (scheme === 'sha512-pbkdf2' && iterations < ITERATIONS_FEW)
}

function warningsOf(file: string, users: number, weak: readonly string[]): string[] {
  if (users === 0) return [`password_file ${file} has no users: nobody can log in with it.`]
  if (weak.length === 0) return []
  const names = weak.slice(0, 3).map((name) => `"${name}"`)
  const others = weak.length > names.length ? ` and ${weak.length - names.length} more` : ''
  return [
    `password_file ${file} has hashes that are guessed quickly once stolen: ${names.join(', ')}${others}. ` +
      'Set these passwords again with "mozzie passwd".',
  ]
}

/** Which kinds of hashes are the most frequent, and one of each. */
export class Kinds<Sample> {
  private readonly counts = new Map<string, { count: number; kind: HashKind; sample: Sample }>()
  private last: { count: number; kind: HashKind } | null = null

  add(kind: HashKind, sample: Sample): void {
    // Most often all of them are of one.
    if (this.last === null || !isLike(kind, this.last.kind)) {
      const { scheme, iterations, memoryKib, passes, lanes } = kind
      const key = [scheme, iterations, memoryKib, passes, lanes].join()
      const known = this.counts.get(key) ?? { count: 0, kind, sample }
      this.counts.set(key, known)
      this.last = known
    }
    this.last.count++
  }

  /** Of a scheme, or of all; undefined: none was added. */
  usual(scheme?: Scheme): Sample | undefined {
    const [most] = [...this.counts.values()]
      .filter(({ kind }) => scheme === undefined || kind.scheme === scheme)
      .sort((left, right) => right.count - left.count)
    return most?.sample
  }
}

function isLike(left: HashKind, right: HashKind): boolean {
  return (
    left.scheme === right.scheme &&
    left.iterations === right.iterations &&
    left.memoryKib === right.memoryKib &&
    left.passes === right.passes &&
    left.lanes === right.lanes
  )
}

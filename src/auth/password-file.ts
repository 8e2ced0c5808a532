/** `password_file`: `user:hash` lines. */
import { AuthFileError, authLines, readAuthFile } from './auth-file.ts'
import {
  dummyLike,
  newPasswordHash,
  parsePasswordHash,
  type PasswordHash,
} from './password-hash.ts'

export interface PasswordEntry {
  /** The hash as the file spells it: equal text, same password. */
  readonly encoded: string
  readonly hash: PasswordHash
}

export interface PasswordFile {
  readonly file: string
  readonly users: ReadonlyMap<string, PasswordEntry>
  /** What the password of an unknown user is checked against, so that it takes as long as a known one's. */
  readonly dummy: PasswordHash
  readonly warnings: readonly string[]
}

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
  const users = parseUsers(text, file, parsePasswordHash)
  return {
    file,
    users,
    dummy: dummyOfHashes([...users.values()].map(({ hash }) => hash)),
    warnings: warningsOf(file, users),
  }
}

/**
 * Reads lines of USER:HASH. One that is wrong makes the whole file wrong: whoever is in doubt must not get in.
 *
 * @param parseHash Says in words what is wrong with a hash.
 * @throws AuthFileError
 */
export function parseUsers(
  text: string,
  file: string,
  parseHash: (encoded: string) => PasswordHash | string,
): Map<string, PasswordEntry> {
  const users = new Map<string, PasswordEntry>()
  const lines = new Map<string, number>()
  for (const [line, content] of authLines({ text })) {
    const fail = (message: string): never => {
      throw new AuthFileError(message, file, line)
    }
    const colon = content.indexOf(':')
    if (colon < 0) fail('A line of the password file must be USER:HASH')
    const user = content.slice(0, colon)
    const encoded = content.slice(colon + 1)
    const problem = userNameProblem(user)
    if (problem !== null) fail(problem)
    const first = lines.get(user)
    if (first !== undefined) fail(`User "${user}" is here twice, first in line ${first}`)
    if (encoded === '') fail(`User "${user}" has no password hash`)
    const hash = parseHash(encoded)
    if (typeof hash === 'string') return fail(`User "${user}": ${hash}`)
    users.set(user, { encoded, hash })
    lines.set(user, line)
  }
  return users
}

/** Why `user` cannot be a name in a password file, or null. */
export function userNameProblem(user: string): string | null {
  if (user === '') return 'The user name is empty'
  if (user.includes(':')) return 'A user name cannot contain ":"'
  if (CONTROLS.test(user)) return 'A user name cannot contain control characters'
  if (Buffer.byteLength(user) > USER_BYTES_MAX)
    return `A user name has at most ${USER_BYTES_MAX} bytes`
  return null
}

function isWeak({ scheme, iterations }: PasswordHash): boolean {
  return scheme === 'sha512' || (scheme === 'sha512-pbkdf2' && iterations < ITERATIONS_FEW)
}

function warningsOf(file: string, users: ReadonlyMap<string, PasswordEntry>): string[] {
  if (users.size === 0) return [`password_file ${file} has no users: nobody can log in with it.`]
  const weak = [...users].filter(([, { hash }]) => isWeak(hash)).map(([name]) => name)
  if (weak.length === 0) return []
  const names = weak.slice(0, 3).map((name) => `"${name}"`)
  const others = weak.length > names.length ? ` and ${weak.length - names.length} more` : ''
  return [
    `password_file ${file} has hashes that are guessed quickly once stolen: ${names.join(', ')}${others}. ` +
      'Set these passwords again with "mozzie passwd".',
  ]
}

/** What passwords of unknown users are checked against: like most of those that there are. */
export function dummyOfHashes(
  hashes: readonly PasswordHash[],
  otherwise = newPasswordHash('sha512-pbkdf2', 1000),
): PasswordHash {
  const kinds = new Map<string, { count: number; hash: PasswordHash }>()
  for (const hash of hashes) {
    const { scheme, iterations, memoryKib, passes, lanes } = hash
    const kind = [scheme, iterations, memoryKib, passes, lanes].join()
    const known = kinds.get(kind)
    if (known === undefined) kinds.set(kind, { count: 1, hash })
    else known.count++
  }
  const [most] = [...kinds.values()].sort((left, right) => right.count - left.count)
  return dummyLike(most?.hash ?? otherwise)
}

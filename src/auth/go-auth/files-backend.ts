/** The backend `files`: users and their password hashes in one file, rights in another. */
import { readAuthFile } from '../auth-file.ts'
import { parseUsers, type PasswordEntry } from '../password-file.ts'
import { dummyLike, type PasswordHash } from '../password-hash.ts'
import type { Backend, Welcome } from './backend.ts'
import { filesAclAllows, loadFilesAcl, type FilesAcl } from './files-acl.ts'
import { parseGoAuthHash, type SaltEncoding } from './password-formats.ts'

export interface FilesSettings {
  /** null: it lets nobody in, and says of rights alone what they are. */
  readonly passwordPath: string | null
  /** null: everything is allowed if this is the only backend, else nothing. */
  readonly aclPath: string | null
  readonly saltEncoding: SaltEncoding
}

export interface GoAuthFiles {
  readonly users: ReadonlyMap<string, PasswordEntry>
  readonly acl: FilesAcl | null
  readonly warnings: readonly string[]
}

/** Compares a password with a hash, in its turn; null: too many wait. */
export type CheckPassword = (password: Uint8Array, hash: PasswordHash) => Promise<boolean | null>

/** What unknown users are checked against: what `pw` makes when it is told nothing. */
const USUAL_HASH: PasswordHash = {
  scheme: 'sha512-pbkdf2',
  iterations: 100_000,
  memoryKib: 0,
  passes: 0,
  lanes: 0,
  salt: new Uint8Array(16),
  hash: new Uint8Array(64),
}

/** @throws AuthFileError */
export function loadGoAuthFiles({
  passwordPath,
  aclPath,
  saltEncoding,
}: FilesSettings): GoAuthFiles {
  const passwords =
    passwordPath === null ? null : readAuthFile('auth_opt_files_password_path', passwordPath, true)
  const acl = aclPath === null ? null : loadFilesAcl(aclPath)
  return {
    users:
      passwords === null
        ? new Map()
        : parseUsers(passwords.text, passwords.file, {
            parse: (hash) => parseGoAuthHash(hash, saltEncoding),
          }),
    acl,
    warnings: [...(passwords?.warnings ?? []), ...(acl?.warnings ?? [])],
  }
}

/** @param isAlone Whether there is no other backend. */
export function filesBackend(
  { users, acl }: GoAuthFiles,
  isAlone: boolean,
  check: CheckPassword,
): Backend {
  const [first] = users.values()
  const dummy = dummyLike(first?.hash ?? USUAL_HASH)
  return {
    name: 'files',
    async login({ username, password }): Promise<Welcome | null> {
      if (users.size === 0) return null
      const entry = users.get(username)
      // An unknown user costs the same as a known one, or the time would tell which is which.
      const matches = await check(password, entry?.hash ?? dummy)
      if (matches === null) throw new Error('too many passwords are being checked')
      if (!matches || entry === undefined) return null
      return { encoded: entry.encoded, username: null, expiresAtMs: Infinity }
    },
    isSuperuser: () => false,
    allows: (question) => (acl === null ? isAlone : filesAclAllows(acl, question)),
    encodedOf: (username) => users.get(username)?.encoded,
    close() {},
  }
}

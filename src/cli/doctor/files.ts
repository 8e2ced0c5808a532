/** Can the broker, as the account it will run as, use the files that its configuration names? */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { loadAclFile } from '../../auth/acl-file.ts'
import { readBans } from '../../auth/bans/ban-file.ts'
import { AuthFileError, readAuthFile } from '../../auth/auth-file.ts'
import { readState } from '../../auth/dynamic/read-state.ts'
import { loadFilesAcl } from '../../auth/go-auth/files-acl.ts'
import { loadPasswordFile } from '../../auth/password-file.ts'
import { loadPskFile } from '../../auth/psk-file.ts'
import { readTokenKey } from '../../auth/tokens.ts'
import type { Config } from '../../config/config.ts'
import { banFileOf } from '../../server/ban-desk.ts'
import { PrivilegeError, wantedAccount, type Account } from '../../server/privileges.ts'
import { obstacleTo, READ, WRITE } from './access.ts'
import type { Tell } from './finding.ts'

interface NamedFile {
  readonly option: string
  readonly file: string
  readonly wanted: number
}

/** Files with rules of their own: read as a start would. */
const READERS = {
  password_file: loadPasswordFile,
  acl_file: loadAclFile,
  psk_file: loadPskFile,
  ban_file: readBanFile,
  dynamic_security_file: readDynamicFile,
  auth_jwt_key_file: readKeyFile,
  auth_opt_files_acl_path: loadFilesAcl,
  auth_opt_jwt_files_acl_path: loadFilesAcl,
} as const satisfies Readonly<Record<string, (file: string) => { warnings: readonly string[] }>>

function readBanFile(file: string): { warnings: readonly string[] } {
  readBans(file)
  return { warnings: [] }
}

function readDynamicFile(file: string): { warnings: readonly string[] } {
  const { text, warnings } = readAuthFile('dynamic_security_file', file, true)
  return { warnings: [...warnings, ...readState(text, file).warnings] }
}

function readKeyFile(file: string): { warnings: readonly string[] } {
  const { text, warnings } = readAuthFile('auth_jwt_key_file', file, false)
  readTokenKey(text, file)
  return { warnings }
}

/** @param storeLocation Of the store, null: there is none. */
export function examineFiles(config: Config, storeLocation: string | null, tell: Tell): void {
  const account = accountOf(config, tell)
  if (account === undefined) return
  const files = filesOf(config, storeLocation)
  const name = account?.name ?? userInfo().username
  let good = 0
  for (const named of files) {
    if (!isUsable(named, account, name, tell)) continue
    good++
    readAsTheBrokerDoes(named, tell)
  }
  if (good > 0) tell('good', 'filesGood', { count: good, account: name })
}

/** undefined: there is no such account; null: this process's own. */
function accountOf({ global, loadedFiles }: Config, tell: Tell): Account | null | undefined {
  // Without a configuration file the broker stays who it is.
  if (process.getuid?.() !== 0 || loadedFiles.length === 0) return null
  try {
    return wantedAccount(global.user)
  } catch (error) {
    if (!(error instanceof PrivilegeError)) throw error
    tell('bad', 'accountUnknown', { message: error.message, user: global.user })
    return undefined
  }
}

function isUsable(
  { option, file, wanted }: NamedFile,
  account: Account | null,
  name: string,
  tell: Tell,
): boolean {
  const obstacle = obstacleTo(file, wanted, account)
  if (obstacle === null) return true
  const { path, missing, mode, owner } = obstacle
  const values = { option, file, account: name, path, mode, owner }
  if (missing) tell('bad', 'fileMissing', values)
  else if (wanted === WRITE) tell('bad', 'fileUnwritable', values)
  // Root has read it before it became that account.
  else if (account !== null) tell('note', 'fileOnlyAtStart', values)
  else tell('bad', 'fileUnreadable', values)
  return false
}

function readAsTheBrokerDoes({ option, file }: NamedFile, tell: Tell): void {
  if (!Object.hasOwn(READERS, option)) return
  try {
    const { warnings } = READERS[option as keyof typeof READERS](file)
    for (const message of warnings) tell('note', 'fileWarning', { message })
  } catch (error) {
    if (!(error instanceof AuthFileError)) throw error
    tell('bad', 'fileWrong', { message: error.message })
  }
}

function filesOf(config: Config, storeLocation: string | null): NamedFile[] {
  const { listeners, global } = config
  const found = new Map<string, NamedFile>()
  const add = (option: string, file: string | null, wanted = READ): void => {
    if (file !== null && file !== '') found.set(`${option} ${file}`, { option, file, wanted })
  }
  for (const each of listeners) {
    add('password_file', each.passwordFile)
    add('acl_file', each.aclFile)
    add('psk_file', each.pskFile)
    add('dynamic_security_file', each.dynamicSecurityFile)
    add('auth_opt_files_password_path', each.goAuth?.files?.passwordPath ?? null)
    add('auth_opt_files_acl_path', each.goAuth?.files?.aclPath ?? null)
    add('auth_opt_jwt_files_acl_path', each.goAuth?.jwt?.aclPath ?? null)
    add('certfile', each.certificateFile)
    add('keyfile', each.keyFile)
    add('cafile', each.caFile)
    add('crlfile', each.revocationListFile)
  }
  add('auth_jwt_key_file', global.jwtKeyFile)
  for (const destination of global.logDestinations)
    if (destination.kind === 'file') add('log_dest file', existing(destination.path), WRITE)
  const banFile = banFileOf(config, storeLocation)
  if (banFile !== null && existsSync(banFile)) add('ban_file', banFile)
  if (storeLocation !== null) add('persistence_location', existing(storeLocation), WRITE)
  return [...found.values()]
}

/** The file, or the directory in which it will be made. */
function existing(path: string): string {
  let at = path
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  return at
}

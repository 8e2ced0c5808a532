/** "Not authorised", explained by the configuration of the broker that said so. */
import { createArgon2 } from '../../auth/argon2.ts'
import { AuthFileError, readAuthFile } from '../../auth/auth-file.ts'
import { readState } from '../../auth/dynamic/read-state.ts'
import { loadGoAuthFiles } from '../../auth/go-auth/files-backend.ts'
import { loadPasswordFile } from '../../auth/password-file.ts'
import { verifyPassword, type PasswordHash } from '../../auth/password-hash.ts'
import { Reason } from '../../codec/reason-codes.ts'
import type { ConnectionRefusedError } from '../../client/errors.ts'
import type { Address } from '../../client/url.ts'
import type { Config, ListenerConfig } from '../../config/config.ts'
import { nearestName } from '../../base/nearest-name.ts'
import { placeOf } from './configuration.ts'
import type { Tell } from './finding.ts'
import type { Login } from './login.ts'

/** "Bad user name or password" and "not authorized", of 3.x and of 5.0. */
const LOGIN_REASONS = new Set([4, 5, 0x86, 0x87])
/** "Identifier rejected", "client identifier not valid". */
const CLIENT_ID_REASONS = new Set([2, 0x85])

export async function explainRefusal(
  error: ConnectionRefusedError,
  login: Login,
  address: Address,
  config: Config | null,
  tell: Tell,
): Promise<void> {
  const reason = error.message
  const listener = config === null ? undefined : listenerAt(config, address)
  const username = login.username ?? address.username
  const password = login.password ?? address.password
  const prefix = config?.global.clientIdPrefix ?? ''
  const { clientId = '' } = login
  if (prefix !== '' && !clientId.startsWith(prefix) && isAboutClientId(error.reason))
    return tell('bad', 'refusedPrefix', { reason, prefix, clientId })
  if (error.reason === Reason.banned)
    return tell('bad', 'refusedBanned', { reason: error.properties.reasonString ?? reason })
  if (!LOGIN_REASONS.has(error.reason)) return tell('bad', 'refused', { reason })
  if (config === null || listener === undefined) return tell('bad', 'refusedLogin', { reason })
  if (username === undefined) {
    const place = listener.location === null ? '' : ` (${placeOf(listener.location)})`
    return tell('bad', 'refusedAnonymous', { reason, place })
  }
  const source = sourceOf(listener)
  if (source === null) return explainOthers(reason, username, listener, config, tell)
  await explainPassword(source, { reason, user: username, clientId }, password, tell)
}

/** No file alone says who a user is. */
function explainOthers(
  reason: string,
  user: string,
  { goAuth }: ListenerConfig,
  { global: { authHttpUrl, jwtKeyFile, jwtKeysUrl } }: Config,
  tell: Tell,
): void {
  const others = goAuth?.backends.map(({ name }) => name).join(', ')
  if (others !== undefined) return tell('bad', 'refusedByGoAuth', { reason, user, others })
  if (authHttpUrl !== null) return tell('bad', 'refusedByHook', { reason, url: authHttpUrl })
  if (jwtKeyFile !== null || jwtKeysUrl !== null) return tell('bad', 'refusedToken', { reason })
  tell('bad', 'refusedLogin', { reason })
}

/** A file that alone says who a user is. */
interface UserSource {
  readonly file: string
  /** @throws AuthFileError */
  read(): ReadonlyMap<string, KnownUser>
}

interface KnownUser {
  readonly hash: PasswordHash | null
  readonly disabled?: boolean
  /** The only client id it may come with. */
  readonly clientid?: string | null
}

/** null: there is none, or others are asked as well. */
function sourceOf({
  passwordFile,
  dynamicSecurityFile,
  goAuth,
}: ListenerConfig): UserSource | null {
  if (dynamicSecurityFile !== null) return dynamicSource(dynamicSecurityFile, passwordFile)
  if (passwordFile !== null)
    return { file: passwordFile, read: () => loadPasswordFile(passwordFile).users }
  const { files = null, backends = [] } = goAuth ?? {}
  if (files === null || files.passwordPath === null || backends.length > 1) return null
  return { file: files.passwordPath, read: () => loadGoAuthFiles(files).users }
}

/** Users of the password file are asked for where dynamic security has none of that name. */
function dynamicSource(file: string, passwordFile: string | null): UserSource {
  return {
    file,
    read() {
      const { text } = readAuthFile('dynamic_security_file', file, true)
      const users = passwordFile === null ? [] : loadPasswordFile(passwordFile).users
      return new Map<string, KnownUser>([...users, ...readState(text, file).state.clients])
    },
  }
}

function isAboutClientId(reason: number): boolean {
  return CLIENT_ID_REASONS.has(reason) || LOGIN_REASONS.has(reason)
}

async function explainPassword(
  { file, read }: UserSource,
  { user, clientId, reason }: { reason: string; user: string; clientId: string },
  password: string | undefined,
  tell: Tell,
): Promise<void> {
  const values = { reason, file, user }
  try {
    const users = read()
    const entry = users.get(user)
    if (entry === undefined) {
      const near = nearestName(user, users.keys())
      if (near !== null) return tell('bad', 'refusedNearUser', { ...values, near })
      return tell('bad', 'refusedUnknownUser', values)
    }
    if (entry.disabled === true) return tell('bad', 'refusedDisabled', values)
    if (entry.clientid && entry.clientid !== clientId)
      return tell('bad', 'refusedClientId', { ...values, clientId: entry.clientid })
    if (entry.hash === null) return tell('bad', 'refusedWithoutPassword', values)
    if (password === undefined) return tell('bad', 'refusedNoPassword', values)
    const matches = await verifyPassword(Buffer.from(password), entry.hash, createArgon2())
    tell('bad', matches ? 'refusedThough' : 'refusedPassword', values)
  } catch (error) {
    if (!(error instanceof AuthFileError)) throw error
    tell('bad', 'fileWrong', { message: error.message })
  }
}

function listenerAt({ listeners }: Config, { port, path }: Address): ListenerConfig | undefined {
  return listeners.find((each) =>
    each.socketPath === null ? each.port === port : each.socketPath === path,
  )
}

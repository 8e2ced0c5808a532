/** The configuration's users, rights and keys: read from their files, and put in force at once or not at all. */
import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { LogType, type Log } from '../base/log.ts'
import { Acl } from '../auth/acl.ts'
import { loadAclFile } from '../auth/acl-file.ts'
import { readAuthFile } from '../auth/auth-file.ts'
import type { Gate } from '../auth/bans/gate.ts'
import { DynamicSecurity } from '../auth/dynamic/dynamic-security.ts'
import { makeFirstState } from '../auth/dynamic/first-start.ts'
import { readState, type ReadState } from '../auth/dynamic/read-state.ts'
import type { GoAuth } from '../auth/go-auth/go-auth.ts'
import { loadGoAuth, startGoAuth, type LoadedGoAuth } from '../auth/go-auth/load.ts'
import { createHttpHook, type LoginHook } from '../auth/http-hook.ts'
import { loginAgain, proofOf, type LoginProof, type NamedClient } from '../auth/kept-login.ts'
import { loadPasswordFile, type PasswordFile } from '../auth/password-file.ts'
import { loadPskFile, type PskFile } from '../auth/psk-file.ts'
import { checksUsers, newRealm, type Realm } from '../auth/realm.ts'
import { createSecurity, type Security } from '../auth/security.ts'
import {
  createTokenChecker,
  readTokenKey,
  type TokenChecker,
  type TokenKey,
} from '../auth/tokens.ts'
import type { Identity, ListenerOptions } from '../ports/ports.ts'
import type { Config, ListenerConfig } from '../config/config.ts'
import { listenerName } from '../config/reload.ts'
import { nodeClock } from './node-ports.ts'

export interface ServerSecurity extends Security {
  /**
   * Puts what was loaded in force.
   *
   * @param optionsOf The object that the core knows a listener by, or undefined when it does not run.
   */
  apply(
    config: Config,
    files: SecurityFiles,
    optionsOf: (name: string) => ListenerOptions | undefined,
  ): void
  /** What is to be kept of a login over a restart; null: nothing can prove it later. */
  proofOf(who: Identity, key: string): LoginProof | null
  /** Lets in again who was kept; null: the proof does not hold any more. */
  loginAgain(
    listener: ListenerOptions,
    who: NamedClient,
    kept: LoginProof,
    key: string,
  ): Identity | null
  /** Whether a user name that came by `listener` was proven by a password. */
  checksPasswords(listener: ListenerOptions): boolean
  /** The users, groups and roles that count at a listener; null: none that can be changed. */
  dynamicAt(listener: ListenerOptions | null): DynamicSecurity | null
  /** Those of a file that the configuration names. */
  dynamicIn(file: string): DynamicSecurity
  /** Puts others in force, as the text of their file. */
  replaceDynamic(file: string, text: string): void
  /** Whether there are any at some listener. */
  hasDynamic(): boolean
  /** The pre-shared key of `identity` at a listener, null: none. */
  pskOf(listener: string, identity: string): Uint8Array | null
}

/** Everything that a configuration's security options name, read and checked. */
export interface SecurityFiles {
  /** null: tokens are proven by another way, or not taken. */
  readonly tokenKey: TokenKey | null
  readonly passwords: ReadonlyMap<string, PasswordFile>
  readonly acls: ReadonlyMap<string, Acl>
  readonly psks: ReadonlyMap<string, PskFile>
  readonly dynamics: ReadonlyMap<string, ReadState>
  /** By what the listeners' lines ask for, as JSON: most often all ask for the same. */
  readonly goAuths: ReadonlyMap<string, LoadedGoAuth>
}

/**
 * Reads all of it at the start, where `dynamic_security_file` is made if there is none yet.
 *
 * @throws AuthFileError
 */
export async function prepareSecurityFiles(config: Config, log: Log): Promise<SecurityFiles> {
  const file = dynamicFileOf(config)
  if (file !== null && !existsSync(file)) {
    const { dynamicSecurityPasswordFile } = config.global
    const { told } = await makeFirstState(file, dynamicSecurityPasswordFile, process.env)
    log.write(LogType.notice, `dynamic_security_file ${file} is new: ${told}.`)
  }
  return loadSecurityFiles(config)
}

/** null: there is none. */
export function dynamicFileOf({ listeners }: Pick<Config, 'listeners'>): string | null {
  const found = listeners.find(({ dynamicSecurityFile }) => dynamicSecurityFile !== null)
  return found?.dynamicSecurityFile ?? null
}

/** Reads all of it. @throws AuthFileError at the first file that is missing or wrong. */
export function loadSecurityFiles({ listeners, global }: Config): SecurityFiles {
  return {
    tokenKey: loadTokenKey(global.jwtKeyFile),
    dynamics: loadEach(listeners, 'dynamicSecurityFile', loadDynamicFile),
    passwords: loadEach(listeners, 'passwordFile', loadPasswordFile),
    acls: loadEach(listeners, 'aclFile', (file) => new Acl(loadAclFile(file))),
    psks: loadEach(listeners, 'pskFile', loadPskFile),
    goAuths: loadGoAuths(listeners),
  }
}

function loadGoAuths(listeners: readonly ListenerConfig[]): Map<string, LoadedGoAuth> {
  const loaded = new Map<string, LoadedGoAuth>()
  for (const { goAuth } of listeners) {
    const key = JSON.stringify(goAuth)
    if (goAuth !== null && !loaded.has(key)) loaded.set(key, loadGoAuth(goAuth))
  }
  return loaded
}

function loadTokenKey(file: string | null): TokenKey | null {
  if (file === null) return null
  // A public key is no secret; a secret is, and it is not known yet which it is.
  return readTokenKey(readAuthFile('auth_jwt_key_file', file, false).text, file)
}

function loadDynamicFile(file: string): ReadState {
  const { text, warnings } = readAuthFile('dynamic_security_file', file, true)
  const { state, warnings: more } = readState(text, file)
  return { state, warnings: [...warnings, ...more] }
}

function loadEach<T>(
  listeners: readonly ListenerConfig[],
  key: 'passwordFile' | 'aclFile' | 'pskFile' | 'dynamicSecurityFile',
  load: (file: string) => T,
): Map<string, T> {
  const loaded = new Map<string, T>()
  for (const { [key]: file } of listeners)
    if (file !== null && !loaded.has(file)) loaded.set(file, load(file))
  return loaded
}

/** @param loginEnded Somebody's login may have ended. */
export function createServerSecurity(log: Log, gate: Gate, loginEnded: () => void): ServerSecurity {
  const security = createSecurity({
    log,
    gate,
    nowMs: nodeClock.monotonicMs,
    wallMs: nodeClock.wallMs,
    loginEnded,
    later: (delayMs, call) => void setTimeout(call, delayMs).unref(),
  })
  // Clients hold on to their realm: it stays the same object as long as the process lives.
  const realms = new Map<ListenerOptions, Realm>()
  // So does this one: a save may be under way.
  const dynamics = new Map<string, DynamicSecurity>()
  const dynamicOf = (file: string | null, { dynamics: read }: SecurityFiles) => {
    const found = file === null ? undefined : read.get(file)
    if (file === null || found === undefined) return null
    const known = dynamics.get(file) ?? new DynamicSecurity(file, found.state)
    if (!known.isShared && known.state !== found.state) known.replace(found.state)
    dynamics.set(file, known)
    return known
  }
  let lastHook: LoginHook | null = null
  let lastGoAuths: ReadonlyMap<string, GoAuth> = new Map()
  let keys: ReadonlyMap<string, PskFile | undefined> = new Map()
  return {
    ...security,
    apply(config, files, optionsOf) {
      const hook = hookOf(config, log)
      const tokens = tokensOf(config, files, log)
      const goAuths = startEach(files.goAuths, log)
      const nextKeys = new Map<string, PskFile | undefined>()
      for (const listener of config.listeners) {
        const name = listenerName(listener)
        const { passwordFile, aclFile, pskFile, dynamicSecurityFile } = listener
        nextKeys.set(name, files.psks.get(pskFile ?? ''))
        const options = optionsOf(name)
        if (options === undefined) continue
        const realm = realms.get(options) ?? newRealm(name)
        realm.dynamic = dynamicOf(dynamicSecurityFile, files)
        realm.passwords = files.passwords.get(passwordFile ?? '') ?? null
        realm.acl = files.acls.get(aclFile ?? '') ?? null
        realm.hook = hook
        realm.tokens = tokens
        realm.goAuth = goAuths.get(JSON.stringify(listener.goAuth)) ?? null
        realms.set(options, realm)
      }
      keys = nextKeys
      lastHook?.close()
      lastHook = hook
      for (const goAuth of lastGoAuths.values()) goAuth.close()
      lastGoAuths = goAuths
      const { sysAccess, checkRetainSource, aclRefuseSubscribe } = config.global
      security.update({ realms, sysAccess, checkRetainSource, refuseHopeless: aclRefuseSubscribe })
      logFiles(log, files)
    },
    proofOf,
    loginAgain(listener, who, kept, key) {
      const realm = realms.get(listener)
      return realm === undefined ? null : loginAgain(realm, listener, who, kept, key)
    },
    checksPasswords(listener) {
      const realm = realms.get(listener)
      return realm !== undefined && checksUsers(realm)
    },
    dynamicAt: (listener) => (listener === null ? null : (realms.get(listener)?.dynamic ?? null)),
    dynamicIn: (file) => dynamics.get(file) as DynamicSecurity,
    replaceDynamic: (file, text) => dynamics.get(file)?.replace(readState(text, file).state),
    hasDynamic: () => [...realms.values()].some(({ dynamic }) => dynamic !== null),
    pskOf: (listener, identity) => keys.get(listener)?.keys.get(identity) ?? null,
  }
}

/** Says which of the files the account that the broker runs as now could not read again, or not change. */
export function warnOfUnreadable(
  log: Log,
  { passwords, acls, psks, dynamics, goAuths }: SecurityFiles,
  banFile: string | null,
  tokenKeyFile: string | null,
): void {
  for (const file of [...dynamics.keys(), ...(banFile === null ? [] : [banFile])]) {
    if (!existsSync(dirname(file))) continue
    try {
      accessSync(dirname(file), constants.W_OK)
    } catch {
      log.write(
        LogType.warning,
        `Warning: ${dirname(file)} cannot be written by the account of the broker: no change of ${file} will be saved.`,
      )
    }
  }
  const ofGoAuth = [...goAuths.values()].flatMap(({ plan: { files: read, jwt } }) =>
    [read?.passwordPath, read?.aclPath, jwt?.aclPath].filter((file) => typeof file === 'string'),
  )
  const ofOptions = [...passwords.keys(), ...acls.keys(), ...psks.keys(), ...dynamics.keys()]
  const others = [banFile, tokenKeyFile].filter((file) => file !== null && existsSync(file))
  const files = [...ofOptions, ...ofGoAuth, ...(others as string[])]
  for (const file of files) {
    try {
      accessSync(file, constants.R_OK)
    } catch {
      const account = process.geteuid?.() ?? 0
      log.write(
        LogType.warning,
        `Warning: ${file} cannot be read by the account of the broker (uid ${account}): SIGHUP will fail.`,
      )
    }
  }
}

function startEach(loaded: ReadonlyMap<string, LoadedGoAuth>, log: Log): Map<string, GoAuth> {
  const { monotonicMs } = nodeClock
  return new Map([...loaded].map(([key, each]) => [key, startGoAuth(each, log, monotonicMs)]))
}

function tokensOf({ global }: Config, { tokenKey }: SecurityFiles, log: Log): TokenChecker | null {
  const { jwtKeysUrl } = global
  if (tokenKey === null && jwtKeysUrl === null) return null
  return createTokenChecker(
    {
      key: tokenKey,
      jwksUrl: jwtKeysUrl,
      algorithms: global.jwtAlgorithms,
      issuer: global.jwtIssuer,
      audience: global.jwtAudience,
      from: global.jwtFrom,
      userClaim: global.jwtUserClaim,
      match: global.jwtMatch,
      rightsClaim: global.jwtRightsClaim,
    },
    log,
  )
}

function hookOf({ global }: Config, log: Log): LoginHook | null {
  const { authHttpUrl: url, authHttpTimeoutMs: timeoutMs, authHttpCacheMs: cacheMs } = global
  return url === null
    ? null
    : createHttpHook({ url, timeoutMs, cacheMs }, log, nodeClock.monotonicMs)
}

function logFiles(log: Log, { passwords, acls, psks, dynamics, goAuths }: SecurityFiles): void {
  const files = [
    ...[...goAuths.values()].map(({ plan: { backends }, files: read }) => ({
      text: `mosquitto-go-auth: ${backends.map(({ name }) => name).join(', ')}; ${counted(read?.users.size ?? 0, 'user')} in files.`,
      warnings: read?.warnings ?? [],
    })),
    ...[...passwords.values()].map(({ file, users, warnings }) => ({
      text: `password_file ${file}: ${counted(users.size, 'user')}.`,
      warnings,
    })),
    ...[...acls.values()].map(({ rules: { file, users, patterns, warnings } }) => ({
      text: `acl_file ${file}: rules for ${counted(users.size, 'user')}, ${counted(patterns.length, 'pattern')}.`,
      warnings,
    })),
    ...[...psks.values()].map(({ file, keys, warnings }) => ({
      text: `psk_file ${file}: ${counted(keys.size, 'key')}.`,
      warnings,
    })),
    ...[...dynamics].map(([file, { state, warnings }]) => ({
      text: `dynamic_security_file ${file}: ${counted(state.clients.size, 'user')}, ${counted(state.groups.size, 'group')}, ${counted(state.roles.size, 'role')}.`,
      warnings,
    })),
  ]
  for (const { text, warnings } of files) {
    log.write(LogType.information, text)
    for (const warning of warnings) log.write(LogType.warning, `Warning: ${warning}`)
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

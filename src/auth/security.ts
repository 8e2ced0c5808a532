/** Users, passwords and rights as the core's Auth port. */
import { LogType, type Log, type LogTypeBit } from '../base/log.ts'
import type { Auth, Author, Identity, ListenerOptions } from '../ports/ports.ts'
import { Reason } from '../codec/reason-codes.ts'
import { isReserved } from '../topics/reserved.ts'
import { allows, type Acl, type AclSubject } from './acl.ts'
import type { AclRule } from './acl-file.ts'
import { createArgon2 } from './argon2.ts'
import { createAuthenticator } from './authenticate.ts'
import { Login, type Realm } from './realm.ts'

/** Who may read `$SYS`, where the ACL file does not say otherwise. */
export type SysAccess = 'everyone' | 'users' | 'acl'

export interface SecuritySettings {
  /** One for each listener. */
  readonly realms: ReadonlyMap<ListenerOptions, Realm>
  readonly sysAccess: SysAccess
  readonly checkRetainSource: boolean
  /** Answer a subscription that nothing can come of with 0x87. */
  readonly refuseHopeless: boolean
}

/** Why something is allowed or denied. */
export interface Explanation {
  readonly allowed: boolean
  /** The rule that decided with its file and line, or that there is none. */
  readonly because: string
}

export interface Security {
  readonly auth: Auth
  /** Takes other settings from now on; verified logins are forgotten. */
  update(settings: SecuritySettings): void
  /** What a client of `listener` with these names may do; for people who ask why. */
  explain(
    listener: ListenerOptions,
    subject: AclSubject,
    access: 'read' | 'write',
    topic: string,
  ): Explanation
}

export interface SecurityWorld {
  readonly log: Log
  nowMs(): number
  later(delayMs: number, call: () => void): void
}

const SYS_PREFIX = '$SYS'
const UNKNOWN_REALM: Realm = { name: '', passwords: null, acl: null, hook: null }

/** Nothing is allowed before the first {@link Security.update}. */
export function createSecurity(world: SecurityWorld): Security {
  const { log } = world
  let settings: SecuritySettings = {
    realms: new Map(),
    sysAccess: 'everyone',
    checkRetainSource: false,
    refuseHopeless: false,
  }
  let byName: ReadonlyMap<string, Realm> = new Map()
  const authenticator = createAuthenticator({
    ...world,
    argon2id: createArgon2(),
    realmOf: (listener) => settings.realms.get(listener) ?? UNKNOWN_REALM,
  })
  const auth: Auth = {
    authenticate: authenticator.authenticate,
    publish: null,
    subscribe: null,
    deliver: null,
    retainSource: null,
    originOf,
    recheck,
  }

  const publish = (who: Identity, topic: string): boolean => {
    const login = loginOf(settings, who)
    if (login === null) return absentMayWrite(byName, who, topic, false)
    const rights = login.rightsOf(who)
    if (rights === null) return true
    const rule = rights.writeRule(topic)
    if (allows(rule)) return true
    logDenial(log, LogType.notice, who, 'write to', topic, rule)
    return false
  }

  const deliver = (who: Identity, topic: string): boolean => {
    const login = loginOf(settings, who)
    // A session from the store: what is queued for it now is judged again when its client is back.
    if (login === null) return anyListenerAllows(settings, who, topic)
    const rights = login.rightsOf(who)
    const rule = rights === null ? null : rights.readRule(topic)
    if (rights !== null && !allows(rule)) {
      logDenial(log, LogType.debug, who, 'read', topic, rule)
      return false
    }
    return !isSys(topic) || mayReadSys(settings.sysAccess, who, rule)
  }

  const subscribe = (who: Identity, filter: string): boolean => {
    const rights = loginOf(settings, who)?.rightsOf(who) ?? null
    if (rights === null || rights.hasHope(filter)) return true
    logDenial(log, LogType.notice, who, 'subscribe to', filter, null)
    return false
  }

  const retainSource = (source: Author, topic: string): boolean =>
    absentMayWrite(byName, source, topic, true)

  return {
    auth,
    update(next) {
      settings = next
      authenticator.forget()
      const realms = [...next.realms.values()]
      byName = new Map(realms.map((realm) => [realm.name, realm]))
      const limited = realms.some(({ acl, hook }) => acl !== null || hook !== null)
      auth.publish = limited ? publish : null
      auth.deliver = limited || next.sysAccess !== 'everyone' ? deliver : null
      auth.subscribe = limited && next.refuseHopeless ? subscribe : null
      auth.retainSource = limited && next.checkRetainSource ? retainSource : null
    },
    explain: (listener, subject, access, topic) =>
      explain(settings, listener, subject, access, topic),
  }
}

/** null: nobody knows where the client came in. */
function loginOf({ realms }: SecuritySettings, who: Identity): Login | null {
  const { login, listener } = who
  if (login instanceof Login) return login
  const realm = listener === null ? undefined : realms.get(listener)
  if (realm === undefined) return null
  const made = new Login(realm)
  who.login = made
  return made
}

/** Before the listener's name where the rights came with the login: nobody but the login hook knows them. */
const OF_LOGIN = '!'

/** {@link Identity.origin}: the listener, and whether its rules are the client's. */
function originOf({ login }: Identity): string {
  if (!(login instanceof Login)) return ''
  return login.ownRights === null ? login.realm.name : `${OF_LOGIN}${login.realm.name}`
}

/**
 * May somebody who is gone publish in their own name? The rules of the listener where they came in decide. Rights
 * that came with a login are those of its client now, if it is here; else what `passed` them when it was published stays as long as logins
 * bring rights there, anything else is refused. Where the listener is not known, all that have rules must allow it.
 */
function absentMayWrite(
  realms: ReadonlyMap<string, Realm>,
  who: Author,
  topic: string,
  passed: boolean,
): boolean {
  const { origin, login } = who
  if (origin.startsWith(OF_LOGIN)) {
    const present = login instanceof Login ? login.ownRights : null
    if (present !== null) return allows(present.writeRule(topic))
    return passed && realms.get(origin.slice(OF_LOGIN.length))?.hook != null
  }
  const mayAt = ({ acl }: Realm): boolean =>
    acl === null || allows(acl.rightsOfSource(who).writeRule(topic))
  const realm = realms.get(origin)
  if (realm !== undefined) return mayAt(realm)
  return [...realms.values()].every((each) => mayAt(each) && (passed || each.hook === null))
}

/** Whether a client of these names could read `topic` at one of the listeners. */
function anyListenerAllows({ realms }: SecuritySettings, who: AclSubject, topic: string): boolean {
  let asked: Acl | null = null
  for (const { acl } of realms.values()) {
    if (acl === null) return true
    if (acl === asked) continue
    asked = acl
    if (allows(acl.rightsOfSource(who).readRule(topic))) return true
  }
  return false
}

function isSys(topic: string): boolean {
  return topic.startsWith(SYS_PREFIX) && (topic.length === 4 || topic.charCodeAt(4) === 0x2f)
}

function mayReadSys(access: SysAccess, who: Identity, rule: AclRule | null): boolean {
  if (access === 'everyone') return true
  return access === 'users' ? who.username !== null : allows(rule)
}

/** 0 while the client would be let in again. */
function recheck({ username, listener, login }: Identity): number {
  if (!(login instanceof Login)) return 0
  const { realm, encoded, isProven } = login
  if (isProven) return listener?.usernameFrom === 'connect' ? Reason.notAuthorized : 0
  const isOpen = username === null || (realm.passwords === null && realm.hook === null)
  if (isOpen) return listener?.allowAnonymous === false ? Reason.notAuthorized : 0
  const entry = realm.passwords?.users.get(username)
  // Who came in by the hook stays as long as there is one, and the file says nothing of the user.
  if (encoded === null && entry === undefined && realm.hook !== null) return 0
  return entry !== undefined && entry.encoded === encoded ? 0 : Reason.notAuthorized
}

function logDenial(
  log: Log,
  type: LogTypeBit,
  { clientId, username }: Identity,
  verb: string,
  topic: string,
  rule: AclRule | null,
): void {
  if (!(log.mask & type)) return
  const user = username === null ? 'anonymous' : `user '${username}'`
  const because = rule === null ? 'no rule allows it' : rule.place
  log.write(type, `Denied: ${clientId} (${user}) may not ${verb} '${topic}': ${because}`)
}

function explain(
  { realms, sysAccess }: SecuritySettings,
  listener: ListenerOptions,
  subject: AclSubject,
  access: 'read' | 'write',
  topic: string,
): Explanation {
  const realm = realms.get(listener)
  if (realm === undefined) return { allowed: false, because: 'this listener is not known' }
  if (access === 'write' && isReserved(topic))
    return {
      allowed: false,
      because: '$SYS is written by the broker alone',
    }
  const { acl } = realm
  const rights = acl?.rightsOf(subject)
  const rule = (access === 'read' ? rights?.readRule(topic) : rights?.writeRule(topic)) ?? null
  if (acl !== null && !allows(rule)) {
    const because = acl.isDangerous(subject)
      ? 'patterns do not apply to names with + or #, and no other rule allows it'
      : (rule?.place ?? `no rule of ${acl.rules.file} allows it`)
    return { allowed: false, because }
  }
  const who = { ...subject, remote: '', listener, login: null, origin: '' }
  if (access === 'read' && isSys(topic) && !mayReadSys(sysAccess, who, rule))
    return { allowed: false, because: `sys_access ${sysAccess}` }
  return { allowed: true, because: rule?.place ?? 'there is no ACL file' }
}

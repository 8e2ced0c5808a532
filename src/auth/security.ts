/** Users, passwords and rights as the core's Auth port. */
import { LogType, type Log, type LogTypeBit } from '../base/log.ts'
import type { Auth, Author, Identity, ListenerOptions, Refusal, Verdict } from '../ports/ports.ts'
import { Reason } from '../codec/reason-codes.ts'
import { isControl, isReserved } from '../topics/reserved.ts'
import { allows } from './acl.ts'
import type { AclRule } from './acl-file.ts'
import { createArgon2 } from './argon2.ts'
import { createAuthenticator } from './authenticate.ts'
import type { Gate } from './bans/gate.ts'
import { Access, type AclQuestion } from './go-auth/backend.ts'
import type { GoAuth } from './go-auth/go-auth.ts'
import type { AclSubject } from './placeholders.ts'
import {
  checksUsers,
  Login,
  newRealm,
  passwordOf,
  rightsAt,
  welcomes,
  type Realm,
} from './realm.ts'

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

/** What somebody may want with a topic or, of the last two, with a filter. */
export type AccessKind = 'read' | 'write' | 'subscribe' | 'unsubscribe'

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
    access: AccessKind,
    topic: string,
  ): Explanation
}

export interface SecurityWorld {
  readonly log: Log
  readonly gate: Gate
  nowMs(): number
  /** Time of day, ms. */
  wallMs(): number
  /** Somebody's login may have ended: whoever is here is to be asked again. */
  loginEnded(): void
  later(delayMs: number, call: () => void): void
}

const SYS_PREFIX = '$SYS'
const UNKNOWN_REALM: Realm = newRealm('')

/** Nothing is allowed before the first {@link Security.update}. */
export function createSecurity(world: SecurityWorld): Security {
  const { log } = world
  const inForce: InForce = {
    settings: {
      realms: new Map(),
      sysAccess: 'everyone',
      checkRetainSource: false,
      refuseHopeless: false,
    },
    byName: new Map(),
  }
  const authenticator = createAuthenticator({
    ...world,
    argon2id: createArgon2(),
    realmOf: (listener) => inForce.settings.realms.get(listener) ?? UNKNOWN_REALM,
  })
  const auth: Auth = {
    authenticate: authenticator.authenticate,
    exchange: authenticator.exchange,
    publish: null,
    subscribe: null,
    unsubscribe: null,
    deliver: null,
    retainSource: null,
    originOf,
    admit: (who) => world.gate.admit(who),
    recheck: (who) => world.gate.refusalOf(who) ?? recheck(who, world.wallMs()),
  }

  const checks = createChecks(log, inForce)
  return {
    auth,
    update(next) {
      inForce.settings = next
      authenticator.forget()
      const realms = [...next.realms.values()]
      inForce.byName = new Map(realms.map((realm) => [realm.name, realm]))
      const isDynamic = realms.some(({ dynamic }) => dynamic !== null)
      const isGoAuth = realms.some(({ goAuth }) => goAuth !== null)
      const limited =
        isDynamic ||
        isGoAuth ||
        realms.some(({ acl, hook, tokens }) => acl !== null || hook !== null || tokens !== null)
      auth.publish = limited ? checks.publish : null
      auth.deliver = limited || next.sysAccess !== 'everyone' ? checks.deliver : null
      const asks = isDynamic || isGoAuth || (limited && next.refuseHopeless)
      auth.subscribe = asks ? checks.subscribe : null
      auth.unsubscribe = isDynamic ? checks.unsubscribe : null
      auth.retainSource = limited && next.checkRetainSource ? checks.retainSource : null
    },
    explain: (listener, subject, access, topic) =>
      explain(inForce.settings, listener, subject, access, topic),
  }
}

/** What the checks go by: replaced by {@link Security.update}. */
interface InForce {
  settings: SecuritySettings
  byName: ReadonlyMap<string, Realm>
}

function createChecks(log: Log, inForce: InForce) {
  const publish = (who: Identity, topic: string): Verdict => {
    const login = loginOf(inForce.settings, who)
    if (login === null) return absentMayPublish(inForce.byName, who, topic)
    const rights = login.rightsOf(who)
    const rule = rights === null ? null : rights.writeRule(topic)
    if (rights !== null && !allows(rule)) {
      logDenial(log, LogType.notice, who, 'write to', topic, rule)
      return false
    }
    // Beside a file both must allow it.
    const { goAuth } = login.realm
    return goAuth === null || askGoAuth(goAuth, who, topic, 'write')
  }

  const deliver = (who: Identity, topic: string): Verdict => {
    const { sysAccess } = inForce.settings
    const login = loginOf(inForce.settings, who)
    // A session from the store: what is queued for it now is judged again when its client is back.
    if (login === null) return anyListenerAllows(inForce.settings, who, topic)
    const rights = login.rightsOf(who)
    const rule = rights === null ? null : rights.readRule(topic)
    if (rights !== null && !allows(rule)) {
      logDenial(log, LogType.debug, who, 'read', topic, rule)
      return false
    }
    const { goAuth } = login.realm
    const counts = rule ?? (goAuth === null ? null : GO_AUTH_RULE)
    if (isSys(topic) && !mayReadSys(sysAccess, who, counts)) return false
    return goAuth === null || askGoAuth(goAuth, who, topic, 'read')
  }

  const subscribe = (who: Identity, filter: string): Verdict => {
    const login = loginOf(inForce.settings, who)
    const goAuth = login?.realm.goAuth ?? null
    if (goAuth !== null) return askGoAuth(goAuth, who, filter, 'subscribe')
    const rights = login?.rightsOf(who) ?? null
    if (rights === null) return true
    const rule = rights.subscribeRule(filter)
    const isVain = inForce.settings.refuseHopeless && !rights.hasHope(filter)
    if (allows(rule) && !isVain) return true
    logDenial(log, LogType.notice, who, 'subscribe to', filter, isVain ? null : rule)
    return false
  }

  const unsubscribe = (who: Identity, filter: string): boolean => {
    const rights = loginOf(inForce.settings, who)?.rightsOf(who) ?? null
    const rule = rights?.unsubscribeRule(filter) ?? null
    if (rights === null || allows(rule)) return true
    logDenial(log, LogType.notice, who, 'unsubscribe from', filter, rule)
    return false
  }

  const retainSource = (source: Author, topic: string): boolean =>
    absentMayWrite(inForce.byName, source, topic, true)

  return { publish, deliver, subscribe, unsubscribe, retainSource }
}

/** What of go-auth's answers counts where a rule is asked for. */
const GO_AUTH_RULE: AclRule = { access: 'readwrite', filter: '#', place: 'mosquitto-go-auth' }

function askGoAuth(
  goAuth: GoAuth,
  who: AclSubject & { readonly login?: unknown },
  topic: string,
  access: keyof typeof Access,
): Verdict {
  const question = goAuthQuestion(who, topic, access)
  return question !== null && goAuth.allows(question)
}

/** null: who has no name has no rights. */
function goAuthQuestion(
  { username, clientId, login }: AclSubject & { readonly login?: unknown },
  topic: string,
  access: keyof typeof Access,
): AclQuestion | null {
  const name = login instanceof Login ? (login.goAuthName ?? username) : username
  return name === null ? null : { username: name, clientId, topic, access: Access[access] }
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

/** A client that is gone, and that go-auth has to be asked about, where its rules are go-auth's. */
function absentMayPublish(
  byName: ReadonlyMap<string, Realm>,
  who: Identity,
  topic: string,
): Verdict {
  const goAuth = byName.get(who.origin)?.goAuth ?? null
  if (goAuth !== null) return askGoAuth(goAuth, who, topic, 'write')
  return absentMayWrite(byName, who, topic, false)
}

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
    const realm = realms.get(origin.slice(OF_LOGIN.length))
    return passed && (realm?.hook ?? realm?.tokens ?? null) !== null
  }
  const mayAt = (realm: Realm): boolean => {
    // An answer may take its time: what was once published stays.
    if (realm.goAuth !== null) return passed
    const rights = rightsAt(realm, who)
    return rights === null || allows(rights.writeRule(topic))
  }
  const realm = realms.get(origin)
  if (realm !== undefined) return mayAt(realm)
  return [...realms.values()].every(
    (each) => mayAt(each) && (passed || (each.hook === null && each.tokens === null)),
  )
}

/** Whether a client of these names could read `topic` at one of the listeners. */
function anyListenerAllows({ realms }: SecuritySettings, who: AclSubject, topic: string): boolean {
  let asked: Realm | null = null
  for (const realm of realms.values()) {
    if (realm.goAuth !== null) return true
    if (asked !== null && realm.acl === asked.acl && realm.dynamic === asked.dynamic) continue
    asked = realm
    const rights = rightsAt(realm, who)
    if (rights === null || allows(rights.readRule(topic))) return true
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

const NOT_WELCOME: Refusal = { reason: Reason.notAuthorized, detail: '' }
const TOKEN_ENDED: Refusal = { reason: Reason.notAuthorized, detail: 'the token has expired' }

/** null while the client would be let in again. */
function recheck(who: Identity, wallMs: number): Refusal | null {
  const { login } = who
  if (!(login instanceof Login)) return null
  if (login.expiresAtMs <= wallMs) return TOKEN_ENDED
  return isStillWelcome(who, login) ? null : NOT_WELCOME
}

/** A token among them is still good. */
function isStillWelcome(
  { clientId, username, listener }: Identity,
  { realm, encoded, isProven, expiresAtMs, goAuthName }: Login,
): boolean {
  const { goAuth, hook, tokens } = realm
  if (!welcomes(realm, username, clientId)) return false
  if (expiresAtMs !== Infinity) return (tokens ?? goAuth) !== null
  if (isProven) return listener?.usernameFrom !== 'connect'
  if (username === null || !checksUsers(realm)) return listener?.allowAnonymous !== false
  if (goAuth !== null) return goAuthName !== null && goAuth.isCurrent(goAuthName, encoded)
  const entry = passwordOf(realm, username)
  // Who came in by the hook stays as long as there is one, and no file says anything of the user.
  if (encoded === null && entry === undefined && hook !== null) return true
  return entry !== undefined && entry.encoded === encoded
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
  access: AccessKind,
  topic: string,
): Explanation {
  const realm = realms.get(listener)
  if (realm === undefined) return { allowed: false, because: 'this listener is not known' }
  if (access === 'write' && isReserved(topic) && !isControl(topic))
    return {
      allowed: false,
      because: '$SYS is written by the broker alone',
    }
  const rights = rightsAt(realm, subject)
  const rule = rights === null ? null : rights[RULES_OF[access]](topic)
  if (rights !== null && !allows(rule))
    return { allowed: false, because: rule?.place ?? reasonOfNone(realm, subject) }
  const who = { ...subject, remote: '', listener, login: null, origin: '' }
  if (access === 'read' && isSys(topic) && !mayReadSys(sysAccess, who, rule))
    return { allowed: false, because: `sys_access ${sysAccess}` }
  if (realm.goAuth !== null && access !== 'unsubscribe')
    return explainGoAuth(realm.goAuth, goAuthQuestion(subject, topic, access))
  return { allowed: true, because: rule?.place ?? 'there is no ACL file' }
}

/** Nobody is asked for people who only want to know. */
function explainGoAuth(goAuth: GoAuth, question: AclQuestion | null): Explanation {
  const where = `auth_opt_backends ${goAuth.backends}`
  if (question === null)
    return { allowed: false, because: `${where}: who has no name has no rights` }
  const known = goAuth.known(question)
  if (known !== null) return { allowed: known, because: where }
  return { allowed: false, because: `${where}: nobody was asked yet` }
}

const RULES_OF = {
  read: 'readRule',
  write: 'writeRule',
  subscribe: 'subscribeRule',
  unsubscribe: 'unsubscribeRule',
} as const

/** Why something is denied that no rule speaks of. */
function reasonOfNone({ acl, dynamic }: Realm, subject: AclSubject): string {
  if (acl?.isDangerous(subject) === true)
    return 'patterns do not apply to names with + or #, and no other rule allows it'
  if (acl !== null) return `no rule of ${acl.rules.file} allows it`
  const { username } = subject
  const isKnown = username === null || dynamic?.state.clients.has(username) === true
  return isKnown ? 'no role allows it' : `there is no user "${username}"`
}

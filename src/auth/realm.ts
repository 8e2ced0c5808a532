/** The users and rights of a listener, and what a client has of them once it is in. */
import type { Identity, ListenerOptions } from '../ports/ports.ts'
import type { Acl, ClientRights } from './acl.ts'
import type { AclRule } from './acl-file.ts'
import type { DynamicSecurity } from './dynamic/dynamic-security.ts'
import type { RoleRights } from './dynamic/role-rights.ts'
import type { GoAuth } from './go-auth/go-auth.ts'
import type { LoginHook } from './http-hook.ts'
import type { PasswordEntry, PasswordFile } from './password-file.ts'
import type { PasswordHash } from './password-hash.ts'
import type { TokenChecker } from './tokens.ts'
import type { AclSubject } from './placeholders.ts'

/**
 * The users and rights that count at one listener, or at all of them. A reload changes the fields: clients keep
 * the object, and see the new ones with their next packet.
 */
export interface Realm {
  /** The listener's. */
  readonly name: string
  /** Users, groups and roles that change at run time: asked before the files. null: there are none. */
  dynamic: DynamicSecurity | null
  /** null: no passwords are asked for. */
  passwords: PasswordFile | null
  /** null: everything is allowed. */
  acl: Acl | null
  /** Asked about users that the password file does not know. */
  hook: LoginHook | null
  /** Logins by token; null: none are taken. */
  tokens: TokenChecker | null
  /** Decides about everything instead of all others; null: it is not there. */
  goAuth: GoAuth | null
}

/** Where nobody is known and everything is allowed. */
export function newRealm(name: string): Realm {
  return {
    name,
    dynamic: null,
    passwords: null,
    acl: null,
    hook: null,
    tokens: null,
    goAuth: null,
  }
}

interface LoginTraits {
  encoded?: string | undefined
  proven?: boolean
  rights?: ClientRights | null
  /** Wall clock, ms: a token's. */
  expiresAtMs?: number
  goAuthName?: string
}

/** Of who came in without a word: nearly every client of many brokers, so they have it together. */
const NO_TRAITS: LoginTraits = {}

/** Rights as they were worked out, and from what. */
interface KnownRights {
  readonly acl: Acl | null
  readonly dynamic: DynamicSecurity | null
  readonly revision: number
  readonly rights: ClientRights | null
}

/** How a client came in, and what it may do: kept as `Identity.login`. */
export class Login {
  readonly realm: Realm
  private readonly how: LoginTraits
  private known: KnownRights | null = null

  constructor(realm: Realm, how: LoginTraits = NO_TRAITS) {
    this.realm = realm
    this.how = how
  }

  /** The password hash it was let in by; null: by another way. */
  get encoded(): string | null {
    return this.how.encoded ?? null
  }

  /** TLS vouched for the user. */
  get isProven(): boolean {
    return this.how.proven ?? false
  }

  /** Rights that came with the answer of the hook; they count instead of the file's. */
  get ownRights(): ClientRights | null {
    return this.how.rights ?? null
  }

  /** Wall clock in ms until which a token is good; Infinity: it came in by another way. */
  get expiresAtMs(): number {
    return this.how.expiresAtMs ?? Infinity
  }

  /** By which name go-auth's backends are asked about it; null: by the user's. */
  get goAuthName(): string | null {
    return this.how.goAuthName ?? null
  }

  /** null: everything. */
  rightsOf(who: Identity): ClientRights | null {
    const { ownRights } = this
    if (ownRights !== null) return ownRights
    const { acl, dynamic } = this.realm
    if (acl === null && dynamic === null) return null
    const revision = dynamic === null ? 0 : dynamic.revision
    const { known } = this
    const isCurrent =
      known !== null &&
      known.acl === acl &&
      known.dynamic === dynamic &&
      known.revision === revision
    if (isCurrent) return known.rights
    const file = acl === null ? null : acl.rightsOf(who)
    const rights = dynamic === null ? file : new LayeredRights(dynamic.rightsOf(who), file)
    this.known = { acl, dynamic, revision, rights }
    return rights
  }
}

/** Roles first; where they say nothing the file, and without one it is denied. */
class LayeredRights implements ClientRights {
  private readonly roles: RoleRights
  private readonly file: ClientRights | null

  constructor(roles: RoleRights, file: ClientRights | null) {
    this.roles = roles
    this.file = file
  }

  readRule(topic: string): AclRule | null {
    return this.roles.readRule(topic) ?? this.file?.readRule(topic) ?? null
  }

  writeRule(topic: string): AclRule | null {
    return this.roles.writeRule(topic) ?? this.file?.writeRule(topic) ?? null
  }

  subscribeRule(filter: string): AclRule | null {
    return this.roles.subscribeRule(filter) ?? this.file?.subscribeRule(filter) ?? null
  }

  unsubscribeRule(filter: string): AclRule | null {
    return this.roles.unsubscribeRule(filter) ?? this.file?.unsubscribeRule(filter) ?? null
  }

  /** A role that lets it subscribe has said so; else it is for the file to say. */
  hasHope(filter: string): boolean {
    return this.roles.subscribeRule(filter) !== null || (this.file?.hasHope(filter) ?? true)
  }
}

/** The rights of somebody who need not be here, by the rules of a realm; null: everything. */
export function rightsAt({ dynamic, acl }: Realm, who: AclSubject): ClientRights | null {
  const file = acl === null ? null : acl.rightsOfSource(who)
  return dynamic === null ? file : new LayeredRights(dynamic.rightsOf(who), file)
}

/** The password of a user: of the first that knows one. */
export function passwordOf(
  { dynamic, passwords }: Realm,
  username: string,
): PasswordEntry | undefined {
  return dynamic?.credentialOf(username) ?? passwords?.users.get(username)
}

/** What the passwords of users that nobody knows are checked against; undefined: nothing here has passwords. */
export function dummyOf({ dynamic, passwords }: Realm): PasswordEntry | undefined {
  return passwords?.dummy ?? dynamic?.dummy
}

/** One like most hashes of a scheme; undefined: there are none. */
export function usualOf(
  { dynamic, passwords }: Realm,
  scheme: PasswordHash['scheme'],
): PasswordHash | undefined {
  return passwords?.usual(scheme) ?? dynamic?.usual(scheme)
}

/** Whether nothing speaks against a user of this name with this client id. */
export function welcomes({ dynamic }: Realm, username: string | null, clientId: string): boolean {
  return username === null || dynamic === null || dynamic.welcomes(username, clientId)
}

/** Whether anybody could say who a user is. */
export function checksUsers({ dynamic, passwords, hook, tokens, goAuth }: Realm): boolean {
  const isAsked = hook !== null || tokens !== null || goAuth !== null
  return isAsked || dynamic !== null || passwords !== null
}

/** Which realm a listener's clients belong to. */
export type RealmOf = (listener: ListenerOptions) => Realm

/** The users and rights of a listener, and what a client has of them once it is in. */
import type { Identity, ListenerOptions } from '../ports/ports.ts'
import type { Acl, Rights } from './acl.ts'
import type { LoginHook } from './http-hook.ts'
import type { PasswordFile } from './password-file.ts'

/**
 * The users and rights that count at one listener, or at all of them. A reload changes the fields: clients keep
 * the object, and see the new ones with their next packet.
 */
export interface Realm {
  /** The listener's. */
  readonly name: string
  /** null: no passwords are asked for. */
  passwords: PasswordFile | null
  /** null: everything is allowed. */
  acl: Acl | null
  /** Asked about users that the password file does not know. */
  hook: LoginHook | null
}

interface LoginTraits {
  encoded?: string | undefined
  proven?: boolean
  rights?: Rights | null
}

/** How a client came in, and what it may do: kept as `Identity.login`. */
export class Login {
  readonly realm: Realm
  /** The password hash it was let in by; null: by another way. */
  readonly encoded: string | null
  /** TLS vouched for the user. */
  readonly isProven: boolean
  /** Rights that came with the answer of the hook; they count instead of the file's. */
  readonly ownRights: Rights | null
  private acl: Acl | null = null
  private rights: Rights | null = null

  constructor(realm: Realm, how: LoginTraits = {}) {
    this.realm = realm
    this.encoded = how.encoded ?? null
    this.isProven = how.proven ?? false
    this.ownRights = how.rights ?? null
  }

  /** null: everything. */
  rightsOf(who: Identity): Rights | null {
    if (this.ownRights !== null) return this.ownRights
    const { acl } = this.realm
    if (acl === null) return null
    if (this.rights === null || this.acl !== acl) {
      this.acl = acl
      this.rights = acl.rightsOf(who)
    }
    return this.rights
  }
}

/** Which realm a listener's clients belong to. */
export type RealmOf = (listener: ListenerOptions) => Realm

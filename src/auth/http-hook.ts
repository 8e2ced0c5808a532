/** `auth_http_url`: another program decides who may log in. */
import type { AuthRequest } from '../broker/ports.ts'
import type { Rights } from './acl.ts'

/** Welcome. */
export interface HookVerdict {
  /** null: what the ACL file says. */
  readonly rights: Rights | null
}

export interface LoginHook {
  /** Calls back once with the verdict, null for a refusal, or 'busy' when too many wait already. */
  ask(request: AuthRequest, done: (verdict: HookVerdict | null | 'busy') => void): void
}

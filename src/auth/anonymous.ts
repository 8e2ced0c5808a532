import type { Auth } from '../broker/ports.ts'
import { Reason } from '../codec/reason-codes.ts'

/**
 * Nobody to ask: who comes without a name, or with one that nothing can verify, is let in exactly where the
 * listener allows anonymous clients, and may then do everything. So may who proved by TLS who it is.
 */
export const anonymousAuth: Auth = {
  authenticate: ({ listener, proven }, answer) =>
    answer(listener.allowAnonymous || proven ? Reason.success : Reason.notAuthorized),
  publish: null,
  subscribe: null,
  deliver: null,
  retainSource: null,
  recheck: null,
}

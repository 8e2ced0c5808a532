import type { Auth } from '../broker/ports.ts'
import { Reason } from '../codec/reason-codes.ts'

/**
 * Nobody to ask: who comes without a name, or with one that nothing can verify, is let in exactly where the
 * listener allows anonymous clients, and may then do everything.
 */
export const anonymousAuth: Auth = {
  authenticate: ({ listener }, answer) =>
    answer(listener.allowAnonymous ? Reason.success : Reason.notAuthorized),
  publish: null,
  subscribe: null,
  deliver: null,
  retainSource: null,
  recheck: null,
}

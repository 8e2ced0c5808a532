/** Users, groups and roles; who changed them. */
import { HTTP_CLIENT_ID } from '../callers.ts'
import type { Call, Handlers, HandlerWorld } from './handler.ts'

type UserHandlers = Pick<
  Handlers,
  'users' | 'userCommands' | 'userRights' | 'userWithout' | 'audit'
>

export function userHandlers({ admin, listener }: HandlerWorld): UserHandlers {
  const { users } = admin.source
  return {
    users: ({ query }) => users.overview(listener, query),
    async userCommands({ body, caller, credentials }) {
      const author = authorOf({ caller, credentials })
      return { responses: await users.execute(listener, body.commands, author) }
    },
    userRights: ({ query }) => ({ rights: users.rights(listener, query) }),
    userWithout: ({ query }) => ({ changes: users.without(listener, query.rolename) }),
    audit: () => ({ entries: users.audit() }),
  }
}

/** Who asks, for the audit log. */
export function authorOf({
  caller: { who },
  credentials,
}: Pick<Call<unknown, unknown, unknown>, 'caller' | 'credentials'>) {
  return {
    username: who?.username ?? null,
    clientId: who?.clientId ?? HTTP_CLIENT_ID,
    address: credentials.remote,
    via: 'http',
  } as const
}

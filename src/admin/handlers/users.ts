/** Users, groups and roles; who changed them. */
import type { Handlers, HandlerWorld } from './handler.ts'

type UserHandlers = Pick<
  Handlers,
  'users' | 'userCommands' | 'userRights' | 'userWithout' | 'audit'
>

export function userHandlers({ admin, listener }: HandlerWorld): UserHandlers {
  const { users } = admin.source
  return {
    users: () => users.overview(listener),
    async userCommands({ body, caller, credentials }) {
      const author = {
        username: caller.who?.username ?? null,
        clientId: caller.who?.clientId ?? 'http-api',
        address: credentials.remote,
        via: 'http',
      } as const
      return { responses: await users.execute(listener, body.commands, author) }
    },
    userRights: ({ query }) => ({ rights: users.rights(listener, query) }),
    userWithout: ({ query }) => ({ changes: users.without(listener, query.rolename) }),
    audit: () => ({ entries: users.audit() }),
  }
}

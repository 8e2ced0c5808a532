/** Users, groups and roles as the admin API shows and changes them. */
import type { UserAdministration } from '../admin/source.ts'
import type { RightsQuery, UsersQuery, UsersReply, WithoutReply } from '../admin/schemas-users.ts'
import { addressesOf, draftOf } from '../auth/dynamic/draft.ts'
import { commandOf } from '../auth/dynamic/commands.ts'
import type { DynamicSecurity } from '../auth/dynamic/dynamic-security.ts'
import {
  compareLinks,
  settledGroupsOf,
  sortedNames,
  type AclType,
  type DynamicState,
  type Link,
} from '../auth/dynamic/model.ts'
import { RoleRights } from '../auth/dynamic/role-rights.ts'
import { sortedAcls } from '../auth/dynamic/write-state.ts'
import type { AclRule } from '../auth/acl-file.ts'
import type { Everyone } from './everyone.ts'
import type { ServerSecurity } from './security.ts'
import type { UserAdmin } from './user-admin.ts'

interface Host {
  readonly everyone: Everyone
  readonly security: ServerSecurity
  readonly users: UserAdmin
}

/** Client id of users about whom is asked: no rule should be about it. */
const ANY_CLIENT_ID = ''

export function userSourceOf({ everyone, security, users }: Host): UserAdministration {
  return {
    overview(listener, query) {
      const dynamic = security.dynamicAt(listener)
      return dynamic === null ? NO_USERS : overviewOf(dynamic, everyone, query)
    },
    async execute(listener, commands, author) {
      const dynamic = security.dynamicAt(listener)
      const error = 'This listener has no "dynamic_security_file".'
      if (dynamic === null) return commands.map(() => ({ command: '', error }))
      return [...(await users.execute(dynamic, commands, author))]
    },
    rights(listener, { action, topic }) {
      const dynamic = security.dynamicAt(listener)
      if (dynamic === null) return []
      const access = KINDS[action]
      return namesIn(dynamic.state).map((username) => {
        const subject = { clientId: ANY_CLIENT_ID, username }
        return { username, ...security.explain(listener, subject, access, topic) }
      })
    },
    without(listener, rolename) {
      const dynamic = security.dynamicAt(listener)
      return dynamic === null ? [] : changesWithout(dynamic.state, rolename)
    },
    audit: () => users.audit?.recent() ?? [],
    mayAdminister(who) {
      const { listener, username } = who
      if (listener === null || username === null) return false
      const topic = '$CONTROL/dynamic-security/v1'
      return (
        security.dynamicAt(listener) !== null &&
        security.explain(listener, who, 'write', topic).allowed
      )
    },
  }
}

const USERS_PER_PAGE = 50
/** Of a group: the rest is found by the users. */
const MEMBERS_SHOWN = 100

const NO_USERS: UsersReply = {
  available: false,
  file: null,
  total: 0,
  page: 1,
  pageSize: USERS_PER_PAGE,
  users: [],
  groups: [],
  roles: [],
  access: {},
  anonymousGroup: null,
}

const KINDS = {
  publish: 'write',
  receive: 'read',
  subscribe: 'subscribe',
  unsubscribe: 'unsubscribe',
} as const

function sorted(links: readonly Link[]): Link[] {
  return [...links].sort(compareLinks)
}

function all<T>(map: ReadonlyMap<string, T>): T[] {
  return sortedNames(map).map((name) => map.get(name) as T)
}

/** Users by name, and those without one where the anonymous group says something of them. */
function namesIn({ clients, anonymousGroup }: DynamicState): (string | null)[] {
  return [...sortedNames(clients), ...(anonymousGroup === null ? [] : [null])]
}

function overviewOf(
  { file, state }: DynamicSecurity,
  everyone: Everyone,
  { q = '', page = 1, pageSize = USERS_PER_PAGE }: UsersQuery,
): UsersReply {
  const wanted = q.toLowerCase()
  const matching = all(state.clients).filter(
    ({ username, textname }) =>
      username.toLowerCase().includes(wanted) || textname?.toLowerCase().includes(wanted) === true,
  )
  const connections = everyone.connectionsByUser()
  const texts = (each: { textname: string | null; textdescription: string | null }) => ({
    textname: each.textname,
    textdescription: each.textdescription,
  })
  return {
    available: true,
    file,
    total: matching.length,
    page,
    pageSize,
    users: matching.slice((page - 1) * pageSize, page * pageSize).map((client) => ({
      username: client.username,
      clientid: client.clientid,
      ...texts(client),
      disabled: client.disabled,
      hasPassword: client.hash !== null,
      connections: addressesOf(connections, client),
      roles: sorted(client.roles),
      groups: [...settledGroupsOf(state, client.username)],
    })),
    groups: all(state.groups).map((group) => ({
      groupname: group.groupname,
      ...texts(group),
      roles: sorted(group.roles),
      members: group.clients.length,
      clients: sorted(group.clients).slice(0, MEMBERS_SHOWN),
    })),
    roles: all(state.roles).map((role) => ({
      rolename: role.rolename,
      ...texts(role),
      allowwildcardsubs: role.allowwildcardsubs,
      acls: sortedAcls(role.acls),
    })),
    access: { ...state.access },
    anonymousGroup: state.anonymousGroup,
  }
}

const ACTIONS: Readonly<Record<AclType, RightsQuery['action']>> = {
  publishClientSend: 'publish',
  publishClientReceive: 'receive',
  subscribeLiteral: 'subscribe',
  subscribePattern: 'subscribe',
  unsubscribeLiteral: 'unsubscribe',
  unsubscribePattern: 'unsubscribe',
}

function ruleFor(rights: RoleRights, action: RightsQuery['action'], topic: string): AclRule | null {
  if (action === 'publish') return rights.writeRule(topic)
  if (action === 'receive') return rights.readRule(topic)
  return action === 'subscribe' ? rights.subscribeRule(topic) : rights.unsubscribeRule(topic)
}

/** What would be decided otherwise without a role, for the topics of its own rules. */
function changesWithout(state: DynamicState, rolename: string): WithoutReply['changes'] {
  const role = state.roles.get(rolename)
  if (role === undefined) return []
  const draft = draftOf(state, NO_WORLD)
  void commandOf('deleteRole')?.run(draft, { rolename })
  return namesIn(state).flatMap((username) => {
    const subject = { clientId: ANY_CLIENT_ID, username }
    const [now, then] = [new RoleRights(state, subject), new RoleRights(draft, subject)]
    const asked = new Map(
      role.acls.map((acl) => {
        const action = ACTIONS[acl.acltype]
        const isTopic = action === 'publish' || action === 'receive'
        const topic = isTopic ? sampleOf(acl.topic, username) : acl.topic
        return [`${action} ${topic}`, { action, topic }] as const
      }),
    )
    return [...asked.values()].flatMap(({ action, topic }) => {
      const before = isAllowed(ruleFor(now, action, topic))
      const after = isAllowed(ruleFor(then, action, topic))
      return before === after ? [] : [{ username, action, topic, before, after }]
    })
  })
}

const NO_WORLD = {
  hashPassword: () => Promise.reject(new Error('nothing is changed')),
  connections: () => new Map<string, never>(),
}

function isAllowed(rule: AclRule | null): boolean {
  return rule !== null && rule.access !== 'deny'
}

/** A topic that a filter matches. */
function sampleOf(filter: string, username: string | null): string {
  const levels = filter.split('/').map((level) => {
    if (level === '%u') return username ?? 'x'
    return level === '+' || level === '#' || level === '%c' ? 'x' : level
  })
  return levels.join('/')
}

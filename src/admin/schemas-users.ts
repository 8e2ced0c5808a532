/** What the API says of users, groups and roles that change at run time (dynamic security), and of who changed them. */
import {
  flag,
  integer,
  list,
  nullable,
  object,
  oneOf,
  record,
  text,
  type Schema,
  type Static,
} from './schema.ts'
import { page, pageSize } from './schemas-pages.ts'

const name = text('Its name.')
const textname = nullable(text('A name for people.'))
const textdescription = nullable(text('What it is for.'))
const links = list(
  object({
    name,
    priority: integer('Higher ones count first.'),
  }),
  'In the order in which they count.',
)

const user = object({
  username: name,
  clientid: nullable(text('The only client id it may come with; null: any.')),
  textname,
  textdescription,
  disabled: flag('Kept out.'),
  hasPassword: flag('Whether it can log in by a password.'),
  connections: list(text('address:port'), 'Where it is connected from.'),
  roles: links,
  groups: links,
})
const group = object({
  groupname: name,
  textname,
  textdescription,
  roles: links,
  members: integer('How many users it has.'),
  clients: links,
})
const acl = object({
  acltype: text('publishClientSend, publishClientReceive, subscribeLiteral, subscribePattern, …'),
  topic: text('A topic or filter.'),
  priority: integer('Higher ones count first.'),
  allow: flag('true: allows, false: denies.'),
})
const role = object({
  rolename: name,
  textname,
  textdescription,
  allowwildcardsubs: flag('Whether its users may subscribe with wildcards.'),
  acls: list(acl, 'Its rules, as they are asked.'),
})

export const usersReply = object({
  available: flag('Whether this listener has dynamic security. If not, the rest is empty.'),
  file: nullable(text('Where it is kept.')),
  total: integer('How many users match.'),
  page: integer('This page, from 1 on.'),
  pageSize: integer('Users on a full page.'),
  users: list(user, 'Those of this page, by name.'),
  groups: list(group, 'By name, each with the first of its users.'),
  roles: list(role, 'By name.'),
  access: record(flag('allow'), 'What counts where no rule does, by publishClientSend, …'),
  anonymousGroup: nullable(text('The group of clients without a user name.')),
})
export const usersQuery = object(
  {
    q: text('Only users whose name or text name holds this.', { maxLength: 1000 }),
    page,
    pageSize,
  },
  ['q', 'page', 'pageSize'],
)
export type UsersQuery = Static<typeof usersQuery>
export type UsersReply = Static<typeof usersReply>

const anything: Schema<unknown> = {}
const PRIORITY_MAX = 100_000
const ENTRIES_MAX = 10_000
const wordArgument = (description: string) => text(description, { maxLength: 65_535 })
const priorityArgument = integer('Higher ones count first; absent: -1, of a rule 0.', {
  minimum: -PRIORITY_MAX,
  maximum: PRIORITY_MAX,
})
const linkArgument = <K extends string>(key: K) => {
  const properties = { [key]: wordArgument('Its name.'), priority: priorityArgument }
  return object(properties as Record<K | 'priority', Schema<unknown>>, ['priority'])
}
const aclArgument = object(
  {
    acltype: wordArgument('publishClientSend, publishClientReceive, subscribeLiteral, …'),
    topic: wordArgument('A topic or filter; none of a default access.'),
    priority: priorityArgument,
    allow: flag('true: allows.'),
  },
  ['topic', 'priority'],
)
const commandFields = {
  command: wordArgument('createClient, modifyRole, addRoleACL, …'),
  correlationData: wordArgument('Comes back with the answer.'),
  username: wordArgument('Of a user.'),
  password: wordArgument('A new one.'),
  clientid: wordArgument('The only client id it may come with; empty: any.'),
  groupname: wordArgument('Of a group.'),
  rolename: wordArgument('Of a role.'),
  textname: wordArgument('A name for people.'),
  textdescription: wordArgument('What it is for.'),
  allowwildcardsubs: flag('Of a role.'),
  acltype: wordArgument('Of a rule.'),
  topic: wordArgument('Of a rule.'),
  priority: priorityArgument,
  allow: flag('Of a rule.'),
  roles: list(linkArgument('rolename'), 'Take the place of those before.', ENTRIES_MAX),
  groups: list(linkArgument('groupname'), 'Take the place of those before.', ENTRIES_MAX),
  clients: list(linkArgument('username'), 'Take the place of those before.', ENTRIES_MAX),
  acls: list(aclArgument, 'Take the place of those before.', ENTRIES_MAX),
  verbose: flag('Of a list: all of each entry.'),
  count: integer('Of a list: so many.', { minimum: -1, maximum: ENTRIES_MAX }),
  offset: integer('Of a list: from this one on.', { minimum: 0, maximum: 1_000_000 }),
}
const { command: _command, ...optionalFields } = commandFields

export const commandsBody = object({
  commands: list(
    object(commandFields, Object.keys(optionalFields) as (keyof typeof optionalFields)[]),
    "mosquitto's commands of dynamic security, carried out in this order.",
    100,
  ),
})
export const commandsReply = object({
  responses: list(
    object(
      {
        command: text('Which one.'),
        error: text('Why not; absent: it is done.'),
        data: record(anything, 'What was asked for.'),
        correlationData: text('As it was sent.'),
      },
      ['error', 'data', 'correlationData'],
    ),
    'One for each command. What they changed is on the disk and in force.',
  ),
})
export type CommandsReply = Static<typeof commandsReply>

export const ACCESS_KINDS = ['publish', 'receive', 'subscribe', 'unsubscribe'] as const
const action = oneOf('What is wanted.', ACCESS_KINDS)
export const rightsQuery = object({
  action,
  topic: text('Topic, or filter of a subscription.', { minLength: 1, maxLength: 65_535 }),
})
export type RightsQuery = Static<typeof rightsQuery>
export const rightsReply = object({
  rights: list(
    object({
      username: nullable(text('null: clients without a user name.')),
      allowed: flag('The answer.'),
      because: text('The rule that decides, or that there is none.'),
    }),
    'One for each user.',
  ),
})
export type RightsReply = Static<typeof rightsReply>

export const withoutQuery = object({ rolename: text('A role.', { maxLength: 65_535 }) })
export const withoutReply = object({
  changes: list(
    object({
      username: nullable(text('null: clients without a user name.')),
      action,
      topic: text('A topic of a rule of the role; x stands for its wildcards.'),
      before: flag('Allowed now.'),
      after: flag('Allowed without the role.'),
    }),
    'What would be decided otherwise if the role were deleted.',
  ),
})
export type WithoutReply = Static<typeof withoutReply>

export const auditReply = object({
  entries: list(
    object({
      number: integer('Ascends.'),
      time: text('ISO 8601.'),
      username: nullable(text('Who did it.')),
      clientId: text('Client id; http-api: this API; flapping_ban: the rule.'),
      address: text('From where.'),
      via: oneOf('How; rule: nobody did it by hand.', ['mqtt', 'http', 'rule']),
      action: text('The command.'),
      details: record(anything, 'Its arguments, without secrets.'),
    }),
    'The latest first.',
  ),
})
export type AuditReply = Static<typeof auditReply>

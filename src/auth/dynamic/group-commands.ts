/** Commands for groups. */
import {
  changedTexts,
  CommandError,
  describedArguments,
  linksArgument,
  nameArgument,
  newNameArgument,
  priorityArgument,
  ROLE_WORDS,
  type LinkWords,
} from './arguments.ts'
import {
  clientOf,
  groupOf,
  isLinked,
  kickGroup,
  without,
  type Command,
  type Draft,
} from './draft.ts'
import { holderCommands } from './holder-commands.ts'
import { fieldOf, type JsonObject } from '../json-fields.ts'
import { compareLinks, type DynamicGroup, type Link } from './model.ts'
import { writeLinks, writeTexts } from './write-state.ts'

const MEMBER_WORDS: LinkWords = {
  notList: 'Internal error',
  unnamed: "'clients' contains an object with an invalid 'username'",
  unknown: "'clients' contains an object with a 'username' that does not exist",
}

function membersArgument(draft: Draft, args: JsonObject): Link[] | undefined {
  if (!Array.isArray(fieldOf(args, 'clients'))) return undefined
  return linksArgument(args, 'clients', 'username', draft.clients, MEMBER_WORDS)
}

function createGroup(draft: Draft, args: JsonObject): undefined {
  const groupname = newNameArgument(args, 'groupname')
  const texts = describedArguments(args)
  if (draft.groups.has(groupname)) throw new CommandError('Group already exists')
  const roles = linksArgument(args, 'roles', 'rolename', draft.roles, ROLE_WORDS) ?? []
  const clients = membersArgument(draft, args) ?? []
  const group = { groupname, textname: null, textdescription: null, ...texts, roles, clients }
  draft.groups.set(groupname, group)
  kickGroup(draft, group)
}

function modifyGroup(draft: Draft, args: JsonObject): undefined {
  const group = groupOf(draft, nameArgument(args, 'groupname'))
  const roles = linksArgument(args, 'roles', 'rolename', draft.roles, ROLE_WORDS)
  const clients = membersArgument(draft, args)
  kickGroup(draft, group)
  set(draft, {
    ...group,
    ...changedTexts(args),
    ...(roles === undefined ? {} : { roles }),
    ...(clients === undefined ? {} : { clients }),
  })
}

/** Puts a changed group in place; the connections of its clients end. */
function set(draft: Draft, group: DynamicGroup): undefined {
  draft.groups.set(group.groupname, group)
  kickGroup(draft, group)
}

function deleteGroup(draft: Draft, args: JsonObject): undefined {
  const group = groupOf(draft, nameArgument(args, 'groupname'))
  if (group.groupname === draft.anonymousGroup)
    throw new CommandError('Deleting the anonymous group is forbidden')
  kickGroup(draft, group)
  draft.groups.delete(group.groupname)
}

function addGroupClient(draft: Draft, args: JsonObject): undefined {
  const [name, groupname] = [nameArgument(args, 'username'), nameArgument(args, 'groupname')]
  clientOf(draft, name)
  const group = groupOf(draft, groupname)
  if (isLinked(group.clients, name)) throw new CommandError('Client is already in this group')
  const link = { name, priority: priorityArgument(args) }
  setMembers(draft, group, [...group.clients, link], name)
}

function removeGroupClient(draft: Draft, args: JsonObject): undefined {
  const [name, groupname] = [nameArgument(args, 'username'), nameArgument(args, 'groupname')]
  clientOf(draft, name)
  const group = groupOf(draft, groupname)
  setMembers(draft, group, without(group.clients, name), name)
}

/** Only the client that comes or goes is concerned. */
function setMembers(draft: Draft, group: DynamicGroup, clients: Link[], username: string): void {
  draft.groups.set(group.groupname, { ...group, clients })
  draft.kicks.usernames.add(username)
}

function shown(_draft: Draft, group: DynamicGroup): JsonObject {
  const members = [...group.clients].sort(compareLinks)
  return {
    groupname: group.groupname,
    ...writeTexts(group),
    clients: members.map(({ name }) => ({ username: name })),
    roles: writeLinks(group.roles, 'rolename'),
  }
}

function setAnonymousGroup(draft: Draft, args: JsonObject): undefined {
  const { groupname } = groupOf(draft, nameArgument(args, 'groupname'))
  draft.anonymousGroup = groupname
  draft.kicks.anonymous = true
}

function getAnonymousGroup({ anonymousGroup }: Draft): JsonObject {
  return { group: { groupname: anonymousGroup ?? '' } }
}

export const GROUP_COMMANDS: readonly Command[] = [
  { name: 'createGroup', run: createGroup },
  { name: 'deleteGroup', run: deleteGroup },
  { name: 'modifyGroup', run: modifyGroup },
  { name: 'addGroupClient', run: addGroupClient },
  { name: 'removeGroupClient', run: removeGroupClient },
  ...holderCommands({
    noun: 'Group',
    nameKey: 'groupname',
    all: ({ groups }) => groups,
    of: groupOf,
    set,
    show: shown,
  }),
  { name: 'setAnonymousGroup', run: setAnonymousGroup },
  { name: 'getAnonymousGroup', run: getAnonymousGroup, reads: true },
]

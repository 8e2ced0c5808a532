/** Commands for groups. */
import {
  CommandError,
  describedArguments,
  isVerbose,
  linksArgument,
  nameArgument,
  newNameArgument,
  page,
  priorityArgument,
  ROLE_WORDS,
  type LinkWords,
} from './arguments.ts'
import {
  clientOf,
  groupOf,
  isLinked,
  kickGroup,
  roleOf,
  without,
  type Command,
  type Draft,
} from './draft.ts'
import { fieldOf, textOf, type JsonObject } from '../json-fields.ts'
import { compareLinks, sortedNames, type DynamicGroup, type Link } from './model.ts'
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
  const [textname, textdescription] = [textOf(args, 'textname'), textOf(args, 'textdescription')]
  const roles = linksArgument(args, 'roles', 'rolename', draft.roles, ROLE_WORDS)
  const clients = membersArgument(draft, args)
  kickGroup(draft, group)
  set(draft, {
    ...group,
    ...(textname === null ? {} : { textname }),
    ...(textdescription === null ? {} : { textdescription }),
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

function addGroupRole(draft: Draft, args: JsonObject): undefined {
  const [groupname, name] = [nameArgument(args, 'groupname'), nameArgument(args, 'rolename')]
  const group = groupOf(draft, groupname)
  roleOf(draft, name)
  if (isLinked(group.roles, name)) throw new CommandError('Group is already in this role')
  set(draft, { ...group, roles: [...group.roles, { name, priority: priorityArgument(args) }] })
}

function removeGroupRole(draft: Draft, args: JsonObject): undefined {
  const [groupname, name] = [nameArgument(args, 'groupname'), nameArgument(args, 'rolename')]
  const group = groupOf(draft, groupname)
  roleOf(draft, name)
  set(draft, { ...group, roles: without(group.roles, name) })
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

function getGroup(draft: Draft, args: JsonObject): JsonObject {
  return { group: shown(groupOf(draft, nameArgument(args, 'groupname'))) }
}

function listGroups(draft: Draft, args: JsonObject): JsonObject {
  const names = page(args, sortedNames(draft.groups))
  const groups = isVerbose(args) ? names.map((name) => shown(groupOf(draft, name))) : names
  return { totalCount: draft.groups.size, groups }
}

function shown(group: DynamicGroup): JsonObject {
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
  { name: 'addGroupRole', run: addGroupRole },
  { name: 'removeGroupRole', run: removeGroupRole },
  { name: 'addGroupClient', run: addGroupClient },
  { name: 'removeGroupClient', run: removeGroupClient },
  { name: 'getGroup', run: getGroup, reads: true },
  { name: 'listGroups', run: listGroups, reads: true },
  { name: 'setAnonymousGroup', run: setAnonymousGroup },
  { name: 'getAnonymousGroup', run: getAnonymousGroup, reads: true },
]

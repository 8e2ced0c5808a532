/** Commands for roles, the default access, and the whole. */
import { topicFilterProblem } from '../../topics/names.ts'
import {
  changedTexts,
  CommandError,
  describedArguments,
  isVerbose,
  nameArgument,
  newNameArgument,
  page,
  priorityArgument,
  textArgument,
} from './arguments.ts'
import { isLinked, kickRole, roleOf, without, type Command, type Draft } from './draft.ts'
import { fieldOf, flagOf, isObject, textOf, type JsonObject } from '../json-fields.ts'
import {
  aclTypeOf,
  DEFAULT_TYPES,
  sortedNames,
  type AclType,
  type DefaultType,
  type DynamicRole,
  type RoleAcl,
} from './model.ts'
import { readAcls } from './read-state.ts'
import { writeRole } from './write-state.ts'

function wildcardsArgument(args: JsonObject): boolean | undefined {
  const value = fieldOf(args, 'allowwildcardsubs')
  if (value === undefined || typeof value === 'boolean') return value
  throw new CommandError('Invalid allowwildcardsubs')
}

/** Of a list the rules that can be read, as mosquitto takes them; undefined: there is no list. */
function aclsArgument(args: JsonObject): RoleAcl[] | undefined {
  const list = fieldOf(args, 'acls')
  return Array.isArray(list) ? readAcls(list, () => {}) : undefined
}

function createRole(draft: Draft, args: JsonObject): undefined {
  const rolename = newNameArgument(args, 'rolename')
  const texts = describedArguments(args)
  const allowwildcardsubs = wildcardsArgument(args) ?? true
  if (draft.roles.has(rolename)) throw new CommandError('Role already exists')
  draft.roles.set(rolename, {
    rolename,
    textname: null,
    textdescription: null,
    ...texts,
    allowwildcardsubs,
    acls: aclsArgument(args) ?? [],
  })
}

function modifyRole(draft: Draft, args: JsonObject): undefined {
  const role = roleOf(draft, nameArgument(args, 'rolename'), 'Role does not exist')
  const allowwildcardsubs = flagOf(args, 'allowwildcardsubs', role.allowwildcardsubs)
  const acls = aclsArgument(args)
  if (acls !== undefined || allowwildcardsubs !== role.allowwildcardsubs)
    kickRole(draft, role.rolename)
  draft.roles.set(role.rolename, {
    ...role,
    ...changedTexts(args),
    allowwildcardsubs,
    ...(acls === undefined ? {} : { acls }),
  })
}

function deleteRole(draft: Draft, args: JsonObject): undefined {
  const { rolename } = roleOf(draft, nameArgument(args, 'rolename'))
  kickRole(draft, rolename)
  for (const client of draft.clients.values())
    if (isLinked(client.roles, rolename))
      draft.clients.set(client.username, { ...client, roles: without(client.roles, rolename) })
  for (const group of draft.groups.values())
    if (isLinked(group.roles, rolename))
      draft.groups.set(group.groupname, { ...group, roles: without(group.roles, rolename) })
  draft.roles.delete(rolename)
}

function addRoleAcl(draft: Draft, args: JsonObject): undefined {
  const role = roleOf(draft, nameArgument(args, 'rolename'))
  const { acltype, topic } = ruleArguments(args)
  if (ruleAt(role, acltype, topic) !== undefined)
    throw new CommandError('ACL with this topic already exists')
  const acl = {
    acltype,
    topic,
    priority: priorityArgument(args, 0),
    allow: flagOf(args, 'allow', false),
  }
  setAcls(draft, role, [...role.acls, acl])
}

function removeRoleAcl(draft: Draft, args: JsonObject): undefined {
  const role = roleOf(draft, nameArgument(args, 'rolename'))
  const { acltype, topic } = ruleArguments(args)
  const acl = ruleAt(role, acltype, topic)
  if (acl === undefined) throw new CommandError('ACL not found')
  setAcls(
    draft,
    role,
    role.acls.filter((each) => each !== acl),
  )
}

function ruleArguments(args: JsonObject): { acltype: AclType; topic: string } {
  const word = textArgument(args, 'acltype')
  if (word === undefined) throw new CommandError('Invalid/missing acltype')
  const acltype = aclTypeOf(word)
  if (acltype === null) throw new CommandError('Unknown acltype')
  const topic = textArgument(args, 'topic')
  if (topic === undefined) throw new CommandError('Invalid/missing topic')
  if (topicFilterProblem(topic) !== null) throw new CommandError('Invalid ACL topic')
  return { acltype, topic }
}

function ruleAt({ acls }: DynamicRole, acltype: AclType, topic: string): RoleAcl | undefined {
  return acls.find((acl) => acl.acltype === acltype && acl.topic === topic)
}

function setAcls(draft: Draft, role: DynamicRole, acls: readonly RoleAcl[]): void {
  draft.roles.set(role.rolename, { ...role, acls })
  kickRole(draft, role.rolename)
}

function getRole(draft: Draft, args: JsonObject): JsonObject {
  return { role: writeRole(roleOf(draft, nameArgument(args, 'rolename'))) }
}

function listRoles(draft: Draft, args: JsonObject): JsonObject {
  const names = page(args, sortedNames(draft.roles))
  const roles = isVerbose(args) ? names.map((name) => writeRole(roleOf(draft, name))) : names
  return { totalCount: draft.roles.size, roles }
}

/** Entries that are none are left out; all of the others count. */
function setDefaultAccess(draft: Draft, args: JsonObject): undefined {
  const acls = fieldOf(args, 'acls')
  if (!Array.isArray(acls)) throw new CommandError('Missing/invalid acls array')
  for (const acl of acls as unknown[]) {
    const type = isObject(acl) ? defaultTypeOf(textOf(acl, 'acltype')) : null
    const allow = isObject(acl) ? fieldOf(acl, 'allow') : null
    if (type !== null && typeof allow === 'boolean')
      draft.access = { ...draft.access, [type]: allow }
  }
}

function defaultTypeOf(word: string | null): DefaultType | null {
  return DEFAULT_TYPES.find((type) => type.toLowerCase() === word?.toLowerCase()) ?? null
}

function getDefaultAccess({ access }: Draft): JsonObject {
  return { acls: DEFAULT_TYPES.map((acltype) => ({ acltype, allow: access[acltype] })) }
}

function getDetails({ clients, groups, roles, changeIndex }: Draft): JsonObject {
  return {
    clientCount: clients.size,
    groupCount: groups.size,
    roleCount: roles.size,
    changeIndex,
  }
}

export const ROLE_COMMANDS: readonly Command[] = [
  { name: 'createRole', run: createRole },
  { name: 'deleteRole', run: deleteRole },
  { name: 'modifyRole', run: modifyRole },
  { name: 'addRoleACL', run: addRoleAcl },
  { name: 'removeRoleACL', run: removeRoleAcl },
  { name: 'getRole', run: getRole, reads: true },
  { name: 'listRoles', run: listRoles, reads: true },
  { name: 'setDefaultACLAccess', run: setDefaultAccess },
  { name: 'getDefaultACLAccess', run: getDefaultAccess, reads: true },
  { name: 'getDetails', run: getDetails, reads: true },
]

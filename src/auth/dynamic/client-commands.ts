/** Commands for clients, which are the users. */
import {
  changedTexts,
  clientIdArgument,
  CommandError,
  describedArguments,
  linksArgument,
  nameArgument,
  newNameArgument,
  ROLE_WORDS,
  textArgument,
  type LinkWords,
} from './arguments.ts'
import { addressesOf, clientOf, isLinked, without, type Command, type Draft } from './draft.ts'
import { holderCommands } from './holder-commands.ts'
import { fieldOf, textOf, type JsonObject } from '../json-fields.ts'
import { groupsOf, settledGroupsOf, type DynamicClient, type Link } from './model.ts'
import { parsePasswordHash } from '../password-hash.ts'
import { writeLinks, writeTexts } from './write-state.ts'

const CREATE_WORDS: LinkWords = {
  notList: 'Internal error',
  unnamed: 'Group not found',
  unknown: 'Group not found',
}
const MODIFY_WORDS: LinkWords = {
  notList: 'Internal error',
  unnamed: "'groups' contains an object with an invalid 'groupname'",
  unknown: "'groups' contains an object with a 'groupname' that does not exist",
}

async function createClient(draft: Draft, args: JsonObject): Promise<undefined> {
  const username = newNameArgument(args, 'username')
  const password = textArgument(args, 'password')
  const clientid = clientIdArgument(args, 'client id') ?? null
  const texts = describedArguments(args)
  if (draft.clients.has(username)) throw new CommandError('Client already exists')
  const roles = linksArgument(args, 'roles', 'rolename', draft.roles, ROLE_WORDS) ?? []
  const groups = groupsArgument(draft, args, CREATE_WORDS) ?? []
  const secret = await secretOf(draft, password)
  draft.clients.set(username, {
    username,
    clientid,
    textname: null,
    textdescription: null,
    ...texts,
    disabled: false,
    ...secret,
    roles,
  })
  joinGroups(draft, username, groups)
  return undefined
}

/** No password is none; an empty one lets nobody in. */
async function secretOf(
  { world }: Draft,
  password: string | undefined,
): Promise<Pick<DynamicClient, 'encoded' | 'hash'>> {
  if (password === undefined || password === '') return { encoded: null, hash: null }
  const encoded = await world.hashPassword(password)
  const hash = parsePasswordHash(encoded)
  return { encoded, hash: typeof hash === 'string' ? null : hash }
}

/** As in mosquitto, what is no list at all is not there. */
function groupsArgument(draft: Draft, args: JsonObject, words: LinkWords): Link[] | undefined {
  if (!Array.isArray(fieldOf(args, 'groups'))) return undefined
  return linksArgument(args, 'groups', 'groupname', draft.groups, words)
}

function joinGroups(draft: Draft, username: string, groups: readonly Link[]): void {
  for (const { name, priority } of groups) {
    const group = draft.groups.get(name)
    if (group === undefined) continue
    const clients = [...without(group.clients, username), { name: username, priority }]
    draft.groups.set(name, { ...group, clients })
  }
}

function leaveGroups(draft: Draft, username: string): void {
  for (const group of draft.groups.values())
    if (isLinked(group.clients, username))
      draft.groups.set(group.groupname, { ...group, clients: without(group.clients, username) })
}

function deleteClient(draft: Draft, args: JsonObject): undefined {
  const { username } = clientOf(draft, nameArgument(args, 'username'))
  leaveGroups(draft, username)
  draft.clients.delete(username)
  draft.kicks.usernames.add(username)
}

async function modifyClient(draft: Draft, args: JsonObject): Promise<undefined> {
  const client = clientOf(draft, nameArgument(args, 'username'))
  const clientid = textOf(args, 'clientid')
  const roles = linksArgument(args, 'roles', 'rolename', draft.roles, ROLE_WORDS)
  const groups = groupsArgument(draft, args, MODIFY_WORDS)
  const password = textOf(args, 'password') || undefined
  const secret = password === undefined ? {} : await secretOf(draft, password)
  set(draft, {
    ...client,
    ...(clientid === null ? {} : { clientid: clientid || null }),
    ...changedTexts(args),
    ...(roles === undefined ? {} : { roles }),
    ...secret,
  })
  if (groups === undefined) return
  leaveGroups(draft, client.username)
  joinGroups(draft, client.username, groups)
}

/** Puts a changed client in place; its connections end, for it is another one now. */
function set(draft: Draft, client: DynamicClient): undefined {
  draft.clients.set(client.username, client)
  draft.kicks.usernames.add(client.username)
}

function disableClient(draft: Draft, args: JsonObject): undefined {
  set(draft, { ...clientOf(draft, nameArgument(args, 'username')), disabled: true })
}

function enableClient(draft: Draft, args: JsonObject): undefined {
  const client = clientOf(draft, nameArgument(args, 'username'))
  draft.clients.set(client.username, { ...client, disabled: false })
}

function setClientId(draft: Draft, args: JsonObject): undefined {
  const username = nameArgument(args, 'username')
  const clientid = clientIdArgument(args, 'client ID') ?? null
  set(draft, { ...clientOf(draft, username), clientid })
}

async function setClientPassword(draft: Draft, args: JsonObject): Promise<undefined> {
  const username = nameArgument(args, 'username')
  const password = textArgument(args, 'password')
  if (password === undefined) throw new CommandError('Invalid/missing password')
  if (password === '') throw new CommandError('Empty password is not allowed')
  const client = clientOf(draft, username)
  set(draft, { ...client, ...(await secretOf(draft, password)) })
}

/** A client as answers have it: without its password. */
function shown(draft: Draft, client: DynamicClient): JsonObject {
  const { username, clientid, disabled, roles } = client
  const groups = draft.isView ? settledGroupsOf(draft, username) : groupsOf(draft, username)
  return {
    username,
    ...(clientid === null ? {} : { clientid }),
    ...writeTexts(client),
    ...(disabled ? { disabled } : {}),
    roles: writeLinks(roles, 'rolename'),
    groups: writeLinks(groups, 'groupname'),
    connections: addressesOf(draft.world.connections(), client).map((address) => ({ address })),
  }
}

export const CLIENT_COMMANDS: readonly Command[] = [
  { name: 'createClient', run: createClient },
  { name: 'deleteClient', run: deleteClient },
  { name: 'modifyClient', run: modifyClient },
  { name: 'enableClient', run: enableClient },
  { name: 'disableClient', run: disableClient },
  { name: 'setClientId', run: setClientId },
  { name: 'setClientPassword', run: setClientPassword },
  ...holderCommands({
    noun: 'Client',
    nameKey: 'username',
    all: ({ clients }) => clients,
    of: clientOf,
    set,
    show: shown,
  }),
]

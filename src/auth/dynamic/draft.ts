/** What commands work on: the state that is to come, and whom its changes concern. */
import { CommandError } from './arguments.ts'
import type { JsonObject } from '../json-fields.ts'
import type {
  DefaultAccess,
  DynamicClient,
  DynamicGroup,
  DynamicRole,
  DynamicState,
  Link,
} from './model.ts'

/** Whose connections end when a change is in force. */
export interface Kicks {
  readonly usernames: Set<string>
  /** Clients without a user name. */
  anonymous: boolean
}

/** What commands need of the broker around them. */
export interface CommandWorld {
  /** The encoded hash of a new password. */
  hashPassword(password: string): Promise<string>
  /** Who is connected: by user name, client ids and addresses. */
  connections(): ReadonlyMap<string, readonly Connected[]>
}

export interface Connected {
  readonly clientId: string
  /** `address:port`. */
  readonly address: string
}

/** A copy of the state: commands set whole entries in it. */
export interface Draft {
  readonly world: CommandWorld
  /** It is the state itself, and changes no more. */
  readonly isView: boolean
  readonly clients: Map<string, DynamicClient>
  readonly groups: Map<string, DynamicGroup>
  readonly roles: Map<string, DynamicRole>
  access: DefaultAccess
  anonymousGroup: string | null
  changeIndex: number
  readonly kicks: Kicks
}

export function draftOf(state: DynamicState, world: CommandWorld): Draft {
  const copies = {
    clients: new Map(state.clients),
    groups: new Map(state.groups),
    roles: new Map(state.roles),
  }
  return { ...state, ...copies, world, isView: false, kicks: noKicks() }
}

/** The state itself, for commands that only look at it. */
export function viewOf(state: DynamicState, world: CommandWorld): Draft {
  const { clients, groups, roles } = state as unknown as Pick<Draft, 'clients' | 'groups' | 'roles'>
  return { ...state, clients, groups, roles, world, isView: true, kicks: noKicks() }
}

export function noKicks(): Kicks {
  return { usernames: new Set(), anonymous: false }
}

/** What a command answers; nothing but that it is done, where it is empty. */
export type Answer = JsonObject | undefined

/** @throws CommandError when it changes nothing. */
export type Run = (draft: Draft, args: JsonObject) => Answer | Promise<Answer>

/** A row of the table of commands. */
export interface Command {
  readonly name: string
  readonly run: Run
  /** It changes nothing. */
  readonly reads?: boolean
}

export function clientOf(draft: Draft, username: string): DynamicClient {
  const client = draft.clients.get(username)
  if (client === undefined) throw new CommandError('Client not found')
  return client
}

export function groupOf(draft: Draft, groupname: string): DynamicGroup {
  const group = draft.groups.get(groupname)
  if (group === undefined) throw new CommandError('Group not found')
  return group
}

export function roleOf(draft: Draft, rolename: string, missing = 'Role not found'): DynamicRole {
  const role = draft.roles.get(rolename)
  if (role === undefined) throw new CommandError(missing)
  return role
}

/** Where a user is connected from; of one bound to a client id, by that. */
export function addressesOf(
  connections: ReadonlyMap<string, readonly Connected[]>,
  { username, clientid }: Pick<DynamicClient, 'username' | 'clientid'>,
): string[] {
  return (connections.get(username) ?? [])
    .filter(({ clientId }) => clientid === null || clientId === clientid)
    .map(({ address }) => address)
}

export function isLinked(links: readonly Link[], name: string): boolean {
  return links.some((link) => link.name === name)
}

export function without(links: readonly Link[], name: string): Link[] {
  return links.filter((link) => link.name !== name)
}

export function kickGroup(
  { kicks, anonymousGroup }: Draft,
  { groupname, clients }: DynamicGroup,
): void {
  if (groupname === anonymousGroup) kicks.anonymous = true
  for (const { name } of clients) kicks.usernames.add(name)
}

/** Everybody who has the role, themselves or by a group. */
export function kickRole(draft: Draft, rolename: string): void {
  for (const { username, roles } of draft.clients.values())
    if (isLinked(roles, rolename)) draft.kicks.usernames.add(username)
  for (const group of draft.groups.values())
    if (isLinked(group.roles, rolename)) kickGroup(draft, group)
}

/** Clients, groups and roles, as mosquitto's dynamic security has them. Nothing here is changed in place. */
import type { PasswordHash } from '../password-hash.ts'

/** In the order in which mosquitto writes them. */
export const ACL_TYPES = [
  'publishClientSend',
  'publishClientReceive',
  'subscribeLiteral',
  'subscribePattern',
  'unsubscribeLiteral',
  'unsubscribePattern',
] as const
export type AclType = (typeof ACL_TYPES)[number]

export const DEFAULT_TYPES = [
  'publishClientSend',
  'publishClientReceive',
  'subscribe',
  'unsubscribe',
] as const
export type DefaultType = (typeof DEFAULT_TYPES)[number]
export type DefaultAccess = Readonly<Record<DefaultType, boolean>>

export const INITIAL_ACCESS: DefaultAccess = {
  publishClientSend: false,
  publishClientReceive: true,
  subscribe: false,
  unsubscribe: true,
}

export interface RoleAcl {
  readonly acltype: AclType
  /** A topic, or a filter; of the literal types the filter itself. */
  readonly topic: string
  readonly priority: number
  readonly allow: boolean
}

/** A role of a client or a group, a client of a group, and how early it counts: higher ones first. */
export interface Link {
  readonly name: string
  readonly priority: number
}

interface Described {
  readonly textname: string | null
  readonly textdescription: string | null
}

/** A user; mosquitto calls it a client. */
export interface DynamicClient extends Described {
  readonly username: string
  /** The only client id it may come with; null: any. */
  readonly clientid: string | null
  readonly disabled: boolean
  /** As the file spells it; null: it cannot log in by a password. */
  readonly encoded: string | null
  /** null: there is none, or it cannot be read. */
  readonly hash: PasswordHash | null
  readonly roles: readonly Link[]
}

export interface DynamicGroup extends Described {
  readonly groupname: string
  readonly roles: readonly Link[]
  readonly clients: readonly Link[]
}

export interface DynamicRole extends Described {
  readonly rolename: string
  /** false: it refuses every subscription with a wildcard that none of its literals allows. */
  readonly allowwildcardsubs: boolean
  readonly acls: readonly RoleAcl[]
}

export interface DynamicState {
  readonly clients: ReadonlyMap<string, DynamicClient>
  readonly groups: ReadonlyMap<string, DynamicGroup>
  readonly roles: ReadonlyMap<string, DynamicRole>
  readonly access: DefaultAccess
  /** The group of clients without a user name; null: none. */
  readonly anonymousGroup: string | null
  /** How many changes there have been. */
  readonly changeIndex: number
}

const PRIORITY_MAX = 100_000

export function boundedPriority(priority: number): number {
  return Math.max(-PRIORITY_MAX, Math.min(PRIORITY_MAX, Math.trunc(priority)))
}

/** Where UTF-16 and UTF-8 do not sort alike. */
const BEYOND = /[\ud800-\uffff]/

/** As C compares the bytes. */
export function compareNames(left: string, right: string): number {
  if (BEYOND.test(left) || BEYOND.test(right))
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  return left < right ? -1 : left > right ? 1 : 0
}

/** The higher priority first, then by name. */
export function compareLinks(left: Link, right: Link): number {
  return right.priority - left.priority || compareNames(left.name, right.name)
}

export function sortedNames(map: ReadonlyMap<string, unknown>): string[] {
  const names = [...map.keys()]
  // Without a function to call for each pair it is several times as fast.
  return names.some((name) => BEYOND.test(name)) ? names.sort(compareNames) : names.sort()
}

const NO_LINKS: readonly Link[] = []
const memberships = new WeakMap<object, ReadonlyMap<string, readonly Link[]>>()

/** As {@link groupsOf}, for many clients of a state that changes no more: who is where is found out once. */
export function settledGroupsOf({ groups }: DynamicState, username: string): readonly Link[] {
  const known = memberships.get(groups) ?? membershipsOf(groups)
  memberships.set(groups, known)
  return known.get(username) ?? NO_LINKS
}

function membershipsOf(groups: DynamicState['groups']): ReadonlyMap<string, readonly Link[]> {
  const found = new Map<string, Link[]>()
  for (const { groupname, clients } of groups.values())
    for (const { name, priority } of clients) {
      const links = found.get(name)
      if (links === undefined) found.set(name, [{ name: groupname, priority }])
      else links.push({ name: groupname, priority })
    }
  for (const links of found.values()) links.sort(compareLinks)
  return found
}

/** The groups of a client, in the order in which they count. */
export function groupsOf({ groups }: DynamicState, username: string): Link[] {
  const links: Link[] = []
  for (const { groupname, clients } of groups.values()) {
    const member = clients.find(({ name }) => name === username)
    if (member !== undefined) links.push({ name: groupname, priority: member.priority })
  }
  return links.sort(compareLinks)
}

/** The type of an ACL by its name in any case; null: there is none. */
export function aclTypeOf(word: string): AclType | null {
  const wanted = word.toLowerCase()
  return ACL_TYPES.find((type) => type.toLowerCase() === wanted) ?? null
}

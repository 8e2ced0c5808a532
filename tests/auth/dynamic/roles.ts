/** Small states of dynamic security, said in a few words. */
import assert from 'node:assert/strict'
import { readState } from '../../../src/auth/dynamic/read-state.ts'
import type { DynamicState } from '../../../src/auth/dynamic/model.ts'
import { RoleRights } from '../../../src/auth/dynamic/role-rights.ts'

/** `send`, `receive`, `subscribe`, `subscribe=` (literal), and the same for `unsubscribe`. */
const types: Readonly<Record<string, string>> = {
  send: 'publishClientSend',
  receive: 'publishClientReceive',
  'subscribe=': 'subscribeLiteral',
  subscribe: 'subscribePattern',
  'unsubscribe=': 'unsubscribeLiteral',
  unsubscribe: 'unsubscribePattern',
}

/** `allow send a/# 5`: what, the type, the filter, and the priority. */
export function acl(line: string) {
  const [verb, type, topic, priority = '0'] = line.split(' ')
  return { acltype: types[type], topic, priority: Number(priority), allow: verb === 'allow' }
}

/** Names with priorities: `a` or `a:3`. */
export function links(key: string, names: readonly string[]) {
  return names.map((name) => {
    const [own, priority = '-1'] = name.split(':')
    return { [key]: own, priority: Number(priority) }
  })
}

export interface Scene {
  /** Role name to its rules; a rule `nowildcards` sets allowwildcardsubs false. */
  readonly roles?: Readonly<Record<string, readonly string[]>>
  /** User to its roles. */
  readonly users?: Readonly<Record<string, readonly string[]>>
  /** Group to its roles and members. */
  readonly groups?: Readonly<
    Record<string, { roles?: readonly string[]; users?: readonly string[] }>
  >
  readonly access?: Readonly<Record<string, boolean>>
  readonly anonymous?: string
  /** Users who are kept out. */
  readonly disabled?: readonly string[]
  /** The only client id of a user. */
  readonly clientIds?: Readonly<Record<string, string>>
}

/** The file of it. */
export function fileOf(scene: Scene): object {
  const { roles = {}, users = {}, groups = {}, access, anonymous } = scene
  const { disabled = [], clientIds = {} } = scene
  return {
    ...(access === undefined ? {} : { defaultACLAccess: access }),
    clients: Object.entries(users).map(([username, names]) => ({
      username,
      ...(disabled.includes(username) ? { disabled: true } : {}),
      ...(clientIds[username] === undefined ? {} : { clientid: clientIds[username] }),
      roles: links('rolename', names),
    })),
    groups: Object.entries(groups).map(([groupname, group]) => ({
      groupname,
      roles: links('rolename', group.roles ?? []),
      clients: links('username', group.users ?? []),
    })),
    roles: Object.entries(roles).map(([rolename, rules]) => ({
      rolename,
      allowwildcardsubs: !rules.includes('nowildcards'),
      acls: rules.filter((rule) => rule !== 'nowildcards').map(acl),
    })),
    ...(anonymous === undefined ? {} : { anonymousGroup: anonymous }),
  }
}

export function stateOf(scene: Scene): DynamicState {
  return readState(JSON.stringify(fileOf(scene)), 'scene').state
}

const methods = {
  send: 'writeRule',
  receive: 'readRule',
  subscribe: 'subscribeRule',
  unsubscribe: 'unsubscribeRule',
} as const

/** `send a/b`: may this user do it? null: the roles say nothing. */
export function decision(
  scene: Scene,
  username: string | null,
  wish: string,
  clientId = 'c1',
): boolean | null {
  const [verb, topic] = wish.split(' ')
  const rights = new RoleRights(stateOf(scene), { username, clientId })
  const rule = rights[methods[verb as keyof typeof methods]](topic)
  return rule === null ? null : rule.access !== 'deny'
}

/** Whether `actual` has all that `expected` says, fields of objects within it too; lists must be as long. */
export function assertHolds(actual: unknown, expected: unknown, place = 'it'): void {
  if (typeof expected !== 'object' || expected === null)
    return assert.deepEqual(actual, expected, place)
  if (Array.isArray(expected))
    assert.equal((actual as unknown[] | undefined)?.length, expected.length, place)
  for (const [key, value] of Object.entries(expected))
    assertHolds((actual as Record<string, unknown> | undefined)?.[key], value, `${place}.${key}`)
}

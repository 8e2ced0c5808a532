/** What roles allow, row by row. Whom a row is about is the user "u" unless it says so; null: the roles say nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RoleRights } from '../../../src/auth/dynamic/role-rights.ts'
import { decision, stateOf, type Scene } from './roles.ts'

type Row = readonly [wish: string, allowed: boolean | null, who?: string | null, clientId?: string]

function rows(name: string, scene: Scene, ...all: readonly Row[]): void {
  test(name, () => {
    for (const [wish, allowed, who = 'u', clientId] of all)
      assert.equal(decision(scene, who, wish, clientId), allowed, `${String(who)}: ${wish}`)
  })
}

rows(
  'without roles the default access decides: send deny, receive allow, subscribe deny, unsubscribe allow',
  { users: { u: [] } },
  ['send a', null],
  ['receive a', true],
  ['subscribe a', null],
  ['unsubscribe a', true],
  ['receive a', true, null],
  ['send a', null, null],
)
rows(
  'a user that is not known has not even the default access',
  { users: { u: [] } },
  ['receive a', null, 'nobody'],
  ['unsubscribe a', null, 'nobody'],
)
rows(
  'the default access never opens $CONTROL',
  {
    users: { u: [] },
    access: {
      publishClientSend: true,
      publishClientReceive: true,
      subscribe: true,
      unsubscribe: true,
    },
  },
  ['send a', true],
  ['send $CONTROL/dynamic-security/v1', null],
  ['receive $CONTROL/x', null],
  ['subscribe $CONTROL/#', null],
  ['unsubscribe $CONTROL/#', null],
)
rows(
  'each type of rule counts for its own kind of access',
  {
    users: { u: ['r'] },
    roles: { r: ['allow send s', 'deny receive r', 'allow subscribe p/#', 'deny unsubscribe q'] },
  },
  ['send s', true],
  ['send r', null],
  ['receive r', false],
  ['receive s', true],
  ['subscribe p/x', true],
  ['subscribe s', null],
  ['unsubscribe q', false],
  ['unsubscribe s', true],
)
rows(
  'of two rules of a role the higher priority decides, of equal ones the first',
  {
    users: { u: ['r'] },
    roles: { r: ['deny send a/# 1', 'allow send a/b 2', 'allow send x/+', 'deny send x/y'] },
  },
  ['send a/b', true],
  ['send a/c', false],
  ['send x/y', true],
)
rows(
  'of two roles the higher priority decides, of equal ones the first by name',
  {
    users: { u: ['low:1', 'high:2'], v: ['b:1', 'a:1'] },
    roles: {
      low: ['deny send t 100'],
      high: ['allow send t'],
      a: ['allow send t'],
      b: ['deny send t'],
    },
  },
  ['send t', true],
  ['send t', true, 'v'],
)
rows(
  "a client's own roles come before those of its groups, whatever their priorities",
  {
    users: { u: ['own:-5'] },
    groups: { g: { roles: ['theirs:99'], users: ['u:99'] } },
    roles: { own: ['allow send t'], theirs: ['deny send t', 'allow send g'] },
  },
  ['send t', true],
  ['send g', true],
)
rows(
  'of two groups the one with the higher priority for the client decides',
  {
    users: { u: [], v: [] },
    groups: {
      a: { roles: ['yes'], users: ['u:1', 'v:2'] },
      b: { roles: ['no'], users: ['u:2', 'v:1'] },
    },
    roles: { yes: ['allow send t'], no: ['deny send t'] },
  },
  ['send t', false],
  ['send t', true, 'v'],
)
rows(
  'clients without a user name have the roles of the anonymous group',
  {
    users: { u: [] },
    groups: { g: { roles: ['r'] } },
    roles: { r: ['allow send t'] },
    anonymous: 'g',
  },
  ['send t', true, null],
  ['send t', null],
)
rows(
  'a literal is asked before patterns of any priority, and is the filter to the letter',
  {
    users: { u: ['r'] },
    roles: { r: ['deny subscribe # 9', 'allow subscribe= a/+', 'allow subscribe= b'] },
  },
  ['subscribe a/+', true],
  ['subscribe a/b', false],
  ['subscribe b', true],
)
rows(
  'a pattern must cover the whole filter that is asked for',
  {
    users: { u: ['r'] },
    roles: { r: ['allow subscribe a/+/c', 'allow subscribe b/#'] },
  },
  ['subscribe a/x/c', true],
  ['subscribe a/+/c', true],
  ['subscribe a/#', null],
  ['subscribe b/+/#', true],
  ['subscribe b', true],
  ['subscribe #', null],
)
rows(
  'rules without $ in front do not reach topics that have it',
  { users: { u: ['r'] }, roles: { r: ['allow send #', 'allow subscribe #', 'deny receive +/x'] } },
  ['send a/b', true],
  ['send $SYS/a', null],
  ['subscribe $SYS/#', null],
  ['receive $SYS/x', true],
)
rows(
  'allowwildcardsubs false refuses filters with wildcards that no literal of the role allows',
  {
    users: { u: ['r:2', 'later:1'] },
    roles: {
      r: ['nowildcards', 'allow subscribe #', 'allow subscribe= a/+'],
      later: ['allow subscribe #'],
    },
  },
  ['subscribe a', true],
  ['subscribe a/+', true],
  ['subscribe b/+', false],
  ['subscribe #', false],
  ['unsubscribe b/+', true],
)
rows(
  '%u and %c stand for the own names, as whole levels, but in literals',
  {
    users: { u: ['r'], 'a/b': ['r'], '+': ['r'], $SYS: ['r'] },
    roles: {
      r: [
        'allow send of/%u/%c',
        'allow subscribe of/%u/#',
        'allow subscribe= %u',
        'allow send %u/x',
      ],
    },
  },
  ['send of/u/c1', true],
  ['send of/u/c2', null],
  ['send of/v/c1', null],
  ['subscribe of/u/+', true],
  ['subscribe u', null],
  ['subscribe %u', true],
  ['send of/a/b/c1', null, 'a/b'],
  ['send of/any/c1', null, '+'],
  ['send of/u/any', null, 'u', '#'],
  ['send $SYS/x', null, '$SYS'],
)
rows(
  'a rule that denies is not escaped by a name with a wildcard in it',
  {
    users: { u: ['r'], '+': ['r'] },
    roles: { r: ['deny send secret/%u 1', 'allow send secret/+'] },
  },
  ['send secret/u', false],
  ['send secret/v', true],
  ['send secret/v', false, '+'],
)
rows(
  'a shared subscription is named as a whole, or is what it would be without its group',
  {
    users: { u: ['r'] },
    roles: {
      r: [
        'allow subscribe a/#',
        'deny subscribe a/x',
        'deny subscribe= $share/no/a',
        'allow subscribe # -1',
      ],
    },
    access: { subscribe: true },
  },
  ['subscribe $share/g/a/b', true],
  ['subscribe $share/g/a/x', true],
  ['subscribe $share/no/a', false],
  ['subscribe $share/g/$CONTROL/#', null],
)

test('a rule with %c in it is made once, not for each client that it is about', () => {
  const state = stateOf({ users: { u: ['r'] }, roles: { r: ['allow send from/%c'] } })
  const ruleOf = (clientId: string) =>
    new RoleRights(state, { username: 'u', clientId }).writeRule(`from/${clientId}`)
  assert.notEqual(ruleOf('a'), null)
  assert.equal(ruleOf('b'), ruleOf('a'))
})

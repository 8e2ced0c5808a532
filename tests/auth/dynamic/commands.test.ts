/** Every command, by what it answers and what it leaves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandResponse } from '../../../src/auth/dynamic/commands.ts'
import { DynamicSecurity, type DynamicWorld } from '../../../src/auth/dynamic/dynamic-security.ts'
import { assertHolds, stateOf, type Scene } from './roles.ts'

interface Stage {
  readonly dynamic: DynamicSecurity
  readonly saved: string[]
  readonly noted: string[]
  kicked: string[]
  /** Carries out one command, JSON without its braces. */
  run(command: string, args?: object): Promise<CommandResponse>
}

const scene: Scene = {
  users: { u: ['r'], v: [] },
  groups: { g: { roles: ['r'], users: ['v'] } },
  roles: { r: ['allow send a'], s: [] },
}

function stage(world: Partial<DynamicWorld> = {}): Stage {
  const dynamic = new DynamicSecurity('f', stateOf(scene))
  const made: Stage = {
    dynamic,
    saved: [],
    noted: [],
    kicked: [],
    async run(command, args = {}) {
      const { responses, kicks } = await dynamic.execute([{ command, ...args }], {
        hashPassword: async (password) =>
          `$7$1$AAAA$${Buffer.from(password.padEnd(16)).toString('base64')}`,
        connections: () =>
          new Map(['n', 'u'].map((name) => [name, [{ clientId: 'c', address: `${name}:1` }]])),
        save: async (_file, text) => void made.saved.push(text),
        changed: (changes) => void made.noted.push(...changes.map((change) => change.command)),
        failed: () => {},
        ...world,
      })
      made.kicked = [...kicks.usernames, ...(kicks.anonymous ? ['(anonymous)'] : [])]
      return responses[0]
    },
  }
  return made
}

/** The command, its arguments, and what is wrong with them. */
const wrong: readonly (readonly [string, object, string])[] = [
  ['noSuchThing', {}, 'Unknown command'],
  ['createClient', {}, 'Invalid/missing username'],
  ['createClient', { username: 7 }, 'Invalid/missing username'],
  ['createClient', { username: '' }, 'Empty username'],
  ['createClient', { username: 'a\u0001' }, 'Username not valid UTF-8'],
  ['createClient', { username: 'u' }, 'Client already exists'],
  ['createClient', { username: 'n', password: 1 }, 'Invalid/missing password'],
  ['createClient', { username: 'n', clientid: 1 }, 'Invalid/missing client id'],
  ['createClient', { username: 'n', textname: 1 }, 'Invalid/missing textname'],
  ['createClient', { username: 'n', roles: [{ rolename: 'x' }] }, 'Role not found'],
  [
    'createClient',
    { username: 'n', roles: {} },
    "'roles' not an array or missing/invalid rolename",
  ],
  ['createClient', { username: 'n', groups: [{ groupname: 'x' }] }, 'Group not found'],
  ['deleteClient', { username: 'x' }, 'Client not found'],
  ['modifyClient', { username: 'x' }, 'Client not found'],
  [
    'modifyClient',
    { username: 'u', groups: [{ groupname: 'x' }] },
    "'groups' contains an object with a 'groupname' that does not exist",
  ],
  ['enableClient', { username: 'x' }, 'Client not found'],
  ['disableClient', {}, 'Invalid/missing username'],
  ['setClientId', { username: 'u', clientid: 1 }, 'Invalid/missing client ID'],
  ['setClientPassword', { username: 'u' }, 'Invalid/missing password'],
  ['setClientPassword', { username: 'u', password: '' }, 'Empty password is not allowed'],
  ['setClientPassword', { username: 'x', password: 'p' }, 'Client not found'],
  ['addClientRole', { username: 'u' }, 'Invalid/missing rolename'],
  ['addClientRole', { username: 'x', rolename: 'r' }, 'Client not found'],
  ['addClientRole', { username: 'u', rolename: 'x' }, 'Role not found'],
  ['addClientRole', { username: 'u', rolename: 'r' }, 'Client is already in this role'],
  ['removeClientRole', { username: 'u', rolename: 'x' }, 'Role not found'],
  ['getClient', { username: 'x' }, 'Client not found'],
  ['createGroup', {}, 'Invalid/missing groupname'],
  ['createGroup', { groupname: 'g' }, 'Group already exists'],
  ['deleteGroup', { groupname: 'x' }, 'Group not found'],
  ['modifyGroup', { groupname: 'x' }, 'Group not found'],
  [
    'modifyGroup',
    { groupname: 'g', clients: [{ username: 'x' }] },
    "'clients' contains an object with a 'username' that does not exist",
  ],
  ['addGroupRole', { groupname: 'g', rolename: 'r' }, 'Group is already in this role'],
  ['removeGroupRole', { groupname: 'x', rolename: 'r' }, 'Group not found'],
  ['addGroupClient', { groupname: 'g', username: 'v' }, 'Client is already in this group'],
  ['addGroupClient', { groupname: 'x', username: 'v' }, 'Group not found'],
  ['removeGroupClient', { groupname: 'g', username: 'x' }, 'Client not found'],
  ['getGroup', { groupname: 'x' }, 'Group not found'],
  ['setAnonymousGroup', { groupname: 'x' }, 'Group not found'],
  ['createRole', { rolename: 'r' }, 'Role already exists'],
  ['createRole', { rolename: 'n', allowwildcardsubs: 1 }, 'Invalid allowwildcardsubs'],
  ['modifyRole', { rolename: 'x' }, 'Role does not exist'],
  ['deleteRole', { rolename: 'x' }, 'Role not found'],
  ['addRoleACL', { rolename: 'r' }, 'Invalid/missing acltype'],
  ['addRoleACL', { rolename: 'r', acltype: 'x' }, 'Unknown acltype'],
  ['addRoleACL', { rolename: 'r', acltype: 'publishClientSend' }, 'Invalid/missing topic'],
  ['addRoleACL', { rolename: 'r', acltype: 'publishClientSend', topic: 'a#' }, 'Invalid ACL topic'],
  [
    'addRoleACL',
    { rolename: 'r', acltype: 'PUBLISHCLIENTSEND', topic: 'a' },
    'ACL with this topic already exists',
  ],
  ['removeRoleACL', { rolename: 'r', acltype: 'subscribePattern', topic: 'a' }, 'ACL not found'],
  ['getRole', { rolename: 'x' }, 'Role not found'],
  ['setDefaultACLAccess', {}, 'Missing/invalid acls array'],
]

for (const [command, args, error] of wrong)
  test(`${command} ${JSON.stringify(args)}: ${error}, and nothing is saved`, async () => {
    const world = stage()
    assert.deepEqual(await world.run(command, args), { command, error })
    assert.deepEqual([world.saved, world.noted, world.kicked], [[], [], []])
  })

/** The command, its arguments, whom it disconnects, and what one asks to see it. */
const right: readonly (readonly [string, object, string[], string, object, object])[] = [
  [
    'createClient',
    {
      username: 'n',
      clientid: 'c',
      textname: 't',
      roles: [{ rolename: 'r', priority: 2 }],
      groups: [{ groupname: 'g' }],
    },
    [],
    'getClient',
    { username: 'n' },
    {
      client: {
        username: 'n',
        clientid: 'c',
        textname: 't',
        roles: [{ rolename: 'r', priority: 2 }],
        groups: [{ groupname: 'g', priority: -1 }],
        connections: [{ address: 'n:1' }],
      },
    },
  ],
  [
    'deleteClient',
    { username: 'v' },
    ['v'],
    'getGroup',
    { groupname: 'g' },
    { group: { clients: [] } },
  ],
  [
    'modifyClient',
    { username: 'u', textdescription: 'd', roles: [], groups: [{ groupname: 'g', priority: 3 }] },
    ['u'],
    'getClient',
    { username: 'u' },
    { client: { textdescription: 'd', roles: [], groups: [{ groupname: 'g', priority: 3 }] } },
  ],
  [
    'disableClient',
    { username: 'u' },
    ['u'],
    'getClient',
    { username: 'u' },
    { client: { disabled: true } },
  ],
  [
    'setClientId',
    { username: 'u', clientid: 'c' },
    ['u'],
    'getClient',
    { username: 'u' },
    { client: { clientid: 'c' } },
  ],
  [
    'setClientPassword',
    { username: 'u', password: 'p' },
    ['u'],
    'getClient',
    { username: 'u' },
    {},
  ],
  [
    'addClientRole',
    { username: 'u', rolename: 's', priority: 999_999 },
    ['u'],
    'getClient',
    { username: 'u' },
    {
      client: {
        roles: [
          { rolename: 's', priority: 100_000 },
          { rolename: 'r', priority: -1 },
        ],
      },
    },
  ],
  [
    'removeClientRole',
    { username: 'u', rolename: 'r' },
    ['u'],
    'getClient',
    { username: 'u' },
    { client: { roles: [] } },
  ],
  ['createGroup', { groupname: 'n' }, [], 'listGroups', {}, { totalCount: 2, groups: ['g', 'n'] }],
  ['deleteGroup', { groupname: 'g' }, ['v'], 'listGroups', {}, { totalCount: 0, groups: [] }],
  [
    'modifyGroup',
    { groupname: 'g', textname: 't', clients: [{ username: 'u' }] },
    ['v', 'u'],
    'getGroup',
    { groupname: 'g' },
    {
      group: {
        textname: 't',
        clients: [{ username: 'u' }],
        roles: [{ rolename: 'r', priority: -1 }],
      },
    },
  ],
  ['addGroupRole', { groupname: 'g', rolename: 's' }, ['v'], 'getGroup', { groupname: 'g' }, {}],
  [
    'removeGroupRole',
    { groupname: 'g', rolename: 'r' },
    ['v'],
    'getGroup',
    { groupname: 'g' },
    { group: { roles: [] } },
  ],
  ['addGroupClient', { groupname: 'g', username: 'u' }, ['u'], 'getGroup', { groupname: 'g' }, {}],
  [
    'removeGroupClient',
    { groupname: 'g', username: 'v' },
    ['v'],
    'getGroup',
    { groupname: 'g' },
    { group: { clients: [] } },
  ],
  [
    'setAnonymousGroup',
    { groupname: 'g' },
    ['(anonymous)'],
    'getAnonymousGroup',
    {},
    { group: { groupname: 'g' } },
  ],
  [
    'createRole',
    { rolename: 'n', textname: 't' },
    [],
    'listRoles',
    { count: 1, offset: 0 },
    { totalCount: 3, roles: ['n'] },
  ],
  [
    'modifyRole',
    { rolename: 'r', acls: [{ acltype: 'subscribeliteral', topic: 'x', allow: true }] },
    ['u', 'v'],
    'getRole',
    { rolename: 'r' },
    {
      role: {
        allowwildcardsubs: true,
        acls: [{ acltype: 'subscribeLiteral', topic: 'x', priority: 0, allow: true }],
      },
    },
  ],
  [
    'modifyRole',
    { rolename: 'r', textname: 't' },
    [],
    'getRole',
    { rolename: 'r' },
    { role: { textname: 't' } },
  ],
  [
    'deleteRole',
    { rolename: 'r' },
    ['u', 'v'],
    'getClient',
    { username: 'u' },
    { client: { roles: [] } },
  ],
  [
    'addRoleACL',
    { rolename: 'r', acltype: 'publishClientSend', topic: 'b', priority: 1, allow: true },
    ['u', 'v'],
    'listRoles',
    { verbose: true, offset: 0, count: 1 },
    {
      roles: [
        {
          acls: [
            { acltype: 'publishClientSend', topic: 'b', priority: 1, allow: true },
            { acltype: 'publishClientSend', topic: 'a', priority: 0, allow: true },
          ],
        },
      ],
    },
  ],
  [
    'removeRoleACL',
    { rolename: 'r', acltype: 'publishClientSend', topic: 'a' },
    ['u', 'v'],
    'getRole',
    { rolename: 'r' },
    { role: { acls: [] } },
  ],
  [
    'setDefaultACLAccess',
    { acls: [{ acltype: 'subscribe', allow: true }] },
    [],
    'getDefaultACLAccess',
    {},
    {
      acls: [
        { acltype: 'publishClientSend', allow: false },
        { acltype: 'publishClientReceive', allow: true },
        { acltype: 'subscribe', allow: true },
        { acltype: 'unsubscribe', allow: true },
      ],
    },
  ],
  [
    'enableClient',
    { username: 'u' },
    [],
    'getDetails',
    {},
    { clientCount: 2, groupCount: 1, roleCount: 2, changeIndex: 1 },
  ],
]

for (const [command, args, kicked, ask, question, data] of right)
  test(`${command} ${JSON.stringify(args)} is saved before it is answered, and ${ask} shows it`, async () => {
    const world = stage()
    assert.deepEqual(await world.run(command, args), { command })
    assert.equal(world.saved.length, 1)
    assert.deepEqual(world.noted, [command])
    assert.deepEqual(world.kicked, kicked)
    const seen = await world.run(ask, question)
    assertHolds(seen, { command: ask, data })
    assert.equal(world.saved.length, 1)
  })

test('the anonymous group cannot be deleted', async () => {
  const world = stage()
  await world.run('setAnonymousGroup', { groupname: 'g' })
  const { error } = await world.run('deleteGroup', { groupname: 'g' })
  assert.equal(error, 'Deleting the anonymous group is forbidden')
})

test('names of commands count in any case, and correlationData comes back', async () => {
  const world = stage()
  const answer = await world.run('GETDETAILS', { correlationData: 'x' })
  assertHolds(answer, { command: 'GETDETAILS', correlationData: 'x' })
  assert.equal(
    (await world.run('getDetails', { correlationData: 1 })).error,
    'Invalid correlationData data type.',
  )
})

test('a change that cannot be saved is answered with an error, and is not in force', async () => {
  const world = stage({ save: () => Promise.reject(new Error('no space')) })
  const answer = await world.run('deleteClient', { username: 'u' })
  assert.deepEqual(answer, { command: 'deleteClient', error: 'Internal error' })
  assert.ok(world.dynamic.state.clients.has('u'))
  assert.deepEqual(world.kicked, [])
})

test('rights are other ones only when the change is on the disk', async () => {
  const saves: (() => void)[] = []
  const world = stage({ save: () => new Promise((resolve) => void saves.push(resolve)) })
  const rule = () => world.dynamic.rightsOf({ username: 'u', clientId: 'c' }).writeRule('a')
  const answered = world.run('deleteRole', { rolename: 'r' })
  while (saves.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.notEqual(rule(), null)
  saves[0]()
  await answered
  assert.equal(rule(), null)
})

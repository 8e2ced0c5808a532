import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuthFileError } from '../../../src/auth/auth-file.ts'
import { readState } from '../../../src/auth/dynamic/read-state.ts'
import { encodePassword } from '../../../src/auth/dynamic/new-password.ts'
import { formatState } from '../../../src/auth/dynamic/write-state.ts'
import { assertHolds } from './roles.ts'

const full = {
  defaultACLAccess: {
    publishClientSend: true,
    publishClientReceive: false,
    subscribe: true,
    unsubscribe: false,
  },
  clients: [
    {
      username: 'a',
      clientid: 'only',
      textname: 'A',
      textdescription: 'The first',
      disabled: true,
      roles: [
        { rolename: 's', priority: 4 },
        { rolename: 'r', priority: -1 },
      ],
    },
  ],
  groups: [
    {
      groupname: 'g',
      textname: 'G',
      roles: [{ rolename: 'r', priority: 1 }],
      clients: [{ username: 'a', priority: 7 }],
    },
  ],
  roles: [
    {
      rolename: 'r',
      textdescription: 'R',
      allowwildcardsubs: false,
      acls: [
        { acltype: 'publishClientSend', topic: 'a/#', priority: 2, allow: true },
        { acltype: 'unsubscribeLiteral', topic: '#', priority: 0, allow: false },
      ],
    },
    { rolename: 's', allowwildcardsubs: true, acls: [] },
  ],
  anonymousGroup: 'g',
  changeIndex: 12,
}

test('what is read is written again, field by field', () => {
  const { state, warnings } = readState(JSON.stringify(full), 'f')
  assert.deepEqual(JSON.parse(formatState(state)), full)
  assert.deepEqual(warnings, [])
})

test('passwords are read in both forms, and written so that mosquitto 2.0 and 2.1 read them', async () => {
  const encoded = await encodePassword('secret')
  const [, , iterations, salt, password] = encoded.split('$')
  const old = { username: 'old', salt, password, iterations: Number(iterations) }
  const both = [{ username: 'new', encoded_password: encoded }, old]
  const { state } = readState(JSON.stringify({ clients: both }), 'f')
  for (const name of ['new', 'old']) assert.equal(state.clients.get(name)?.encoded, encoded)
  const written = JSON.parse(formatState(state)) as { clients: object[] }
  for (const client of written.clients)
    assertHolds(client, {
      encoded_password: encoded,
      salt,
      password,
      iterations: Number(iterations),
    })
  // mosquitto 2.0 passes over a client whose salt has not 12 bytes.
  assert.equal(Buffer.from(salt, 'base64').length, 12)
})

test('a password that cannot be read is kept as it is, and lets nobody in', () => {
  const clients = [{ username: 'a', encoded_password: '$99$what' }]
  const { state, warnings } = readState(JSON.stringify({ clients }), 'f')
  assert.equal(state.clients.get('a')?.hash, null)
  assert.match(formatState(state), /"encoded_password": "\$99\$what"/)
  assert.match(warnings[0], /user "a" cannot log in/)
})

test('of doubles the first counts, names that lead nowhere are left out; both are said', () => {
  const text = JSON.stringify({
    clients: [
      { username: 'a', roles: [{ rolename: 'none' }] },
      { username: 'a', disabled: true },
    ],
    anonymousGroup: 'gone',
  })
  const { state, warnings } = readState(text, 'f')
  assert.deepEqual([state.clients.get('a')?.disabled, state.anonymousGroup], [false, null])
  assert.equal(warnings.length, 3)
})

for (const [text, what] of [
  ['', /The file is empty \(f:1\)/],
  ['{"clients": [\n\n  {"username": "a"},\n', /no JSON.*\(f:4\)/],
  ['[]', /one JSON object/],
  ['{"clients": {}}', /f: clients is no list/],
  ['{"clients": [{"username": "a"}, {"user": "b"}]}', /f: clients\[1\] has no "username"/],
  ['{"groups": [7]}', /f: groups\[0\] is no object/],
  ['{"roles": [{"rolename": "r", "acls": [{"acltype": "x"}]}]}', /roles\[0\]\.acls\[0\] has no/],
  ['{"clients": [{"username": "a", "roles": [{}]}]}', /clients\[0\]\.roles\[0\] has no "rolename"/],
] as const)
  test(`a damaged file is refused with its place: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => readState(text, 'f'),
      (error: Error) => error instanceof AuthFileError && what.test(error.message),
    )
  })

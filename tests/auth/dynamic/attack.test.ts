/** What somebody may try with `$CONTROL` who has the right to it, or has not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DynamicSecurity } from '../../../src/auth/dynamic/dynamic-security.ts'
import { readState } from '../../../src/auth/dynamic/read-state.ts'
import { formatState } from '../../../src/auth/dynamic/write-state.ts'
import { Reason } from '../../../src/codec/reason-codes.ts'
import { publish } from '../../support/packets.ts'
import { ask, dynamicFile, login, startDynamic, topic } from './driver.ts'
import { assertHolds } from './roles.ts'
import { startSecured } from '../secured.ts'

const withPages =
  'listener PORT0 127.0.0.1\nlistener PORT1 127.0.0.1\nprotocol http_api\ndynamic_security_file DIR/dynsec.json\nenable_control_api true\n'

test('a command of somebody without the right changes nothing, and 5.0 is told 0x87', async (context) => {
  const broker = await startDynamic(context, {
    users: { u: ['r'] },
    roles: { r: ['allow send #'] },
  })
  const client = await broker.connect(login('u'))
  const commands = [{ command: 'addClientRole', username: 'u', rolename: 'admin' }]
  client.send(publish(topic, JSON.stringify({ commands }), { qos: 1, packetId: 1 }))
  await client.expect('puback', { reason: Reason.notAuthorized })
  const [{ data }] = await broker.command({ command: 'getClient', username: 'u' })
  assertHolds(data, { client: { roles: [{ rolename: 'r', priority: -1 }] } })
})

test('a megabyte of commands is carried out, and keeps nobody else waiting', async (context) => {
  const broker = await startDynamic(context, { users: { u: [] } })
  const other = await broker.connect(login('u'))
  const admin = await broker.connect(login('admin'))
  await admin.subscribe(`${topic}/response`)
  const commands = Array.from({ length: 8200 }, (_, at) => ({
    command: 'addRoleACL',
    rolename: 'admin',
    acltype: 'publishClientSend',
    topic: `some/topic/${at}`,
    priority: 1,
    allow: true,
  }))
  const text = JSON.stringify({ commands })
  // As much as a command may have.
  assert.ok(text.length > 1e6 - 5e4 && text.length <= 1 << 20, `${text.length}`)
  const progress = { isAnswered: false }
  const answered = ask(admin, text).finally(() => (progress.isAnswered = true))
  let pings = 0
  for (; !progress.isAnswered; pings++) await other.ping()
  const responses = await answered
  assert.ok(responses.every(({ error }) => error === undefined))
  assert.ok(pings > 5, `${pings} answers meanwhile`)
})

test('payloads that are nested, no JSON, or full of names that every object has', async (context) => {
  const broker = await startSecured(context, withPages, { 'dynsec.json': await dynamicFile({}) })
  const admin = await broker.connect(login('admin'))
  await admin.subscribe(`${topic}/response`)
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  assert.deepEqual(await ask(admin, deep), [
    { command: 'Unknown command', error: 'Invalid/missing commands' },
  ])
  assert.deepEqual(await ask(admin, '['.repeat(500_000)), [
    { command: 'Unknown command', error: 'Payload not valid JSON' },
  ])
  const made = `{"commands":[{"command":"createRole","rolename":"deep","more":${deep}}]}`
  assert.deepEqual(await ask(admin, made), [{ command: 'createRole' }])
  const large = { command: 'createRole', rolename: 'large', textname: 'x'.repeat(500_000) }
  assert.deepEqual(await ask(admin, [large]), [{ command: 'createRole' }])
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const commands = [
      { command: 'createRole', rolename: name },
      { command: 'createGroup', groupname: name, roles: [{ rolename: name }] },
      { command: 'createClient', username: name, groups: [{ groupname: name }] },
      { command: name },
    ]
    const answers = (await ask(admin, commands)).map(({ error }) => error)
    assert.deepEqual(answers, [undefined, undefined, undefined, 'Unknown command'])
  }
  const polluted = '{"commands":[{"__proto__":{"command":"deleteRole"},"rolename":"admin"}]}'
  assert.equal((await ask(admin, polluted))[0].error, 'Missing command')
  for (const path of ['users', 'audit', 'users/rights?action=publish&topic=a']) {
    const answer = await fetch(`http://127.0.0.1:${broker.ports[1]}/api/v1/${path}`, {
      headers: { authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}` },
    })
    assert.equal(answer.status, 200, path)
    const text = await answer.text()
    if (path === 'audit') assert.ok(text.length < 50_000, 'an audit entry is bounded')
  }
  // What came so is in the file, and is read again.
  await broker.restart()
  await broker.connect(login('admin'))
})

test('a command of the broker module has no name that every object has', async (context) => {
  const broker = await startSecured(context, withPages, { 'dynsec.json': await dynamicFile({}) })
  const admin = await broker.connect(login('admin'))
  const control = '$CONTROL/broker/v1'
  await admin.subscribe(`${control}/response`)
  for (const command of ['constructor', '__proto__', 'toString']) {
    admin.send(publish(control, JSON.stringify({ commands: [{ command }] })))
    const { payload } = await admin.receive({ topic: `${control}/response` })
    assert.deepEqual(JSON.parse(Buffer.from(payload).toString()), {
      responses: [{ command, error: 'Unknown command' }],
    })
  }
})

test('100,000 users: listed, asked for their rights and saved in a time that grows with them alone', async (context) => {
  const count = 100_000
  const names = Array.from({ length: count }, (_, at) => `user ${at}`)
  const text = JSON.stringify({
    clients: names.map((username) => ({ username })),
    groups: [
      {
        groupname: 'all',
        roles: [{ rolename: 'r' }],
        clients: names.map((username) => ({ username })),
      },
    ],
    roles: [
      {
        rolename: 'r',
        acls: [{ acltype: 'publishClientSend', topic: 'a/%u', priority: 0, allow: true }],
      },
    ],
  })
  const before = process.cpuUsage()
  const { state } = readState(text, 'users')
  const dynamic = new DynamicSecurity('users', state)
  const world = {
    hashPassword: () => Promise.reject(new Error('no passwords here')),
    connections: () => new Map<string, never>(),
    changed: () => {},
    failed: (error: Error) => assert.fail(error),
    save: () => Promise.resolve(),
  }
  const { responses } = await dynamic.execute([{ command: 'listClients', verbose: true }], world)
  const { clients } = responses[0].data as { clients: { groups: object[] }[] }
  assert.equal(clients.length, count)
  assert.deepEqual(clients[5].groups, [{ groupname: 'all', priority: -1 }])
  for (const username of names) {
    const rights = dynamic.rightsOf({ username, clientId: 'c' })
    assert.ok(rights.writeRule(`a/${username}`) !== null)
  }
  await dynamic.execute([{ command: 'createRole', rolename: 'another' }], world)
  assert.ok(formatState(dynamic.state).length > 1e6)
  const { user, system } = process.cpuUsage(before)
  const seconds = (user + system) / 1e6
  context.diagnostic(`${seconds} s of CPU time`)
  // Where each user is looked for in the group it is a minute.
  assert.ok(seconds < 20, `${seconds} s of CPU time`)
})

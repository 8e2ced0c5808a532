/** Users, groups and roles over the admin API. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dynamicFile } from '../auth/dynamic/driver.ts'
import { assertHolds } from '../auth/dynamic/roles.ts'
import { startSecured } from '../auth/secured.ts'
import type { Json } from './api-server.ts'

const conf =
  'listener PORT0 127.0.0.1\nlistener PORT1 127.0.0.1\nprotocol http_api\ndynamic_security_file DIR/dynsec.json\n'
const scene = {
  users: { u: ['r', 'low:-9'], v: [], plain: [] },
  groups: { g: { roles: ['r'], users: ['v'] } },
  roles: {
    r: ['allow send a/#', 'deny receive b', 'allow subscribe a/+'],
    low: ['allow send a/x'],
  },
}

type Ask = (
  method: string,
  path: string,
  body?: object,
  user?: string,
) => Promise<{ status: number; json: Json }>

async function start(context: Parameters<typeof startSecured>[0]) {
  const broker = await startSecured(context, conf, { 'dynsec.json': await dynamicFile(scene) })
  const ask: Ask = async (method, path, body, user = 'admin') => {
    const response = await fetch(`http://127.0.0.1:${broker.ports[1]}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${user}:${user}`).toString('base64')}`,
        ...(body && { 'content-type': 'application/json', 'x-csrf-token': 'test' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, json: await response.json() }
  }
  return { broker, ask }
}

test('who may command dynamic security by a role may use the API; nobody else', async (context) => {
  const { ask } = await start(context)
  assert.equal((await ask('GET', 'overview')).status, 200)
  assert.equal((await ask('GET', 'users', undefined, 'u')).status, 403)
  assert.equal((await ask('POST', 'users/commands', { commands: [] }, 'u')).status, 403)
})

test('all is listed without passwords, changed by commands, and noted with who did it', async (context) => {
  const { ask } = await start(context)
  const { json } = await ask('GET', 'users')
  assertHolds(json.users[2], { username: 'u', hasPassword: true, disabled: false })
  assert.deepEqual(json.users[2].roles, [
    { name: 'r', priority: -1 },
    { name: 'low', priority: -9 },
  ])
  assertHolds(json.groups[0], { groupname: 'g', clients: [{ name: 'v', priority: -1 }] })
  assert.ok(!JSON.stringify(json).includes('$7$'))
  const commands = [
    { command: 'createClient', username: 'new', password: 'secret' },
    { command: 'createRole', rolename: 'r' },
  ]
  const answer = await ask('POST', 'users/commands', { commands })
  assert.deepEqual(answer.json.responses, [
    { command: 'createClient' },
    { command: 'createRole', error: 'Role already exists' },
  ])
  const { json: audit } = await ask('GET', 'audit')
  assert.equal(audit.entries.length, 1)
  assertHolds(audit.entries[0], {
    username: 'admin',
    via: 'http',
    action: 'createClient',
    details: { username: 'new', password: '(secret)' },
  })
  assert.match(audit.entries[0].address, /^127\.0\.0\.1:\d+$/)
})

test('who has a right, and the rule that decides', async (context) => {
  const { ask } = await start(context)
  const { json } = await ask('GET', 'users/rights?action=publish&topic=a/x')
  const said = Object.fromEntries(json.rights.map((row: Json) => [row.username, row]))
  assertHolds(said['u'], {
    allowed: true,
    because: 'role "r": publishClientSend a/# allow, priority 0',
  })
  assertHolds(said['v'], {
    allowed: true,
    because: 'role "r" of group "g": publishClientSend a/# allow, priority 0',
  })
  assertHolds(said['plain'], { allowed: false, because: 'no role allows it' })
})

test('what would change without a role: only what no other rule says as well', async (context) => {
  const { ask } = await start(context)
  const { json } = await ask('GET', 'users/without?rolename=r')
  const lines = json.changes.map(
    ({ username, action, topic, after }: Json) => `${username} ${action} ${topic} ${after}`,
  )
  assert.deepEqual(lines, [
    'u receive b true',
    'u subscribe a/+ false',
    'v publish a/x false',
    'v receive b true',
    'v subscribe a/+ false',
  ])
})

test('the tester of rules knows roles, for subscriptions too', async (context) => {
  const { ask, broker } = await start(context)
  const question = (action: string, topic: string) =>
    ask(
      'GET',
      `acl/test?action=${action}&topic=${encodeURIComponent(topic)}&username=u&port=${broker.ports[0]}`,
    )
  assertHolds((await question('publish', 'a/b')).json, { allowed: true })
  assertHolds((await question('subscribe', 'a/+')).json, { allowed: true })
  assertHolds((await question('subscribe', 'c')).json, {
    allowed: false,
    explanation: 'no role allows it',
  })
  assertHolds((await question('receive', 'b')).json, {
    allowed: false,
    explanation: 'role "r": publishClientReceive b deny, priority 0',
  })
})

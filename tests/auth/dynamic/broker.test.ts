/** Dynamic security in a running broker: who comes in, what they may do, and what a change does at once. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFirstState } from '../../../src/auth/dynamic/first-start.ts'
import { scratch, startMozzie, until } from '../../server/run-mozzie.ts'
import { freePort } from '../../support/free-port.ts'
import { connect, unsubscribe } from '../../support/packets.ts'
import { RawClient } from '../../support/raw-client.ts'
import { aliceLine, alice, untilLogged, startSecured } from '../secured.ts'
import { ask, dynamicConf, dynamicFile, login, startDynamic, topic } from './driver.ts'

const open = {
  roles: { all: ['allow send #', 'allow subscribe #'] },
  users: { u: ['all'], v: ['all'] },
}
const noReason = 0x98

test('users come in by their passwords, with their client id, unless they are disabled', async (context) => {
  const broker = await startDynamic(context, open)
  await broker.connect(login('u'))
  await broker.connect({ username: 'u', password: 'wrong' }, 0x87)
  await broker.connect({ username: 'nobody', password: 'nobody' }, 0x87)
  await broker.connect({}, 0x87)
  await broker.command({ command: 'setClientId', username: 'u', clientid: 'only' })
  await broker.connect(login('u'), 0x87)
  await broker.connect({ ...login('u'), clientId: 'only' })
  await broker.command({ command: 'disableClient', username: 'v' })
  await broker.connect(login('v'), 0x87)
  await broker.command({ command: 'enableClient', username: 'v' })
  await broker.connect(login('v'))
})

test('a user whom it does not know, or who has no password there, is left to the password file', async (context) => {
  const broker = await startSecured(context, `${dynamicConf}password_file DIR/users\n`, {
    'dynsec.json': await dynamicFile({ users: { u: [] } }),
    users: aliceLine,
  })
  await broker.connect(alice)
  await broker.connect(login('u'))
  await broker.connect({ username: 'u', password: 'wrong' }, 0x87)
})

test('roles come before the ACL file, which decides where they say nothing', async (context) => {
  const broker = await startSecured(context, `${dynamicConf}acl_file DIR/acl\n`, {
    'dynsec.json': await dynamicFile({
      users: { u: ['r'] },
      roles: { r: ['deny send a', 'allow send b'] },
    }),
    acl: 'user u\ntopic a\ntopic c\n',
  })
  const client = await broker.connect(login('u'))
  const codes: number[] = []
  for (const name of ['a', 'b', 'c', 'd']) codes.push(await client.publish(name, '', { qos: 1 }))
  assert.deepEqual(codes, [0x87, 0x10, 0x10, 0x87])
})

test('a denied SUBSCRIBE and UNSUBSCRIBE say so, and change nothing [MQTT-3.11.3-1]', async (context) => {
  const scene = {
    users: { u: ['r'] },
    roles: { r: ['allow subscribe a', 'deny unsubscribe a', 'allow send a'] },
  }
  const broker = await startDynamic(context, scene)
  const client = await broker.connect(login('u'))
  assert.deepEqual(await client.subscribe({ filter: 'a', qos: 0 }), [0])
  assert.deepEqual(await client.subscribe('b'), [0x87])
  client.send(unsubscribe(7, ['a', 'c']))
  await client.expect('unsuback', { codes: [0x87, 0x11] })
  await client.publish('a', 'still there')
  await client.receive({ topic: 'a' })
})

test('what changes for a user ends their connections, without the will; others stay', async (context) => {
  const broker = await startDynamic(context, open)
  const watcher = await broker.connect(login('v'))
  await watcher.subscribe('#')
  const user = await broker.connect({ ...login('u'), will: { topic: 'will', payload: 'x' } })
  const [{ error }] = await broker.command({
    command: 'removeClientRole',
    username: 'u',
    rolename: 'all',
  })
  assert.equal(error, undefined)
  await user.expect('disconnect', { reason: noReason })
  await user.expectClosed()
  await watcher.expectNothing()
  const back = await broker.connect(login('u'))
  assert.equal(await back.publish('a', 'x', { qos: 1 }), 0x87)
})

test('who changes their own roles is answered first, then disconnected', async (context) => {
  const broker = await startDynamic(context, {})
  const admin = await broker.connect(login('admin'))
  await admin.subscribe(`${topic}/response`)
  const [answer] = await ask(admin, [
    { command: 'setClientPassword', username: 'admin', password: 'new' },
  ])
  assert.deepEqual(answer, { command: 'setClientPassword' })
  await admin.expect('disconnect', { reason: noReason })
  await broker.connect({ username: 'admin', password: 'new' })
})

test('the default access counts at once for those who stay', async (context) => {
  const broker = await startDynamic(context, { users: { u: [] } })
  const client = await broker.connect(login('u'))
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x87)
  const acls = [{ acltype: 'publishClientSend', allow: true }]
  await broker.command({ command: 'setDefaultACLAccess', acls })
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x10)
})

test('an answered change is in the file, and there after a restart; the audit file says who made it', async (context) => {
  const directory = scratch(context)
  const port = await freePort()
  const file = join(directory, 'd.json')
  const conf = join(directory, 'm.conf')
  writeFileSync(file, await dynamicFile({}), { mode: 0o640 })
  writeFileSync(conf, `user root\nlistener ${port} 127.0.0.1\ndynamic_security_file ${file}\n`)
  const mozzie = await startMozzie(context, '-c', conf)
  const admin = await enter(port, 'admin')
  await admin.subscribe(`${topic}/response`)
  await ask(admin, [{ command: 'createClient', username: 'new', password: 'secret' }])
  const saved = JSON.parse(readFileSync(file, 'utf8')) as { clients: { username: string }[] }
  assert.deepEqual(
    saved.clients.map(({ username }) => username),
    ['admin', 'new'],
  )
  assert.equal(statSync(file).mode & 0o777, 0o640)
  const [line] = readFileSync(`${file}.audit`, 'utf8').split('\n')
  const { username, via, action, details } = JSON.parse(line) as Record<string, unknown>
  assert.deepEqual([username, via, action], ['admin', 'mqtt', 'createClient'])
  assert.deepEqual(details, { username: 'new', password: '(secret)' })
  mozzie.signal('SIGKILL')
  await mozzie.exited
  await startMozzie(context, '-c', conf)
  await enter(port, 'new', 'secret')
})

async function enter(port: number, username: string, password = username): Promise<RawClient> {
  const client = await RawClient.open(port, 5)
  client.send(connect(5, { clientId: `of-${username}`, username, password }))
  await client.expect('connack', { code: 0 })
  return client
}

test('SIGHUP reads the file again; who may no longer be here is disconnected, a damaged one changes nothing', async (context) => {
  const broker = await startDynamic(context, open)
  const client = await broker.connect(login('u'))
  broker.write('dynsec.json', '{"clients": [')
  await broker.reload()
  await untilLogged(broker.mozzie, /no JSON.*dynsec\.json:1/)
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x10)
  broker.write('dynsec.json', await dynamicFile({}))
  await broker.reload()
  await client.expect('disconnect', { reason: 0x87 })
})

test('what a person wrote into the file, sound or not, is not written over: commands are refused until SIGHUP has read it', async (context) => {
  const broker = await startDynamic(context, open)
  const [, file] = /dynamic_security_file (\S+):/.exec(broker.mozzie.stderr()) ?? ['', '']
  const written = await dynamicFile({ ...open, users: { u: ['all'], w: ['all'] } })
  for (const text of ['{"clients":[', written]) {
    broker.write('dynsec.json', text)
    await assert.rejects(broker.command({ command: 'createRole', rolename: 'late' }))
    await untilLogged(broker.mozzie, /somebody else has written \S*dynsec\.json; SIGHUP reads it/)
    assert.equal(readFileSync(file, 'utf8'), text)
  }
  await broker.reload()
  await broker.command({ command: 'createRole', rolename: 'late' })
  await broker.connect(login('w'))
})

test('the first start makes the file: passwords are in FILE.pw alone, and the administrator can begin', async (context) => {
  const broker = await startSecured(context, dynamicConf)
  const place =
    /dynamic_security_file (\S+) is new: the passwords of admin and democlient are in \1\.pw/
  const [, file] = place.exec(broker.mozzie.stderr()) ?? []
  const passwords = readFileSync(`${file}.pw`, 'utf8')
  const [, password] = /^admin (\S{20})$/m.exec(passwords) ?? []
  assert.deepEqual(
    [statSync(file).mode & 0o777, statSync(`${file}.pw`).mode & 0o777],
    [0o600, 0o600],
  )
  assert.ok(!broker.mozzie.stderr().includes(password))
  const admin = await broker.connect({ username: 'admin', password })
  await admin.subscribe(`${topic}/response`)
  const [{ data }] = await ask(admin, [{ command: 'listClients' }])
  assert.deepEqual(data, { totalCount: 2, clients: ['admin', 'democlient'] })
  const demo = await broker.connect({
    username: 'democlient',
    password: /^democlient (\S+)$/m.exec(passwords)?.[1],
  })
  assert.equal(await demo.publish('a', 'x', { qos: 1 }), 0x10)
})

test('the first start writes no secrets through a link that was put in its place', async (context) => {
  const directory = scratch(context)
  const [file, other] = [join(directory, 'd.json'), join(directory, 'other')]
  writeFileSync(other, 'untouched')
  symlinkSync(other, `${file}.pw`)
  await makeFirstState(file, null, {})
  assert.equal(readFileSync(other, 'utf8'), 'untouched')
  assert.ok(lstatSync(`${file}.pw`).isFile())
  assert.match(readFileSync(`${file}.pw`, 'utf8'), /^admin \S{20}$/m)
})

test("the plugin's lines mean the same, with the administrator's password from a file", async (context) => {
  const conf =
    'listener PORT0 127.0.0.1\nplugin /usr/lib/x/mosquitto_dynamic_security.so\n' +
    'plugin_opt_config_file DIR/d.json\nplugin_opt_password_init_file DIR/first\n'
  const broker = await startSecured(context, conf, { first: 'my own password\n' })
  const admin = await broker.connect({ username: 'admin', password: 'my own password' })
  await admin.subscribe(`${topic}/response`)
  const [{ data }] = await ask(admin, [{ command: 'listClients' }])
  assert.deepEqual(data, { totalCount: 1, clients: ['admin'] })
})

test('--test-config takes a file that is yet to be made, and says what is wrong with one that is there', (context) => {
  const directory = scratch(context)
  const conf = join(directory, 'm.conf')
  writeFileSync(conf, `listener 1883 127.0.0.1\ndynamic_security_file ${directory}/d.json\n`)
  const check = () =>
    spawnSync(process.execPath, ['bin/mozzie', '-c', conf, '--test-config'], { encoding: 'utf8' })
  assert.equal(check().status, 0)
  writeFileSync(join(directory, 'd.json'), '{"roles": 1}')
  assert.match(check().stderr, /d\.json: roles is no list/)
})

test('clients of a listener without it cannot command it; without rules they can read the answers', async (context) => {
  const conf =
    'per_listener_settings true\nlistener PORT0 127.0.0.1\ndynamic_security_file DIR/dynsec.json\n' +
    'listener PORT1 127.0.0.1\nallow_anonymous true\n'
  const broker = await startDynamic(context, {}, conf)
  const stranger = await broker.connect({ listener: 1 })
  await stranger.subscribe('$CONTROL/#')
  await stranger.publish(
    topic,
    JSON.stringify({ commands: [{ command: 'createClient', username: 'me' }] }),
  )
  const { payload } = await stranger.receive({ topic: `${topic}/response` })
  assert.equal(Buffer.from(payload).toString(), '{"error":"endpoint not available"}')
  const [{ data }] = await broker.command({ command: 'listClients' })
  assert.deepEqual(data, { totalCount: 1, clients: ['admin'] })
  // No rules at its listener: it may read everything, answers to others included. mosquitto does the same.
  const overheard = await stranger.receive({ topic: `${topic}/response` })
  assert.match(Buffer.from(overheard.payload).toString(), /"clients":\["admin"\]/)
})

test('a directory that cannot be written keeps the change from being made', async (context) => {
  const broker = await startDynamic(context, {})
  const [, file] = /dynamic_security_file (\S+):/.exec(broker.mozzie.stderr()) ?? []
  // In the way of the new file.
  mkdirSync(`${file}.new`)
  await assert.rejects(broker.command({ command: 'createRole', rolename: 'r' }))
  const [{ data }] = await broker.command({ command: 'listRoles' })
  assert.deepEqual(data, { totalCount: 1, roles: ['admin'] })
  await until(() => /a change was not made/.test(broker.mozzie.stderr()), broker.mozzie.stderr)
})

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { firstThreadCpuMsOf } from '../support/cpu.ts'
import { connect, publish, subscribe } from '../support/packets.ts'
import { leastOf } from '../support/patience.ts'
import { RawClient } from '../support/raw-client.ts'
import { runToEnd, scratch, spawnMozzie, writeConfig } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import {
  alice,
  aliceLine,
  untilLogged,
  bob,
  bobLine,
  passwordLine,
  startSecured,
} from './secured.ts'
import { writeFileSync } from 'node:fs'

const conf = 'listener PORT0 127.0.0.1\npassword_file DIR/users\n'

for (const version of [3, 4, 5] as const)
  test(`v${version}: the right password is let in, a wrong one, an unknown user and nobody are not`, async (context) => {
    const broker = await startSecured(context, conf, { users: aliceLine + bobLine })
    const refused = version === 5 ? 0x87 : 5
    await broker.connect({ version, ...alice })
    await broker.connect({ version, ...bob })
    await broker.connect({ version, ...alice, password: 'wrong' }, refused)
    await broker.connect({ version, username: 'carol', password: 'secret' }, refused)
    await broker.connect({ version, username: 'alice' }, refused)
    await broker.connect({ version, username: 'alice', password: '' }, refused)
    await broker.connect({ version }, refused)
  })

test('an empty password is never right, whatever the hash was made of', async (context) => {
  const empty = passwordLine('empty', '')
  const broker = await startSecured(context, conf, { users: empty + aliceLine })
  await broker.connect({ username: 'empty', password: '' }, 0x87)
  await broker.connect({ username: 'alice', password: '' }, 0x87)
  await broker.connect(alice)
})

test('allow_anonymous lets in who has no name, and nobody with an unknown one', async (context) => {
  const broker = await startSecured(context, `${conf}allow_anonymous true`, { users: aliceLine })
  await broker.connect()
  await broker.connect(alice)
  await broker.connect({ username: 'carol', password: 'secret' }, 0x87)
  await broker.connect({ username: 'carol' }, 0x87)
})

for (const version of [3, 4, 5] as const)
  test(`v${version}: a blank user name and password are nobody's, and as welcome`, async (context) => {
    const rules = 'topic free\n'
    const files = { users: aliceLine, rules }
    const open = `${conf}allow_anonymous true\nacl_file DIR/rules`
    const broker = await startSecured(context, open, files)
    const client = await broker.connect({ version, username: '', password: '' })
    client.send(subscribe(1, [{ filter: 'free', qos: 1 }]))
    await client.expect('suback')
    client.send(publish('free', 'x', { qos: 1 }))
    await client.expect('publish')
    const refused = version === 5 ? 0x87 : 5
    await broker.connect({ version, username: '', password: 'x' }, refused)
    broker.write('mosquitto.conf', conf)
    await broker.restart()
    await broker.connect({ version, username: '', password: '' }, refused)
  })

test('a session that mosquitto kept for nobody is that of a client with blank fields', async (context) => {
  const broker = await startSecured(context, 'listener PORT0 127.0.0.1\nallow_anonymous true')
  const kept = { cleanStart: false, properties: { sessionExpirySeconds: 60 }, clientId: 'c' }
  await (await broker.connect(kept)).disconnect()
  await broker.connect({ ...kept, username: '', password: '' })
})

test('without a password file names are believed only where anonymous clients are welcome', async (context) => {
  const open = 'listener PORT0 127.0.0.1\nlistener_allow_anonymous true\nlistener PORT1 127.0.0.1'
  const broker = await startSecured(context, open)
  await broker.connect(alice)
  await broker.connect({ ...alice, listener: 1 }, 0x87)
  await broker.connect({ listener: 1 }, 0x87)
})

test('listener_allow_anonymous overrides allow_anonymous, in both directions', async (context) => {
  const listeners =
    'allow_anonymous true\nlistener PORT0 127.0.0.1\nlistener_allow_anonymous false\nlistener PORT1 127.0.0.1'
  const broker = await startSecured(context, listeners)
  await broker.connect({}, 0x87)
  await broker.connect({ listener: 1 })
})

test('with per_listener_settings each listener has its own users', async (context) => {
  const listeners = [
    'per_listener_settings true',
    'listener PORT0 127.0.0.1\npassword_file DIR/first',
    'listener PORT1 127.0.0.1\npassword_file DIR/second\nallow_anonymous true',
  ].join('\n')
  const broker = await startSecured(context, listeners, { first: aliceLine, second: bobLine })
  await broker.connect(alice)
  await broker.connect(bob, 0x87)
  await broker.connect({}, 0x87)
  await broker.connect({ ...bob, listener: 1 })
  await broker.connect({ ...alice, listener: 1 }, 0x87)
  await broker.connect({ listener: 1 })
})

test('a client that has been verified is let in again from the cache, and no other password is', async (context) => {
  const slow = passwordLine('alice', 'secret', 600_000)
  const broker = await startSecured(context, conf, { users: slow })
  const login = async (password: string, code: number): Promise<number> => {
    const start = performance.now()
    await broker.connect({ username: 'alice', password }, code)
    return performance.now() - start
  }
  const first = await login('secret', 0)
  const again = await leastOf(first / 5, () => login('secret', 0))
  assert.ok(again * 4 < first, `${again} ms after ${first} ms`)
  await login('secret2', 0x87)
})

test('users that a reload adds, changes and removes: who is no longer welcome is disconnected', async (context) => {
  const broker = await startSecured(context, conf, { users: aliceLine + bobLine })
  const kept = await broker.connect(alice)
  const removed = await broker.connect(bob)
  broker.write('users', aliceLine + passwordLine('carol', 'new'))
  await broker.reload()
  await removed.expectDropped(0x87)
  await kept.expectNothing()
  await broker.connect({ username: 'carol', password: 'new' })
  await broker.connect(bob, 0x87)
  broker.write('users', passwordLine('alice', 'changed'))
  await broker.reload()
  await kept.expectDropped(0x87)
  await broker.connect(alice, 0x87)
  await broker.connect({ username: 'alice', password: 'changed' })
  await untilLogged(broker.mozzie, /Disconnected 1 clients whose login is no longer valid/)
})

test('switching allow_anonymous off by a reload disconnects anonymous clients only', async (context) => {
  const broker = await startSecured(context, `${conf}allow_anonymous true`, { users: aliceLine })
  const anonymous = await broker.connect({ version: 4 })
  const named = await broker.connect({ version: 4, ...alice })
  broker.write('mosquitto.conf', `${conf}allow_anonymous false`)
  await broker.reload()
  await anonymous.expectDropped(0x87)
  await named.expectNothing()
})

const broken = {
  'a missing file': null,
  'a line without a colon': `${aliceLine}bob\n`,
  'an empty name': `${aliceLine}:$7$\n`,
  'no hash': `${aliceLine}bob:\n`,
  'a password in plain text': `${aliceLine}bob:hidden\n`,
  'a user twice': aliceLine + aliceLine,
  'a hash cut short': aliceLine.slice(0, -70),
  'an unknown scheme': 'alice:$1$abc$def\n',
  'a byte order mark': `\uFEFF${aliceLine}`,
  'a NUL byte': `${aliceLine}\0`,
}

for (const [what, text] of Object.entries(broken))
  test(`${what} in the password file keeps the broker from starting, and a running one as it was`, async (context) => {
    const broker = await startSecured(context, conf, { users: aliceLine })
    const client = await broker.connect(alice)
    broker.write('users', text)
    await broker.reload()
    await client.expectNothing()
    await broker.connect(alice)
    await broker.connect(bob, 0x87)
    await broker.connect({}, 0x87)
    await untilLogged(broker.mozzie, /users and rights stay as they were/)

    const directory = scratch(context)
    const port = await freePort()
    if (text !== null) writeFileSync(join(directory, 'users'), text)
    const lines = `listener ${port} 127.0.0.1\npassword_file ${join(directory, 'users')}`
    const config = writeConfig(directory, lines)
    const mozzie = spawnMozzie(context, '-c', config)
    assert.equal(await mozzie.exited, 3)
    assert.match(mozzie.stderr(), /Error: .*users/)
    if (text === null) assert.equal(runToEnd('-c', config, '--test-config').code, 3)
  })

test('comments, blank lines and CR LF in a password file are fine', async (context) => {
  const users = `# users\r\n\r\n${aliceLine.trimEnd()}\r\n`
  const broker = await startSecured(context, conf, { users })
  await broker.connect(alice)
})

test('a comment in Latin-1 is a comment, a line of it is named', async (context) => {
  const comment = Buffer.from('# Gesch\xe4ft\n', 'latin1')
  const users = Buffer.concat([comment, Buffer.from(aliceLine)])
  const broker = await startSecured(context, conf, { users: '' })
  writeFileSync(join(broker.directory, 'users'), users)
  await broker.reload()
  await broker.connect(alice)
  const wrong = Buffer.from(bobLine.replace('bob', 'b\xf6b'), 'latin1')
  writeFileSync(join(broker.directory, 'users'), Buffer.concat([users, wrong]))
  await broker.reload()
  await untilLogged(broker.mozzie, /users is not UTF-8\. \(\S+users:3\)/)
})

test('who stands behind a blank in the password file is let in', async (context) => {
  const broker = await startSecured(context, conf, { users: ` ${aliceLine}` })
  await broker.connect(alice)
  await broker.connect({ ...alice, username: ' alice' }, 0x87)
})

test('fields behind the hash are nothing to us', async (context) => {
  const users = `${aliceLine.trimEnd()} :1000:Alice\n`
  const broker = await startSecured(context, conf, { users })
  await broker.connect(alice)
  await broker.connect({ ...alice, password: `${alice.password}:1000:Alice` }, 0x87)
})

test('names that JavaScript objects have are ordinary unknown users', async (context) => {
  const broker = await startSecured(context, conf, { users: aliceLine })
  for (const username of ['__proto__', 'constructor', 'toString'])
    await broker.connect({ username, password: 'secret' }, 0x87)
})

test('a storm of bad logins delays nobody else', async (context) => {
  const broker = await startSecured(context, conf, { users: aliceLine + bobLine })
  const worker = await broker.connect(bob)
  await worker.subscribe({ filter: 't', qos: 1 })
  const guesses: RawClient[] = []
  for (let index = 0; index < 60; index++) {
    const client = await RawClient.open(broker.ports[0], 4)
    context.after(() => client.destroy())
    client.send(connect(4, { clientId: `g${index}`, username: 'alice', password: `guess${index}` }))
    guesses.push(client)
  }
  const times: number[] = []
  for (let index = 0; index < 50; index++) {
    const start = firstThreadCpuMsOf(broker.mozzie.pid)
    await worker.publish('t', 'x', { qos: 1 })
    await worker.receive({ topic: 't' })
    times.push(firstThreadCpuMsOf(broker.mozzie.pid) - start)
  }
  times.sort((left, right) => left - right)
  assert.ok(times[47] < 100, `round trips took up to ${times[47]} ms of CPU`)
  // The first refusals come at once, the later ones are held back.
  await guesses[0].expect('connack', { code: 5 })
  assert.equal(guesses[25].inbox.length, 0)
})

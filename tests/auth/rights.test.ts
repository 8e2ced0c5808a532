import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { ack, publish } from '../support/packets.ts'
import { until } from '../server/run-mozzie.ts'
import { untilLogged, startSecured, type LoginOptions, type Secured } from './secured.ts'

const conf = 'listener PORT0 127.0.0.1\nallow_anonymous true\nacl_file DIR/acl\n'
const root = { username: 'root' }
const user = { username: 'u' }
/** What the tests' own clients need. */
const rootRules = 'user root\ntopic #\n'

for (const [version, reason] of [
  [3, 0],
  [4, 0],
  [5, 0x87],
] as const)
  test(`v${version}: a PUBLISH that is denied goes nowhere, and the connection stays`, async (context) => {
    const acl = `${rootRules}user u\ntopic write mine\n`
    const broker = await startSecured(context, conf, { acl })
    const watcher = await broker.connect(root)
    await watcher.subscribe('#')
    const client = await broker.connect({ ...user, version })
    for (const qos of [0, 1, 2] as const)
      assert.equal(
        await client.publish('other', 'x', { qos, retain: true }),
        qos === 0 ? 0 : reason,
      )
    await client.publish('mine', 'yes')
    await watcher.receive({ topic: 'mine' })
    await watcher.expectNothing()
    await untilLogged(
      broker.mozzie,
      /Denied: \S+ \(user 'u'\) may not write to 'other': no rule allows it/,
    )
  })

test('a denial names the file and the line of the rule', async (context) => {
  const broker = await startSecured(context, conf, {
    acl: 'user u\ntopic #\ntopic deny secret/#\n',
  })
  const client = await broker.connect(user)
  assert.equal(await client.publish('secret/a', 'x', { qos: 1 }), 0x87)
  await untilLogged(
    broker.mozzie,
    /may not write to 'secret\/a': \S+\/acl:3 "topic deny secret\/#"/,
  )
})

test('a subscription is granted, and only what may be read is delivered: live, retained, shared', async (context) => {
  const acl = `${rootRules}user u\ntopic read news/#\ntopic deny news/paid\n`
  const broker = await startSecured(context, conf, { acl })
  const publisher = await broker.connect(root)
  const client = await broker.connect(user)
  await publisher.publish('news/old', '1', { retain: true })
  await publisher.publish('news/paid', '2', { retain: true })
  await publisher.publish('home', '3', { retain: true })
  assert.deepEqual(await client.subscribe({ filter: '#', qos: 1 }), [1])
  await client.receive({ topic: 'news/old', retain: true })
  for (const topic of ['home', 'news/paid', 'news/today'])
    await publisher.publish(topic, 'x', { qos: 1 })
  await client.receive({ topic: 'news/today' })
  await client.expectNothing()
  await client.unsubscribe('#')
  await client.subscribe('$share/g/#')
  for (const topic of ['home', 'news/today']) await publisher.publish(topic, 'x')
  await client.receive({ topic: 'news/today' })
  await client.expectNothing()
})

test('a shared message goes to a member that may read it', async (context) => {
  const broker = await startSecured(context, conf, { acl: `${rootRules}user u\ntopic read a\n` })
  const publisher = await broker.connect(root)
  const stranger = await broker.connect({ username: 'stranger' })
  const reader = await broker.connect(user)
  await stranger.subscribe('$share/g/#')
  await reader.subscribe('$share/g/#')
  for (const payload of ['1', '2', '3']) await publisher.publish('a', payload)
  for (const payload of ['1', '2', '3']) await reader.receive({ topic: 'a', payload })
  await stranger.expectNothing()
})

test('a right is asked of the topic that an alias stands for', async (context) => {
  const broker = await startSecured(context, conf, { acl: 'user u\ntopic write ok\n' })
  const client = await broker.connect(user)
  await client.publish('secret', 'x', { properties: { topicAlias: 1 } })
  assert.equal(await client.publish('', 'x', { qos: 1, properties: { topicAlias: 1 } }), 0x87)
})

test('with acl_refuse_subscribe a subscription that nothing can come of is refused', async (context) => {
  const lines = `${conf}acl_refuse_subscribe true`
  const broker = await startSecured(context, lines, {
    acl: 'user u\ntopic read a/#\ntopic write b\n',
  })
  const filters = ['a/x', '#', '$share/g/a/+', 'b', 'c/#', '$SYS/#'].map((filter) => ({ filter }))
  const codes = async (version: 3 | 4 | 5): Promise<number[]> =>
    (await broker.connect({ ...user, version })).subscribe(filters)
  assert.deepEqual(await codes(5), [0, 0, 0, 0x87, 0x87, 0x87])
  assert.deepEqual(await codes(4), [0, 0, 0, 0x80, 0x80, 0x80])
})

test('rights that a reload takes away: live subscriptions, queued messages, QoS 2 at PUBREL, wills', async (context) => {
  const all = `${rootRules}user u\ntopic #\n`
  const broker = await startSecured(context, conf, { acl: all })
  const publisher = await broker.connect(root)
  await publisher.subscribe('will/#')
  const live = await broker.connect(user)
  await live.subscribe({ filter: 'a/#', qos: 1 })
  const session = {
    ...user,
    clientId: 'sleeper',
    cleanStart: false,
    properties: { sessionExpirySeconds: 100 },
  }
  const sleeper = await broker.connect(session)
  await sleeper.subscribe({ filter: 'a/#', qos: 1 })
  await sleeper.disconnect()
  await publisher.publish('a/queued', 'x', { qos: 1 })
  await live.receive({ topic: 'a/queued' })
  const will = { topic: 'will/u', payload: 'gone' }
  const dying = await broker.connect({ ...user, will })
  live.send(publish('will/held', 'x', { qos: 2, packetId: 9 }))
  await live.expect('pubrec', { packetId: 9, reason: 0 })

  broker.write('acl', `${rootRules}user u\ntopic read b\n`)
  await broker.reload()
  await publisher.publish('a/live', 'x', { qos: 1 })
  await live.expectNothing()
  live.send(ack('pubrel', 9))
  await live.expect('pubcomp', { packetId: 9 })
  dying.destroy()
  await live.ping()
  const back = await broker.connect(session)
  await back.expectNothing()
  await publisher.expectNothing()
})

test('messages in flight are not sent again to a client that may no longer read them', async (context) => {
  const broker = await startSecured(context, conf, { acl: `${rootRules}user u\ntopic #\n` })
  const publisher = await broker.connect(root)
  const session = {
    ...user,
    clientId: 'sleeper',
    cleanStart: false,
    properties: { sessionExpirySeconds: 100 },
  }
  const first = await broker.connect(session)
  await first.subscribe({ filter: '#', qos: 1 })
  await publisher.publish('a', '1', { qos: 1 })
  await publisher.publish('b', '2', { qos: 1 })
  await first.expect('publish', { topic: 'a' })
  await first.expect('publish', { topic: 'b' })
  first.destroy()
  broker.write('acl', `${rootRules}user u\ntopic read b\n`)
  await broker.reload()
  const second = await broker.connect(session)
  await second.receive({ topic: 'b', dup: true })
  await second.expectNothing()
})

test('a retained message is not sent once its publisher may no longer write there', async (context) => {
  const both = 'user u\ntopic write a\nuser reader\ntopic read #\n'
  const broker = await startSecured(context, conf, { acl: both })
  await (await broker.connect(user)).publish('a', 'x', { retain: true })
  const reader = await broker.connect({ username: 'reader' })
  await reader.subscribe('a')
  await reader.receive({ topic: 'a', retain: true })
  broker.write('acl', 'user u\ntopic write b\nuser reader\ntopic read #\n')
  await broker.reload()
  await reader.subscribe('a')
  await reader.expectNothing()
  broker.write('mosquitto.conf', `${conf}check_retain_source false`)
  await broker.reload()
  await reader.subscribe('a')
  await reader.receive({ topic: 'a', retain: true })
})

test('a session is for the user who began it, unless session_takeover_any_user', async (context) => {
  const broker = await startSecured(context, 'listener PORT0 127.0.0.1\nallow_anonymous true')
  const session = {
    clientId: 'phone',
    cleanStart: false,
    properties: { sessionExpirySeconds: 100 },
  }
  const owner = await broker.connect({ ...session, username: 'u' })
  await owner.subscribe({ filter: 'a', qos: 1 })
  await broker.connect({ ...session, username: 'thief' }, 0x85)
  await broker.connect({ ...session, username: 'thief', cleanStart: true, version: 4 }, 2)
  await broker.connect(session, 0x85)
  await owner.expectNothing()
  await owner.disconnect()
  await broker.connect({ ...session, username: 'thief' }, 0x85)
  const publisher = await broker.connect()
  await publisher.publish('a', 'kept', { qos: 1 })
  await (
    await broker.connect({ ...session, username: 'u' })
  ).receive({ topic: 'a', payload: 'kept' })
  await untilLogged(
    broker.mozzie,
    /Client phone \[.*\] refused: its session belongs to another user/,
  )
  broker.write(
    'mosquitto.conf',
    'listener PORT0 127.0.0.1\nallow_anonymous true\nsession_takeover_any_user true',
  )
  await broker.reload()
  await broker.connect({ ...session, username: 'thief' })
  await broker.connect({ ...session, username: 'u' })
})

test('a clean start is for every user, while nobody is connected: what was kept is gone', async (context) => {
  const broker = await startSecured(context, 'listener PORT0 127.0.0.1\nallow_anonymous true')
  const properties = { sessionExpirySeconds: 100 }
  const session = { clientId: 'device', cleanStart: false, properties }
  const before = await broker.connect({ ...session, username: 'before' })
  await before.subscribe({ filter: 'a', qos: 1 })
  await before.disconnect()
  await (await broker.connect()).publish('a', 'for before', { qos: 1 })
  const after = await broker.connect({ ...session, username: 'after', cleanStart: true })
  await after.expectNothing()
  await after.disconnect()
  await (await broker.connect({ ...session, username: 'after' })).expectNothing()
  await broker.connect({ ...session, username: 'before' }, 0x85)
})

for (const [access, anonymous, named] of [
  ['everyone', true, true],
  ['users', false, true],
  ['acl', false, false],
] as const)
  test(`sys_access ${access} without an ACL file`, async (context) => {
    const lines = `listener PORT0 127.0.0.1\nallow_anonymous true\nsys_access ${access}`
    const broker = await startSecured(context, lines)
    const cases = [
      [await broker.connect(), anonymous],
      [await broker.connect(user), named],
    ] as const
    for (const [client, expected] of cases) {
      await client.subscribe('$SYS/broker/version')
      if (expected) await client.receive({ topic: '$SYS/broker/version' })
      else await client.expectNothing()
    }
  })

test('sys_access acl lets in whom a rule of the ACL file names', async (context) => {
  const broker = await startSecured(context, `${conf}sys_access acl`, {
    acl: 'user u\ntopic read $SYS/#\nuser v\ntopic read #\n',
  })
  const client = await broker.connect(user)
  await client.subscribe('$SYS/broker/version')
  await client.receive({ topic: '$SYS/broker/version' })
  const other = await broker.connect({ username: 'v' })
  await other.subscribe('$SYS/broker/version')
  await other.expectNothing()
})

test('with per_listener_settings each listener has its own rights', async (context) => {
  const lines = [
    'per_listener_settings true',
    'listener PORT0 127.0.0.1\nallow_anonymous true\nacl_file DIR/first',
    'listener PORT1 127.0.0.1\nallow_anonymous true',
  ].join('\n')
  const broker = await startSecured(context, lines, { first: 'topic read #\n' })
  const limited = await broker.connect()
  const free = await broker.connect({ listener: 1 })
  assert.equal(await limited.publish('a', 'x', { qos: 1 }), 0x87)
  assert.equal(await free.publish('a', 'x', { qos: 1 }), 0x10)
})

for (const [what, text] of [
  ['missing', null],
  ['broken', 'topic read a\nusr u\n'],
] as const)
  test(`an ACL file that is ${what} on reload leaves the old rights`, async (context) => {
    const broker = await startSecured(context, conf, { acl: 'user u\ntopic write a\n' })
    const client = await broker.connect(user)
    broker.write('acl', text)
    await broker.reload()
    await untilLogged(broker.mozzie, /users and rights stay as they were/)
    assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x10)
    assert.equal(await client.publish('b', 'x', { qos: 1 }), 0x87)
  })

test('owners, rights and sources of retained messages outlive a restart', async (context) => {
  const kept = `${conf}persistence true\npersistence_location DIR/\n`
  const rules = `${rootRules}user u\ntopic read a\ntopic write r/#\n`
  const broker = await startSecured(context, kept, { acl: rules })
  const session = {
    ...user,
    clientId: 'sleeper',
    cleanStart: false,
    properties: { sessionExpirySeconds: 100 },
  }
  const owner = await broker.connect(session)
  await owner.subscribe({ filter: '#', qos: 1 })
  await owner.publish('r/kept', 'x', { qos: 1, retain: true })
  await owner.publish('r/revoked', 'x', { qos: 1, retain: true })
  await owner.disconnect()
  broker.write('acl', rules.replace('r/#', 'r/kept'))
  await broker.restart()
  const publisher = await broker.connect(root)
  await publisher.publish('secret', 'x', { qos: 1 })
  await publisher.publish('a', 'for u', { qos: 1 })
  await broker.connect({ ...session, username: 'thief' }, 0x85)
  await publisher.subscribe('r/#')
  await publisher.receive({ topic: 'r/kept' })
  await publisher.expectNothing()
  const back = await broker.connect(session)
  await back.receive({ topic: 'a', payload: 'for u' })
  await back.expectNothing()
})

const prlimit = '/usr/bin/prlimit'
test(
  'a reload without file descriptors to spare leaves the old users and rights',
  { skip: existsSync(prlimit) ? false : `${prlimit} is not installed` },
  async (context) => {
    const broker = await startSecured(context, conf, { acl: 'user u\ntopic write a\n' })
    const client = await broker.connect(user)
    const limit = (count: number): void => {
      const words = ['--pid', String(broker.mozzie.pid), `--nofile=${count}:`]
      assert.equal(spawnSync(prlimit, words).status, 0)
    }
    broker.write('acl', 'user u\ntopic write b\n')
    limit(4)
    await broker.reload()
    assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x10)
    assert.equal(await client.publish('b', 'x', { qos: 1 }), 0x87)
    limit(4096)
    await broker.reload()
    assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x87)
    assert.equal(await client.publish('b', 'x', { qos: 1 }), 0x10)
  },
)

/** A user who may not write `secret/door` leaves a delayed will there and drops; the broker is restarted. */
const persistent = 'persistence true\npersistence_location DIR/\n'

function willAt(topic: string): LoginOptions {
  const will = { topic, payload: 'x', retain: true, properties: { willDelaySeconds: 4 } }
  return { clientId: topic.replace('/', '-'), will, properties: { sessionExpirySeconds: 100 } }
}

/** Wills at `topics` are due after a restart; resolves to the topics that come. The last one is to be allowed. */
async function willsAfterRestart(
  broker: Secured,
  author: LoginOptions,
  topics: readonly string[],
  watcher: LoginOptions,
): Promise<string[]> {
  for (const topic of topics) {
    const client = await broker.connect({ ...author, ...willAt(topic) })
    client.destroy()
  }
  const gone = new RegExp(`Client ${topics.at(-1)?.replace('/', '-')} .* disconnected`)
  await until(() => gone.test(broker.mozzie.stderr()), broker.mozzie.stderr)
  await broker.restart()
  const reader = await broker.connect(watcher)
  await reader.subscribe('#')
  const came: string[] = []
  while (came.at(-1) !== topics.at(-1)) {
    const packet = await reader.find('publish')
    if (!packet.topic.startsWith('$')) came.push(packet.topic)
  }
  return came
}

test('a delayed will is judged by the rights of its author over a restart, known or not', async (context) => {
  const rules = `${rootRules}user u\ntopic write free/#\n`
  const broker = await startSecured(context, `${conf}${persistent}`, { acl: rules })
  const came = await willsAfterRestart(broker, user, ['secret/door', 'free/door'], root)
  assert.deepEqual(came, ['free/door'])
  await untilLogged(broker.mozzie, /Denied will of secret-door to 'secret\/door'/)
})

test('and by those of the listener where the author came in, whatever the others allow', async (context) => {
  const lines = [
    `per_listener_settings true\n${persistent}`,
    'listener PORT0 127.0.0.1\nallow_anonymous true\nacl_file DIR/first',
    'listener PORT1 127.0.0.1\nallow_anonymous true',
  ].join('\n')
  const broker = await startSecured(context, lines, { first: 'topic write free/#\n' })
  const topics = ['secret/door', 'free/door']
  assert.deepEqual(await willsAfterRestart(broker, {}, topics, { listener: 1 }), ['free/door'])
})

test('retained messages are judged by the rules of the listener where they came in', async (context) => {
  const lines = [
    `per_listener_settings true\n${persistent}`,
    'listener PORT0 127.0.0.1\nallow_anonymous true\nacl_file DIR/first',
    'listener PORT1 127.0.0.1\nallow_anonymous true',
  ].join('\n')
  const broker = await startSecured(context, lines, { first: 'topic write #\n' })
  const limited = await broker.connect({ clientId: 'limited' })
  await limited.publish('r/limited', 'x', { qos: 1, retain: true })
  const free = await broker.connect({ clientId: 'free', listener: 1 })
  await free.publish('r/free', 'x', { qos: 1, retain: true })
  broker.write('first', 'topic write else\n')
  await broker.reload()
  for (const after of [() => Promise.resolve(), () => broker.restart()]) {
    await after()
    const reader = await broker.connect({ listener: 1 })
    await reader.subscribe('r/#')
    await reader.receive({ topic: 'r/free' })
    await reader.expectNothing()
  }
})

test('an empty ACL file does not stop the start, as with mosquitto: it denies everything', async (context) => {
  const broker = await startSecured(context, conf, { acl: '# none yet\n' })
  const client = await broker.connect()
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x87)
  await untilLogged(broker.mozzie, /Warning: acl_file .* has no rules: everything is denied/)
  broker.write('acl', 'topic a\n')
  await broker.reload()
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x10)
  // On reload it means what it means at the start.
  broker.write('acl', '')
  await broker.reload()
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0x87)
})

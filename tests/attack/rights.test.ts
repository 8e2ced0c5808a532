/** Who one is, and what one may: attacks on logins and rights. Those on TLS are in `tls.test.ts`. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { passwordLine, startSecured, type Secured } from '../auth/secured.ts'
import { scratch, spawnMozzie, until, writeConfig } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { assertPrompt, attacks } from './attack.ts'
import { leastOf, processMsMax } from '../support/patience.ts'

const directory = mkdtempSync(join(tmpdir(), 'mozzie-attack-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const alice = { username: 'alice', password: 'secret' }
const bob = { username: 'bob', password: 'hidden' }
const people = Array.from({ length: 30 }, (_, index) => `person${index}`)

writeFileSync(
  join(directory, 'users'),
  [
    passwordLine('alice', 'secret'),
    passwordLine('bob', 'hidden'),
    ...people.map((name) => passwordLine(name, 'right', 20_000)),
  ].join(''),
  { mode: 0o600 },
)
const rights = `topic readwrite #
user alice
topic read a/b
topic write up/#
topic write dev/+/alice
user bob
topic readwrite bob/#
pattern readwrite dev/%c/%u
`
writeFileSync(join(directory, 'rights'), rights, { mode: 0o600 })

const attack = attacks('attacks on rights', {
  config: `password_file ${directory}/users\nacl_file ${directory}/rights`,
})

attack('S52: an alias stands for its topic, rights included', { v5: '' }, async ({ connect }) => {
  const watcher = await connect()
  await watcher.subscribe([{ filter: 'bob/#' }, { filter: 'up/#' }])
  const client = await connect(alice)
  const say = (topic: string, topicAlias: number) =>
    client.publish(topic, 'x', { qos: 1, properties: { topicAlias } })
  assert.equal(await say('up/x', 1), 0)
  assert.equal(await say('bob/x', 2), 0x87)
  assert.equal(await say('', 2), 0x87)
  assert.equal(await say('bob/x', 1), 0x87)
  assert.equal(await say('', 1), 0x87)
  const properties = { responseTopic: 'bob/answer' }
  assert.equal(await client.publish('up/y', 'x', { qos: 1, properties }), 0)
  await watcher.expect('publish', { topic: 'up/x' })
  await watcher.expect('publish', { topic: 'up/y' })
  await watcher.expectNothing()
})

/** ms from CONNECT to its refusal, from an address of its own: who fails often is answered late. */
async function refusalMs(port: number, address: string, username: string): Promise<number> {
  const client = await RawClient.open(port, 5, address)
  const start = performance.now()
  client.send(make.connect(5, { clientId: `g${address}`, username, password: 'guess' }))
  await client.expect('connack', { code: 0x87 })
  const ms = performance.now() - start
  client.destroy()
  return ms
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** Medians of refusals by turns: of users there are to users there are not. No address is used in two rounds. */
async function refusalRatio(port: number, round: number): Promise<number> {
  const known: number[] = []
  const unknown: number[] = []
  for (const [index, name] of people.entries()) {
    const order = [name, `nobody${index}`] as const
    for (const user of index % 2 === 0 ? order : order.toReversed()) {
      const address = `127.1.${2 * round + (user === name ? 0 : 1)}.${index + 1}`
      const ms = await refusalMs(port, address, user)
      ;(user === name ? known : unknown).push(ms)
    }
  }
  return median(known) / median(unknown)
}

attack(
  'S59: the time of a refusal does not tell whether a user exists',
  { v5: '' },
  async ({ broker }) => {
    let round = 0
    const off = await leastOf(0.4, async () => {
      const ratio = await refusalRatio(broker.port, round++)
      return Math.max(ratio, 1 / ratio) - 1
    })
    assert.ok(off <= 0.4, `the medians are ${(off * 100).toFixed(0)} % apart`)
  },
)

const bothUsers = passwordLine('alice', 'secret') + passwordLine('bob', 'hidden')
const conf = 'listener PORT0 127.0.0.1\npassword_file DIR/users\nacl_file DIR/rights'

const secured = (context: Parameters<typeof startSecured>[0]) =>
  startSecured(context, conf, {
    users: bothUsers,
    rights: 'user alice\ntopic readwrite x/#\nuser bob\ntopic readwrite #\n',
  })

async function assertServed(broker: Secured): Promise<void> {
  const client = await broker.connect(bob)
  await client.subscribe({ filter: 'echo', qos: 1 })
  await assertPrompt(client, 'echo')
  assert.doesNotMatch(broker.mozzie.stderr(), /internal error|uncaught|unhandled/i)
}

test('v5: S53: a right that is taken away ends live subscriptions, queues and what is in flight', async (context) => {
  const broker = await secured(context)
  const session = { cleanStart: false, properties: { sessionExpirySeconds: 60 } }
  const away = await broker.connect({ ...alice, ...session, clientId: 'away' })
  await away.subscribe({ filter: 'x/#', qos: 1 })
  const publisher = await broker.connect(bob)
  await publisher.publish('x/flight', '1', { qos: 1 })
  await away.expect('publish', { topic: 'x/flight' })
  await away.end()
  await publisher.publish('x/queued', '2', { qos: 1 })
  const live = await broker.connect({ ...alice, clientId: 'live' })
  await live.subscribe({ filter: 'x/#', qos: 1 })
  await live.publish('x/kept', 'mine', { retain: true })
  await live.expect('publish', { topic: 'x/kept' })
  broker.write('rights', 'user bob\ntopic readwrite #\n')
  await broker.reload()
  await publisher.publish('x/later', '3', { qos: 1 })
  await live.expectNothing()
  const back = await broker.connect({ ...alice, ...session, clientId: 'away' })
  await back.expectNothing()
  const reader = await broker.connect(bob)
  await reader.subscribe('x/kept')
  await reader.expectNothing()
  await assertServed(broker)
})

test('v5: S53: a user who is removed is disconnected', async (context) => {
  const broker = await secured(context)
  const client = await broker.connect(alice)
  broker.write('users', passwordLine('bob', 'hidden'))
  await broker.reload()
  await client.expectDropped(0x87)
  await broker.connect(alice, 0x87)
  await assertServed(broker)
})

test('v5: S54: the right to publish is asked again at PUBREL', async (context) => {
  const broker = await secured(context)
  const watcher = await broker.connect(bob)
  await watcher.subscribe('x/#')
  const client = await broker.connect(alice)
  client.send(make.publish('x/half', '', { qos: 2, packetId: 1 }))
  await client.expect('pubrec')
  broker.write('rights', 'user bob\ntopic readwrite #\n')
  await broker.reload()
  client.send(make.ack('pubrel', 1))
  await client.expect('pubcomp')
  await watcher.expectNothing()
  await assertServed(broker)
})

const unusable: [string, string, string][] = [
  ['S55', 'acl_file', 'missing'],
  ['S55', 'acl_file', 'nonsense\n'],
  ['S55', 'acl_file', 'topic readwrite a/#/b\n'],
  ['S56', 'password_file', 'missing'],
  ['S56', 'password_file', 'alice\n'],
  ['S56', 'password_file', 'alice:$9$x\n'],
  ['S56', 'password_file', 'alice:\0\n'],
  ['S62', 'password_file', 'alice:secret\n'],
]

for (const [id, option, text] of unusable)
  test(`${id}: ${option} with ${JSON.stringify(text)} keeps the broker from starting`, async (context) => {
    const place = scratch(context)
    const file = join(place, 'file')
    if (text !== 'missing') writeFileSync(file, text, { mode: 0o600 })
    const mozzie = spawnMozzie(
      context,
      '-c',
      writeConfig(place, `listener ${await freePort()} 127.0.0.1\n${option} ${file}`),
    )
    const patience = sleep(processMsMax, 'still running', { ref: false })
    assert.match(String(await Promise.race([mozzie.exited, patience])), /^[1-9]\d*$/)
    assert.match(mozzie.stderr(), new RegExp(`Error: .*${file}`))
  })

test('v5: S56, S57: a file that is broken, gone or a directory at a reload changes nothing', async (context) => {
  const broker = await secured(context)
  const client = await broker.connect(alice)
  const breakers: (() => void)[] = [
    () => broker.write('users', 'alice\n'),
    () => broker.write('users', null),
    () => broker.write('users', bothUsers),
    () => broker.write('rights', 'nonsense\n'),
    () => broker.write('rights', null),
    () => mkdirSync(`${directoryOf(broker)}/rights`),
  ]
  for (const [index, breakIt] of breakers.entries()) {
    breakIt()
    await broker.reload()
    await broker.connect({ username: 'alice', password: 'guess' }, 0x87)
    await broker.connect({}, 0x87)
    assert.equal(await client.publish('denied', '', { qos: 1 }), 0x87, `after ${index}`)
    assert.ok((await client.publish('x/allowed', '', { qos: 1 })) < 0x80)
  }
  await until(() => /stay as they were/.test(broker.mozzie.stderr()), broker.mozzie.stderr)
  await assertServed(broker)
})

function directoryOf({ mozzie }: Secured): string {
  return /Config loaded from (.*)\/mosquitto\.conf/.exec(mozzie.stderr())?.[1] ?? ''
}

/** With `thread_count` above 1 the API, users that change at run time, bounds and bridges are the whole broker's. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTo, type IClientOptions, type MqttClient } from 'mqtt'
import { freePort } from '../support/free-port.ts'
import { scratch, startMozzie, until, writeConfig } from './run-mozzie.ts'
import { connectOnce } from '../support/connect-once.ts'
import { CLIENTS, many, observed, threaded, untilAsked, type Json } from './threaded.ts'

const BALANCED = 80
/** Eight more are no matter, an eighth neither, and one that was accepted while it was looked. */
const DIFFERENCE_MAX = 16
/** One of them at least is woken by a client of the other thread. */
const LAZY_BRIDGES = 8

test('a will that waits in either thread is told of, and so is what was asked for there', async (context) => {
  const { connect, get } = await observed(context)
  const will = {
    topic: 'gone',
    payload: Buffer.from('x'),
    qos: 0,
    retain: false,
    properties: { willDelayInterval: 600 },
  } as const
  const properties = { sessionExpiryInterval: 600 }
  const clients = await many(connect, { protocolVersion: 5, clean: false, properties, will })
  const all: Json[] = (await get('clients?pageSize=100')).items
  assert.deepEqual([...new Set(all.map(({ thread }) => thread))].sort(), [0, 1])
  for (const client of clients) {
    await client.subscribeAsync('kept', { qos: 1, rh: 2 })
    client.stream.destroy()
  }
  for (const { clientId } of all) {
    const reply = await untilAsked(
      () => get(`why?client=${clientId}&topic=kept`),
      ({ finding }) => finding === 'offlineKept',
    )
    const found = (check: string) => reply.links.find((one: Json) => one.check === check).finding
    assert.deepEqual([found('will'), found('qos')], ['willWaits', 'qosAsAsked'], clientId)
  }
})

test('the API lists, shows and ends the clients of all threads, with the thread of each', async (context) => {
  const { connect, post, get } = await observed(context)
  const clients = await many(connect)
  for (const client of clients) await client.subscribeAsync('t/+', { qos: 1 })
  const page = await get('clients?sort=clientId&pageSize=10&page=2')
  assert.equal(page.total, CLIENTS, JSON.stringify(page))
  assert.deepEqual(
    page.items.map((one: Json) => one.clientId),
    Array.from({ length: 10 }, (_, at) => `c${at + 10}`),
  )
  const all: Json[] = (await get('clients?pageSize=100')).items
  assert.deepEqual([...new Set(all.map(({ thread }) => thread))].sort(), [0, 1])
  const far = all.find(({ thread }) => thread === 1)
  const detail = await get(`clients/detail?clientId=${far.clientId}`)
  assert.equal(detail.thread, 1)
  assert.equal(detail.subscriptionList[0].filter, 't/+')
  assert.ok(detail.events.some(({ kind }: Json) => kind === 'connected'))
  assert.equal((await get('subscriptions?pageSize=5')).total, CLIENTS)
  assert.equal((await get('subscriptions/receivers?topic=t/1')).total, CLIENTS)
  await untilAsked(
    () => get('overview'),
    ({ totals }) => totals.connections === CLIENTS,
  )
  const why = await get(`why?client=${far.clientId}&topic=t/1`)
  assert.ok(
    why.links.every(({ state }: Json) => state !== 'bad'),
    JSON.stringify(why),
  )
  assert.deepEqual(await post('clients/disconnect', { clientId: far.clientId }), {
    done: true,
  })
  await untilAsked(
    () => get('clients?pageSize=1'),
    (page) => page.total === CLIENTS - 1,
  )
})

test('what waits for a client that is away is shown, wherever it comes from', async (context) => {
  const { connect, post, get } = await observed(context)
  const away = await connect({ clientId: 'away', clean: false })
  await away.subscribeAsync('w', { qos: 1 })
  await away.endAsync()
  const clients = await many(connect)
  for (const client of clients) await client.publishAsync('w', 'x', { qos: 1 })
  const detail = await untilAsked(
    () => get('clients/detail?clientId=away'),
    ({ queued }) => queued === CLIENTS,
  )
  assert.equal(detail.connected, false)
  assert.equal(detail.queue.length, CLIENTS)
  assert.deepEqual(await post('clients/forget', { clientId: 'away' }), { done: true })
  await untilAsked(
    () => get('clients?pageSize=1'),
    (page) => page.total === CLIENTS,
  )
})

test('a trace has the packets of all threads', async (context) => {
  const { connect, post, get } = await observed(context)
  const clients = await many(connect)
  const { id } = await post('traces', { topic: 'traced' })
  for (const client of clients) await client.publishAsync('traced', 'x', { qos: 1 })
  await untilAsked(
    () => get(`traces/${id}`),
    ({ packets }) => packets.length >= CLIENTS,
  )
})

for (const [lines, what] of [
  ['max_connections_per_address 10', 'connections of an address'],
  ['max_clients_per_user 10', 'clients of a user'],
] as const)
  test(`${what} are bounded in all threads together: ${lines}`, async (context) => {
    const { port } = await threaded(context, lines)
    const isLetIn = (options: IClientOptions): Promise<boolean> =>
      new Promise((resolve) => {
        const login = { username: 'ann', password: 'x', reconnectPeriod: 0 }
        const client = connectTo(`mqtt://127.0.0.1:${port}`, { ...login, ...options })
        context.after(() => void client.end(true))
        client.on('error', () => {})
        client.once('connect', () => resolve(true))
        client.once('close', () => resolve(false))
      })
    let entered = 0
    // One after the other: the bound is a turn late at most.
    for (let at = 0; at < 20; at++) if (await isLetIn({ clientId: `b${at}` })) entered++
    assert.ok(entered >= 9 && entered <= 11, `${entered} came in`)
  })

test('memory_limit is the limit of all threads together', async (context) => {
  const { connect, mozzie } = await threaded(
    context,
    'memory_limit 190000000\nmax_queued_bytes 0\nlog_type all',
  )
  const clients = await many(connect)
  const away = await connect({ clientId: 'away', clean: false })
  await away.subscribeAsync('m', { qos: 1 })
  await away.endAsync()
  const payload = Buffer.alloc(1_000_000)
  // Which of them comes first depends on the thread; no other bound could drop what waits.
  const isMet = (): boolean => /memory_limit|being dropped for client away/.test(mozzie.stderr())
  for (let at = 0; at < 200 && !isMet(); at++)
    await clients[at % CLIENTS].publishAsync('m', payload, { qos: 1 }).catch(() => {})
  await until(isMet, () => mozzie.stderr())
})

test('users that change at run time change in all threads, and commands come from any', async (context) => {
  const { connect, directory } = await threaded(
    context,
    'dynamic_security_file DIR/dynsec.json\nenable_control_api true',
  )
  const [, secret] = readFileSync(join(directory, 'dynsec.json.pw'), 'utf8').split(/\s/)
  const login = { username: 'admin', password: secret }
  const admins = await many(connect, login)
  let [number, answers] = [0, 0]
  const command = async (admin: MqttClient, commands: object[]): Promise<void> => {
    const correlationData = `${++number}`
    const answered = new Promise<Json>((resolve) =>
      admin.on('message', (_topic, payload) => {
        const found = JSON.parse(String(payload)).responses.find(
          (one: Json) => one.correlationData === correlationData,
        )
        if (found !== undefined) resolve(found)
      }),
    )
    await admin.subscribeAsync('$CONTROL/dynamic-security/v1/response', { qos: 1 })
    const payload = JSON.stringify({
      commands: commands.map((one) => ({ ...one, correlationData })),
    })
    await admin.publishAsync('$CONTROL/dynamic-security/v1', payload, { qos: 1 })
    const { error } = await answered
    assert.equal(error, undefined)
    answers++
  }
  const acl = (topic: string) => ({
    command: 'addRoleACL',
    rolename: 'r',
    acltype: 'subscribePattern',
    topic,
    allow: true,
  })
  await command(admins[0], [
    { command: 'createRole', rolename: 'r' },
    { command: 'createClient', username: 'u', password: 'u', roles: [{ rolename: 'r' }] },
  ])
  const comeIn = (names: readonly string[]) =>
    Promise.all(names.map((clientId) => connect({ clientId, username: 'u', password: 'u' })))
  // Each command holds in every thread by the time it is answered, whoever gave it. It ends the connections of its users.
  for (const [at, admin] of admins.slice(0, 4).entries()) {
    await command(admin, [acl(`t${at}`)])
    for (const user of await comeIn([`${at}a`, `${at}b`, `${at}c`, `${at}d`])) {
      const [{ qos }] = await user.subscribeAsync(`t${at}`)
      assert.equal(qos, 0)
      await user.endAsync()
    }
  }
  assert.equal(answers, 5)
  const users = await comeIn(['e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'])
  let gone = 0
  for (const user of users) user.on('close', () => gone++)
  await command(admins[CLIENTS - 1], [{ command: 'disableClient', username: 'u' }])
  await until(
    () => gone === users.length,
    () => `${gone}`,
  )
})

test('a bridge serves the clients of all threads', async (context) => {
  const remotePort = await freePort()
  await startMozzie(
    context,
    '-c',
    writeConfig(scratch(context), `listener ${remotePort} 127.0.0.1\nallow_anonymous true`),
  )
  const bridge = `connection far\naddress 127.0.0.1:${remotePort}\ntopic # both 1\nlocal_clientid here\n`
  const { connect } = await threaded(context, bridge)
  const far = await connectOnce(`mqtt://127.0.0.1:${remotePort}`)
  context.after(() => void far.end(true))
  const [heardFar, states] = [new Set<string>(), new Set<number>()]
  far.on('message', (_topic, payload) => heardFar.add(String(payload)))
  await far.subscribeAsync('up', { qos: 1 })
  const clients = await many(connect)
  const heard = clients.map(() => new Set<string>())
  for (const [at, client] of clients.entries()) {
    client.on('message', (topic, payload) =>
      topic.startsWith('$') ? states.add(at) : heard[at].add(String(payload)),
    )
    await client.subscribeAsync(['down', '$SYS/broker/connection/+/state'], { qos: 1 })
  }
  // The notification is retained, and in every thread.
  await until(
    () => states.size === CLIENTS,
    () => `${states.size}`,
  )
  for (const [at, client] of clients.entries()) await client.publishAsync('up', `${at}`, { qos: 1 })
  await far.publishAsync('down', 'all', { qos: 1 })
  await until(
    () => heardFar.size === CLIENTS && heard.every((one) => one.has('all')),
    () => `${heardFar.size} ${heard.filter((one) => one.has('all')).length}`,
  )
})

test('no thread has far more clients than another', async (context) => {
  const { connect, get } = await observed(context)
  let count = 0
  /** How many more one thread has than the other, after so many more clients. */
  const difference = async (more: number): Promise<number> => {
    for (const end = count + more; count < end; count++) await connect({ clientId: `b${count}` })
    const { items } = await get(`clients?pageSize=${count}`)
    assert.equal(items.length, count)
    return Math.abs(count - 2 * items.filter(({ thread }: Json) => thread === 0).length)
  }
  let far = await difference(BALANCED)
  // Nobody waits for a thread that does not get a processor; it catches up with those that come then.
  for (let more = 0; more < 30 && far > DIFFERENCE_MAX; more++) far = await difference(10)
  assert.ok(far <= DIFFERENCE_MAX, `${far} of ${count}`)
})

for (const wake of ['subscribes', 'publishes'] as const)
  test(`a lazy bridge of a reload wakes when a client of any thread ${wake}`, async (context) => {
    const [port, remotePort] = [await freePort(), await freePort()]
    const lines = `listener ${remotePort} 127.0.0.1\nallow_anonymous true`
    await startMozzie(context, '-c', writeConfig(scratch(context), lines))
    const directory = scratch(context)
    const config = `thread_count 2\nlistener ${port} 127.0.0.1\nallow_anonymous true\n`
    const file = writeConfig(directory, config)
    const mozzie = await startMozzie(context, '-c', file)
    const bridges = Array.from(
      { length: LAZY_BRIDGES },
      (_, at) =>
        `connection far${at}\naddress 127.0.0.1:${remotePort}\ntopic at${at} both 1\nstart_type lazy\nthreshold 1`,
    )
    writeFileSync(file, `user root\n${config}${bridges.join('\n')}\n`)
    mozzie.signal('SIGHUP')
    await until(
      () => mozzie.stderr().includes('Reloaded config.'),
      () => mozzie.stderr(),
    )
    // Each of them by a client of its own, in whatever thread that is.
    for (let at = 0; at < LAZY_BRIDGES; at++) {
      const client = await connectOnce(`mqtt://127.0.0.1:${port}`)
      context.after(() => void client.end(true))
      if (wake === 'subscribes') await client.subscribeAsync(`at${at}`, { qos: 1 })
      else for (let n = 0; n < 2; n++) await client.publishAsync(`at${at}`, 'x', { qos: 1 })
      await until(
        () => mozzie.stderr().includes(`Connecting bridge far${at} `),
        () => mozzie.stderr(),
      )
    }
  })

test('a message to a client id reaches that client at every QoS, whichever thread it has', async (context) => {
  const { connect } = await threaded(
    context,
    'direct_topic p2p\npersistence true\npersistence_location DIR/\n',
  )
  const kinds = [
    { clean: true, name: 'clean' },
    { clean: false, name: 'kept' },
  ]
  const got = new Map<string, string[]>()
  for (const { clean, name } of kinds)
    for (let at = 0; at < CLIENTS / 2; at++) {
      const clientId = `${name}-${at}`
      const own: string[] = []
      got.set(clientId, own)
      const client = await connect({ clientId, clean })
      client.on('message', (topic, payload) => void own.push(`${topic} ${payload.toString()}`))
    }
  const author = await connect({ clientId: 'author', protocolVersion: 5 })
  for (const clientId of got.keys())
    for (const qos of [0, 1, 2] as const)
      await author.publishAsync(`x/p2p/${clientId}`, String(qos), { qos })
  await until(
    () => [...got.values()].every(({ length }) => length >= 3),
    () => JSON.stringify([...got]),
  )
  for (const [clientId, own] of got)
    assert.deepEqual(
      own.toSorted(),
      [0, 1, 2].map((qos) => `x/p2p/${clientId} ${qos}`),
    )
})

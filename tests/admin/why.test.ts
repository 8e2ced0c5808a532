import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { connectOnce } from '../support/connect-once.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../server/run-mozzie.ts'
import { password, startLocal, type Api, type Json } from './api-server.ts'
import { ask, BOSS, connectFrom, linkOf, startGuarded } from './why-stage.ts'

test('why: a client that never connected', async (context) => {
  const api = await startLocal(context)
  const reply = await ask(api, { client: 'nobody', topic: 'a' })
  assert.equal(reply.finding, 'neverSeen')
  assert.match(reply.verdict, /never connected/)
})

test('why: a client id that is almost another one', async (context) => {
  const api = await startLocal(context)
  await api.client({ clientId: 'Till-7' })
  const reply = await ask(api, { client: 'till-7' })
  assert.equal(reply.finding, 'nearId')
  assert.match(linkOf(reply, 'known').evidence, /Till-7/)
})

test('why: a refused login says from where, who and when', async (context) => {
  const api = await startGuarded(context)
  await assert.rejects(api.client({ clientId: 'till', username: 'ann', password: 'wrong' }))
  const reply = await ask(api, { client: 'till', topic: 'a' })
  assert.equal(reply.finding, 'refusedNow')
  const { answer, evidence, timeMs } = linkOf(reply, 'refused')
  assert.match(answer, /not authorised/)
  assert.match(evidence, /127\.0\.0\.1:\d+, user ann/)
  assert.ok(Math.abs(Date.now() - timeMs) < 60_000)
  const { json } = await api.call('GET', '/api/v1/refusals', BOSS)
  assert.deepEqual(
    json.items.map((one: Json) => [one.clientId, one.username, one.kind]),
    [['till', 'ann', 'refused']],
  )
})

test('a connection that a limit turned away is in the list of refusals', async (context) => {
  const api = await startGuarded(context, 'max_connections_per_address 1')
  await connectFrom(context, api, '127.0.0.2', 'first')
  const second = connect({ port: api.mqttPort, host: '127.0.0.1', localAddress: '127.0.0.2' })
  second.on('error', () => {})
  await once(second, 'close')
  const { json } = await api.call('GET', '/api/v1/refusals', BOSS)
  const [{ clientId, username, remote, detail, timeMs }] = json.items
  assert.deepEqual([clientId, username], ['', null])
  assert.match(remote, /^127\.0\.0\.2:\d+$/)
  assert.equal(detail, 'max_connections_per_address exceeded')
  assert.ok(Math.abs(Date.now() - timeMs) < 60_000)
})

/** Why `a/b` comes to a client that has gone, keeps its session and wants `a/+` at QoS 0. */
async function whyAway(api: Api): Promise<Json> {
  const client = await api.client({ clientId: 'away', clean: false })
  await client.subscribeAsync('a/+', { qos: 0 })
  await client.endAsync()
  await until(
    () => linkCount(api, 'away') === 0,
    () => 'still there',
  )
  return ask(api, { client: 'away', topic: 'a/b' })
}

test('why: an offline client whose session is kept, and one that wants QoS 0', async (context) => {
  const api = await startGuarded(context)
  const reply = await whyAway(api)
  assert.equal(reply.finding, 'offlineKept')
  assert.equal(linkOf(reply, 'qos').finding, 'qosNotKept')
})

test('why: messages at QoS 0 wait where the configuration has them wait', async (context) => {
  const api = await startGuarded(context, 'queue_qos0_messages true\n')
  const reply = await whyAway(api)
  assert.equal(linkOf(reply, 'qos').finding, 'qosAsAsked')
})

function linkCount(api: Api, clientId: string): number {
  return [...api.server.broker.inspector().clients()].filter(
    (one) => one.clientId === clientId && one.connected,
  ).length
}

for (const [filter, difference] of [
  ['shop/Price', 'case'],
  ['shop/ price', 'space'],
  ['shop/prise', 'letter'],
  ['shop/+/price', 'level'],
] as const)
  test(`why: the nearest subscription, where ${difference} differs`, async (context) => {
    const api = await startLocal(context)
    const client = await api.client({ clientId: 'till' })
    await client.subscribeAsync(['other', filter])
    const reply = await ask(api, { client: 'till', topic: 'shop/price' })
    assert.equal(reply.finding, 'nearMiss')
    assert.deepEqual(linkOf(reply, 'subscription').values, { filter, difference })
    const alone = await ask(api, { topic: 'shop/price' })
    assert.equal(alone.finding, 'noReceiversNear')
  })

test('why: the line of the access rules that decides', async (context) => {
  const api = await startGuarded(context)
  const client = await api.client({ clientId: 'till', username: 'ann', password })
  await client.subscribeAsync('#')
  const reply = await ask(api, { client: 'till', topic: 'secret/plan' })
  assert.equal(reply.finding, 'mayNotReceive')
  assert.match(linkOf(reply, 'rights').evidence, /rules\.acl:5 "topic deny secret\/#"/)
})

test('a delivery that the rules deny is counted as such, and is no drop', async (context) => {
  const api = await startGuarded(context)
  const client = await api.client({ clientId: 'till', username: 'ann', password })
  await client.subscribeAsync('#')
  const published = await api.call('POST', '/api/v1/publish', {
    ...BOSS,
    body: { topic: 'secret/plan', payload: 'x' },
  })
  assert.equal(published.status, 200, published.text)
  const { json } = await api.call('GET', '/api/v1/overview', BOSS)
  assert.equal(json.drops.denied, 1)
  assert.equal(json.totals.publishDropped, 0)
})

test('why: a full queue that dropped messages', async (context) => {
  const api = await startGuarded(context)
  const client = await api.client({ clientId: 'away', clean: false })
  await client.subscribeAsync('a', { qos: 1 })
  await client.endAsync()
  await until(
    () => linkCount(api, 'away') === 0,
    () => 'still there',
  )
  const publisher = await api.client()
  for (let at = 0; at < 5; at++) await publisher.publishAsync('a', String(at), { qos: 1 })
  const reply = await ask(api, { client: 'away', topic: 'a' })
  const { finding, answer, timeMs } = linkOf(reply, 'queue')
  assert.equal(finding, 'dropped')
  assert.match(answer, /3 messages were dropped, the last because its queue was full/)
  assert.ok(timeMs > Date.now() - 60_000)
  const detail = await api.call('GET', '/api/v1/clients/detail?clientId=away', BOSS)
  assert.deepEqual(
    detail.json.queue.map((one: Json) => [one.topic, one.qos, one.payloadBytes]),
    [
      ['a', 1, 1],
      ['a', 1, 1],
    ],
  )
})

test('why: two devices with one client id, and both addresses', async (context) => {
  const api = await startLocal(context)
  for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.1'])
    await connectFrom(context, api, address, 'twin')
  const reply = await ask(api, { client: 'twin' })
  assert.equal(reply.finding, 'twoDevices')
  assert.match(linkOf(reply, 'takeover').evidence, /127\.0\.0\.2/)
  assert.match(linkOf(reply, 'takeover').evidence, /127\.0\.0\.1/)
})

test('why: takeovers at one address need not be two devices', async (context) => {
  const api = await startLocal(context)
  for (let times = 0; times < 3; times++) await connectFrom(context, api, '127.0.0.1', 'flaky')
  assert.equal((await ask(api, { client: 'flaky' })).finding, 'takeoversFromOne')
})

test('why: a refused attempt does not hide that the client is connected', async (context) => {
  const api = await startGuarded(context)
  await api.client({ clientId: 'till', username: 'ann', password })
  await assert.rejects(api.client({ clientId: 'till', username: 'ann', password: 'wrong' }))
  const reply = await ask(api, { client: 'till' })
  assert.equal(reply.finding, 'refusedBesides')
  assert.match(linkOf(reply, 'refused').answer, /^Yes, but a later attempt/)
})

test('why: a will that was published, and one that the rules denied', async (context) => {
  const api = await startGuarded(context)
  for (const [clientId, topic, finding] of [
    ['brave', 'wills/a', 'willPublished'],
    ['shy', 'secret/a', 'willDenied'],
  ] as const) {
    const will = { topic, payload: Buffer.from('gone'), qos: 0, retain: false } as const
    const client = await api.client({ clientId, username: 'ann', password, will })
    client.stream.destroy()
    await until(
      () => linkCount(api, clientId) === 0,
      () => 'still there',
    )
    const link = linkOf(await ask(api, { client: clientId }), 'will')
    assert.equal(link.finding, finding)
    assert.equal(link.values.topic, topic)
    assert.ok(link.timeMs > Date.now() - 60_000)
    await client.endAsync(true)
  }
})

test('why: when the first of what waits expires', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'till', protocolVersion: 4, clean: false })
  await client.subscribeAsync('a', { qos: 1 })
  await client.endAsync()
  const publisher = await api.client({ protocolVersion: 5 })
  for (const messageExpiryInterval of [500, 300])
    await publisher.publishAsync('a', '2', { qos: 1, properties: { messageExpiryInterval } })
  const expiry = linkOf(await ask(api, { client: 'till' }), 'expiry')
  assert.equal(expiry.finding, 'expiresNext')
  const seconds = Number(expiry.values.seconds)
  assert.ok(seconds > 200 && seconds <= 300, `${seconds} s`)
})

test('why: when it last acknowledged, while something waits for that', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'till' })
  await client.subscribeAsync('a', { qos: 1 })
  const publisher = await api.client()
  const inspector = api.server.broker.inspector()
  const got = new Promise((resolve) => client.once('message', resolve))
  await publisher.publishAsync('a', '1', { qos: 1 })
  await got
  await until(
    () => inspector.client('till')?.inflight === 0,
    () => 'not acknowledged',
  )
  // From now on it gets messages and keeps its acknowledgements.
  client.handleMessage = () => {}
  await publisher.publishAsync('a', '2', { qos: 1 })
  const { finding, answer, timeMs } = linkOf(await ask(api, { client: 'till' }), 'acknowledged')
  assert.equal(finding, 'acked')
  assert.match(answer, /^\d+ s ago\.$/)
  assert.ok(Math.abs(Date.now() - timeMs) < 60_000)
})

test('why: nothing is in the way', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'till' })
  await client.subscribeAsync('a/#', { qos: 1 })
  const reply = await ask(api, { client: 'till', topic: 'a/b' })
  assert.equal(reply.finding, 'inOrder')
  assert.deepEqual(
    reply.links.map((one: Json) => one.finding),
    [
      'seen',
      'oneDevice',
      'online',
      'queueEmpty',
      'matches',
      'qosAsAsked',
      'retainWhenKept',
      'mayReceive',
      'mayPublish',
      'notRetained',
    ],
  )
})

test('why: the listener that grants less QoS than was asked for', async (context) => {
  const port = await freePort()
  const api = await startGuarded(context, `listener ${port} 127.0.0.1\nmax_qos 1\n`)
  const client = await connectOnce(`mqtt://127.0.0.1:${port}`, { clientId: 'till' })
  context.after(() => void client.end(true))
  await client.subscribeAsync('a/#', { qos: 2 })
  const { finding, evidence } = linkOf(await ask(api, { client: 'till', topic: 'a/b' }), 'qos')
  assert.deepEqual([finding, evidence], ['qosLowered', 'max_qos 1'])
})

test('why: needs a client or a topic, and no wildcards', async (context) => {
  const api = await startLocal(context)
  assert.equal((await api.get('/api/v1/why')).status, 400)
  assert.equal((await api.get('/api/v1/why?topic=a/%23')).status, 400)
})

test('mozzie why: the verdict first, and an exit code', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'till' })
  await client.subscribeAsync('shop/Price')
  const url = `http://127.0.0.1:${api.httpPort}`
  const run = (...words: string[]): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, ['bin/mozzie', 'why', ...words], (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
      )
    })
  const { code, out } = await run('--url', url, '--client', 'till', '--topic', 'shop/price')
  assert.equal(code, 2)
  assert.match(out.split('\n')[0], /almost matches: only upper and lower case differ/)
  assert.equal((await run('--url', url, '--client', 'till', '--topic', 'shop/Price')).code, 0)
  const none = await run('--url', 'http://127.0.0.1:1', '--client', 'till')
  assert.equal(none.code, 1)
  assert.match(none.err, /no broker answers at http:\/\/127\.0\.0\.1:1\//)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IPublishPacket } from 'mqtt'
import { CONTRACT } from '../../src/admin/contract.ts'
import { until } from '../server/run-mozzie.ts'
import { startLocal, type Json } from './api-server.ts'

test('the overview counts what there is', async (context) => {
  const api = await startLocal(context)
  const client = await api.client()
  await client.subscribeAsync('a/+')
  await client.publishAsync('r', 'x', { retain: true, qos: 1 })
  await until(
    () => api.server.broker.counts().sessions === 1,
    () => '',
  )
  const { status, json } = await api.get('/api/v1/overview')
  assert.equal(status, 200)
  assert.equal(json.localOnly, true)
  assert.equal(json.ready, true)
  assert.deepEqual(json.troubles, [])
  assert.equal(json.totals.connections, 1)
  assert.equal(json.totals.publishReceived, 1)
  assert.equal(json.drops.queueFull, 0)
  assert.ok(json.now.rssBytes > 1e6)
})

test('the history has one point a second for every metric, and means over longer steps', async (context) => {
  const api = await startLocal(context)
  const { json } = await api.get('/api/v1/history?metrics=connections,rssBytes&seconds=60')
  assert.deepEqual(Object.keys(json.metrics), ['connections', 'rssBytes'])
  assert.equal(json.stepMs, 1000)
  assert.equal(json.metrics.connections.length, 60)
  assert.equal(json.metrics.connections.at(-1), 0)
  assert.equal(json.metrics.connections[0], null)
  const { cpuPercent } = (await api.get('/api/v1/history?metrics=cpuPercent&seconds=60')).json
    .metrics
  assert.equal(
    cpuPercent.find((one: number | null) => one !== null),
    0,
  )
  const coarse = (await api.get('/api/v1/history?seconds=3600&points=60')).json
  assert.equal(coarse.stepMs, 60_000)
  assert.equal(coarse.metrics.rssBytes.length, 60)
  assert.ok(coarse.metrics.rssBytes.at(-1) > 1e6)
  const day = (await api.get('/api/v1/history?metrics=rssBytes&seconds=86400&points=1440')).json
  assert.equal(day.stepMs, 60_000)
  assert.equal(day.metrics.rssBytes.length, 1440)
  assert.equal((await api.get('/api/v1/history?seconds=86401')).status, 400)
})

test("mosquitto's three endpoints answer in its bytes", async (context) => {
  const api = await startLocal(context)
  const listeners = await api.get('/api/v1/listeners')
  const entry = (port: number, protocol: string) =>
    `{\n\t\t\t"port":\t${port},\n\t\t\t"protocol":\t"${protocol}",\n\t\t\t"tls":\tfalse,\n` +
    `\t\t\t"mtls":\tfalse,\n\t\t\t"allow_anonymous":\ttrue\n\t\t}`
  const both = `${entry(api.mqttPort, 'mqtt')}, ${entry(api.httpPort, 'httpapi')}`
  assert.equal(listeners.text, `{\n\t"listeners":\t[${both}]\n}`)
  const version = await api.get('/api/v1/version')
  assert.match(version.text, /^\d+\.\d+\.\d+$/)
  const systree = await api.get('/api/v1/systree')
  assert.match(systree.text, /^\{\n\t"\$SYS\/broker\/clients\/total":\t0,\n/)
  assert.equal(Object.keys(systree.json).length, 23)
  assert.equal(systree.json['$SYS/broker/subscriptions/count'], 0)
  assert.equal((await api.get('/api/missing')).status, 404)
  assert.equal((await api.call('POST', '/api/badrequest')).status, 405)
})

test('health and readiness need nobody', async (context) => {
  const api = await startLocal(context, 'allow_anonymous false')
  assert.deepEqual((await api.get('/health')).json, { status: 'ok' })
  assert.deepEqual((await api.get('/ready')).json, { status: 'ok' })
})

test('metrics are what Prometheus reads, and name no client', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'SECRET-ID', username: 'SECRET-USER' })
  await client.subscribeAsync('SECRET/topic')
  const { headers, text } = await api.get('/metrics')
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  for (const line of lines)
    assert.match(line, /^[a-z_0-9]+(?:\{[a-z_]+="[^"\n]*"(?:,[a-z_]+="[^"\n]*")*\})? [-+.\w]+$/)
  assert.match(text, /^mozzie_packets_total\{direction="received"\} [1-9]/m)
  assert.match(text, /^mozzie_messages_dropped_total\{reason="queue_full"\} 0$/m)
  assert.doesNotMatch(text, /SECRET/)
})

test('clients are searched, ordered and cut into pages by the server', async (context) => {
  const api = await startLocal(context)
  for (let index = 0; index < 7; index++) {
    const client = await api.client({ clientId: `sensor-${index}` })
    for (let filter = 0; filter < index; filter++) await client.subscribeAsync(`f/${filter}`)
  }
  await api.client({ clientId: 'other', username: 'SenSor' })
  const search = await api.get('/api/v1/clients?q=SENSOR&pageSize=3&page=2&sort=clientId')
  assert.equal(search.json.total, 8)
  assert.deepEqual(
    search.json.items.map(({ clientId }: { clientId: string }) => clientId),
    ['sensor-2', 'sensor-3', 'sensor-4'],
  )
  const busiest = await api.get('/api/v1/clients?sort=subscriptions&order=desc&pageSize=1')
  assert.equal(busiest.json.items[0].clientId, 'sensor-6')
  assert.equal(busiest.json.items[0].subscriptions, 6)
  assert.equal((await api.get('/api/v1/clients?state=offline')).json.total, 0)
  assert.equal((await api.get('/api/v1/clients?page=101&pageSize=100')).status, 400)
  assert.equal((await api.get('/api/v1/clients?sort=nothing')).status, 400)
})

test('the detail of a client shows queue, window, subscriptions, will and events', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({
    clientId: 'a/b c',
    clean: false,
    protocolVersion: 5,
    keepalive: 20,
    properties: { sessionExpiryInterval: 300 },
    will: { topic: 'gone', payload: Buffer.from('bye'), qos: 1, retain: false },
  })
  await client.subscribeAsync('q/#', { qos: 1 })
  const path = `/api/v1/clients/detail?clientId=${encodeURIComponent('a/b c')}`
  const online = (await api.get(path)).json
  assert.equal(online.connected, true)
  assert.equal(online.keepAliveSeconds, 20)
  assert.deepEqual(online.will, {
    topic: 'gone',
    qos: 1,
    retain: false,
    payloadBytes: 3,
    delaySeconds: 0,
  })
  assert.equal(online.subscriptionList[0].filter, 'q/#')
  await client.endAsync()
  await until(
    () => api.server.broker.inspector().client('a/b c')?.connected === false,
    () => '',
  )
  await api.post('/api/v1/publish', { topic: 'q/1', payload: 'x', qos: 1 })
  const offline = (await api.get(path)).json
  assert.equal(offline.queued, 1)
  assert.equal(offline.expirySeconds, 300)
  assert.deepEqual(
    offline.events.map(({ kind }: { kind: string }) => kind),
    ['disconnected', 'subscribed', 'connected'],
  )
  assert.equal((await api.get('/api/v1/clients/detail?clientId=nobody')).status, 404)
})

test('a reason that DISCONNECT cannot give is 400, and ends nothing [MQTT-3.14.2-1]', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'stays', protocolVersion: 5 })
  const codeOf = new Promise((resolve) =>
    client.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
  )
  const disconnect = async (reasonCode: number): Promise<number> =>
    (await api.post('/api/v1/clients/disconnect', { clientId: 'stays', reasonCode })).status
  // Unsupported version, bad user name, banned: of CONNACK. Identifier in use, not found: of acknowledgements. None.
  for (const reasonCode of [0x84, 0x86, 0x8a, 0x91, 0x92, 0xa3])
    assert.equal(await disconnect(reasonCode), 400, String(reasonCode))
  assert.equal(await disconnect(0x96), 200)
  assert.equal(await codeOf, 0x96)
})

test('disconnect ends the connection, forget the session too', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'kept', clean: false })
  const closed = new Promise<void>((resolve) => client.once('close', resolve))
  assert.deepEqual((await api.post('/api/v1/clients/disconnect', { clientId: 'kept' })).json, {
    done: true,
  })
  await closed
  assert.equal((await api.get('/api/v1/clients?q=kept')).json.total, 1)
  const forget = { clientId: 'kept' }
  assert.deepEqual((await api.post('/api/v1/clients/forget', forget)).json, { done: true })
  assert.equal((await api.get('/api/v1/clients?q=kept')).json.total, 0)
  assert.deepEqual((await api.post('/api/v1/clients/forget', forget)).json, { done: false })
})

test('subscriptions are found by text and by the topic they match; shared ones too', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'sub', protocolVersion: 5 })
  await client.subscribeAsync(['house/+/temp', '$share/g/house/#', 'garden/x'])
  const find = async (query: string): Promise<string[]> => {
    const { json } = await api.get(`/api/v1/subscriptions?${query}`)
    return json.items.map(({ filter }: { filter: string }) => filter).sort()
  }
  assert.deepEqual(await find('match=house/1/temp'), ['$share/g/house/#', 'house/+/temp'])
  assert.deepEqual(await find('q=GARDEN'), ['garden/x'])
  assert.deepEqual(await find('shared=true'), ['$share/g/house/#'])
  assert.deepEqual(await find('clientId=nobody'), [])
})

test('who receives a topic: every subscription, and the groups it belongs to', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ clientId: 'one', protocolVersion: 5 })
  await client.subscribeAsync(['a/b', '$share/g/a/#'], { qos: 1 })
  const { json } = await api.get('/api/v1/subscriptions/receivers?topic=a/b')
  assert.equal(json.total, 2)
  assert.deepEqual(
    json.items.map(({ group, mayReceive }: { group: string | null; mayReceive: boolean }) => [
      group,
      mayReceive,
    ]),
    [
      [null, true],
      ['g', true],
    ],
  )
  assert.equal((await api.get('/api/v1/subscriptions/receivers?topic=a/%2B')).status, 400)
})

test('retained messages are browsed, read whole, removed, and purged after a look', async (context) => {
  const api = await startLocal(context)
  for (let index = 0; index < 5; index++)
    await api.post('/api/v1/publish', { topic: `r/${index}`, payload: `v${index}`, retain: true })
  const all = (await api.get('/api/v1/retained?filter=r/%23&pageSize=2&page=2')).json
  assert.equal(all.total, 5)
  assert.equal(all.items.length, 2)
  const one = (await api.get('/api/v1/retained/message?topic=r/3')).json
  assert.equal(Buffer.from(one.payload, 'base64').toString(), 'v3')
  assert.deepEqual((await api.remove('/api/v1/retained/message?topic=r/3')).json, { done: true })
  assert.equal((await api.get('/api/v1/retained/message?topic=r/3')).status, 404)
  const purge = { filter: 'r/#', dryRun: true }
  const preview = (await api.post('/api/v1/retained/purge', purge)).json
  assert.deepEqual([preview.count, preview.payloadBytes, preview.dryRun], [4, 8, true])
  assert.equal((await api.get('/api/v1/retained?filter=r/%23')).json.total, 4)
  const done = (await api.post('/api/v1/retained/purge', { ...purge, dryRun: false })).json
  assert.equal(done.count, 4)
  assert.equal((await api.get('/api/v1/retained?filter=r/%23')).json.total, 0)
  assert.equal((await api.get('/api/v1/retained?filter=a%23')).status, 400)
})

test('delayed messages are listed in the order in which they are due, and cancelled', async (context) => {
  const api = await startLocal(context, 'delayed_publish true')
  const say = (topic: string) =>
    api.post('/api/v1/publish', { topic, payload: 'p', qos: 1, retain: true })
  for (const topic of ['$delayed/500/d/2', '$delayed/300/d/1', '$delayed/400/other'])
    assert.equal((await say(topic)).json.receivers, 0)
  assert.equal((await say('$delayed/x/a')).status, 400)
  const all = (await api.get('/api/v1/delayed?filter=d/%23')).json
  assert.deepEqual(
    all.items.map(({ topic, qos, retain }: Json) => [topic, qos, retain]),
    [
      ['d/1', 1, true],
      ['d/2', 1, true],
    ],
  )
  assert.ok(all.items[0].dueAtMs > Date.now() + 200_000)
  const path = `/api/v1/delayed/${all.items[0].id}`
  assert.deepEqual((await api.remove(path)).json, { done: true })
  assert.deepEqual((await api.remove(path)).json, { done: false })
  assert.equal((await api.get('/api/v1/delayed')).json.total, 2)
})

test('publishing keeps bytes, properties and order', async (context) => {
  const api = await startLocal(context)
  const client = await api.client({ protocolVersion: 5 })
  await client.subscribeAsync('out', { qos: 2 })
  const message = new Promise<[string, Buffer, IPublishPacket]>((resolve) =>
    client.once('message', (...said) => resolve(said)),
  )
  const bytes = Buffer.from([0, 255, 128])
  const answer = await api.post('/api/v1/publish', {
    topic: 'out',
    payload: bytes.toString('base64'),
    encoding: 'base64',
    qos: 2,
    properties: {
      contentType: 'application/octet-stream',
      correlationData: 'AQI=',
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
    },
  })
  assert.deepEqual(answer.json, { receivers: 1 })
  const [, payload, packet] = await message
  assert.deepEqual(payload, bytes)
  assert.equal(packet.qos, 2)
  assert.equal(packet.properties?.contentType, 'application/octet-stream')
  assert.deepEqual([...(packet.properties?.correlationData ?? [])], [1, 2])
  assert.deepEqual({ ...packet.properties?.userProperties }, { b: ['1', '3'], a: '2' })
  const messages = [{ topic: 'out', payload: '1' }, { topic: 'none' }]
  assert.deepEqual((await api.post('/api/v1/publish/batch', { messages })).json, {
    published: 2,
    receivers: 1,
  })
})

test('the OpenAPI document names every endpoint, and its page needs nothing from elsewhere', async (context) => {
  const api = await startLocal(context)
  const { json } = await api.get('/api/v1/openapi.json')
  assert.equal(json.openapi, '3.1.0')
  for (const { method, url } of Object.values(CONTRACT)) {
    const path = url.replace(/:(\w+)/g, '{$1}')
    assert.ok(json.paths[path]?.[method.toLowerCase()], `${method} ${url}`)
  }
  const page = await api.get('/api/v1/docs')
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.text, /<script|https?:\/\/|\bon\w+=|style=/)
  assert.match(page.text, /retained\/purge/)
  assert.equal((await api.get('/api/v1/docs.css')).status, 200)
})

test('HEAD answers as GET does, without a body', async (context) => {
  const api = await startLocal(context)
  const more = ['/api/v1/openapi.json', '/api/v1/docs', '/api/v1/docs.css', '/', '/api/missing']
  const paths = Object.values(CONTRACT).flatMap(({ method, url }) =>
    method === 'GET' ? [url] : [],
  )
  for (const path of [...paths, ...more].filter((each) => !each.includes('events'))) {
    const [get, head] = [await api.get(path), await api.call('HEAD', path)]
    const facts = ({ status, headers }: typeof get) => [status, headers['content-type']]
    assert.deepEqual(facts(head), facts(get), path)
    assert.equal(head.text, '')
  }
  const events = await api.call('HEAD', '/api/v1/events')
  assert.deepEqual([events.status, events.text], [200, ''])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../server/run-mozzie.ts'
import { eventsOf, startLocal } from './api-server.ts'

test('live events bring a sample at once, and clients as they come', async (context) => {
  const api = await startLocal(context)
  const events = eventsOf(await api.open('/api/v1/events?kinds=stats,client'))
  const { value: first } = await events.next()
  assert.equal(first.event, 'stats')
  assert.equal(first.data.now.connections, 0)
  assert.equal(first.data.drops.queueFull, 0)
  await api.client({ clientId: 'live-1' })
  for await (const { event, data } of events) {
    if (event !== 'client') continue
    assert.equal(data.clientId, 'live-1')
    assert.equal(data.kind, 'connected')
    break
  }
})

test('the live log shows lines that nobody writes, of one client', async (context) => {
  const api = await startLocal(context)
  const answer = await api.open('/api/v1/events?kinds=log&levels=debug&clientId=chosen')
  const events = eventsOf(answer)
  const wanted = events.next()
  const other = await api.client({ clientId: 'other' })
  await other.publishAsync('a', 'x')
  const chosen = await api.client({ clientId: 'chosen' })
  await chosen.publishAsync('a\u202eb', 'x', { qos: 1 })
  let { value } = await wanted
  while (!/PUBLISH/.test(value.data.text)) ({ value } = await events.next())
  assert.equal(value.data.level, 'debug')
  assert.match(value.data.text, /^Received PUBLISH from chosen .*'a\\u202eb'/)
  answer.destroy()
  await until(
    () => api.server.log.mask === 0,
    () => `mask ${api.server.log.mask}`,
  )
})

test('there is a bound on live streams', async (context) => {
  const api = await startLocal(context)
  for (let index = 0; index < 32; index++)
    assert.equal((await api.open('/api/v1/events')).statusCode, 200)
  assert.equal((await api.get('/api/v1/events')).status, 503)
})

test('unknown kinds and levels are refused', async (context) => {
  const api = await startLocal(context)
  assert.equal((await api.get('/api/v1/events?kinds=all')).status, 400)
  assert.equal((await api.get('/api/v1/events?kinds=log&levels=loud')).status, 400)
})

test('a trace keeps the packets of one client, without its password', async (context) => {
  const api = await startLocal(context)
  const { json: trace } = await api.post('/api/v1/traces', { clientId: 'traced' })
  const client = await api.client({
    clientId: 'traced',
    username: 'u',
    password: 'pass-phrase',
    protocolVersion: 5,
  })
  await api.client({ clientId: 'not-traced' })
  await client.subscribeAsync('t', { qos: 1 })
  await client.publishAsync('t', 'payload', { qos: 1 })
  await client.publishAsync('big', Buffer.alloc(40_000, 1))
  const path = `/api/v1/traces/${trace.id}`
  await until(
    () => api.server.broker.stats.publishReceived === 2,
    () => '',
  )
  const { packets } = (await api.get(path)).json
  const types = packets.map(
    ({ direction, type }: { direction: string; type: string }) => `${direction} ${type}`,
  )
  assert.deepEqual(types.slice(0, 5), [
    'received CONNECT',
    'sent CONNACK',
    'received SUBSCRIBE',
    'sent SUBACK',
    'received PUBLISH',
  ])
  for (const type of ['sent PUBLISH', 'sent PUBACK', 'received PUBACK'])
    assert.ok(types.includes(type), type)
  assert.equal(Buffer.from(packets[4].payload, 'base64').toString(), 'payload')
  const file = await api.get(`${path}/download`)
  assert.match(String(file.headers['content-disposition']), /^attachment; filename="mozzie-trace-/)
  assert.doesNotMatch(file.text, /pass-phrase|cGFzcy1waHJhc2U/)
  const lines = file.text.trim().split('\n')
  for (const line of lines) assert.equal(JSON.parse(line).clientId, 'traced')
  const readable = await api.get(`${path}/download?format=text`)
  assert.match(readable.text, / traced \[127\.0\.0\.1:\d+\] --> CONNECT 'traced' \(p5, /)
  assert.equal((await api.remove(path)).json.done, true)
  assert.equal((await api.get(path)).status, 404)
})

test('a trace of a topic keeps PUBLISH alone, large ones with their begin', async (context) => {
  const api = await startLocal(context)
  const receivers = [await api.client(), await api.client()]
  for (const receiver of receivers) await receiver.subscribeAsync('#')
  const { json: trace } = await api.post('/api/v1/traces', { topic: 'big/+' })
  const client = await api.client()
  await client.publishAsync('small', 'x')
  await client.publishAsync('big/1', Buffer.alloc(50_000, 'y'), { qos: 1 })
  await until(
    () => api.server.broker.stats.publishSent === 4,
    () => '',
  )
  const { packets } = (await api.get(`/api/v1/traces/${trace.id}`)).json
  assert.equal(packets.length, 3)
  for (const packet of packets) {
    assert.equal(packet.type, 'PUBLISH')
    assert.equal(Buffer.from(packet.payload, 'base64').toString(), 'y'.repeat(1024))
    assert.ok(packet.bytes > 50_000)
  }
})

test('a trace that asks for nothing is refused, and there is a bound on traces', async (context) => {
  const api = await startLocal(context)
  assert.equal((await api.post('/api/v1/traces', {})).status, 400)
  assert.equal((await api.post('/api/v1/traces', { topic: '$share/g/a' })).status, 400)
  for (let index = 0; index < 5; index++)
    assert.equal((await api.post('/api/v1/traces', { address: '127.0.0.1' })).status, 200)
  assert.equal((await api.post('/api/v1/traces', { address: '127.0.0.1' })).status, 409)
  assert.equal((await api.get('/api/v1/traces')).json.traces.length, 5)
})

test('the last lines of the log can be read by who comes late', async (context) => {
  const api = await startLocal(context)
  const answer = await api.open('/api/v1/events?kinds=log&levels=notice')
  const events = eventsOf(answer)
  await api.client({ clientId: 'early' })
  const { value } = await events.next()
  const { json } = await api.get('/api/v1/log?levels=notice')
  assert.deepEqual(json.lines[0], value.data)
  assert.ok(value.data.number > 0)
  assert.deepEqual((await api.get('/api/v1/log?levels=error')).json.lines, [])
  assert.deepEqual((await api.get('/api/v1/log?text=nothing-like-it')).json.lines, [])
})

/** Bodies and queries that the API does not take: none of it is read as something else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTRACT } from '../../src/admin/contract.ts'
import { startLocal } from './api-server.ts'

const refused: [why: string, body: object, status: number][] = [
  ['a wildcard', { topic: 'a/#' }, 400],
  ['an empty topic', { topic: '' }, 400],
  ['$SYS', { topic: '$SYS/broker/uptime' }, 403],
  ['a NUL', { topic: 'a\0b' }, 400],
  ['half a surrogate pair', { topic: 'a\ud800' }, 400],
  ['broken base64', { topic: 'a', payload: '?', encoding: 'base64' }, 400],
  ['QoS 3', { topic: 'a', qos: 3 }, 400],
  ['an unknown field', { topic: 'a', quality: 1 }, 400],
  ['an object for a text', { topic: { a: 1 } }, 400],
]
for (const [why, body, status] of refused)
  test(`publishing refuses ${why}`, async (context) => {
    const api = await startLocal(context)
    assert.equal((await api.post('/api/v1/publish', body)).status, status)
    const received = api.server.broker.stats.publishReceived
    assert.equal(received, 0)
  })

const malformed: [string, object][] = [
  ['a tab in the topic', { topic: 'a\tb' }],
  ['a NUL in the topic', { topic: 'a\0b' }],
  ['U+FFFF in the topic', { topic: 'a\uffff' }],
  ['a topic of 70,000 bytes', { topic: 'ü'.repeat(35_000) }],
  ['half of a surrogate pair in the payload', { topic: 'a', payload: '\ud800' }],
  ['a tab in the content type', { topic: 'a', properties: { contentType: 'x\ty' } }],
  ['a tab in a user property', { topic: 'a', properties: { userProperties: [['x\ty', 'z']] } }],
  ['a wildcard in the response topic', { topic: 'a', properties: { responseTopic: '#' } }],
  [
    'bytes that are no UTF-8',
    {
      topic: 'a',
      payload: '/w==',
      encoding: 'base64',
      properties: { payloadFormat: 1 },
    },
  ],
]

for (const [name, message] of malformed)
  test(`a message with ${name} is refused, in a batch too, and subscribers stay`, async (context) => {
    const api = await startLocal(context)
    const client = await api.client({ protocolVersion: 5 })
    await client.subscribeAsync('#')
    let closes = 0
    client.on('close', () => closes++)
    const body = { retain: true, ...message }
    assert.equal((await api.post('/api/v1/publish', body)).status, 400)
    assert.equal((await api.post('/api/v1/publish/batch', { messages: [body] })).status, 400)
    const got = new Promise((resolve) => client.once('message', resolve))
    assert.equal((await api.post('/api/v1/publish', { topic: 'good', payload: '1' })).status, 200)
    assert.equal(await got, 'good')
    assert.equal(closes, 0)
    assert.deepEqual((await api.get('/api/v1/retained?filter=%23')).json.items, [])
  })

test('a body that is not UTF-8 is 400: no other character takes its place', async (context) => {
  const api = await startLocal(context)
  const publish = async (body: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', 'x-csrf-token': 'x' }
    const url = `http://127.0.0.1:${api.httpPort}/api/v1/publish`
    const bytes = Buffer.from(body, 'latin1')
    return (await fetch(url, { method: 'POST', headers, body: bytes })).status
  }
  assert.equal(await publish('{"topic":"a","payload":"\xe4"}'), 400)
  assert.equal(await publish('{"topic":"a","payload":"\xc3\xa4"}'), 200)
})

test('a message over message_size_limit is refused as a client would be', async (context) => {
  const api = await startLocal(context, 'message_size_limit 10')
  const post = (payload: string) => api.post('/api/v1/publish', { topic: 'a', payload })
  assert.equal((await post('x'.repeat(10))).status, 200)
  assert.equal((await post('x'.repeat(11))).status, 413)
})

const coerced: [string, string][] = [
  ['a number for a payload', '{"topic":"a","payload":1724442618569203714}'],
  ['a text for a flag', '{"topic":"a","retain":"false"}'],
  ['a text for a number', '{"topic":"a","qos":"1"}'],
  ['null for a text', '{"topic":"a","payload":null}'],
  ['a number for a user property', '{"topic":"a","properties":{"userProperties":[["a",1]]}}'],
  ['what the schema does not have', '{"topic":"a","paylaod":"x"}'],
]

for (const [name, body] of coerced)
  test(`${name} in a body is refused, not read as something else`, async (context) => {
    const api = await startLocal(context)
    const headers = { 'content-type': 'application/json', 'x-csrf-token': 'x' }
    const { status } = await api.call('POST', '/api/v1/publish', { body, headers })
    assert.equal(status, 400)
  })

test('numbers and flags of a query are read as what they are', async (context) => {
  const api = await startLocal(context)
  const get = async (query: string) => (await api.get(`/api/v1/acl/test?${query}`)).status
  assert.equal(await get('action=publish&topic=a&qos=1&retain=true'), 200)
  assert.equal(await get('action=publish&topic=a&qos=x'), 400)
  assert.equal(await get('action=publish&topic=a&qos=1e999'), 400)
  assert.equal(await get('action=publish&topic=a&retain=maybe'), 400)
})

/** Each number of each query, by the name of its endpoint. */
const numbers = Object.entries(CONTRACT).flatMap(([endpoint, { method, url, query }]) =>
  Object.entries((query?.['properties'] ?? {}) as Record<string, { type: string }>)
    .filter(([, { type }]) => type === 'integer' || type === 'number')
    .map(([name]) => ({ endpoint, method, url: url.replace(/:\w+/, '1'), name })),
)

test('a number of a query is written in plain digits, in every query', async (context) => {
  const api = await startLocal(context)
  const wrong = [
    '0x1',
    '0b1',
    '0o1',
    '1e1',
    '1E0',
    ' 1',
    '1 ',
    '\n1',
    '+1',
    '01',
    '1.',
    '.1',
    '1.0',
    '1_0',
    '',
  ]
  assert.ok(numbers.length > 20, `${numbers.length}`)
  for (const { endpoint, method, url, name } of numbers)
    for (const text of [...wrong, '١', 'Infinity', 'NaN', 'null', '9'.repeat(400)]) {
      const { status, text: body } = await api.call(
        method,
        `${url}?${name}=${encodeURIComponent(text)}`,
      )
      assert.equal(status, 400, `${endpoint} ${name}=${text}`)
      assert.match(body, new RegExp(`querystring/${name} must|required`))
    }
  assert.equal((await api.get('/api/v1/clients?page=1&pageSize=10')).status, 200)
})

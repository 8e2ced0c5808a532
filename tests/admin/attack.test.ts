import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { CONTRACT } from '../../src/admin/contract.ts'
import type { Schema } from '../../src/admin/schema.ts'
import { startConfigured, startLocal } from './api-server.ts'
import { gone } from '../support/sockets.ts'

const seed = Number(process.env.MOZZIE_FUZZ_SEED ?? Date.now() % 1_000_000)

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '#',
    '+',
    '$share/g/a',
    '__proto__',
    'constructor',
    '-1',
    '1e999',
    'a/'.repeat(300),
  ),
  fc.integer().map(String),
)

const values = fc.oneof(words, fc.integer(), fc.boolean(), fc.constant(null), fc.array(words))

/** Names that an endpoint knows, or any other. */
function namesOf(schema: Schema<unknown> | null): fc.Arbitrary<string> {
  const known = Object.keys(Object(schema?.properties) as object)
  return known.length === 0 ? words : fc.oneof(fc.constantFrom(...known), words)
}

test(`no request makes the broker fail (MOZZIE_FUZZ_SEED=${seed})`, async (context) => {
  const api = await startLocal(context)
  const endpoints = Object.values(CONTRACT).filter(({ url }) => url !== '/api/v1/events')
  for (const { method, url, query, body } of endpoints) {
    const property = fc.asyncProperty(
      fc.dictionary(namesOf(query), words, { maxKeys: 4 }),
      fc.dictionary(namesOf(body), values, { maxKeys: 5 }),
      words,
      async (parameters, fields, id) => {
        const search = new URLSearchParams(parameters).toString()
        const path = `${url.replace(':id', encodeURIComponent(Buffer.from(id).toString()))}?${search}`
        const sent = {
          headers: { 'x-csrf-token': 'x' },
          ...(body === null ? {} : { body: fields }),
        }
        const { status, text } = await api.call(method, path, sent)
        assert.ok(status < 500, `${status} ${text}`)
      },
    )
    await fc.assert(property, { numRuns: 25, seed })
  }
  assert.equal((await api.get('/health')).status, 200)
})

test('a number without end is a bad request, not a mistake of ours', async (context) => {
  const api = await startLocal(context)
  for (const name of ['seconds', 'points'])
    for (const text of ['1e999', '-1e999'])
      assert.equal((await api.get(`/api/v1/history?${name}=${text}`)).status, 400)
})

const markup = '<script>alert(1)</script>"\'&\u2028'

test('markup in names and payloads stays text', async (context) => {
  const api = await startLocal(context)
  await api.client({ clientId: markup, username: markup })
  await api.post('/api/v1/publish', { topic: markup, payload: markup, retain: true })
  for (const path of ['/api/v1/clients', '/api/v1/retained', '/metrics', '/api/v1/docs']) {
    const { headers, text } = await api.get(path)
    const type = String(headers['content-type'])
    if (!type.startsWith('application/json')) assert.doesNotMatch(text, /alert\(1\)/, path)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  }
  const found = (await api.get(`/api/v1/clients?q=${encodeURIComponent(markup)}`)).json
  assert.equal(found.items[0].clientId, markup)
})

for (const begin of [
  '',
  'GET /health HT',
  'POST /api/v1/publish HTTP/1.1\r\nHost: localhost\r\nA: ',
])
  test(`a connection that says ${JSON.stringify(begin)} and no more is closed`, async (context) => {
    const api = await startConfigured(context, 'connect_timeout 1')
    const socket = connect(api.httpPort, '127.0.0.1')
    context.after(() => void socket.destroy())
    socket.write(begin)
    await gone(socket)
  })

test('MQTT on the port of the pages is no way in', async (context) => {
  const api = await startLocal(context)
  const socket = connect(api.httpPort, '127.0.0.1')
  socket.write(Buffer.from('101000044d5154540402003c000461626364', 'hex'))
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
  await gone(socket)
  assert.match(received, /^HTTP\/1\.1 400 /)
  assert.equal(api.server.broker.counts().sessions, 0)
})

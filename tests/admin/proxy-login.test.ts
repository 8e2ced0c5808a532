import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configError } from '../config/read-config.ts'
import { scratchDirectory, startConfigured, writePasswords, type Api } from './api-server.ts'
import { connectOnce } from '../support/connect-once.ts'

/** What Home Assistant's Ingress sends along. */
const ingress = {
  host: 'homeassistant.local:8123',
  origin: 'http://homeassistant.local:8123',
  'x-ingress-path': '/api/hassio_ingress/abc',
  'x-remote-user-id': '1234',
  'x-remote-user-name': 'ann',
}

async function start(context: Parameters<typeof startConfigured>[0], more = ''): Promise<Api> {
  const file = await writePasswords(scratchDirectory(context), 'bob')
  return startConfigured(context, `password_file ${file}\nhttp_proxy_login 127.0.0.1\n${more}`)
}

const session = '/api/v1/session'

test('http_proxy_login: whom the proxy names is logged in, under whatever name the browser knows it', async (context) => {
  const api = await start(context, 'http_admin_user *')
  const { status, json } = await api.call('GET', session, { headers: ingress })
  assert.equal(status, 200)
  const { user, admin, loginRequired } = json as Record<string, unknown>
  assert.deepEqual([user, admin, loginRequired], ['ann', true, false])
  const { status: known } = await api.call('GET', '/api/v1/clients', { headers: ingress })
  assert.equal(known, 200)
})

test('http_proxy_login: without http_admin_user nobody changes anything', async (context) => {
  const api = await start(context, 'http_admin_user carl')
  assert.equal((await api.call('GET', '/api/v1/clients', { headers: ingress })).status, 403)
  const carl = { ...ingress, 'x-remote-user-name': 'carl' }
  assert.equal((await api.call('GET', '/api/v1/clients', { headers: carl })).status, 200)
})

test('http_proxy_login: a name in UTF-8 is the name', async (context) => {
  const api = await start(context)
  const name = Buffer.from('Ännchen').toString('latin1')
  const headers = { ...ingress, 'x-remote-user-name': name }
  const { json } = await api.call('GET', session, { headers })
  assert.equal((json as { user: string }).user, 'Ännchen')
})

test('http_proxy_login: who is not named is not in, nor by a password', async (context) => {
  const api = await start(context, 'http_admin_user *')
  assert.equal((await api.get(session)).status, 401)
  const authorization = `Basic ${Buffer.from('bob:correct horse').toString('base64')}`
  const { status } = await api.call('GET', '/api/v1/clients', { headers: { authorization } })
  assert.equal(status, 401)
})

test('http_proxy_login: who is banned is out, whatever the proxy says', async (context) => {
  const api = await start(context, 'http_admin_user *')
  const bob = { ...ingress, 'x-remote-user-name': 'bob' }
  const csrf = { 'x-csrf-token': 'test' }
  const headers = { ...ingress, ...csrf }
  const ban = await api.call('POST', '/api/v1/bans', { headers, body: { username: 'bob' } })
  assert.equal(ban.status, 200)
  assert.equal((await api.call('GET', '/api/v1/clients', { headers: bob })).status, 403)
  assert.equal((await api.call('GET', '/api/v1/clients', { headers: ingress })).status, 200)
})

test('http_proxy_login: others than the proxy are refused, whatever they say, WebSocket as well', async (context) => {
  const api = await startConfigured(context, 'http_proxy_login 172.30.32.2\nhttp_admin_user *')
  for (const path of ['/', session, '/health', '/api/v1/clients'])
    assert.equal((await api.call('GET', path, { headers: ingress })).status, 403, path)
  const forwarded = { ...ingress, 'x-forwarded-for': '172.30.32.2' }
  assert.equal((await api.call('GET', session, { headers: forwarded })).status, 403)
  const upgrade = {
    ...ingress,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'mqtt',
  }
  assert.equal((await api.call('GET', '/mqtt', { headers: upgrade })).status, 403)
})

test('http_proxy_login: the page connects without a second login, and as nobody else', async (context) => {
  const api = await start(context, 'allow_anonymous false\nhttp_admin_user *')
  const client = await connectOnce(`ws://127.0.0.1:${api.httpPort}/mqtt`, {
    clientId: 'page',
    username: 'bob',
    password: 'wrong',
    reconnectPeriod: 0,
    wsOptions: { headers: ingress },
  })
  context.after(() => client.endAsync(true))
  const { json } = await api.call('GET', '/api/v1/clients', { headers: ingress })
  const { items } = json as { items: { clientId: string; username: string }[] }
  assert.deepEqual(
    items.map(({ clientId, username }) => [clientId, username]),
    [['page', 'ann']],
  )
})

test('http_proxy_login: pages of other sites are refused', async (context) => {
  const api = await start(context, 'http_admin_user *')
  const evil = { ...ingress, origin: 'http://evil.example' }
  assert.equal((await api.call('GET', '/api/v1/clients', { headers: evil })).status, 403)
  const site = { ...ingress, 'sec-fetch-site': 'cross-site' }
  assert.equal((await api.call('GET', '/api/v1/clients', { headers: site })).status, 403)
  const rewritten = { ...ingress, host: '172.30.33.4:8099', 'x-forwarded-host': ingress.host }
  assert.equal((await api.call('GET', '/api/v1/clients', { headers: rewritten })).status, 200)
  const { status } = await api.call('DELETE', session, { headers: ingress })
  assert.equal(status, 403)
})

test('http_proxy_login: the page may stand in a frame of the proxy, elsewhere in none', async (context) => {
  const api = await start(context)
  const { headers } = await api.call('GET', session, { headers: ingress })
  assert.equal(headers['x-frame-options'], 'SAMEORIGIN')
  assert.match(String(headers['content-security-policy']), /frame-ancestors 'self'$/)
  const plain = await startConfigured(context, 'allow_anonymous true')
  assert.equal((await plain.get('/')).headers['x-frame-options'], 'DENY')
})

test('http_proxy_login is for HTTP listeners, and goes by who really connects', () => {
  assert.match(configError('listener 1\nhttp_proxy_login 10.0.0.1').message, /http_api/)
  const both = 'listener 1\nprotocol http_api\nenable_proxy_protocol 2\nhttp_proxy_login 10.0.0.1'
  assert.match(configError(both).message, /excludes "enable_proxy_protocol"/)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { CONTRACT } from '../../src/admin/contract.ts'
import {
  basic,
  eventsOf,
  password,
  scratchDirectory,
  startConfigured,
  startLocal,
  startWithUsers,
  type Api,
} from './api-server.ts'
import { startAnswering, type Answering } from '../auth/answering.ts'
import { gone } from '../support/sockets.ts'
import { leastOf } from '../support/patience.ts'

async function logIn(api: Api, user = 'admin'): Promise<{ cookie: string; csrfToken: string }> {
  const answer = await api.post('/api/v1/session', { username: user, password })
  assert.equal(answer.status, 200)
  const [cookie = ''] = answer.headers['set-cookie'] ?? []
  return { cookie: cookie.split(';')[0], csrfToken: answer.json.csrfToken }
}

const endpoints = Object.values(CONTRACT).map(({ method, url, access }) => ({
  method,
  path: url.replace(':id', 'x'),
  access,
}))

test('with listeners configured nobody gets in without a login', async (context) => {
  const api = await startWithUsers(context)
  for (const { method, path, access } of endpoints) {
    if (access === 'open') continue
    const headers = { 'x-csrf-token': 'any' }
    assert.equal((await api.call(method, path, { headers })).status, 401, `${method} ${path}`)
  }
})

test('a user without the role may watch what mosquitto shows, and nothing else', async (context) => {
  const api = await startWithUsers(context)
  const headers = { ...basic('user'), 'x-csrf-token': 'any' }
  for (const { method, path, access } of endpoints) {
    if (access === 'open') continue
    const { status } = await api.call(method, path, { headers })
    assert.equal(status, access === 'monitor' ? 200 : 403, `${method} ${path}`)
  }
})

test('anonymous clients may watch where the listener lets them in, and are no administrators', async (context) => {
  const api = await startConfigured(context, 'allow_anonymous true')
  assert.equal((await api.get('/api/v1/version')).status, 200)
  assert.equal((await api.get('/api/v1/clients')).status, 401)
})

test('a name that no password proves makes no administrator', async (context) => {
  const api = await startConfigured(context, 'allow_anonymous true\nhttp_admin_user admin')
  const login = await api.post('/api/v1/session', { username: 'admin', password: '' })
  assert.equal(login.status, 401)
  assert.match(login.json.message, /password_file/)
  assert.equal((await api.call('GET', '/api/v1/clients', { headers: basic('admin') })).status, 401)
})

test('access rules hold for the paths of the API, as in mosquitto', async (context) => {
  const directory = scratchDirectory(context)
  const acl = join(directory, 'acl')
  writeFileSync(acl, 'user user\ntopic read /api/v1/version\n', { mode: 0o600 })
  const api = await startWithUsers(context, `acl_file ${acl}`)
  const ask = (path: string) => api.call('GET', path, { headers: basic('user') })
  assert.equal((await ask('/api/v1/version')).status, 200)
  const refused = await ask('/api/v1/systree')
  assert.equal(refused.status, 401)
  assert.equal(refused.headers['www-authenticate'], 'Basic realm="Mosquitto API"')
})

test('rights that another program is asked about hold for the paths of the API as well', async (context) => {
  const mayRead: Answering = ({ path, params }, response) => {
    const yes = path !== '/acl' || params['topic'] === '/api/v1/version'
    response.writeHead(yes ? 200 : 403).end()
  }
  const { port } = await startAnswering(context, mayRead)
  const api = await startConfigured(
    context,
    `auth_plugin /usr/lib/go-auth.so\nauth_opt_backends http\nauth_opt_http_host 127.0.0.1\nauth_opt_http_port ${port}\n` +
      'auth_opt_http_getuser_uri /user\nauth_opt_http_aclcheck_uri /acl',
  )
  const ask = (path: string) => api.call('GET', path, { headers: basic('user') })
  assert.equal((await ask('/api/v1/version')).status, 200)
  assert.equal((await ask('/metrics')).status, 401)
})

test('the tester of access rules names the line that decides', async (context) => {
  const acl = join(scratchDirectory(context), 'acl')
  writeFileSync(acl, 'user user\ntopic read a/#\n', { mode: 0o600 })
  const api = await startWithUsers(context, `acl_file ${acl}`)
  const ask = async (query: string) =>
    (await api.call('GET', `/api/v1/acl/test?username=user&${query}`, { headers: basic('admin') }))
      .json
  const read = await ask('action=receive&topic=a/b')
  assert.deepEqual([read.allowed, read.rule, read.line], [true, 'topic read a/#', 2])
  assert.equal((await ask('action=publish&topic=a/b')).allowed, false)
})

test('the session cookie is out of the reach of scripts and other sites', async (context) => {
  const api = await startWithUsers(context)
  const answer = await api.post('/api/v1/session', { username: 'admin', password })
  const cookie = String(answer.headers['set-cookie'])
  assert.match(cookie, /^mozzie_session=[\w-]{43}; /)
  assert.match(cookie, /; HttpOnly/)
  assert.match(cookie, /; SameSite=Strict/)
  assert.equal(answer.json.admin, true)
})

test('with a cookie every change needs its token, whatever the body pretends to be', async (context) => {
  const api = await startWithUsers(context)
  const { cookie, csrfToken } = await logIn(api)
  const body = JSON.stringify({ topic: 'a', payload: 'x' })
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded'])
    for (const token of [null, '', 'any', `${csrfToken}x`]) {
      const headers = {
        cookie,
        'content-type': type,
        ...(token === null ? {} : { 'x-csrf-token': token }),
      }
      assert.equal((await api.call('POST', '/api/v1/publish', { headers, body })).status, 403)
    }
  const headers = { cookie, 'x-csrf-token': csrfToken, 'content-type': 'application/json' }
  assert.equal((await api.call('POST', '/api/v1/publish', { headers, body })).status, 200)
  const text = { ...headers, 'content-type': 'text/plain' }
  assert.equal((await api.call('POST', '/api/v1/publish', { headers: text, body })).status, 415)
})

test('without a cookie a change needs the header that no foreign form can send', async (context) => {
  const api = await startLocal(context)
  const body = { topic: 'a' }
  assert.equal((await api.call('POST', '/api/v1/publish', { body })).status, 403)
  assert.equal((await api.post('/api/v1/publish', body)).status, 200)
})

test('logging in gives a new token, logging out ends it', async (context) => {
  const api = await startWithUsers(context)
  const first = await logIn(api)
  const again = await api.call('POST', '/api/v1/session', {
    headers: { cookie: first.cookie, 'x-csrf-token': first.csrfToken },
    body: { username: 'admin', password },
  })
  const second = String(again.headers['set-cookie']).split(';')[0]
  assert.notEqual(second, first.cookie)
  const overview = (cookie: string) =>
    api.call('GET', '/api/v1/overview', { headers: { cookie } }).then(({ status }) => status)
  assert.equal(await overview(first.cookie), 401)
  assert.equal(await overview(second), 200)
  const headers = { cookie: second, 'x-csrf-token': again.json.csrfToken }
  assert.equal((await api.call('DELETE', '/api/v1/session', { headers })).json.done, true)
  assert.equal(await overview(second), 401)
})

test('a token that was made up is none', async (context) => {
  const api = await startWithUsers(context)
  const headers = { cookie: `mozzie_session=${'A'.repeat(43)}` }
  assert.equal((await api.call('GET', '/api/v1/overview', { headers })).status, 401)
})

const hosts: [host: string, status: number][] = [
  ['evil.example', 421],
  ['127.0.0.1.evil.example', 421],
  ['localhost.evil.example:9883', 421],
  ['127.0.0.1:9883@evil.example', 421],
  ['localhost:9883', 200],
  ['LOCALHOST', 200],
  ['[::1]:9883', 200],
  ['192.168.0.7', 200],
]
for (const [host, status] of hosts)
  test(`Host "${host}" is answered with ${status}`, async (context) => {
    const api = await startLocal(context)
    for (const path of ['/api/v1/overview', '/', '/metrics'])
      assert.equal((await api.call('GET', path, { headers: { host } })).status, status, path)
  })

for (const name of ['x-forwarded-for', 'forwarded', 'via'])
  test(`without logins nobody is served who comes by a proxy (${name})`, async (context) => {
    const api = await startLocal(context)
    const headers = { [name]: 'for=10.0.0.1' }
    assert.equal((await api.call('GET', '/api/v1/overview', { headers })).status, 403)
    assert.equal((await api.call('GET', '/health', { headers })).status, 200)
  })

test('http_host allows a name', async (context) => {
  const api = await startConfigured(context, 'allow_anonymous true\nhttp_host broker.shop.lan')
  const headers = { host: 'Broker.shop.lan:9883' }
  assert.equal((await api.call('GET', '/api/v1/version', { headers })).status, 200)
})

const foreign: Record<string, string>[] = [
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: 'http://127.0.0.1:1' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
]
for (const headers of foreign)
  test(`a request with ${JSON.stringify(headers)} is refused`, async (context) => {
    const api = await startLocal(context)
    assert.equal((await api.call('GET', '/api/v1/overview', { headers })).status, 403)
    const post = { headers: { ...headers, 'x-csrf-token': 'x' }, body: { topic: 'a' } }
    assert.equal((await api.call('POST', '/api/v1/publish', post)).status, 403)
  })

test('our own pages are let through, and no answer is for other sites', async (context) => {
  const api = await startLocal(context)
  const host = `127.0.0.1:${api.httpPort}`
  const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }
  const answer = await api.call('GET', '/api/v1/version', { headers })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['access-control-allow-origin'], undefined)
  const preflight = { ...headers, 'access-control-request-method': 'POST' }
  assert.equal((await api.call('OPTIONS', '/api/v1/publish', { headers: preflight })).status, 405)
})

test('every answer carries the headers that bind a page', async (context) => {
  const api = await startLocal(context)
  for (const path of ['/', '/api/v1/overview', '/nothing', '/metrics', '/api/v1/docs']) {
    const { headers } = await api.get(path)
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /default-src 'none'/, path)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['x-frame-options'], 'DENY')
    assert.equal(headers['referrer-policy'], 'no-referrer')
  }
})

const traversals = [
  '/../secret',
  '/%2e%2e/secret',
  '/..%2fsecret',
  '/assets/../../secret',
  '/assets/..\\..\\secret',
  '/%2e%2e%2fweb-secret/file',
  '//etc/passwd',
  '/link',
  '/.hidden',
  '/%00',
]
test('no path leads out of the directory of the pages', async (context) => {
  const directory = scratchDirectory(context)
  const root = join(directory, 'web')
  mkdirSync(join(root, 'assets'), { recursive: true })
  mkdirSync(join(directory, 'web-secret'))
  writeFileSync(join(directory, 'secret'), 'SECRET')
  writeFileSync(join(directory, 'web-secret', 'file'), 'SECRET')
  writeFileSync(join(root, '.hidden'), 'SECRET')
  writeFileSync(join(root, 'index.html'), '<p>page')
  writeFileSync(join(root, 'assets', 'app-12345678.js'), '1')
  writeFileSync(join(root, 'assets', 'sandbox-12345678.js'), '1')
  symlinkSync(join(directory, 'secret'), join(root, 'link'))
  const api = await startConfigured(context, `http_dir ${root}`)
  for (const path of traversals) {
    const { status, text } = await api.get(path)
    assert.ok(status >= 400, `${path}: ${status}`)
    assert.doesNotMatch(text, /SECRET/, path)
  }
  const page = await api.get('/')
  assert.equal(page.text, '<p>page')
  assert.equal(page.headers['cache-control'], 'no-cache')
  const script = await api.get('/assets/app-12345678.js')
  assert.match(String(script.headers['cache-control']), /immutable/)
  const sandbox = await api.get('/assets/sandbox-12345678.js')
  assert.match(
    String(sandbox.headers['content-security-policy']),
    /unsafe-eval.*connect-src 'none'/,
  )
})

const bodies: [why: string, body: string][] = [
  ['no JSON', '{'],
  ['a number too large', '{"topic":"a","qos":1e309}'],
  ['deep nesting', '['.repeat(100_000)],
  ['closed deep nesting', '['.repeat(50_000) + ']'.repeat(50_000)],
  ['__proto__', '{"topic":"a","__proto__":{"admin":true}}'],
  ['constructor.prototype', '{"topic":"a","constructor":{"prototype":{"admin":true}}}'],
]
test('hostile JSON is refused quickly and changes nothing', async (context) => {
  const api = await startLocal(context)
  const headers = { 'content-type': 'application/json', 'x-csrf-token': 'x' }
  for (const [why, body] of bodies) {
    const ms = await leastOf(100, async () => {
      const startMs = performance.now()
      const { status } = await api.call('POST', '/api/v1/publish', { headers, body })
      assert.equal(status, 400, why)
      return performance.now() - startMs
    })
    assert.ok(ms <= 100, `${why}: ${ms} ms`)
  }
  assert.equal(({} as Record<string, unknown>)['admin'], undefined)
  const large = 'x'.repeat(9 << 20)
  const tooLarge = await api
    .call('POST', '/api/v1/publish', { headers, body: `{"topic":"a","payload":"${large}"}` })
    .catch(() => ({ status: 413 }))
  assert.equal(tooLarge.status, 413)
  assert.equal((await api.get('/health')).status, 200)
})

test('a body is not read before it is known who sends it', async (context) => {
  const api = await startWithUsers(context)
  const socket = connect(api.httpPort, '127.0.0.1')
  context.after(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write(
    'POST /api/v1/publish HTTP/1.1\r\nHost: localhost\r\nX-CSRF-Token: a\r\n' +
      'Content-Type: application/json\r\nContent-Length: 8000000\r\n\r\n{',
  )
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  assert.match(chunk.toString(), /^HTTP\/1\.1 401 /)
})

test('large headers are refused', async (context) => {
  const api = await startLocal(context)
  const answer = await api.call('GET', '/health', { headers: { x: 'y'.repeat(64_000) } })
  assert.equal(answer.status, 431)
})

test('max_connections bounds the connections of the listener', async (context) => {
  const api = await startConfigured(context, 'max_connections 3')
  const sockets = Array.from({ length: 3 }, () => connect(api.httpPort, '127.0.0.1'))
  context.after(() => sockets.forEach((socket) => socket.destroy()))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const late = connect(api.httpPort, '127.0.0.1')
  await gone(late)
  assert.equal(late.bytesRead, 0)
})

const upgrades: [why: string, headers: Record<string, string>, path: string, status: number][] = [
  ['our own page', {}, '/mqtt', 101],
  ['a page of another site', { Origin: 'https://evil.example' }, '/mqtt', 403],
  ['a sandboxed page', { Origin: 'null' }, '/mqtt', 403],
  ['a rebound name', { Host: 'evil.example', Origin: 'http://evil.example' }, '/mqtt', 421],
  ['another path', {}, '/api/v1/overview', 404],
  ['no subprotocol', { 'Sec-WebSocket-Protocol': 'chat' }, '/mqtt', 400],
]
for (const [why, headers, path, status] of upgrades)
  test(`WebSocket for ${why} is answered with ${status}`, async (context) => {
    const api = await startLocal(context)
    const host = `127.0.0.1:${api.httpPort}`
    const all = {
      Host: host,
      Origin: `http://${host}`,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol': 'mqtt',
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    const socket = connect(api.httpPort, '127.0.0.1')
    context.after(() => void socket.destroy())
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    assert.equal(Number(chunk.toString().split(' ')[1]), status)
  })

test('live events end when the login does', async (context) => {
  const api = await startWithUsers(context)
  const { cookie, csrfToken } = await logIn(api)
  const events = eventsOf(await api.open('/api/v1/events', { cookie }))
  await events.next()
  await api.call('DELETE', '/api/v1/session', { headers: { cookie, 'x-csrf-token': csrfToken } })
  let count = 0
  for await (const _ of events) assert.ok(++count < 5)
})

test('an internal mistake is told to the log, not to the caller', async (context) => {
  const api = await startLocal(context)
  const { broker } = api.server
  const lines: string[] = []
  api.server.log.watch(1, ({ text }) => lines.push(text))
  broker.forget = () => {
    throw new Error('INTERNAL DETAIL')
  }
  const answer = await api.post('/api/v1/clients/forget', { clientId: 'x' })
  assert.equal(answer.status, 500)
  assert.doesNotMatch(answer.text, /INTERNAL DETAIL|\.js/)
  assert.ok(lines.some((line) => line.includes('INTERNAL DETAIL')))
})

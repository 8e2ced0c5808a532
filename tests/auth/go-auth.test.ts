import assert from 'node:assert/strict'
import { pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import { until } from '../server/run-mozzie.ts'
import { startAnswering, type Answering, type Asked } from './answering.ts'
import { untilLogged, startSecured } from './secured.ts'

const plugin = 'listener PORT0 127.0.0.1\nauth_plugin /usr/lib/go-auth.so\n'

function options(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([name, value]) => `auth_opt_${name} ${value}\n`)
    .join('')
}

function httpOptions(port: number, more: Record<string, string | number> = {}): string {
  return options({
    backends: 'http',
    http_host: '127.0.0.1',
    http_port: port,
    http_getuser_uri: '/user',
    http_superuser_uri: '/super',
    http_aclcheck_uri: '/acl',
    ...more,
  })
}

/** Users log in with the password `p`; `root` may do everything, others what they are called. */
const usual: Answering = ({ path, params }, response) => {
  const { username, password, topic } = params
  const yes =
    path === '/user'
      ? password === 'p'
      : path === '/super'
        ? username === 'root'
        : String(topic).startsWith(`${String(username)}/`)
  response.writeHead(yes ? 200 : 403).end()
}

function line(user: string, password: string): string {
  const salt = Buffer.from('0123456789abcdef')
  const hash = pbkdf2Sync(password, salt, 1000, 64, 'sha512').toString('base64')
  return `${user}:PBKDF2$sha512$1000$${salt.toString('base64')}$${hash}\n`
}

const countOf = (asked: readonly Asked[], path: string): number =>
  asked.filter((each) => each.path === path).length

test('go-auth http: logins and rights are asked of the server', async (context) => {
  const { port, asked } = await startAnswering(context, usual)
  const broker = await startSecured(context, plugin + httpOptions(port))
  const ann = await broker.connect({ clientId: 'dev', username: 'ann', password: 'p' })
  assert.deepEqual(asked[0], {
    path: '/user',
    method: 'POST',
    type: 'application/json',
    authorization: '',
    params: { username: 'ann', password: 'p', clientid: 'dev' },
  })
  await ann.subscribe('ann/#')
  assert.equal(await ann.publish('bob/x', '', { qos: 1 }), 0x87)
  assert.equal(await ann.publish('ann/x', '', { qos: 1 }), 0)
  await ann.receive({ topic: 'ann/x' })
  const acl = asked.filter(({ path }) => path === '/acl').map(({ params }) => params)
  const who = { username: 'ann', clientid: 'dev' }
  assert.deepEqual(acl, [
    { ...who, topic: 'ann/#', acc: 4 },
    { ...who, topic: 'bob/x', acc: 2 },
    { ...who, topic: 'ann/x', acc: 2 },
    { ...who, topic: 'ann/x', acc: 1 },
  ])
  await broker.connect({ username: 'ann', password: 'q' }, 0x87)
  await broker.connect({}, 0x87)
})

test('go-auth http: a superuser may do everything, unless there are to be none', async (context) => {
  const { port, asked } = await startAnswering(context, usual)
  const broker = await startSecured(context, plugin + httpOptions(port))
  const root = await broker.connect({ username: 'root', password: 'p' })
  assert.equal(await root.publish('x', '', { qos: 1 }), 0x10)
  assert.equal(countOf(asked, '/acl'), 0)
  broker.write('mosquitto.conf', plugin + httpOptions(port, { disable_superuser: 'true' }))
  await broker.reload()
  assert.equal(await root.publish('x', '', { qos: 1 }), 0x87)
})

test('go-auth http: a form, answers in JSON and as text', async (context) => {
  for (const [mode, yes, no] of [
    ['json', '{"Ok": true, "Error": ""}', '{"ok": false, "error": "no"}'],
    ['text', 'ok', 'OK'],
  ]) {
    const { port, asked } = await startAnswering(context, ({ params }, response) => {
      response.end(params.username === 'ann' || params.topic === 'a b&c' ? yes : no)
    })
    const more = { http_params_mode: 'form', http_response_mode: mode, http_method: 'PUT' }
    const broker = await startSecured(context, plugin + httpOptions(port, more))
    const ann = await broker.connect({ username: 'ann', password: 'ü&=' })
    const { method, type, params } = asked[0]
    assert.deepEqual(
      [method, type, params.password],
      ['PUT', 'application/x-www-form-urlencoded', 'ü&='],
    )
    await ann.publish('a b&c', '', { qos: 1 })
    assert.equal(asked.at(-1)?.path, '/super')
    await broker.connect({ username: 'bob', password: 'p' }, 0x87)
  }
})

test('go-auth http: answers are kept as long as the cache says', async (context) => {
  const { port, asked } = await startAnswering(context, usual)
  const cache = { cache: 'true', auth_cache_seconds: 300, acl_cache_seconds: 300 }
  const broker = await startSecured(context, plugin + httpOptions(port, cache))
  const login = { clientId: 'dev', username: 'ann', password: 'p' }
  for (let round = 0; round < 3; round++) {
    const ann = await broker.connect(login)
    assert.equal(await ann.publish('ann/x', '', { qos: 1 }), 0x10)
    assert.equal(await ann.publish('bob/x', '', { qos: 1 }), 0x87)
  }
  assert.deepEqual([countOf(asked, '/user'), countOf(asked, '/acl')], [1, 2])
  await broker.connect({ ...login, password: 'q' }, 0x87)
  assert.equal(countOf(asked, '/user'), 2)
  await broker.reload()
  await broker.connect(login)
  assert.equal(countOf(asked, '/user'), 3)
})

test('go-auth http: a login and a right that are asked about when the broker reloads get their answers', async (context) => {
  const held: (() => void)[] = []
  let isHeld = false
  const { port } = await startAnswering(context, (asked, response) => {
    if (isHeld) held.push(() => usual(asked, response))
    else usual(asked, response)
  })
  const broker = await startSecured(context, plugin + httpOptions(port))
  const ann = await broker.connect({ username: 'ann', password: 'p' })
  isHeld = true
  const publishing = ann.publish('ann/x', '', { qos: 1 })
  const coming = broker.connect({ username: 'bob', password: 'p' })
  await until(() => held.length === 2, broker.mozzie.stderr)
  await broker.reload()
  isHeld = false
  for (const answer of held) answer()
  assert.equal(await publishing, 0x10)
  await coming
})

const endless: Answering = (_asked, response) => {
  response.writeHead(200)
  const timer = setInterval(() => response.write('x'.repeat(10_000)), 5)
  response.on('close', () => clearInterval(timer))
}
const hostile: Record<string, Answering> = {
  'status 500': (_asked, response) => void response.writeHead(500).end('{"ok": true}'),
  'a redirect': (_asked, response) => void response.writeHead(302, { location: '/yes' }).end(),
  'no JSON': (_asked, response) => void response.end('ok'),
  'a list': (_asked, response) => void response.end('[{"ok": true}]'),
  'a word for true': (_asked, response) => void response.end('{"ok": "true"}'),
  'an endless answer': endless,
  'a broken connection': (_asked, response) => void response.destroy(),
  'half an answer': (_asked, response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('{"ok": true')
    response.destroy()
  },
  silence: () => {},
}

for (const [what, answer] of Object.entries(hostile))
  test(`go-auth http: ${what} lets nobody in and allows nothing`, async (context) => {
    let isHostile = true
    const { port } = await startAnswering(context, (asked, response) => {
      if (isHostile) answer(asked, response)
      else response.end('{"ok": true}')
    })
    const more = { http_response_mode: 'json', http_timeout: 1 }
    const broker = await startSecured(context, plugin + httpOptions(port, more))
    const isNo = what === 'a redirect' || what === 'a list' || what === 'a word for true'
    await broker.connect({ username: 'ann', password: 'p' }, isNo ? 0x87 : 0x88)
    isHostile = false
    const ann = await broker.connect({ username: 'ann', password: 'p' })
    isHostile = true
    assert.equal(await ann.publish('ann/x', '', { qos: 1 }), 0x87)
    isHostile = false
    assert.equal(await ann.publish('ann/x', '', { qos: 1 }), 0x10)
    if (!isNo) await untilLogged(broker.mozzie, /Error: go-auth's http gave no answer/)
  })

test('go-auth http: a question without an answer is asked again', async (context) => {
  let count = 0
  const { port } = await startAnswering(context, (_asked, response) => {
    response.writeHead(++count % 3 === 0 ? 200 : 502).end()
  })
  const more = { retry_count: 2, disable_superuser: 'true' }
  const broker = await startSecured(context, plugin + httpOptions(port, more))
  const ann = await broker.connect({ username: 'ann', password: 'p' })
  assert.equal(await ann.publish('x', '', { qos: 1 }), 0x10)
  assert.equal(count, 6)
})

test('go-auth: files, then http: the first that knows the password', async (context) => {
  const { port, asked } = await startAnswering(context, usual)
  const files = { files_password_path: 'DIR/pw', files_acl_path: 'DIR/acl' }
  const conf = plugin + httpOptions(port, { backends: 'files, http', ...files })
  const broker = await startSecured(context, conf, {
    pw: line('ann', 'secret'),
    acl: 'user ann\ntopic read in/#\n',
  })
  const ann = await broker.connect({ username: 'ann', password: 'secret' })
  assert.equal(countOf(asked, '/user'), 0)
  await broker.connect({ username: 'ann', password: 'p' })
  assert.equal(countOf(asked, '/user'), 1)
  const root = await broker.connect({ username: 'root', password: 'p' })
  await ann.subscribe('in/#')
  assert.equal(await root.publish('in/x', '', { qos: 1 }), 0)
  await ann.receive({ topic: 'in/x' })
  assert.equal(await ann.publish('in/x', '', { qos: 1 }), 0x87)
})

test('go-auth files: a user that is taken out goes with the reload', async (context) => {
  const files = { backends: 'files', files_password_path: 'DIR/pw' }
  const pw = line('ann', 'secret') + line('bob', 'hidden')
  const broker = await startSecured(context, plugin + options(files), { pw })
  const ann = await broker.connect({ username: 'ann', password: 'secret' })
  const bob = await broker.connect({ username: 'bob', password: 'hidden' })
  assert.equal(await ann.publish('anything', '', { qos: 1 }), 0x10)
  broker.write('pw', line('bob', 'hidden'))
  await broker.reload()
  await ann.expectDropped(0x87)
  await bob.expectNothing()
  await broker.connect({ username: 'ann', password: 'secret' }, 0x87)
})

test('go-auth: a prefix says which backend is asked', async (context) => {
  const { port, asked } = await startAnswering(context, usual)
  const more = {
    backends: 'files, http',
    files_password_path: 'DIR/pw',
    check_prefix: 'true',
    strip_prefix: 'true',
    prefixes: 'local, web',
  }
  const conf = plugin + httpOptions(port, more)
  const broker = await startSecured(context, conf, { pw: line('ann', 'secret') })
  await broker.connect({ username: 'local_ann', password: 'secret' })
  await broker.connect({ username: 'local_ann', password: 'p' }, 0x87)
  assert.equal(asked.length, 0)
  await broker.connect({ username: 'web_ann', password: 'p' })
  assert.deepEqual(asked.at(-1)?.params.username, 'ann')
  await broker.connect({ username: 'web_ann', password: 'secret' }, 0x87)
})

test('go-auth: a backend does the checks that it is registered for', async (context) => {
  const { port, asked } = await startAnswering(context, usual)
  const more = {
    backends: 'files, http',
    files_acl_path: 'DIR/acl',
    files_register: 'acl',
    http_register: 'user',
  }
  const conf = plugin + httpOptions(port, more)
  const broker = await startSecured(context, conf, { acl: 'topic write out\n' })
  const root = await broker.connect({ username: 'root', password: 'p' })
  assert.equal(await root.publish('out', '', { qos: 1 }), 0x10)
  assert.equal(await root.publish('root/x', '', { qos: 1 }), 0x87)
  assert.equal(asked.length, 1)
})

const secret = 'a secret between two'

function token(claims: Record<string, string>, lifeSeconds: number): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(Math.floor(Date.now() / 1000) + lifeSeconds)
    .sign(Buffer.from(secret))
}

test('go-auth jwt: the token is the user name, its rights are in a file', async (context) => {
  const jwt = {
    backends: 'jwt',
    jwt_mode: 'files',
    jwt_secret: secret,
    jwt_userfield: 'Username',
    jwt_files_acl_path: 'DIR/acl',
  }
  const conf = plugin + options(jwt)
  const broker = await startSecured(context, conf, { acl: 'user ann\ntopic write ann/#\n' })
  const good = await token({ sub: 'x', username: 'ann' }, 100)
  const ann = await broker.connect({ clientId: 'dev', username: good, password: 'any' })
  assert.equal(await ann.publish('ann/x', '', { qos: 1 }), 0x10)
  assert.equal(await ann.publish('bob/x', '', { qos: 1 }), 0x87)
  await broker.connect({ username: await token({ username: 'ann' }, -10), password: 'any' }, 0x87)
  await broker.connect({ username: `${good.slice(0, -3)}AAA`, password: 'any' }, 0x87)
  await broker.connect({ username: 'ann', password: 'any' }, 0x87)
  assert.ok(!broker.mozzie.stderr().includes(good), 'a token stands in the log')
  const brief = await broker.connect({
    username: await token({ username: 'ann' }, 2),
    password: 'any',
  })
  await brief.expectDropped(0x87)
})

test('go-auth jwt: a server is asked with the token as bearer', async (context) => {
  const good = await token({ sub: 'ann' }, 100)
  const { port, asked } = await startAnswering(
    context,
    ({ path, params, authorization }, response) => {
      const yes = authorization === `Bearer ${good}` && path !== '/super'
      response.writeHead(yes && params.topic !== 'no' ? 200 : 401).end()
    },
  )
  const jwt = {
    backends: 'jwt',
    jwt_mode: 'remote',
    jwt_host: '127.0.0.1',
    jwt_port: port,
    jwt_getuser_uri: '/user',
    jwt_superuser_uri: '/super',
    jwt_aclcheck_uri: '/acl',
  }
  const broker = await startSecured(context, plugin + options(jwt))
  const ann = await broker.connect({ clientId: 'dev', username: good, password: 'any' })
  assert.deepEqual(asked[0].params, {})
  assert.equal(await ann.publish('yes', '', { qos: 1 }), 0x10)
  assert.deepEqual(asked.at(-1)?.params, { clientid: 'dev', topic: 'yes', acc: 2 })
  assert.equal(await ann.publish('no', '', { qos: 1 }), 0x87)
  await broker.connect({ username: 'two words', password: 'any' }, 0x87)
  await broker.connect({ username: `${good}x`, password: 'any' }, 0x87)
  broker.write(
    'mosquitto.conf',
    plugin + options({ ...jwt, jwt_parse_token: 'true', jwt_secret: secret }),
  )
  await broker.reload()
  await broker.connect({ clientId: 'dev', username: good, password: 'any' })
  assert.deepEqual(asked.at(-1)?.params, { username: 'ann' })
})

test('go-auth: beside an ACL file both must allow it', async (context) => {
  const { port } = await startAnswering(context, usual)
  const conf = `${plugin}${httpOptions(port)}acl_file DIR/acl\n`
  const acl = 'user root\ntopic in/#\nuser ann\ntopic ann/x\ntopic in/x\n'
  const broker = await startSecured(context, conf, { acl })
  const root = await broker.connect({ username: 'root', password: 'p' })
  assert.equal(await root.publish('in/x', '', { qos: 1 }), 0x10)
  assert.equal(await root.publish('out/x', '', { qos: 1 }), 0x87)
  const ann = await broker.connect({ username: 'ann', password: 'p' })
  assert.equal(await ann.publish('ann/x', '', { qos: 1 }), 0x10)
  assert.equal(await ann.publish('ann/y', '', { qos: 1 }), 0x87)
  assert.equal(await ann.publish('in/x', '', { qos: 1 }), 0x87)
})

test('go-auth: one question for messages of one topic that wait for the same client', async (context) => {
  const held: (() => void)[] = []
  const { port, asked } = await startAnswering(context, (question, response) => {
    if (question.params.acc === 1) held.push(() => usual(question, response))
    else usual(question, response)
  })
  const broker = await startSecured(context, plugin + httpOptions(port))
  const ann = await broker.connect({ clientId: 'dev', username: 'ann', password: 'p' })
  await ann.subscribe({ filter: 'ann/#', qos: 1 })
  const root = await broker.connect({ username: 'root', password: 'p' })
  await root.publish('ann/x', '1', { qos: 1 })
  await root.publish('ann/x', '2', { qos: 1 })
  await until(() => held.length > 0, broker.mozzie.stderr)
  assert.equal(asked.filter(({ params }) => params.acc === 1).length, 1)
  held[0]()
  await ann.receive({ topic: 'ann/x', payload: '1' })
  await ann.receive({ topic: 'ann/x', payload: '2' })
})

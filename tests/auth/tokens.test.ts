/** Logins by JSON Web Token against the program, with keys made here and an address that serves them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  UnsecuredJWT,
  type JWTPayload,
} from 'jose'
import { Reason } from '../../src/codec/reason-codes.ts'
import { connect as connectClient, type MqttClient } from '../../src/client/node.ts'
import { blocksOf } from '../docs/blocks.ts'
import { until } from '../server/run-mozzie.ts'
import { untilLogged, startSecured, type Secured } from './secured.ts'

type Key = Parameters<SignJWT['sign']>[0]

const SECRET = 'a secret of thirty-two characters or more'
const secretKey = new TextEncoder().encode(SECRET)
const listener = 'listener PORT0 127.0.0.1\n'
const bySecret = `${listener}auth_jwt_key_file DIR/key\n`

function token(
  claims: JWTPayload,
  key: Key = secretKey,
  alg = 'HS256',
  kid?: string,
): Promise<string> {
  return new SignJWT({ sub: 'ann', exp: inSeconds(60), ...claims })
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .sign(key)
}

const inSeconds = (count: number): number => Math.floor(Date.now() / 1000) + count

const start = (context: TestContext, conf = bySecret, key = SECRET): Promise<Secured> =>
  startSecured(context, conf, { key })

test('a good token is a login, a bad one is none', async (context) => {
  const broker = await start(context)
  await broker.connect({ username: 'ann', password: await token({}) })
  const bad: [why: string, text: string][] = [
    ['another user', await token({ sub: 'bob' })],
    ['over', await token({ exp: inSeconds(-60) })],
    ['just over', await token({ exp: inSeconds(-1) })],
    ['not yet', await token({ nbf: inSeconds(60) })],
    [
      'for ever',
      await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).sign(secretKey),
    ],
    ['another key', await token({}, new TextEncoder().encode(`${SECRET}!`))],
    ['no signature', new UnsecuredJWT({ sub: 'ann' }).setExpirationTime('1m').encode()],
    ['no token', 'eyJ.x.y'],
  ]
  for (const [why, password] of bad)
    await assert.doesNotReject(
      broker.connect({ clientId: why, username: 'ann', password }, Reason.notAuthorized),
      why,
    )
  await untilLogged(broker.mozzie, /Token refused: client just over: it has expired/)
})

test('issuer and audience must be those that are asked for', async (context) => {
  const broker = await start(
    context,
    `${bySecret}auth_jwt_issuer https://login\nauth_jwt_audience mqtt\n`,
  )
  const claims = { iss: 'https://login', aud: ['web', 'mqtt'] }
  await broker.connect({ username: 'ann', password: await token(claims) })
  for (const wrong of [{ ...claims, iss: 'x' }, { ...claims, aud: 'web' }, {}])
    await broker.connect({ username: 'ann', password: await token(wrong) }, Reason.notAuthorized)
})

for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'])
  test(`${alg} with a public key from a file; the key is no secret of HS256`, async (context) => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const pem = await exportSPKI(publicKey)
    const broker = await start(context, bySecret, pem)
    await broker.connect({ username: 'ann', password: await token({}, privateKey, alg) })
    const forged = await token({}, new TextEncoder().encode(pem))
    await broker.connect(
      { clientId: 'thief', username: 'ann', password: forged },
      Reason.notAuthorized,
    )
  })

test('the claim may have to be the client id, or may name the user of a token that comes as user name', async (context) => {
  const byId = await start(context, `${bySecret}auth_jwt_match clientid\nauth_jwt_user_claim dev\n`)
  const password = await token({ dev: 'till-7' })
  await byId.connect({ clientId: 'till-7', username: 'x', password })
  await byId.connect({ clientId: 'till-8', username: 'x', password }, Reason.notAuthorized)
  const byName = await start(
    context,
    `${bySecret}auth_jwt_from username\nacl_file DIR/acl\n`.replace('acl_file DIR/acl\n', ''),
  )
  const client = await byName.connect({ clientId: 'c', username: await token({ sub: 'carl' }) })
  await client.ping()
  await until(() => byName.mozzie.stderr().includes("u'carl'"), byName.mozzie.stderr)
})

test('a name that no CONNECT can say is none, whoever signed it: with a NUL it would be a bridge of the broker', async (context) => {
  const conf = `${bySecret}auth_jwt_from username\nacl_file DIR/acl\n`
  const broker = await startSecured(context, conf, { key: SECRET, acl: 'user ann\ntopic a\n' })
  for (const sub of ['\0bridge', 'an\nn', '\ud800', '\uffff'])
    await broker.connect({ username: await token({ sub }) }, Reason.notAuthorized)
  await broker.connect({ username: await token({ sub: 'änn' }) })
})

test("rights in the token count instead of the file's, in the words of the ACL file", async (context) => {
  const broker = await start(context, `${bySecret}auth_jwt_rights_claim may\n`)
  const may = ['read news/#', { access: 'write', topic: 'in/ann' }]
  const ann = await broker.connect({
    version: 5,
    clientId: 'a',
    username: 'ann',
    password: await token({ may }),
  })
  const none = await broker.connect({
    version: 5,
    clientId: 'b',
    username: 'ann',
    password: await token({}),
  })
  assert.equal(await ann.publish('in/ann', 'x', { qos: 1 }), Reason.noMatchingSubscribers)
  assert.equal(await ann.publish('news/1', 'x', { qos: 1 }), Reason.notAuthorized)
  assert.equal(await none.publish('in/ann', 'x', { qos: 1 }), Reason.notAuthorized)
  const bad = await token({ may: ['fly a/#'] })
  await broker.connect({ clientId: 'c', username: 'ann', password: bad }, Reason.notAuthorized)
})

test('the connection ends when the token does, with 0x87 and a reason; a re-authentication with another one renews it', async (context) => {
  const broker = await start(context)
  const short = { exp: inSeconds(3) }
  const ends = await broker.connect({
    version: 5,
    clientId: 'ends',
    username: 'ann',
    password: await token(short),
  })
  let given = await token(short)
  const renewed = await connectClient(`mqtt://127.0.0.1:${broker.ports[0]}`, {
    reconnect: false,
    clientId: 'renewed',
    authenticate: { method: 'JWT', start: () => Buffer.from(given), respond: () => undefined },
  })
  given = await token({})
  await renewed.reauthenticate()
  const { properties } = await ends.expect('disconnect', { reason: Reason.notAuthorized })
  assert.equal(properties.reasonString, 'the token has expired')
  await ends.expectClosed()
  await renewed.publish('t', 'm', { qos: 1 })
  await renewed.end()
})

/** What a program for the client library does, between its import and its end, at an address of ours. */
type Example = (
  connect: typeof connectClient,
  fetchToken: () => Promise<string>,
) => Promise<{ byPassword: MqttClient; byMethod: MqttClient }>

for (const page of ['docs/security.md', 'docs/zh/security.md'])
  test(`the example of ${page} logs in by password and by method, and renews its token`, async (context) => {
    const broker = await start(context)
    const { code } = blocksOf(readFileSync(page, 'utf8')).find((each) =>
      each.code.includes('fetchToken()'),
    ) as { code: string }
    const body = code
      .replace(/^import .*/, '')
      .replaceAll('mqtts://broker.example', `mqtt://127.0.0.1:${broker.ports[0]}`)
    const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Example
    const example = new AsyncFunction(
      'connect',
      'fetchToken',
      `${body}\nreturn { byPassword, byMethod }`,
    )
    let asked = 0
    const { byPassword, byMethod } = await example(connectClient, () => {
      asked++
      return token({})
    })
    assert.equal(asked, 3)
    for (const client of [byPassword, byMethod]) {
      await client.publish('t', 'm', { qos: 1 })
      await client.end()
    }
  })

test('keys of an address: a new one is fetched when it signs, and while the address is down 0x88 is the answer', async (context) => {
  const keys = await Promise.all(
    ['1', '2'].map(async (kid) => ({
      kid,
      ...(await generateKeyPair('ES256', { extractable: true })),
    })),
  )
  const jwkOf = async ({ kid, publicKey }: (typeof keys)[0]) => ({
    ...(await exportJWK(publicKey)),
    kid,
    alg: 'ES256',
  })
  let served = [await jwkOf(keys[0])]
  let isDown = true
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response.writeHead(isDown ? 500 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: served }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const broker = await startSecured(
    context,
    `${listener}auth_jwt_jwks_url http://127.0.0.1:${port}/keys\n`,
  )
  const passwordOf = (index: number): Promise<string> =>
    token({}, keys[index].privateKey, 'ES256', keys[index].kid)
  await broker.connect(
    { version: 5, clientId: 'a', username: 'ann', password: await passwordOf(0) },
    Reason.serverUnavailable,
  )
  isDown = false
  await broker.connect({
    version: 5,
    clientId: 'b',
    username: 'ann',
    password: await passwordOf(0),
  })
  const before = asked
  await broker.connect({
    version: 5,
    clientId: 'c',
    username: 'ann',
    password: await passwordOf(0),
  })
  assert.equal(asked, before)
  served = await Promise.all(keys.map(jwkOf))
  // Not fetched again within half a minute: whoever sends unknown keys must not make us ask.
  await broker.connect(
    { version: 5, clientId: 'd', username: 'ann', password: await passwordOf(1) },
    Reason.notAuthorized,
  )
  assert.equal(asked, before)
  await broker.reload()
  await broker.connect({
    version: 5,
    clientId: 'e',
    username: 'ann',
    password: await passwordOf(1),
  })
})

test('what is no token is a password, and a token is not logged', async (context) => {
  const { passwordLine } = await import('./secured.ts')
  const broker = await startSecured(context, `${bySecret}password_file DIR/users\n`, {
    key: SECRET,
    users: passwordLine('bob', 'secret'),
  })
  await broker.connect({ username: 'bob', password: 'secret' })
  const text = await token({})
  await broker.connect({ clientId: 'x', username: 'ann', password: text })
  assert.doesNotMatch(broker.mozzie.stderr(), new RegExp(text.slice(0, 20)))
})

const files: [name: string, text: string, says: RegExp][] = [
  ['a short secret', 'short', /can be guessed/],
  ['a private key', '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n', /private key/],
  ['a damaged key', '-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n', /cannot be read/],
]

for (const [name, text, says] of files)
  test(`${name} stops the start with its reason`, async () => {
    const { readTokenKey } = await import('../../src/auth/tokens.ts')
    assert.throws(() => readTokenKey(text, 'key'), says)
  })

test('a token that is the user name is shown to nobody: not in a trace, nor among what was refused', async (context) => {
  const conf =
    `${bySecret}auth_jwt_from username\nlistener PORT1 127.0.0.1\nprotocol http_api\n` +
    'http_admin_user ann\n'
  const broker = await start(context, conf)
  const ask = async (path: string, body?: object): Promise<string> => {
    const login = Buffer.from(`${await token({})}:`).toString('base64')
    const response = await fetch(`http://127.0.0.1:${broker.ports[1]}/api/v1/${path}`, {
      headers: {
        authorization: `Basic ${login}`,
        'x-csrf-token': 'test',
        'content-type': 'application/json',
      },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    assert.equal(response.status, 200)
    return response.text()
  }
  const { id } = JSON.parse(await ask('traces', { clientId: 'dev' })) as { id: string }
  const good = await token({ sub: 'bob' })
  const over = await token({ exp: inSeconds(-60) })
  await broker.connect({ clientId: 'dev', username: good })
  await broker.connect({ clientId: 'dev', username: over }, Reason.notAuthorized)
  const shown = [
    await ask(`traces/${id}`),
    await ask('refusals'),
    await ask('clients/detail?clientId=dev'),
  ]
  for (const text of shown) {
    assert.ok(!text.includes(good) && !text.includes(over), text)
    assert.ok(text.includes('dev'))
  }
})

test('a key id is no path and no address, and a public key of the set is no secret', async (context) => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' }
  const broker = await start(context, bySecret, JSON.stringify({ keys: [jwk] }))
  await broker.connect({
    username: 'ann',
    password: await token({}, privateKey, 'RS256', 'k'),
  })
  const secrets = [jwk.n ?? '', JSON.stringify(jwk), await exportSPKI(publicKey)]
  for (const secret of secrets) {
    const password = await token({}, new TextEncoder().encode(secret), 'HS256', 'k')
    await broker.connect({ username: 'ann', password }, Reason.notAuthorized)
  }
  for (const kid of ['../../etc/passwd', '/dev/zero', 'http://127.0.0.1:1/', 'x'.repeat(20_000)])
    await broker.connect(
      { username: 'ann', password: await token({}, privateKey, 'RS256', kid) },
      Reason.notAuthorized,
    )
})

test('a set of keys without an end is not read to its end: 0x88', async (context) => {
  let sent = 0
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"keys":[')
    const more = (): void => {
      while (!response.destroyed && response.write(' '.repeat(65_536))) sent += 65_536
    }
    response.on('drain', more)
    more()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => void server.close())
  context.after(() => server.closeAllConnections())
  const { port } = server.address() as AddressInfo
  const url = `${listener}auth_jwt_jwks_url http://127.0.0.1:${port}/keys\n`
  const broker = await startSecured(context, url)
  const { privateKey } = await generateKeyPair('ES256')
  const password = await token({}, privateKey, 'ES256', 'k')
  await broker.connect({ username: 'ann', password }, Reason.serverUnavailable)
  assert.ok(sent < 64 << 20, `${sent} bytes`)
  await until(() => /more than 1 MiB/.test(broker.mozzie.stderr()), broker.mozzie.stderr)
})

test('a token lets in no user whom dynamic security has disabled, or bound to another client id', async (context) => {
  const rows = [
    { username: 'ann', disabled: true },
    { username: 'bea', clientid: 'only' },
  ]
  const ds = JSON.stringify({ clients: rows, groups: [], roles: [] })
  const conf = `dynamic_security_file DIR/ds\n${bySecret}`
  const broker = await startSecured(context, conf, { key: SECRET, ds })
  const comes = async (username: string, clientId: string, code: number): Promise<void> => {
    const password = await token({ sub: username })
    await broker.connect({ username, clientId, password }, code)
  }
  await comes('ann', 'any', Reason.notAuthorized)
  await comes('bea', 'any', Reason.notAuthorized)
  await comes('bea', 'only', 0)
  await comes('guest', 'any', 0)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { until } from '../server/run-mozzie.ts'
import { aliceLine, alice, untilLogged, startSecured } from './secured.ts'

interface Asked {
  readonly username: string
  readonly password?: string
  readonly passwordBase64?: string
  readonly clientId: string
  readonly address: string
  readonly port: number
  readonly version: number
}

interface TestContext {
  after(run: () => void): void
}

/** A program that answers as the test says; what it was asked is kept. */
async function startHook(
  context: TestContext,
  answer: (asked: Asked, response: ServerResponse) => void,
): Promise<{ url: string; asked: Asked[]; close(): void }> {
  const asked: Asked[] = []
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const question = JSON.parse(body) as Asked
    asked.push(question)
    answer(question, response)
  }
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  context.after(close)
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/login`, asked, close }
}

const json = (value: unknown) => (_asked: Asked, response: ServerResponse) =>
  void response.end(JSON.stringify(value))

const listener = 'listener PORT0 127.0.0.1\n'

test('the hook is asked who the client is, and decides', async (context) => {
  const hook = await startHook(context, ({ username }, response) =>
    response.end(JSON.stringify({ allow: username === 'u' })),
  )
  const broker = await startSecured(context, `${listener}auth_http_url ${hook.url}`)
  await broker.connect({ version: 4, clientId: 'dev', username: 'u', password: 'p' })
  const [{ address, ...rest }] = hook.asked
  assert.deepEqual(rest, {
    username: 'u',
    password: 'p',
    clientId: 'dev',
    port: broker.ports[0],
    version: 4,
  })
  assert.match(address, /^127\.0\.0\.1:\d+$/)
  await broker.connect({ username: 'v', password: 'p' }, 0x87)
  await broker.connect({}, 0x87)
})

test('an allowed login is kept for auth_http_cache seconds, for the same client and password', async (context) => {
  const hook = await startHook(context, json({ allow: true }))
  const broker = await startSecured(context, `${listener}auth_http_url ${hook.url}`)
  const login = { clientId: 'dev', username: 'u', password: 'p' }
  await broker.connect(login)
  await broker.connect(login)
  assert.equal(hook.asked.length, 1)
  await broker.connect({ ...login, password: 'q' })
  await broker.connect({ ...login, clientId: 'dev2' })
  assert.equal(hook.asked.length, 3)
  await broker.reload()
  await broker.connect(login)
  assert.equal(hook.asked.length, 4)
  broker.write('mosquitto.conf', `${listener}auth_http_url ${hook.url}\nauth_http_cache 0`)
  await broker.reload()
  await broker.connect(login)
  await broker.connect(login)
  assert.equal(hook.asked.length, 6)
})

test('rights in the answer count instead of the ACL file', async (context) => {
  const rights = [
    { access: 'write', topic: 'out/#' },
    { access: 'deny', topic: 'out/secret' },
  ]
  const hook = await startHook(context, ({ username }, response) =>
    response.end(JSON.stringify(username === 'u' ? { allow: true, rights } : { allow: true })),
  )
  const conf = `${listener}auth_http_url ${hook.url}\nacl_file DIR/acl`
  const broker = await startSecured(context, conf, { acl: 'user u\ntopic x\nuser v\ntopic x\n' })
  const limited = await broker.connect({ username: 'u', password: 'p' })
  assert.equal(await limited.publish('out/a', '', { qos: 1 }), 0x10)
  assert.equal(await limited.publish('out/secret', '', { qos: 1 }), 0x87)
  assert.equal(await limited.publish('x', '', { qos: 1 }), 0x87)
  const other = await broker.connect({ username: 'v', password: 'p' })
  assert.equal(await other.publish('x', '', { qos: 1 }), 0x10)
})

test('users of the password file are not asked about', async (context) => {
  const hook = await startHook(context, json({ allow: true }))
  const conf = `${listener}password_file DIR/users\nauth_http_url ${hook.url}`
  const broker = await startSecured(context, conf, { users: aliceLine })
  await broker.connect(alice)
  await broker.connect({ ...alice, password: 'wrong' }, 0x87)
  assert.equal(hook.asked.length, 0)
  await broker.connect({ username: 'other', password: 'p' })
  assert.equal(hook.asked.length, 1)
})

const nonsense: Record<string, (asked: Asked, response: ServerResponse) => void> = {
  'status 500': (_asked, response) => void response.writeHead(500).end('{"allow": true}'),
  'a redirect': (_asked, response) => void response.writeHead(302, { location: '/yes' }).end(),
  'no JSON': (_asked, response) => void response.end('allow'),
  'a list': json([{ allow: true }]),
  'a right that is none': json({ allow: true, rights: [{ access: 'own', topic: 'a' }] }),
  'a filter that is none': json({ allow: true, rights: [{ access: 'read', topic: 'a/#/b' }] }),
  'a giant answer': (_asked, response) =>
    void response.end(`{"allow": true, "x": "${'x'.repeat(70_000)}"}`),
  'a broken connection': (_asked, response) => void response.destroy(),
  'nothing at all': () => {},
}

for (const [what, answer] of Object.entries(nonsense))
  test(`${what} for an answer lets nobody in: 0x88`, async (context) => {
    const hook = await startHook(context, answer)
    const conf = `${listener}auth_http_url ${hook.url}\nauth_http_timeout 1`
    const broker = await startSecured(context, conf)
    await broker.connect({ username: 'u', password: 'p' }, 0x88)
    await untilLogged(broker.mozzie, /Error: auth_http_url gave no answer/)
  })

test('"allow" must be true, not just something', async (context) => {
  const hook = await startHook(context, json({ allow: 'yes' }))
  const broker = await startSecured(context, `${listener}auth_http_url ${hook.url}`)
  await broker.connect({ username: 'u', password: 'p' }, 0x87)
})

test('a hook that is slow or gone holds up nobody else', async (context) => {
  const hook = await startHook(context, () => {})
  const conf = `${listener}auth_http_url ${hook.url}\nauth_http_timeout 9\npassword_file DIR/users`
  const broker = await startSecured(context, conf, { users: aliceLine })
  const asking = broker.connect({ username: 'u', password: 'p', version: 3 }, 3)
  await broker.connect(alice)
  hook.close()
  await asking
  await broker.connect({ username: 'u', password: 'p' }, 0x88)
})

test('a login that the hook is asked about when the broker reloads gets its answer', async (context) => {
  const held: ServerResponse[] = []
  const hook = await startHook(context, (_asked, response) => void held.push(response))
  const broker = await startSecured(context, `${listener}auth_http_url ${hook.url}`)
  const coming = broker.connect({ username: 'u', password: 'p' })
  await until(() => held.length === 1, broker.mozzie.stderr)
  await broker.reload()
  held[0].end(JSON.stringify({ allow: true }))
  await coming
})

test('who came in by the hook stays over a reload, and goes when the hook goes', async (context) => {
  const hook = await startHook(context, json({ allow: true }))
  const conf = `${listener}password_file DIR/users\n`
  const broker = await startSecured(context, `${conf}auth_http_url ${hook.url}`, {
    users: aliceLine,
  })
  const client = await broker.connect({ username: 'u', password: 'p' })
  await broker.reload()
  await client.expectNothing()
  broker.write('mosquitto.conf', conf)
  await broker.reload()
  await client.expectDropped(0x87)
})

test('a delayed will is refused after a restart where its right came with the login', async (context) => {
  const rights = [{ access: 'write', topic: 'free/#' }]
  const hook = await startHook(context, ({ username }, response) =>
    response.end(JSON.stringify(username === 'root' ? { allow: true } : { allow: true, rights })),
  )
  const persistent = 'persistence true\npersistence_location DIR/\n'
  const conf = `${listener}${persistent}auth_http_url ${hook.url}`
  const broker = await startSecured(context, conf)
  for (const [username, topic] of [
    ['u', 'free/door'],
    ['u', 'secret/door'],
    ['root', 'root/door'],
  ]) {
    // They are connected when the broker stops: the delay begins then, so none is published before.
    const will = { topic, payload: 'x', retain: true, properties: { willDelaySeconds: 1 } }
    const properties = { sessionExpirySeconds: 100 }
    const clientId = topic.replace('/', '-')
    const client = await broker.connect({ clientId, username, password: 'p', will, properties })
    if (topic === 'free/door') await client.publish('free/kept', 'x', { qos: 1, retain: true })
  }
  await broker.restart()
  const reader = await broker.connect({ username: 'root', password: 'p' })
  await reader.subscribe('free/kept')
  await reader.receive({ topic: 'free/kept' })
  await reader.subscribe('+/door')
  await reader.receive({ topic: 'root/door' })
  for (const denied of [/Denied will of free-door/, /Denied will of secret-door/])
    await until(() => denied.test(broker.mozzie.stderr()), broker.mozzie.stderr)
  await reader.expectNothing()
})

/** Every step of opening a connection is given up with it; options are asked for at each. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, createClient, type NodeConnectOptions } from '../../src/client/node.ts'
import { createBroker, type LoginInfo } from '../../src/index.ts'

/** A server that takes connections, answers the first bytes with each of `answers` in turn, then says nothing more. */
async function silentServer(context: TestContext, answers: readonly Uint8Array[] = []) {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    const left = [...answers]
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.on('data', () => {
      const answer = left.shift()
      if (answer !== undefined) socket.write(answer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const gone = async (): Promise<void> => {
    await Promise.all([...open].map((socket) => once(socket, 'close')))
  }
  return { port, open, server, gone }
}

const socketsOfProcess = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(?:TCPSocket|TCPConnect|TLS)/.test(name))
    .length

const greeting = Uint8Array.of(5, 0)
const through = Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0)
const tunnel = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')

const stages: [string, readonly Uint8Array[], (port: number) => [string, NodeConnectOptions]][] = [
  ['CONNACK', [], (port) => [`mqtt://127.0.0.1:${port}`, {}]],
  ['TLS', [], (port) => [`mqtts://127.0.0.1:${port}`, {}]],
  ['the WebSocket upgrade', [], (port) => [`ws://127.0.0.1:${port}`, {}]],
  ['TLS of a WebSocket', [], (port) => [`wss://127.0.0.1:${port}`, {}]],
  ['the greeting of a SOCKS proxy', [], (port) => proxied('mqtt', 'socks5', port)],
  ['a SOCKS proxy to connect', [greeting], (port) => proxied('mqtt', 'socks5h', port)],
  ['an HTTP proxy', [], (port) => proxied('mqtt', 'http', port)],
  ['TLS behind a proxy', [greeting, through], (port) => proxied('mqtts', 'socks5', port)],
  ['an upgrade behind a proxy', [tunnel], (port) => proxied('ws', 'http', port)],
  ['TLS of a WebSocket behind one', [tunnel], (port) => proxied('wss', 'http', port)],
  ['CONNACK behind a proxy', [greeting, through], (port) => proxied('mqtt', 'socks5', port)],
]

function proxied(scheme: string, kind: string, port: number): [string, NodeConnectOptions] {
  return [`${scheme}://127.0.0.1:1`, { proxy: `${kind}://127.0.0.1:${port}` }]
}

for (const [name, answers, where] of stages) {
  test(`waiting for ${name} ends with the timeout, and its sockets with it`, async (context) => {
    const { port, gone } = await silentServer(context, answers)
    const [url, options] = where(port)
    const trying = connect(url, { ...options, reconnect: false, connectTimeoutMs: 300 })
    await assert.rejects(trying, { name: 'MqttError', code: 'TIMEOUT' })
    await gone()
    await until(() => socketsOfProcess() === 0)
  })

  test(`waiting for ${name} ends with the client`, async (context) => {
    const { port, server, gone } = await silentServer(context, answers)
    const [url, options] = where(port)
    const client = createClient(url, { ...options, reconnect: false })
    await once(server, 'connection')
    await client.end()
    await assert.rejects(client.ready, { code: 'ENDED' })
    await gone()
    await until(() => socketsOfProcess() === 0)
  })
}

/** The loop turns until it is so; a test that it never is runs into its timeout. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}

for (const [what, options, code, message] of [
  ['give nothing', () => undefined, 'INVALID', 'options() gave undefined, not an object'],
  ['give null', async () => null, 'INVALID', 'options() gave null, not an object'],
  ['give a number', () => 5, 'INVALID', 'options() gave 5, not an object'],
  ['throw a text', () => Promise.reject('no token'), 'CONNECT', 'cannot connect: no token'],
  ['throw nothing', () => Promise.reject(), 'CONNECT', 'cannot connect: undefined'],
] as const)
  test(`options that ${what} are an attempt that failed, with words`, async () => {
    const ask = options as unknown as NodeConnectOptions['options']
    const trying = connect('mqtt://127.0.0.1:1', { options: ask, reconnect: false })
    await assert.rejects(trying, { name: 'MqttError', code, message })
  })

test('options that are no function are refused at once', () => {
  const options = { options: {} as NodeConnectOptions['options'] }
  assert.throws(() => createClient('mqtt://127.0.0.1:1', options), { code: 'INVALID' })
})

test('options that never come end with the timeout, and are told so', async () => {
  let given: AbortSignal | null = null
  const trying = connect('mqtt://127.0.0.1:1', {
    reconnect: false,
    connectTimeoutMs: 50,
    options: ({ signal }) => {
      given = signal
      return new Promise(() => undefined)
    },
  })
  await assert.rejects(trying, { code: 'TIMEOUT' })
  assert.equal((given as AbortSignal | null)?.aborted, true)
})

async function brokerThatNotes(context: TestContext) {
  const logins: string[] = []
  const broker = createBroker({
    log: () => undefined,
    authenticate: ({ username, password }: LoginInfo) => {
      logins.push(`${username} ${Buffer.from(password ?? []).toString()}`)
      return true
    },
  })
  context.after(() => broker.close())
  const { port } = await broker.listen()
  return { broker, port, logins, url: `mqtt://127.0.0.1:${port}` }
}

test('a password is computed for each connection, a lost one too', async (context) => {
  const { broker, logins, url } = await brokerThatNotes(context)
  let token = 0
  const client = await connect(url, {
    clientId: 'c',
    username: 'ada',
    reconnect: { minMs: 1, maxMs: 1 },
    options: async () => ({ password: `token${++token}` }),
  })
  context.after(() => client.end({ force: true }))
  const again = new Promise((resolve) => client.on('connect', resolve))
  broker.disconnect('c')
  await again
  assert.deepEqual(logins, ['ada token1', 'ada token2'])
})

test('a URL is computed as well, and its user with it', async (context) => {
  const { logins, port } = await brokerThatNotes(context)
  const client = await connect('ws://nowhere.invalid', {
    username: 'old',
    options: () => ({ url: `mqtt://new:pass@127.0.0.1:${port}` }),
  })
  await client.end()
  assert.deepEqual(logins, ['new pass'])
})

test('options that cannot be had are an attempt that failed', async (context) => {
  const { url } = await brokerThatNotes(context)
  const failing = connect(url, {
    reconnect: false,
    options: () => {
      throw new Error('no token')
    },
  })
  await assert.rejects(failing, { name: 'MqttError', code: 'CONNECT', message: /no token/ })
  let attempts = 0
  const client = await connect(url, {
    reconnect: { first: true, minMs: 1, maxMs: 1 },
    options: async () => {
      if (++attempts < 3) throw new Error('not yet')
      return {}
    },
  })
  assert.equal(attempts, 3)
  await client.end()
})

test('a user name that MQTT does not allow ends the client', async (context) => {
  const { url } = await brokerThatNotes(context)
  await assert.rejects(connect(url, { options: () => ({ username: 'a\0b' }) }), { code: 'INVALID' })
})

/** Options that there are not are refused by name, whatever door they come by. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { createClient as createWebClient } from '../../src/client/web.ts'
import { connect, createClient } from '../../src/client/node.ts'
import { createBroker } from '../../src/index.ts'

const NOWHERE = 'mqtt://127.0.0.1:1'

for (const [options, message] of [
  [{ clientID: 'x' }, 'there is no option clientID; did you mean clientId?'],
  [{ cleanSession: false }, 'there is no option cleanSession; did you mean cleanStart?'],
  [{ clean: false }, 'there is no option clean; did you mean cleanStart?'],
  [{ keepalive: 5 }, 'there is no option keepalive; did you mean keepAliveSeconds?'],
  [{ connectTimeout: 5 }, 'there is no option connectTimeout; did you mean connectTimeoutMs?'],
  [{ pasword: 'x' }, 'there is no option pasword; did you mean password?'],
  [{ rejectUnauthorized: true }, 'there is no option rejectUnauthorized; did you mean tls.verify?'],
  [{ tls: { servername: 'x' } }, 'there is no option tls.servername; did you mean tls.serverName?'],
  [
    { will: { topic: 'w', retained: true } },
    'there is no option will.retained; did you mean will.retain?',
  ],
  [{ reconnect: { max: 5 } }, 'there is no option reconnect.max; did you mean reconnect.maxMs?'],
  [{ colour: 'red' }, 'there is no option colour'],
  [{ reconnectPeriod: 0 }, 'there is no option reconnectPeriod; did you mean reconnect.minMs?'],
  [{ protocolVersion: 5 }, 'there is no option protocolVersion; did you mean version?'],
  [{ ca: 'x' }, 'there is no option ca; did you mean tls.ca?'],
  [
    { port: 1883 },
    'there is no option port: it is part of the URL, such as mqtts://host:8883 or wss://host/path',
  ],
  [
    { resubscribe: true },
    'there is no option resubscribe: subscriptions are made again when the server has lost the session',
  ],
] as const)
  test(`connect refuses ${JSON.stringify(options)}`, async () => {
    await assert.rejects(connect(NOWHERE, options as object), {
      name: 'MqttError',
      code: 'INVALID',
      message,
    })
  })

const MQTT_JS = {
  ALPNProtocols: true,
  authPacket: true,
  auth: true,
  autoAssignTopicAlias: true,
  autoUseTopicAlias: true,
  binary: true,
  browserBufferSize: true,
  browserBufferTimeout: true,
  ca: true,
  caPaths: true,
  cert: true,
  certPath: true,
  clean: true,
  clientId: true,
  connectTimeout: true,
  createWebsocket: true,
  customHandleAcks: true,
  defaultProtocol: true,
  encoding: true,
  forceNativeWebSocket: true,
  host: true,
  hostname: true,
  incomingStore: true,
  keepalive: true,
  key: true,
  keyPath: true,
  log: true,
  manualConnect: true,
  messageIdProvider: true,
  objectMode: true,
  outgoingStore: true,
  password: true,
  path: true,
  port: true,
  properties: true,
  protocol: true,
  protocolId: true,
  protocolVersion: true,
  query: true,
  queueQoSZero: true,
  reconnectOnConnackError: true,
  reconnectPeriod: true,
  rejectUnauthorized: true,
  reschedulePings: true,
  resubscribe: true,
  servername: true,
  servers: true,
  socksProxy: true,
  socksTimeout: true,
  subscribeBatchSize: true,
  timerVariant: true,
  transformWsUrl: true,
  unixSocket: true,
  username: true,
  will: true,
  writeCache: true,
  wsOptions: true,
} as const satisfies Record<Exclude<keyof IClientOptions, 'my'>, true>

test('every option of MQTT.js is ours too, or the refusal says what to do', () => {
  for (const name of Object.keys(MQTT_JS)) {
    const options = { reconnect: false, [name]: {} } as object
    try {
      createClient(NOWHERE, options).on('error', () => {})
    } catch (error) {
      const { message } = error as Error
      assert.ok(!/^there is no option \w+$/.test(message), message)
    }
  }
})

test('in a browser there is no tls, and nothing of it is meant', () => {
  for (const [options, message] of [
    [{ tls: {} }, 'there is no option tls'],
    [{ ca: 'x' }, 'there is no option ca'],
    [{ userName: 'x' }, 'there is no option userName; did you mean username?'],
  ] as const)
    assert.throws(() => createWebClient('wss://localhost', options as object), {
      code: 'INVALID',
      message,
    })
})

test('an option that is undefined is absent, and an object of a class may have more', async () => {
  class Mine {
    clientId = 'x'
    reconnect = false as const
    own = 1
  }
  for (const options of [{ clientID: undefined, reconnect: false as const }, new Mine()])
    await assert.rejects(connect(NOWHERE, options), { code: 'CONNECT' })
})

test('what a script hung on every object is no option', async () => {
  const all = Object.prototype as { hung?: number }
  all.hung = 1
  try {
    await assert.rejects(connect(NOWHERE, { reconnect: false }), { code: 'CONNECT' })
    await createBroker({}).close()
  } finally {
    delete all.hung
  }
})

test('options of a class count wherever the class keeps them', async (context) => {
  const logins: (string | null)[] = []
  const broker = createBroker({ authenticate: ({ username }) => Boolean(logins.push(username)) })
  context.after(() => broker.close())
  const { port } = await broker.listen()
  class Device {
    clientId = 'device'
    sessionExpirySeconds = 60
    cleanStart = false
    seen: string[] = []
    heard: () => void = () => undefined
    get username() {
      return 'by a getter'
    }
    onMessage({ topic }: { topic: string }) {
      this.seen.push(topic)
      this.heard()
    }
  }
  const device = new Device()
  const heard = new Promise<void>((resolve) => (device.heard = resolve))
  const url = `mqtt://127.0.0.1:${port}`
  const before = await connect(url, device)
  await before.subscribe('kept', { onMessage: () => undefined, qos: 1 })
  await before.end()
  broker.publish('kept', 'x', { qos: 1 })
  const client = await connect(url, device)
  context.after(() => client.end())
  await heard
  assert.deepEqual(logins, ['by a getter', 'by a getter'])
  assert.deepEqual(device.seen, ['kept'])
})

test('null is absent, in what options() gives too', async (context) => {
  const broker = createBroker()
  context.after(() => broker.close())
  const { port } = await broker.listen()
  const nothing = { will: null, username: null, password: null, proxy: null, localAddress: null }
  const none = { ...nothing, authenticate: null, clientId: null, tls: null, signal: null } as object
  const fresh = { proxy: undefined, localAddress: null, url: undefined } as object
  const client = await connect(`mqtt://127.0.0.1:${port}`, { ...none, options: () => fresh })
  await client.end()
  // What options() says nothing of stays as it was.
  const missing = connect(`mqtt://127.0.0.1:${port}`, {
    proxy: 'http://127.0.0.1:1',
    options: () => fresh,
    reconnect: false,
  })
  await assert.rejects(missing, { code: 'CONNECT' })
})

test('a bound that is no number is refused; Infinity is none', async () => {
  for (const name of ['connectTimeoutMs', 'outgoingMessagesMax', 'incomingBytesMax'])
    for (const value of ['x', NaN, -1, 1.5])
      await assert.rejects(connect(NOWHERE, { [name]: value }), { code: 'INVALID' })
  const open = { outgoingBytesMax: Infinity, reconnect: false as const }
  await assert.rejects(connect(NOWHERE, open), { code: 'CONNECT' })
})

test('end refuses what is no option of it', async (context) => {
  const broker = createBroker()
  context.after(() => broker.close())
  const { port } = await broker.listen()
  const client = await connect(`mqtt://127.0.0.1:${port}`)
  await assert.rejects(client.end(true as unknown as object), { code: 'INVALID' })
  await assert.rejects(client.end({ forced: true } as object), {
    code: 'INVALID',
    message: 'there is no option forced; did you mean force?',
  })
  await client.end()
})

test('what options() gives is held to the names too', async () => {
  for (const [fresh, message] of [
    [{ passwort: 'x' }, 'there is no option passwort; did you mean password?'],
    [{ tls: { verfy: false } }, 'there is no option tls.verfy; did you mean tls.verify?'],
  ] as const)
    await assert.rejects(connect(NOWHERE, { options: () => fresh as object, reconnect: false }), {
      code: 'INVALID',
      message,
    })
})

test('publish, subscribe and request refuse them, and the client goes on', async (context) => {
  const broker = createBroker()
  context.after(() => broker.close())
  const { port } = await broker.listen()
  const client = await createClient(`mqtt://127.0.0.1:${port}`).ready
  context.after(() => client.end())
  const bad = { QoS: 1 } as object
  const refused = { code: 'INVALID', message: 'there is no option QoS; did you mean qos?' }
  await assert.rejects(client.publish('a', 'x', bad), refused)
  await assert.rejects(client.request('a', 'x', bad), refused)
  await assert.rejects(client.subscribe('a', bad), refused)
  await assert.rejects(client.subscribe([{ filter: 'a', ...bad }]), refused)
  await assert.rejects(client.subscribe('a', { onMessage: () => undefined, ...bad }), refused)
  await client.subscribe('a', { onMessage: () => undefined, qos: 1 })
  assert.equal((await client.publish('a', 'x', { qos: 1, retain: true })).reason, 0)
})

test('the broker of the library: a misspelled hook does not let everybody in', async (context) => {
  const refused = (message: string) => ({ name: 'MozzieError', code: 'INVALID', message })
  for (const [options, message] of [
    [{ authenticat: () => false }, 'there is no option authenticat; did you mean authenticate?'],
    [
      { authorisePublish: () => false },
      'there is no option authorisePublish; did you mean authorizePublish?',
    ],
    [
      { limits: { queueMax: 1 } },
      'there is no option limits.queueMax; did you mean limits.queuedMax?',
    ],
    [{ persistence: { path: 'x' } }, 'there is no option persistence.path'],
    [{ authenticate: null }, 'authenticate is no function'],
    [{ onPublish: true }, 'onPublish is no function'],
    [{ limits: { packetBytesMax: '9' } }, 'limits.packetBytesMax is no number'],
    [{ limits: { autoSubscriptions: {} } }, 'limits.autoSubscriptions is no list'],
    [
      { limits: { queuedMax: NaN } },
      'limits.queuedMax is NaN, it must be a whole number from 0 to Infinity',
    ],
    [
      { limits: { packetBytesMax: Infinity } },
      'limits.packetBytesMax is Infinity, it must be a whole number from 1 to 4294967295',
    ],
  ] as const)
    assert.throws(() => createBroker(options as object), refused(message))
  const broker = createBroker()
  context.after(() => broker.close())
  const listen = (options: object) => broker.listen(options)
  await assert.rejects(
    listen({ hostname: '127.0.0.1' }),
    refused('there is no option hostname; did you mean host?'),
  )
  await assert.rejects(listen({ tls: { cafile: 'x' } }), refused('there is no option tls.cafile'))
  assert.throws(
    () => broker.publish('a', 'x', { retained: true } as object),
    refused('there is no option retained; did you mean retain?'),
  )
  const handler = () => undefined
  assert.throws(
    () => broker.subscribe('a', handler, { QoS: 1 } as object),
    refused('there is no option QoS; did you mean qos?'),
  )
  assert.throws(
    () => broker.subscribe('a', handler, { qos: 3 as 2 }),
    refused('qos is 3, not 0, 1 or 2'),
  )
  assert.throws(
    () => broker.subscribe('a', undefined as unknown as () => void),
    refused('the handler is no function'),
  )
})

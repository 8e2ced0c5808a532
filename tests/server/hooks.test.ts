/** Hooks of the library that answer later, or with something else than true. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AuthRequest } from '../../src/ports/ports.ts'
import { authOfHooks } from '../../src/server/hooks.ts'
import { connect, type MqttClient, type NodeConnectOptions } from '../../src/client/node.ts'
import { createBroker, type BrokerOptions } from '../../src/index.ts'

async function start(context: TestContext, options: BrokerOptions) {
  const errors: string[] = []
  const log = (level: string, text: string) => void (level === 'error' && errors.push(text))
  const broker = createBroker({ log, ...options })
  context.after(() => broker.close())
  const { port } = await broker.listen()
  const open = async (more: NodeConnectOptions = {}): Promise<MqttClient> => {
    const client = await connect(`mqtt://127.0.0.1:${port}`, { reconnect: false, ...more })
    context.after(() => client.end({ force: true }))
    return client
  }
  return { broker, errors, open }
}

/** A promise to be settled by the test, and whether anybody has asked for it. */
function question() {
  let answer: (allowed: unknown) => void = () => undefined
  let asked: () => void = () => undefined
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const promise = new Promise<unknown>((resolve) => (answer = resolve))
  return { isAsked, answer, ask: () => (asked(), promise as Promise<boolean>) }
}

const nonsense: [string, () => unknown][] = [
  ['false', () => false],
  ['undefined', () => undefined],
  ['1', () => 1],
  ['"true"', () => 'true'],
  ['a promise of false', async () => false],
  ['a promise of undefined', async () => undefined],
  ['a promise of 1', async () => 1],
  ['a rejection', async () => Promise.reject(new Error('no backend'))],
  [
    'an exception',
    () => {
      throw new Error('no backend')
    },
  ],
]

for (const [name, answer] of nonsense)
  test(`${name} is no permission`, async (context) => {
    const say = answer as () => boolean
    const { open, broker } = await start(context, {
      authorizePublish: say,
      authorizeSubscribe: say,
      authorizeDelivery: say,
    })
    const seen: string[] = []
    broker.subscribe('#', ({ topic }) => seen.push(topic))
    const client = await open()
    for (const qos of [1, 2] as const)
      await assert.rejects(client.publish('a', 'x', { qos }), { reason: 0x87 })
    await assert.rejects(client.subscribe('#'), { reason: 0x87 })
    assert.deepEqual(seen, [])
  })

for (const [name, answer] of nonsense)
  test(`${name} does not deliver, and what is behind it comes`, async (context) => {
    const { open } = await start(context, {
      authorizeDelivery: (_who, topic) => (topic === 'no' ? (answer as () => boolean)() : true),
    })
    const client = await open()
    const seen: string[] = []
    await client.subscribe('#', { qos: 1, onMessage: ({ topic }) => void seen.push(topic) })
    for (const topic of ['no', 'a', 'no', 'b']) await client.publish(topic, 'x', { qos: 1 })
    // Its own acknowledgement comes behind what it was sent before.
    while (seen.length < 2) await new Promise(setImmediate)
    assert.deepEqual(seen, ['a', 'b'])
  })

for (const qos of [1, 2] as const)
  test(`an acknowledged message outlives the broker while its hook thinks, QoS ${qos}`, async (context) => {
    const location = mkdtempSync(join(tmpdir(), 'mozzie-hooks-'))
    context.after(() => rmSync(location, { recursive: true, force: true }))
    const durable = { clientId: 'asked', cleanStart: false, sessionExpirySeconds: 1000 }
    const { ask, isAsked } = question()
    const before = await start(context, { persistence: { location }, authorizeDelivery: ask })
    const client = await before.open(durable)
    await client.subscribe('t', { qos, onMessage: () => undefined })
    const author = await before.open()
    await author.publish('t', 'x', { qos })
    await isAsked
    for (const one of [author, client]) await one.end({ force: true })
    await before.broker.close()
    const after = await start(context, {
      persistence: { location },
      authorizeDelivery: async () => true,
    })
    const again = await after.open(durable)
    let came: (message: { topic: string }) => void = () => undefined
    const message = new Promise<{ topic: string }>((resolve) => (came = resolve))
    await again.subscribe('t', { qos, onMessage: came })
    assert.equal((await message).topic, 't')
  })

for (const qos of [0, 1, 2] as const)
  test(`packets of the connection wait in order, others go on, QoS ${qos}`, async (context) => {
    const { ask, answer, isAsked } = question()
    const { open, broker } = await start(context, {
      authorizePublish: (_who, topic) => (topic === 'slow' ? ask() : true),
    })
    const seen: string[] = []
    const done = new Promise<void>((resolve) =>
      broker.subscribe('#', ({ topic }) => {
        seen.push(topic)
        if (topic === 'last') resolve()
      }),
    )
    const [slow, other] = [await open(), await open()]
    const sent = [slow.publish('slow', 'x', { qos }), slow.publish('last', 'x', { qos })]
    await isAsked
    await other.publish('other', 'x', { qos: 1 })
    answer(true)
    await done
    await Promise.all(sent)
    assert.deepEqual(seen, ['other', 'slow', 'last'])
  })

test('what was sent before DISCONNECT is still published, each once, retained too', async (context) => {
  const { open, broker } = await start(context, {
    authorizePublish: async (_who, topic) => {
      await new Promise(setImmediate)
      return topic !== 'denied'
    },
  })
  const seen: string[] = []
  const done = new Promise<void>((resolve) =>
    broker.subscribe('#', ({ topic }) => {
      seen.push(topic)
      if (topic === 'c') resolve()
    }),
  )
  const client = await open()
  for (const topic of ['a', 'denied', 'b', 'c']) void client.publish(topic, 'x', { retain: true })
  await client.end()
  await done
  assert.deepEqual(seen, ['a', 'b', 'c'])
  const reader = await open()
  const kept: string[] = []
  const all = new Promise<void>((resolve) => {
    const onMessage = ({ topic }: { topic: string }) => void (kept.push(topic) === 3 && resolve())
    void reader.subscribe('#', { onMessage })
  })
  await all
  assert.deepEqual(kept.sort(), ['a', 'b', 'c'])
})

test('a SUBSCRIBE of several filters has one answer each, asked once', async (context) => {
  const asked: string[] = []
  const { open, broker } = await start(context, {
    authorizeSubscribe: (_who, filter) => {
      asked.push(filter)
      if (filter === 'now') return true
      return Promise.resolve(filter !== 'no')
    },
  })
  const client = await open()
  const got: string[] = []
  const subscription = await client.subscribe(['now', 'no', 'later'], {
    onMessage: ({ topic }) => void got.push(topic),
  })
  assert.deepEqual([...subscription.codes], [0, 0x87, 0])
  assert.deepEqual(asked, ['now', 'no', 'later'])
  for (const topic of ['no', 'now', 'later']) broker.publish(topic, '')
  await client.publish('barrier', '', { qos: 1 })
  assert.deepEqual(got, ['now', 'later'])
})

test('a connection that ends while a hook thinks publishes nothing afterwards', async (context) => {
  const { ask, answer, isAsked } = question()
  const { open, broker } = await start(context, {
    authorizePublish: (_who, topic) => (topic === 'slow' ? ask() : true),
  })
  const seen: string[] = []
  const done = new Promise<void>((resolve) =>
    broker.subscribe('#', ({ topic }) => (seen.push(topic), resolve())),
  )
  const slow = await open({ clientId: 'same' })
  slow.publish('slow', 'x', { qos: 1 }).catch(() => undefined)
  await isAsked
  const successor = await open({ clientId: 'same' })
  answer(true)
  await successor.publish('next', 'x', { qos: 1 })
  await done
  assert.deepEqual(seen, ['next'])
})

test('a QoS 2 message is asked for again when it is released, and stays held meanwhile', async (context) => {
  let count = 0
  const { open, broker } = await start(context, {
    authorizePublish: async () => ++count === 1,
  })
  const seen: string[] = []
  broker.subscribe('#', ({ topic }) => seen.push(topic))
  const client = await open()
  await client.publish('a', 'x', { qos: 2 })
  assert.equal(count, 2)
  assert.deepEqual(seen, [])
})

test('a will waits for its hook, also when the broker closes', async (context) => {
  for (const allowed of [true, false]) {
    const { ask, answer, isAsked } = question()
    const { open, broker } = await start(context, {
      authorizePublish: (_who, topic) => (topic === 'will' ? ask() : true),
    })
    const seen: string[] = []
    broker.subscribe('#', ({ topic }) => seen.push(topic))
    await open({ will: { topic: 'will', payload: 'bye' } })
    const closing = broker.close()
    await isAsked
    answer(allowed)
    await closing
    await new Promise(setImmediate)
    assert.deepEqual(seen, allowed ? ['will'] : [])
  }
})

test('a hook that thinks for longer than the keep alive does not cost the connection', async (context) => {
  const { ask, answer, isAsked } = question()
  const { open } = await start(context, { authorizePublish: ask })
  const client = await open({ keepAliveSeconds: 1 })
  const sent = client.publish('a', 'x', { qos: 1 })
  await isAsked
  // What is tested is the passing of time: one and a half times the keep alive, and a tick.
  await new Promise((resolve) => setTimeout(resolve, 1_800))
  answer(true)
  await sent
  assert.equal(client.state, 'connected')
})

const wordless: [string, () => unknown][] = [
  ['an object without words', () => Object.create(null) as unknown],
  ['an error without words', () => Object.assign(new Error('x'), { stack: Object.create(null) })],
]

for (const [name, make] of wordless)
  test(`${name}, thrown or rejected with, is a refusal like any`, async (context) => {
    for (const fail of [
      () => {
        throw make()
      },
      async () => Promise.reject(make()),
    ]) {
      const { open, errors } = await start(context, { authorizePublish: fail, onPublish: fail })
      const client = await open()
      await assert.rejects(client.publish('a', 'x', { qos: 1 }), { reason: 0x87 })
      assert.match(errors.join(), /authorizePublish threw: something that no text can be made of/)
      const { open: knock } = await start(context, { authenticate: fail })
      await assert.rejects(knock(), { reason: 0x87 })
    }
  })

test('a thenable answers as a promise does, and one that throws refuses', async (context) => {
  // oxlint-disable-next-line unicorn/no-thenable
  const says = (then: (resolve: (value: unknown) => void) => void) => ({ then }) as never
  const answers = [
    says((resolve) => resolve(Promise.resolve(true))),
    says(() => {
      throw new Error('no backend')
    }),
  ]
  const { open } = await start(context, { authorizePublish: () => answers.shift() ?? false })
  const client = await open()
  assert.equal((await client.publish('a', 'x', { qos: 1 })).reason, 0x10)
  await assert.rejects(client.publish('a', 'x', { qos: 1 }), { reason: 0x87 })
})

test('a hook that has not answered after 10 s refuses, and is told of', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const errors: string[] = []
  const log = { mask: 1, write: (_type: number, text: string) => void errors.push(text) }
  const never = () => new Promise<boolean>(() => undefined)
  const { authenticate, publish, subscribe, deliver } = authOfHooks(
    {
      authenticate: never,
      authorizePublish: never,
      authorizeSubscribe: never,
      authorizeDelivery: never,
    },
    log,
  )
  const who = { clientId: 'c', username: null, remote: '', listener: null, login: null, origin: '' }
  const asked = [publish?.(who, 't', 1, false), subscribe?.(who, '#', 1), deliver?.(who, 't')]
  const request = { ...who, password: null, version: 5 } as unknown as AuthRequest
  const login = new Promise((resolve) => authenticate(request, resolve))
  let answered = 0
  void login.then(() => answered++)
  for (const verdict of asked) void Promise.resolve(verdict).then(() => answered++)
  context.mock.timers.tick(9_999)
  await new Promise(setImmediate)
  assert.equal(answered, 0)
  context.mock.timers.tick(1)
  assert.deepEqual(await Promise.all(asked.map(async (verdict) => verdict)), [false, false, false])
  assert.equal(await login, 0x87)
  assert.match(errors.join(), /authenticate threw: .*no answer within 10000 ms/)
  assert.match(errors.join(), /authorizePublish threw: .*no answer within 10000 ms/)
})

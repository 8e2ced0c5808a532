import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PacketType, type Packet, type PublishPacket, type Qos } from '../../src/codec/packets.ts'
import { Reason } from '../../src/codec/reason-codes.ts'
import type { MessageHandler } from '../../src/client/options.ts'
import { ack, play, publishTo } from './virtual.ts'

const { puback, pubrec, pubrel, publish, disconnect, subscribe, unsubscribe, suback, unsuback } =
  PacketType

test('a slow iterator pauses reading, and lets it go on when half is taken', async () => {
  const { client, accept, server } = play({ incomingMessagesMax: 10 })
  await accept()
  const stream = client.subscribe('t')
  stream.catch(() => undefined)
  await server().send({ type: suback, packetId: 1, codes: [0], properties: {} })
  const iterator = stream[Symbol.asyncIterator]()
  await server().send(Array.from({ length: 10 }, () => publishTo('t', 'x')))
  assert.equal(server().isPaused, false)
  await server().send(publishTo('t', 'x'))
  assert.equal(server().isPaused, true)
  for (let i = 0; i < 5; i++) await iterator.next()
  assert.equal(server().isPaused, true)
  await iterator.next()
  assert.equal(server().isPaused, false)
  await client.end({ force: true })
})

test('reading goes on while an answer is waited for, so a loop may await its own publishes', async () => {
  const { client, accept, server, time } = play({ incomingMessagesMax: 2 })
  await accept()
  const stream = client.subscribe('t')
  stream.catch(() => undefined)
  await server().send({ type: suback, packetId: 1, codes: [0], properties: {} })
  await server().send(Array.from({ length: 3 }, () => publishTo('t', 'x')))
  assert.equal(server().isPaused, true)
  const done = client.publish('out', 'x', { qos: 1 })
  await time.settle()
  assert.equal(server().isPaused, false)
  await server().send(publishTo('t', 'x'))
  assert.equal(server().isPaused, false)
  await server().send(ack(puback, 2))
  await done
  assert.equal(server().isPaused, true)
  await client.end({ force: true })
})

test('where reading cannot be paused, QoS 0 messages are dropped beyond every bound, and counted', async () => {
  const { client, accept, server } = play({ incomingMessagesMax: 10 })
  await accept()
  const stream = client.subscribe('t')
  stream.catch(() => undefined)
  await server().send(Array.from({ length: 100 }, () => publishTo('t', 'x')))
  assert.equal(client.stats.droppedMessages, 20)
  await client.end({ force: true })
})

test('a message of any number of user properties is taken, as brokers pass them on', async () => {
  const counts: (number | undefined)[] = []
  const onMessage: MessageHandler = ({ properties }) =>
    void counts.push(properties.userProperties?.length)
  const { client, accept, server } = play({ onMessage })
  await accept()
  const userProperties = Array.from({ length: 2000 }, (_, n): [string, string] => [`${n}`, ''])
  await server().send({ ...publishTo('t', 'x'), properties: { userProperties } })
  assert.deepEqual(counts, [2000])
  await client.end({ force: true })
})

test('a message is acknowledged when the loop asks for the next one', async () => {
  const { client, accept, server, time } = play()
  await accept()
  const stream = client.subscribe('t', { qos: 2 })
  stream.catch(() => undefined)
  await time.settle()
  const iterator = stream[Symbol.asyncIterator]()
  await server().send([
    publishTo('t', '1', { qos: 1, packetId: 1 }),
    publishTo('t', '2', { qos: 2, packetId: 2 }),
  ])
  server().taken()
  assert.equal((await iterator.next()).value?.text(), '1')
  await time.settle()
  assert.deepEqual(server().taken(), [])
  assert.equal((await iterator.next()).value?.text(), '2')
  await time.settle()
  assert.deepEqual(server().taken(), [ack(puback, 1)])
  await iterator.return?.()
  await time.settle()
  const [received, left] = server().taken()
  assert.deepEqual(received, ack(pubrec, 2))
  assert.deepEqual(left.type === unsubscribe && left.filters, ['t'])
})

test('a handler that fails has its message refused and the error reported', async () => {
  const errors: string[] = []
  const { client, accept, server } = play({
    onMessage: (message) => {
      if (message.topic === 'now') throw new Error('now')
      return Promise.reject(new Error('later'))
    },
  })
  client.on('error', ({ message }) => errors.push(message))
  await accept()
  server().taken()
  await server().send(publishTo('now', '', { qos: 1, packetId: 1 }))
  await server().send(publishTo('later', '', { qos: 2, packetId: 2 }))
  const reason = Reason.implementationSpecificError
  assert.deepEqual(server().taken(), [ack(puback, 1, reason), ack(pubrec, 2, reason)])
  assert.deepEqual(errors, ['now', 'later'])
  // The exchange is over: the identifier may be used anew.
  await server().send(publishTo('now', '', { qos: 2, packetId: 2 }))
  assert.equal(errors.length, 3)
})

test('a handler of a program in JavaScript may return anything', async () => {
  const got: string[] = []
  const push: unknown = ({ topic }: { topic: string }) => got.push(topic)
  const { accept, server } = play({ onMessage: push as MessageHandler })
  await accept()
  server().taken()
  await server().send(publishTo('a', '', { qos: 1, packetId: 1 }))
  assert.deepEqual(server().taken(), [ack(puback, 1)])
  assert.deepEqual(got, ['a'])
})

test('a message goes to every subscription that it matches, and is acknowledged once', async () => {
  const got: string[] = []
  const { client, accept, server, time } = play()
  await accept()
  const listen = (filter: string) =>
    void client.subscribe(filter, { qos: 1, onMessage: () => void got.push(filter) })
  for (const filter of ['a/b', 'a/+', '$share/g/#', 'a/c']) listen(filter)
  await time.settle()
  server().taken()
  await server().send(publishTo('a/b', '', { qos: 1, packetId: 7 }))
  assert.deepEqual(got.sort(), ['$share/g/#', 'a/+', 'a/b'])
  assert.deepEqual(server().only(puback), ack(puback, 7))
})

test('subscription identifiers say whose a message is', async () => {
  const got: string[] = []
  const { client, accept, server, time } = play()
  await accept()
  for (const [filter, id] of [
    ['a/#', 1],
    ['a/+', 2],
  ] as const)
    void client.subscribe(filter, {
      properties: { subscriptionIds: [id] },
      onMessage: () => void got.push(filter),
    })
  await time.settle()
  await server().send(publishTo('a/b', '', { properties: { subscriptionIds: [2] } }))
  assert.deepEqual(got, ['a/+'])
  await server().send(publishTo('a/b', '', { properties: { subscriptionIds: [1, 2] } }))
  assert.deepEqual(got, ['a/+', 'a/#', 'a/+'])
})

test('a filter stays subscribed until the last of its subscriptions ends', async () => {
  const { client, accept, server, time } = play()
  await accept()
  const onMessage = () => undefined
  const first = client.subscribe('a', { onMessage })
  const second = client.subscribe('a', { onMessage })
  await time.settle()
  await server().send(
    [1, 2].map((packetId) => ({ type: suback, packetId, codes: [0], properties: {} })),
  )
  server().taken()
  await (await first).unsubscribe()
  await time.settle()
  assert.deepEqual(server().taken(), [])
  const gone = (await second).unsubscribe()
  await time.settle()
  const { packetId, filters } = server().only(unsubscribe)
  assert.deepEqual(filters, ['a'])
  await server().send({ type: unsuback, packetId, codes: [0], properties: {} })
  await gone
})

test('topic aliases are used both ways', async () => {
  const topics: string[] = []
  const { client, accept, server, time } = play({
    topicAliases: 10,
    topicAliasMaximum: 2,
    onMessage: (message) => void topics.push(message.topic),
  })
  await accept({ properties: { topicAliasMaximum: 1 } })
  server().taken()
  for (const topic of ['a', 'b', 'a']) void client.publish(topic, 'x')
  await time.settle()
  const sent = server().taken() as PublishPacket[]
  assert.deepEqual(
    sent.map(({ topic, properties }) => [topic, properties.topicAlias]),
    [
      ['a', 1],
      ['b', undefined],
      ['', 1],
    ],
  )
  await server().send([
    publishTo('in', '', { properties: { topicAlias: 2 } }),
    publishTo('', '', { properties: { topicAlias: 2 } }),
  ])
  assert.deepEqual(topics, ['in', 'in'])
  await server().send(publishTo('in', '', { properties: { topicAlias: 3 } }))
  const said = server().taken().at(-1)
  assert.equal(said?.type === disconnect && said.reason, Reason.topicAliasInvalid)
})

test('an alias of the program is sent with the topic once, and alone afterwards', async () => {
  const { client, accept, server, time } = play()
  await accept({ properties: { topicAliasMaximum: 5 } })
  server().taken()
  const properties = { topicAlias: 5 }
  for (const topic of ['a', 'a', 'b']) void client.publish(topic, '', { properties })
  await assert.rejects(client.publish('a', '', { properties: { topicAlias: 6 } }), {
    reason: Reason.topicAliasInvalid,
  })
  await time.settle()
  const sent = server().taken() as PublishPacket[]
  assert.deepEqual(
    sent.map(({ topic }) => topic),
    ['a', '', 'b'],
  )
})

test('the network that takes nothing slows QoS 0 down instead of filling memory', async () => {
  const { client, accept, server, time } = play()
  await accept()
  server().isBlocked = true
  let done = 0
  const payload = new Uint8Array(1000)
  for (let i = 0; i < 1000; i++) void client.publish('t', payload).then(() => done++)
  await time.settle()
  assert.ok(done >= 64 && done < 200, `${done} of 1000 handed over`)
  await server().drain()
  await time.settle()
  assert.equal(done, 1000)
})

test('a loop that awaits its publishes lets other things happen', async () => {
  const { client, accept, time } = play()
  await accept()
  const payload = new Uint8Array(10_000)
  const loop = async (): Promise<void> => {
    for (let i = 0; i < 1000; i++) await client.publish('t', payload)
  }
  const before = time.turns
  const finished = loop()
  await time.settle()
  await finished
  const turns = time.turns - before
  assert.ok(turns >= 5, `${turns} turns for 10 MB`)
})

test('a response finds its request, and nobody waits for ever', async () => {
  const { client, accept, server, time } = play()
  await accept({ properties: { responseInformation: 'reply/c' } })
  server().taken()
  const answer = client.request('service', 'q', { timeoutMs: 500 })
  const lost = client.request('service', 'q', { timeoutMs: 500 })
  await time.settle()
  const [{ packetId, filters }] = server().taken() as (Packet & { type: typeof subscribe })[]
  assert.match(filters[0].filter, /^reply\/c\//)
  await server().send({ type: suback, packetId, codes: [1], properties: {} })
  const requests = server()
    .taken()
    .filter((each) => each.type === publish)
  assert.equal(requests.length, 2)
  const [{ properties }] = requests
  assert.equal(properties.responseTopic, filters[0].filter)
  await server().send(requests.map((each) => ack(puback, each.packetId)))
  const { correlationData } = properties
  await server().send(
    publishTo(filters[0].filter, 'a', {
      properties: correlationData === undefined ? {} : { correlationData },
    }),
  )
  assert.equal((await answer).text(), 'a')
  const rejected = assert.rejects(lost, { code: 'TIMEOUT' })
  await time.pass(500)
  await rejected
})

test('a request whose response topic the server has refused meanwhile asks for it again, and is told', async () => {
  const { client, accept, server, time } = play({ reconnect: { minMs: 100, jitter: 0 } })
  client.on('error', () => undefined)
  await accept()
  server().taken()
  const answer = async (code: number): Promise<void> => {
    const { packetId } = server().only(subscribe)
    await server().send({ type: suback, packetId, codes: [code], properties: {} })
  }
  void client.request('service', 'q').catch(() => undefined)
  await time.settle()
  await answer(1)
  const { packetId } = server().only(publish)
  await server().send(ack(puback, packetId))
  await server().cut()
  await time.pass(100)
  await accept()
  const [, again] = server().taken()
  assert.ok(again.type === subscribe)
  await server().send({
    type: suback,
    packetId: again.packetId,
    codes: [Reason.notAuthorized],
    properties: {},
  })
  const refused = assert.rejects(client.request('service', 'q'), { code: 'REFUSED' })
  await time.settle()
  await answer(Reason.notAuthorized)
  await refused
})

const message = fc.record({
  topic: fc.constantFrom('a', 'a/b', 'ä/漢字', 'x'.repeat(300)),
  payload: fc.string({ maxLength: 300 }),
  qos: fc.constantFrom<Qos[]>(0, 1, 2),
  retain: fc.boolean(),
  contentType: fc.option(fc.string({ maxLength: 5, unit: 'binary-ascii' }), { nil: undefined }),
})

test('any stream of messages arrives whole, in order and acknowledged, however it is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 40 }),
      fc.integer({ min: 1, max: 700 }),
      fc.constantFrom(3 as const, 4 as const, 5 as const),
      async (messages, chunkBytes, version) => {
        const got: unknown[] = []
        const { accept, server, client } = play({
          version,
          onMessage: ({ topic, qos, retain, properties, ...rest }) => {
            got.push([topic, rest.payload, qos, retain, properties])
          },
        })
        await accept()
        server().taken()
        const packets = messages.map(({ topic, payload, qos, retain, contentType }, index) => {
          const clean = contentType?.replace(/[^ -~]/g, '')
          const properties = clean === undefined || version < 5 ? {} : { contentType: clean }
          const packetId = qos === 0 ? 0 : index + 1
          return publishTo(topic, payload, { qos, retain, packetId, properties })
        })
        await server().send(packets, chunkBytes)
        assert.deepEqual(
          got,
          packets.map(({ topic, payload, qos, retain, properties }) => [
            topic,
            payload,
            qos,
            retain,
            { ...properties },
          ]),
        )
        assert.deepEqual(
          server().taken(),
          packets
            .filter(({ qos }) => qos > 0)
            .map(({ qos, packetId }) => ack(qos === 1 ? puback : pubrec, packetId)),
        )
        await server().send(
          packets.filter(({ qos }) => qos === 2).map(({ packetId }) => ack(pubrel, packetId)),
        )
        assert.equal(server().taken().length, packets.filter(({ qos }) => qos === 2).length)
        await client.end({ force: true })
      },
    ),
    { numRuns: 150 },
  )
})

test('no bytes of a server can do worse than end the connection', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }),
      async (chunks) => {
        const { client, accept, server, time } = play({ reconnect: false })
        const errors: Error[] = []
        client.on('error', (error) => errors.push(error))
        await accept()
        for (const chunk of chunks) {
          if (client.state !== 'connected') break
          await server().sendBytes(...chunk)
        }
        assert.ok(['connected', 'ended'].includes(client.state))
        assert.deepEqual(errors, [])
        await client.end({ force: true })
        await time.settle()
      },
    ),
    { numRuns: 500 },
  )
})

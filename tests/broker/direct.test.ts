/** `direct_topic`: messages to a client id; `auto_subscribe`: subscriptions nobody sends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Actor } from './stage.ts'

const durable = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } } as const
const direct = { directLevel: 'p2p' }

const facts = ({ inbox }: Actor): unknown[] =>
  inbox.flatMap((packet) =>
    'payload' in packet ? [[packet.topic, packet.qos, packet.retain]] : [],
  )

// ── direct_topic ───────────────────────────────────────────────────────────────────────────────────

test('without direct_topic nobody gets what they did not subscribe to', () => {
  const stage = createStage()
  const client = stage.connect('ap-1')
  stage.connect('c').send(make.publish('esl/p2p/ap-1', 'x'))
  assert.deepEqual(client.payloads(), [])
})

for (const qos of [0, 1, 2] as const)
  test(`a message to <anything>/p2p/<client id> reaches that client alone, at QoS ${qos}`, () => {
    const stage = createStage(direct)
    const [client, other] = ['ap-1', 'ap-2'].map((id) => stage.connect(id))
    const author = stage.connect('c')
    for (const topic of ['p2p/ap-1', 'esl/s1/p2p/ap-1']) {
      author.send(make.publish(topic, 'x', { qos, packetId: 9 }))
      if (qos === 1) assert.equal(author.take('puback')?.reason, topic === 'p2p/ap-1' ? 0x10 : 0)
      if (qos === 2) author.send(make.ack('pubrel', 9))
    }
    assert.deepEqual(facts(client), [['esl/s1/p2p/ap-1', qos, false]])
    assert.deepEqual(facts(other), [])
  })

for (const topic of ['esl/p2p', 'esl/p2p/', 'esl/p2p/ap-1/x', 'esl/xp2p/ap-1', 'esl/p2p/ap-2'])
  test(`${topic} is no message to ap-1`, () => {
    const stage = createStage(direct)
    const client = stage.connect('ap-1')
    const author = stage.connect('c')
    author.send(make.publish(topic, 'x', { qos: 1, packetId: 1 }))
    assert.equal(author.take('puback')?.reason, 0x10)
    assert.deepEqual(client.payloads(), [])
  })

test('it is queued for a client that is away, and comes when it is back', () => {
  const stage = createStage(direct)
  stage.connect('ap-1', durable).send(make.disconnect())
  const author = stage.connect('c')
  author.send(make.publish('esl/p2p/ap-1', 'x', { qos: 1, packetId: 1 }))
  assert.equal(author.take('puback')?.reason, 0)
  const client = stage.connect('ap-1', durable)
  assert.deepEqual(client.payloads(), ['x'])
})

test('whoever subscribes gets it as well; the client itself once, as it subscribed', () => {
  const stage = createStage(direct)
  const client = stage.connect('ap-1')
  const audit = stage.connect('audit')
  audit.subscribe('esl/#', 0)
  client.send(make.subscribe(3, [{ filter: 'esl/p2p/+', qos: 1 }], { subscriptionIds: [4] }))
  stage
    .connect('c')
    .send(make.publish('esl/p2p/ap-1', 'x', { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  assert.deepEqual(facts(audit), [['esl/p2p/ap-1', 0, false]])
  const packet = client.take('publish')
  assert.deepEqual([packet?.qos, packet?.properties.subscriptionIds], [1, [4]])
  assert.equal(client.take('publish'), undefined)
})

test('a client that comes later under the same topic is found, one that has gone is not', () => {
  const stage = createStage(direct)
  const author = stage.connect('c')
  const say = (): number | undefined => {
    author.send(make.publish('esl/p2p/ap-1', 'x', { qos: 1, packetId: 1 }))
    return author.take('puback')?.reason
  }
  assert.equal(say(), 0x10)
  const first = stage.connect('ap-1')
  assert.equal(say(), 0)
  first.send(make.disconnect())
  assert.equal(say(), 0x10)
  const second = stage.connect('ap-1')
  assert.equal(say(), 0)
  assert.deepEqual([first.payloads(), second.payloads()], [['x'], ['x']])
})

test('rights are asked of who publishes and of who is sent it', () => {
  const stage = createStage(direct)
  const client = stage.connect('ap-1')
  const author = stage.connect('c')
  const { auth } = stage.node
  auth.publish = (_who, topic) => topic !== 'no/p2p/ap-1'
  auth.deliver = (_who, topic) => topic !== 'hidden/p2p/ap-1'
  for (const [topic, reason] of [
    ['no/p2p/ap-1', 0x87],
    ['hidden/p2p/ap-1', 0],
    ['yes/p2p/ap-1', 0],
  ] as const) {
    author.send(make.publish(topic, topic, { qos: 1, packetId: 1 }))
    assert.equal(author.take('puback')?.reason, reason)
  }
  assert.deepEqual(client.payloads(), ['yes/p2p/ap-1'])
})

test('a delayed message may be a direct one', () => {
  const stage = createStage({ ...direct, delayedMax: 1 })
  const client = stage.connect('ap-1')
  stage.connect('c').send(make.publish('$delayed/5/esl/p2p/ap-1', 'x', { qos: 1 }))
  stage.pass(5300)
  assert.deepEqual(facts(client), [['esl/p2p/ap-1', 1, false]])
})

// ── auto_subscribe ─────────────────────────────────────────────────────────────────────────────────

const auto = {
  autoSubscriptions: [
    { filter: 'esl/%c/cmd', qos: 1 },
    { filter: 'users/%u/#', qos: 0 },
  ] as const,
}

test('every client is subscribed by its names when it comes', () => {
  const stage = createStage(auto)
  const client = stage.connect('ap-1', { username: 'u' })
  const nameless = stage.connect('ap-2')
  const author = stage.connect('c')
  for (const topic of ['esl/ap-1/cmd', 'esl/ap-2/cmd', 'users/u/x', 'users//x'])
    author.send(make.publish(topic, topic, { qos: 1, packetId: 1 }))
  assert.deepEqual(facts(client), [
    ['esl/ap-1/cmd', 1, false],
    ['users/u/x', 0, false],
  ])
  assert.deepEqual(nameless.payloads(), ['esl/ap-2/cmd'])
})

for (const clientId of ['+', '#', 'a/b', 'a+'])
  test(`a client called ${clientId} gets no subscription by its name`, () => {
    const stage = createStage(auto)
    const client = stage.connect(clientId)
    assert.deepEqual(stage.node.broker.filtersOf(clientId), [])
    assert.equal(client.isClosed, false)
  })

test('a client called $share gets no shared subscription by its name', () => {
  const stage = createStage({ autoSubscriptions: [{ filter: '%c/a/b', qos: 1 }] })
  stage.connect('$share')
  stage.connect('c')
  assert.deepEqual(stage.node.broker.filtersOf('$share'), [])
  assert.equal(stage.node.broker.filtersOf('c')?.length, 1)
})

test('what is retained comes once, with the session’s first connection', () => {
  const stage = createStage(auto)
  stage
    .connect('c')
    .send(make.publish('esl/ap-1/cmd', 'kept', { qos: 1, packetId: 1, retain: true }))
  const first = stage.connect('ap-1', durable)
  assert.deepEqual(facts(first), [['esl/ap-1/cmd', 1, true]])
  const packet = first.take('publish')
  first.send(make.ack('puback', packet?.packetId ?? 0), make.disconnect())
  const second = stage.connect('ap-1', durable)
  assert.deepEqual(second.payloads(), [])
  assert.deepEqual(stage.node.broker.filtersOf('ap-1'), ['esl/ap-1/cmd'])
})

test('a client’s own subscription is left as it is, and one it gave back is there again when it comes', () => {
  const stage = createStage(auto)
  const client = stage.connect('ap-1', durable)
  client.send(make.subscribe(1, [{ filter: 'esl/ap-1/cmd', qos: 2 }]), make.disconnect())
  const again = stage.connect('ap-1', durable)
  stage
    .connect('c')
    .send(make.publish('esl/ap-1/cmd', 'x', { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  assert.deepEqual(facts(again), [['esl/ap-1/cmd', 2, false]])
  again.send(make.unsubscribe(2, ['esl/ap-1/cmd']))
  assert.deepEqual(stage.node.broker.filtersOf('ap-1'), [])
  again.send(make.disconnect())
  stage.connect('ap-1', durable)
  assert.deepEqual(stage.node.broker.filtersOf('ap-1'), ['esl/ap-1/cmd'])
})

test('it is granted by the same rights as a SUBSCRIBE, said now or later', async () => {
  const stage = createStage(auto)
  stage.node.auth.subscribe = (who) => who.clientId === 'ap-1'
  stage.connect('ap-1')
  stage.connect('ap-2')
  assert.deepEqual(stage.node.broker.filtersOf('ap-1'), ['esl/ap-1/cmd'])
  assert.deepEqual(stage.node.broker.filtersOf('ap-2'), [])
  stage.node.auth.subscribe = async (who) => Promise.resolve(who.clientId === 'ap-3')
  stage.connect('ap-3')
  stage.connect('ap-4')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(stage.node.broker.filtersOf('ap-3'), ['esl/ap-3/cmd'])
  assert.deepEqual(stage.node.broker.filtersOf('ap-4'), [])
})

test('a client that is away is sent what came by it', () => {
  const stage = createStage(auto)
  stage.connect('ap-1', durable).send(make.disconnect())
  stage.connect('c').send(make.publish('esl/ap-1/cmd', 'x', { qos: 1, packetId: 1 }))
  assert.deepEqual(stage.connect('ap-1', durable).payloads(), ['x'])
})

/** What no packet can carry is refused at once; what a server closes for is given up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBroker } from '../../src/index.ts'
import { connect } from '../../src/client/node.ts'
import type { PublishOptions } from '../../src/client/publishing.ts'
import type { SubscribeOptions } from '../../src/client/subscription.ts'
import { PacketType, type PublishPacket } from '../../src/codec/packets.ts'
import { ack, play, publishTo, type Play, type ServerSide, type VirtualTime } from './virtual.ts'

const INVALID = { name: 'MqttError', code: 'INVALID' }

const publishes: [string, [string, unknown?, object?]][] = [
  ['a tab in the topic', ['a\tb', 'x', { qos: 1 }]],
  ['U+FFFF in the topic', ['a\uffff', 'x']],
  ['a wildcard in the topic', ['a/#', 'x']],
  ['a topic of 65,536 bytes', ['x'.repeat(65_536), 'x']],
  ['a topic that is no text', [5 as unknown as string, 'x']],
  ['QoS -1', ['a', 'x', { qos: -1 }]],
  ['QoS 3', ['a', 'x', { qos: 3 }]],
  ['QoS "1"', ['a', 'x', { qos: '1' }]],
  ['a number for a payload', ['a', 21.5]],
  ['a number for a payload at QoS 1', ['a', 21.5, { qos: 1 }]],
  ['null for a payload', ['a', null]],
  ['a text for retain', ['a', 'x', { retain: 'false' }]],
  ['no topic', [undefined as unknown as string, 'x']],
  ['a number for a topic', [5 as unknown as string, 'x']],
  ['a tab in the content type', ['a', 'x', { properties: { contentType: 'x\ty' } }]],
  ['topic alias 0', ['a', 'x', { properties: { topicAlias: 0 } }]],
  ['an expiry of half a second', ['a', 'x', { properties: { messageExpirySeconds: 0.5 } }]],
  ["another library's property", ['a', 'x', { properties: { messageExpiryInterval: 5 } }]],
  ['null for the properties', ['a', 'x', { properties: null }]],
  ['a property of SUBSCRIBE', ['a', 'x', { properties: { sessionExpirySeconds: 1 } }]],
]

for (const [name, what] of publishes)
  test(`publishing ${name} is refused at once, and nothing leaks`, async () => {
    const { client, accept } = play()
    const server = await accept()
    server.taken()
    const [topic, payload, options] = what as [string, string, PublishOptions?]
    await assert.rejects(client.publish(topic, payload, options), INVALID)
    assert.equal(client.outgoingMessages, 0)
    const good = client.publish('good', 'x', { qos: 1 })
    const { packetId } = (await sent(server)).publish
    await server.send(ack(PacketType.puback, packetId))
    await good
    await client.end({ force: true })
  })

async function sent(server: ReturnType<Play['server']>): Promise<{ publish: PublishPacket }> {
  await server.send([])
  return { publish: server.only(PacketType.publish) }
}

const subscribes: [string, string, object][] = [
  ['QoS 3', 'v/#', { qos: 3 }],
  ['retain handling 3', 'v/#', { retainHandling: 3 }],
  ['a tab in the filter', 'a\tb', {}],
  ['a wildcard within a level', 'a#', {}],
  ['no local on a shared filter', '$share/g/x', { noLocal: true }],
  ['two identifiers', 'a', { properties: { subscriptionIds: [1, 2] } }],
  ['identifier 0', 'a', { properties: { subscriptionIds: [0] } }],
]

for (const [name, filter, options] of subscribes)
  test(`subscribing with ${name} is refused at once`, async () => {
    const { client, accept } = play()
    const server = await accept()
    server.taken()
    await assert.rejects(client.subscribe(filter, options as SubscribeOptions), INVALID)
    const onMessage = (): void => undefined
    await assert.rejects(
      async () => client.subscribe(filter, { ...(options as SubscribeOptions), onMessage }),
      INVALID,
    )
    await server.send([])
    assert.deepEqual(server.taken(), [])
    await client.end({ force: true })
  })

const noFilters: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a number', 5],
  ['a list with nothing in it', [undefined]],
]

for (const [name, filters] of noFilters)
  test(`subscribing to ${name}, and unsubscribing, is refused at once`, async () => {
    const { client } = play()
    await assert.rejects(client.subscribe(filters as string), INVALID)
    await assert.rejects(client.unsubscribe(filters as string), INVALID)
    await client.end({ force: true })
  })

test('a handler that is no function is refused at once, not at each message', async () => {
  const { client } = play()
  const onMessage = 'x' as unknown as () => void
  await assert.rejects(client.subscribe('a', { onMessage }), INVALID)
  await client.end({ force: true })
})

const connects: [string, object][] = [
  ['a NUL in the client id', { clientId: 'a\0' }],
  ['a tab in the user name', { username: 'a\tb' }],
  ['a will of QoS 3', { will: { topic: 'a', qos: 3 } }],
  ['a will with a wildcard', { will: { topic: 'a/+' } }],
  ['a will of 65,536 bytes', { will: { topic: 'a', payload: 'x'.repeat(65_536) } }],
  ['half a second of keep alive', { keepAliveSeconds: 0.5 }],
  ['a property of PUBLISH', { properties: { contentType: 'x' } }],
]

for (const [name, options] of connects)
  test(`connecting with ${name} is refused at once`, () => {
    assert.throws(() => play(options), INVALID)
  })

test('a reason that a packet cannot have is refused', async () => {
  const { client, accept } = play()
  const server = await accept()
  const subscribing = client.subscribe('a', {
    qos: 1,
    acknowledge: 'manual',
    onMessage: (message) => {
      assert.throws(() => message.ack(3), INVALID)
      message.ack(0x80)
    },
  })
  await server.send({ type: PacketType.suback, packetId: 1, codes: [1], properties: {} })
  await subscribing
  server.taken()
  await server.send(publishTo('a', 'x', { qos: 1, packetId: 1 }))
  assert.equal(server.only(PacketType.puback).reason, 0x80)
  await assert.rejects(client.end({ reason: 3 }), INVALID)
  assert.equal(client.state, 'connected')
  await client.end({ force: true })
})

/** Long enough for the client to go on with what it suspects. */
async function lasts(server: ServerSide, time: VirtualTime): Promise<void> {
  await time.pass(300)
  server.last(PacketType.pingreq)
  await server.send({ type: PacketType.pingresp })
}

test('a message that the server closes for each time is given up, and others go on', async () => {
  const { client, accept, time } = play({ sessionExpirySeconds: 60 })
  const first = await accept()
  const results = ['a', 'poison', 'b'].map((topic) => client.publish(topic, 'x', { qos: 1 }))
  const settled = Promise.allSettled(results)
  await time.settle()
  await first.closeAsServer()
  await time.pass(30_000)
  const second = await accept({ sessionPresent: true })
  await lasts(second, time)
  assert.equal(second.last(PacketType.publish).topic, 'a')
  await second.send(ack(PacketType.puback, second.last(PacketType.publish).packetId))
  assert.equal(second.last(PacketType.publish).topic, 'poison')
  await second.closeAsServer()
  for (let round = 0; round < 2; round++) {
    await time.pass(20_000)
    const next = await accept({ sessionPresent: true })
    await lasts(next, time)
    assert.equal(next.last(PacketType.publish).topic, 'poison')
    await next.closeAsServer()
  }
  await time.pass(20_000)
  const last = await accept({ sessionPresent: true })
  await lasts(last, time)
  assert.equal(last.last(PacketType.publish).topic, 'b')
  const later = client.publish('c', 'x', { qos: 1 })
  await last.send(ack(PacketType.puback, last.last(PacketType.publish).packetId))
  await last.send(ack(PacketType.puback, last.last(PacketType.publish).packetId))
  await later
  const [a, poison, b] = await settled
  assert.deepEqual([a.status, b.status], ['fulfilled', 'fulfilled'])
  assert.equal((poison as PromiseRejectedResult).reason.name, 'PublishRefusedError')
  assert.equal(client.outgoingMessages, 0)
  await client.end({ force: true })
})

test('a subscription that the server closes for is given up, others stay', async () => {
  const { client, accept, time } = play()
  const first = await accept()
  const good = client.subscribe('good', { onMessage: () => undefined })
  await time.settle()
  await first.send({ type: PacketType.suback, packetId: 1, codes: [0], properties: {} })
  await good
  const bad = client.subscribe('bad', { onMessage: () => undefined })
  bad.catch(() => undefined)
  await time.settle()
  await first.closeAsServer()
  for (let round = 0; round < 4; round++) {
    await time.pass(20_000)
    const next = await accept()
    await lasts(next, time)
    const { packetId, filters } = next.last(PacketType.subscribe)
    assert.equal(filters[0].filter, 'good')
    await next.send({ type: PacketType.suback, packetId, codes: [0], properties: {} })
    if (round === 3) assert.equal(next.last(PacketType.subscribe).filters[0].filter, 'good')
    else await next.closeAsServer()
  }
  await assert.rejects(bad, { name: 'SubscribeRefusedError' })
  await client.end({ force: true })
})

test('a server that says why it closes is believed at once', async () => {
  const { client, accept, time } = play()
  const bad = client.publish('poison', 'x', { qos: 1 })
  bad.catch(() => undefined)
  for (let round = 0; round < 2; round++) {
    const server = await accept()
    assert.equal(server.last(PacketType.publish).topic, 'poison')
    await server.send({ type: PacketType.disconnect, reason: 0x90, properties: {} })
    await time.pass(60_000)
  }
  await assert.rejects(bad, { name: 'PublishRefusedError', reason: 0x90 })
  await client.end({ force: true })
})

test('a network that cuts and cuts blames no message', async () => {
  const { client, accept, time } = play()
  const message = client.publish('a', 'x', { qos: 1 })
  for (let round = 0; round < 20; round++) {
    await (await accept()).closeAsServer()
    await time.pass(40_000)
  }
  const last = await accept()
  await lasts(last, time)
  await last.send(ack(PacketType.puback, last.last(PacketType.publish).packetId))
  await message
  await client.end({ force: true })
})

test('a network that cuts twice just when a message is tried alone blames none', async () => {
  const { client, accept, time } = play()
  const message = client.publish('a', 'x', { qos: 1 })
  await (await accept()).closeAsServer()
  for (let round = 0; round < 2; round++) {
    await time.pass(60_000)
    const next = await accept()
    await lasts(next, time)
    assert.equal(next.last(PacketType.publish).topic, 'a')
    await next.closeAsServer()
  }
  await time.pass(60_000)
  const last = await accept()
  await lasts(last, time)
  await last.send(ack(PacketType.puback, last.last(PacketType.publish).packetId))
  await message
  await client.end({ force: true })
})

test('a connection that has ended unnoticed before a message is tried blames no message', async () => {
  const { client, accept, time } = play()
  const message = client.publish('a', 'x', { qos: 1 })
  await (await accept()).closeAsServer()
  await time.pass(40_000)
  const second = await accept()
  await time.pass(300)
  await second.closeAsServer()
  await time.pass(40_000)
  const third = await accept()
  await third.send(ack(PacketType.puback, third.last(PacketType.publish).packetId))
  await message
  await client.end({ force: true })
})

test('a server that answers no PINGREQ gets what is suspected all the same', async () => {
  const { client, accept, time } = play({ keepAliveSeconds: 0 })
  const message = client.publish('a', 'x', { qos: 1 })
  await (await accept()).closeAsServer()
  await time.pass(40_000)
  const second = await accept()
  await time.pass(11_000)
  await second.send(ack(PacketType.puback, second.last(PacketType.publish).packetId))
  await message
  await client.end({ force: true })
})

test('a server that shuts down blames no message: all are sent again at once', async () => {
  const { client, accept, time } = play()
  const first = await accept()
  const both = Promise.all(['a', 'b'].map((topic) => client.publish(topic, 'x', { qos: 1 })))
  await time.settle()
  await first.send({ type: PacketType.disconnect, reason: 0x8b, properties: {} })
  await time.pass(30_000)
  const second = await accept()
  const ids = second.taken().flatMap((each) => (each.type === PacketType.publish ? [each] : []))
  assert.equal(ids.length, 2)
  await second.send(ids.map(({ packetId }) => ack(PacketType.puback, packetId)))
  await both
  await client.end({ force: true })
})

for (const version of [4, 5] as const)
  test(`a topic that a real broker closes for does not stop the rest, version ${version}`, async (context) => {
    const broker = createBroker({ log: () => undefined })
    context.after(() => broker.close())
    const { port } = await broker.listen()
    const client = await connect(`mqtt://127.0.0.1:${port}`, {
      version,
      reconnect: { minMs: 1, maxMs: 1 },
    })
    context.after(() => client.end({ force: true }))
    const bad = client.publish('a/'.repeat(300), 'x', { qos: 1 })
    const good = client.publish('good', 'x', { qos: 1 })
    await assert.rejects(bad, { name: 'PublishRefusedError', code: 'REFUSED' })
    await good
  })

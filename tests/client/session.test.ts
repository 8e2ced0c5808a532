import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import { Reason } from '../../src/codec/reason-codes.ts'
import { ack, play, publishTo } from './virtual.ts'

const { puback, pubrec, pubrel, pubcomp, publish, connect, suback } = PacketType
const quick = { minMs: 100, maxMs: 100, jitter: 0 }

test('an unacknowledged QoS 1 message is sent again with DUP when the session was kept [MQTT-4.4.0-1]', async () => {
  const { client, time, accept, server } = play({ sessionExpirySeconds: 60, reconnect: quick })
  await accept()
  server().taken()
  const done = client.publish('t', 'm', { qos: 1 })
  await time.settle()
  const first = server().only(publish)
  assert.equal(first.dup, false)
  await server().cut()
  await time.pass(100)
  await accept({ sessionPresent: true })
  const [hello, again] = server().taken()
  assert.equal(hello.type === connect && hello.cleanStart, false)
  assert.deepEqual(again, { ...first, dup: true })
  await server().send(ack(puback, first.packetId))
  assert.deepEqual(await done, { reason: 0, properties: {} })
})

test('without a session the message is sent as a new one', async () => {
  const { client, time, accept, server } = play({ reconnect: quick })
  await accept()
  void client.publish('t', 'm', { qos: 1 })
  await time.settle()
  await server().cut()
  await time.pass(100)
  await accept()
  const [, again] = server().taken()
  assert.equal(again.type === publish && again.dup, false)
})

test('a released QoS 2 message is not published again: PUBREL is [MQTT-4.3.3-7]', async () => {
  const { client, time, accept, server } = play({ sessionExpirySeconds: 60, reconnect: quick })
  await accept()
  server().taken()
  const done = client.publish('t', 'm', { qos: 2 })
  await time.settle()
  const { packetId } = server().only(publish)
  await server().send(ack(pubrec, packetId))
  assert.equal(server().only(pubrel).packetId, packetId)
  await server().cut()
  await time.pass(100)
  await accept({ sessionPresent: true })
  const [, released] = server().taken()
  assert.deepEqual(released, ack(pubrel, packetId))
  await server().send(ack(pubcomp, packetId))
  assert.equal((await done).reason, 0)
})

test('a released QoS 2 message whose session is lost is reported, neither repeated nor claimed', async () => {
  const { client, time, accept, server } = play({ reconnect: quick })
  await accept()
  server().taken()
  const done = client.publish('t', 'm', { qos: 2 })
  await time.settle()
  await server().send(ack(pubrec, server().only(publish).packetId))
  await server().cut()
  await time.pass(100)
  await accept()
  await assert.rejects(done, { code: 'SESSION_LOST' })
})

test('messages go out again in the order they were sent in [MQTT-4.6.0-1]', async () => {
  const { client, time, accept, server } = play({ sessionExpirySeconds: 60, reconnect: quick })
  await accept({ properties: { receiveMaximum: 3 } })
  for (const text of ['a', 'b', 'c', 'd', 'e'])
    void client.publish('t', text, { qos: text === 'b' ? 2 : 1 })
  await time.settle()
  await server().cut()
  await time.pass(100)
  await accept({ sessionPresent: true, properties: { receiveMaximum: 2 } })
  const texts = () =>
    server()
      .taken()
      .flatMap((each) => (each.type === publish ? [new TextDecoder().decode(each.payload)] : []))
  assert.deepEqual(texts(), ['a', 'b'])
  await server().send(ack(puback, 1))
  assert.deepEqual(texts(), ['c'])
  await server().send([ack(pubrec, 2), ack(pubcomp, 2), ack(puback, 3)])
  assert.deepEqual(texts(), ['d', 'e'])
})

test("no more messages are under way than the server's receive maximum [MQTT-3.3.4-9]", async () => {
  const { client, time, accept, server } = play()
  await accept({ properties: { receiveMaximum: 2 } })
  server().taken()
  for (let i = 0; i < 5; i++) void client.publish('t', String(i), { qos: 1 })
  await time.settle()
  assert.equal(server().taken().length, 2)
  await server().send(ack(puback, 1))
  assert.equal(server().taken().length, 1)
  assert.equal(client.outgoingMessages, 4)
})

test('a QoS 2 message that comes twice is delivered once [MQTT-4.3.3-10]', async () => {
  const got: string[] = []
  const { time, accept, server } = play({
    sessionExpirySeconds: 60,
    reconnect: quick,
    onMessage: (message) => void got.push(message.text()),
  })
  await accept()
  server().taken()
  await server().send(publishTo('t', 'once', { qos: 2, packetId: 5 }))
  assert.deepEqual(server().only(pubrec), ack(pubrec, 5))
  await server().cut()
  await time.pass(100)
  await accept({ sessionPresent: true })
  server().taken()
  await server().send(publishTo('t', 'once', { qos: 2, packetId: 5, dup: true }))
  assert.deepEqual(server().only(pubrec), ack(pubrec, 5))
  await server().send(ack(pubrel, 5))
  assert.deepEqual(server().only(pubcomp), ack(pubcomp, 5))
  await server().send(publishTo('t', 'next', { qos: 2, packetId: 5 }))
  assert.deepEqual(got, ['once', 'next'])
})

test('a message taken on one connection is not acknowledged on the next', async () => {
  const held: (() => void)[] = []
  const { client, time, accept, server } = play({ sessionExpirySeconds: 60, reconnect: quick })
  await accept()
  void client.subscribe('t', {
    qos: 1,
    acknowledge: 'manual',
    onMessage: (message) => void held.push(() => message.ack()),
  })
  await time.settle()
  await server().send({ type: suback, packetId: 1, codes: [1], properties: {} })
  await server().send(publishTo('t', 'x', { qos: 1, packetId: 9 }))
  await server().cut()
  await time.pass(100)
  await accept({ sessionPresent: true })
  server().taken()
  held[0]()
  await time.settle()
  assert.deepEqual(server().taken(), [])
})

test('a QoS 2 message still with the program is acknowledged on the connection it comes again by', async () => {
  const held: (() => void)[] = []
  const { client, time, accept, server } = play({ sessionExpirySeconds: 60, reconnect: quick })
  await accept()
  void client.subscribe('t', {
    qos: 2,
    acknowledge: 'manual',
    onMessage: (message) => void held.push(() => message.ack()),
  })
  await time.settle()
  await server().send(publishTo('t', 'x', { qos: 2, packetId: 9 }))
  await server().cut()
  await time.pass(100)
  await accept({ sessionPresent: true })
  await server().send(publishTo('t', 'x', { qos: 2, packetId: 9, dup: true }))
  server().taken()
  assert.equal(held.length, 1)
  held[0]()
  await time.settle()
  assert.deepEqual(server().only(pubrec), ack(pubrec, 9))
})

test('acknowledgements leave in the order the messages came in [MQTT-4.6.0-2]', async () => {
  const held: (() => void)[] = []
  const { client, time, accept, server } = play()
  await accept()
  void client.subscribe('t', {
    qos: 1,
    acknowledge: 'manual',
    onMessage: (message) => void held.push(() => message.ack()),
  })
  await time.settle()
  for (const packetId of [1, 2, 3]) await server().send(publishTo('t', 'x', { qos: 1, packetId }))
  server().taken()
  held[2]()
  held[1]()
  await time.settle()
  assert.deepEqual(server().taken(), [])
  held[0]()
  held[0]()
  await time.settle()
  assert.deepEqual(server().taken(), [ack(puback, 1), ack(puback, 2), ack(puback, 3)])
})

test('messages of a kept session wait, unacknowledged, for the subscription that takes them', async () => {
  const { client, time, accept, server } = play({ cleanStart: false, sessionExpirySeconds: 60 })
  await accept({ sessionPresent: true })
  server().taken()
  await server().send(publishTo('t/1', 'kept', { qos: 1, packetId: 1 }))
  assert.deepEqual(server().taken(), [])
  const got: string[] = []
  void client.subscribe('t/+', { qos: 1, onMessage: (message) => void got.push(message.text()) })
  await time.settle()
  assert.deepEqual(got, ['kept'])
  assert.deepEqual(server().taken()[1], ack(puback, 1))
})

test('and are let go when nobody takes them for ten seconds', async () => {
  const { client, time, accept, server } = play({ cleanStart: false, sessionExpirySeconds: 60 })
  await accept({ sessionPresent: true })
  server().taken()
  await server().send(publishTo('t/1', 'kept', { qos: 1, packetId: 1 }))
  await time.pass(10_000)
  assert.deepEqual(server().only(puback), ack(puback, 1))
  assert.equal(client.stats.unclaimedMessages, 1)
})

test('a refused message rejects with the reason of the server, and makes room', async () => {
  const { client, time, accept, server } = play()
  await accept({ properties: { receiveMaximum: 1 } })
  server().taken()
  const refused = client.publish('t', 'a', { qos: 2 })
  const fine = client.publish('t', 'b', { qos: 1 })
  await time.settle()
  const { packetId } = server().only(publish)
  await server().send(ack(pubrec, packetId, Reason.notAuthorized, { reasonString: 'no' }))
  await assert.rejects(refused, {
    name: 'PublishRefusedError',
    reason: Reason.notAuthorized,
    message: "publish to 't' refused: Not authorized: no",
  })
  await server().send(ack(puback, server().only(publish).packetId, Reason.noMatchingSubscribers))
  assert.equal((await fine).reason, Reason.noMatchingSubscribers)
})

test("mosquitto's refusal of what is over its limit is one, though the standard has none such", async () => {
  const { client, time, accept, server } = play()
  await accept()
  server().taken()
  const refused = client.publish('t', 'a', { qos: 1 })
  await time.settle()
  const { packetId } = server().only(publish)
  await server().sendBytes(0x40, 3, packetId >> 8, packetId & 0xff, 0x95)
  await assert.rejects(refused, { name: 'PublishRefusedError', reason: Reason.packetTooLarge })
  assert.equal(client.state, 'connected')
})

test('what the server said it cannot take is refused without asking it', async () => {
  const { client, accept, server } = play()
  const properties = { maximumQos: 1, retainAvailable: 0, maximumPacketSize: 50 }
  await accept({ properties })
  server().taken()
  await assert.rejects(client.publish('t', '', { qos: 2 }), { reason: Reason.qosNotSupported })
  const retain = true
  await assert.rejects(client.publish('t', '', { retain }), { reason: Reason.retainNotSupported })
  await assert.rejects(client.publish('t', 'x'.repeat(60)), { reason: Reason.packetTooLarge })
  assert.deepEqual(server().taken(), [])
})

test('more than may wait is refused', async () => {
  const { client, accept } = play({ outgoingMessagesMax: 2, inflightMax: 1 })
  await accept()
  const waiting = [1, 2].map(() => client.publish('t', 'x', { qos: 1 }))
  await assert.rejects(client.publish('t', 'x', { qos: 1 }), { code: 'QUEUE_FULL' })
  for (const promise of waiting) promise.catch(() => undefined)
  await client.end({ force: true })
})

test('when the session is lost a QoS 2 identifier means a new message', async () => {
  const got: string[] = []
  const { time, accept, server } = play({
    reconnect: quick,
    onMessage: (message) => void got.push(message.text()),
  })
  await accept()
  await server().send(publishTo('t', 'old', { qos: 2, packetId: 5 }))
  await server().cut()
  await time.pass(100)
  await accept()
  server().taken()
  await server().send(publishTo('t', 'new', { qos: 2, packetId: 5 }))
  assert.deepEqual(server().only(pubrec), ack(pubrec, 5))
  assert.deepEqual(got, ['old', 'new'])
})

test('what waits in an iterator is forgotten where it comes again, and kept where it does not', async () => {
  for (const sessionPresent of [true, false]) {
    const { client, time, accept, server } = play({ sessionExpirySeconds: 60, reconnect: quick })
    await accept()
    const stream = client.subscribe('t', { qos: 2 })
    await time.settle()
    await server().send({ type: suback, packetId: 1, codes: [2], properties: {} })
    await stream
    await server().send([
      publishTo('t', 'a', { qos: 1, packetId: 1 }),
      publishTo('t', 'b', { qos: 2, packetId: 2 }),
      publishTo('t', 'c', { qos: 0 }),
    ])
    await server().cut()
    await time.pass(100)
    await accept({ sessionPresent })
    if (sessionPresent)
      await server().send([
        publishTo('t', 'a', { qos: 1, packetId: 1, dup: true }),
        publishTo('t', 'b', { qos: 2, packetId: 2, dup: true }),
      ])
    await server().send(publishTo('t', 'end', { qos: 0 }))
    server().taken()
    const texts: string[] = []
    for await (const message of stream) {
      texts.push(message.text())
      if (message.text() === 'end') break
    }
    assert.deepEqual(texts, sessionPresent ? ['b', 'c', 'a', 'end'] : ['a', 'b', 'c', 'end'])
    await time.settle()
    const acks = server()
      .taken()
      .filter(({ type }) => type === puback || type === pubrec)
    // In the order in which they came by this connection.
    assert.deepEqual(acks, sessionPresent ? [ack(puback, 1), ack(pubrec, 2)] : [])
  }
})

test('what an earlier connection left unreleased takes no place of this one (MQTT 5.0, 4.9)', async () => {
  const { client, time, accept, server } = play({
    sessionExpirySeconds: 60,
    receiveMaximum: 1,
    reconnect: quick,
  })
  await accept()
  const seen: string[] = []
  void client.subscribe('t', { qos: 2, onMessage: (message) => void seen.push(message.text()) })
  await time.settle()
  await server().send({ type: suback, packetId: 1, codes: [2], properties: {} })
  await server().send(publishTo('t', 'one', { qos: 2, packetId: 1 }))
  assert.equal(server().last(pubrec).packetId, 1)
  await server().cut()
  await time.pass(100)
  await accept({ sessionPresent: true })
  server().taken()
  // Its PUBREL, which comes again, is no PUBLISH: the server may send as many as on any new connection.
  await server().send(publishTo('t', 'two', { qos: 2, packetId: 2 }))
  assert.equal(server().only(pubrec).packetId, 2)
  await server().send(ack(pubrel, 1))
  assert.equal(server().only(pubcomp).packetId, 1)
  await server().send(publishTo('t', 'three', { qos: 2, packetId: 3 }))
  assert.equal(server().closedBy, 'end')
  assert.deepEqual(seen, ['one', 'two'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType, type ConnackPacket, type Packet } from '../../src/codec/packets.ts'
import { Reason } from '../../src/codec/reason-codes.ts'
import { ack, play, publishTo } from './virtual.ts'

const { connect, connack, pingreq, pingresp, disconnect, auth, subscribe, suback, publish } =
  PacketType
const quick = { minMs: 100, maxMs: 1_000, jitter: 0 }

function refusal(code: number): ConnackPacket {
  return { type: connack, sessionPresent: false, code, properties: { serverReference: 'other' } }
}

test('the first connection fails for good, with the reason and the other server named', async () => {
  const { client, server, time } = play()
  await server().open()
  await server().send(refusal(Reason.useAnotherServer))
  await assert.rejects(client.ready, {
    name: 'ConnectionRefusedError',
    reason: Reason.useAnotherServer,
    properties: { serverReference: 'other' },
  })
  await time.pass(60_000)
  assert.equal(client.state, 'ended')
})

test('with reconnect.first the first connection is tried again', async () => {
  const { client, servers, accept, server, time } = play({ reconnect: { ...quick, first: true } })
  await server().cut(new Error('refused'))
  await time.pass(100)
  assert.equal(servers.length, 2)
  await accept()
  assert.equal(await client.ready, client)
})

test('attempts are spaced by doubling waits up to a bound, less the jitter', async () => {
  const { client, accept, server, servers, time } = play({ reconnect: { ...quick, jitter: 0.5 } })
  await accept()
  await time.pass(10_000)
  const waits: (number | null)[] = []
  client.on('disconnect', ({ reconnectInMs }) => waits.push(reconnectInMs))
  await server().cut()
  assert.deepEqual(waits, [100])
  for (const wait of [100, 200, 400, 800, 1_000, 1_000]) {
    const before = servers.length
    await time.pass(wait - 1)
    assert.equal(servers.length, before, `before ${wait} ms`)
    await time.pass(1)
    assert.equal(servers.length, before + 1, `after ${wait} ms`)
    await server().cut(new Error('refused'))
  }
  time.unit = 1
  await time.pass(1_000)
  await accept()
  await time.pass(5_000)
  await server().cut()
  assert.equal(waits[1], 50)
  assert.equal(client.state, 'reconnecting')
})

for (const reason of [Reason.sessionTakenOver, Reason.useAnotherServer, Reason.serverMoved]) {
  test(`after DISCONNECT 0x${reason.toString(16)} the client does not come back`, async () => {
    const { client, accept, server, servers, time } = play()
    await accept()
    const ended = new Promise((resolve) => client.on('end', resolve))
    await server().send({ type: disconnect, reason, properties: { serverReference: 'b' } })
    await time.pass(100_000)
    assert.equal(servers.length, 1)
    const error = (await ended) as { reason: number; properties: object }
    assert.equal(error.reason, reason)
    assert.deepEqual(error.properties, { serverReference: 'b' })
  })
}

test('after "use another server" without a name of one the client tries its address again: others may be behind it', async () => {
  const { client, accept, server, servers, time } = play({ reconnect: quick })
  await accept()
  await server().send({ type: disconnect, reason: Reason.useAnotherServer, properties: {} })
  await time.pass(100)
  assert.equal(servers.length, 2)
  await accept()
  assert.equal(client.state, 'connected')
})

test('a ping goes out before the keep alive is over, and silence ends the connection', async () => {
  const { client, accept, server, servers, time } = play({ keepAliveSeconds: 20, reconnect: quick })
  await accept()
  server().taken()
  await time.pass(17_999)
  assert.deepEqual(server().taken(), [])
  await time.pass(1)
  server().only(pingreq)
  await server().send({ type: pingresp })
  await time.pass(18_000)
  server().only(pingreq)
  await time.pass(9_999)
  assert.equal(client.state, 'connected')
  await time.pass(1)
  assert.equal(client.state, 'reconnecting')
  assert.equal(server().closedBy, 'destroy')
  await time.pass(100)
  assert.equal(servers.length, 2)
})

test('a ping is answered by PINGRESP, and fails with the connection', async () => {
  const { client, accept, server, time } = play({ keepAliveSeconds: 0, reconnect: quick })
  await assert.rejects(client.ping(), { code: 'CLOSED' })
  await accept()
  server().taken()
  const asked = client.ping()
  server().only(pingreq)
  await server().send({ type: pingresp })
  await asked
  const lost = assert.rejects(client.ping(), { code: 'CLOSED' })
  await server().cut()
  await lost
  await time.pass(100)
  await accept()
  assert.equal(client.state, 'connected')
})

test('a long packet in front of the answer to a ping is life as long as it comes', async () => {
  const { client, accept, server, time } = play({ keepAliveSeconds: 20 })
  await accept()
  server().taken()
  await time.pass(18_000)
  server().only(pingreq)
  await server().sendBytes(0x30, 0xff, 0x7f)
  for (let second = 0; second < 30; second++) {
    await server().sendBytes(...Array.from({ length: 100 }, () => 0))
    await time.pass(1000)
  }
  assert.equal(client.state, 'connected')
  await time.pass(10_000)
  assert.equal(client.state, 'reconnecting')
})

test('the keep alive of the server counts [MQTT-3.1.2-21]', async () => {
  const { accept, server, time } = play({ keepAliveSeconds: 60 })
  await accept({ properties: { serverKeepAliveSeconds: 10 } })
  server().taken()
  await time.pass(9_000)
  server().only(pingreq)
})

test('a keep alive of one second leaves five for the answer, and is kept meanwhile', async () => {
  const { client, accept, server, time } = play({ keepAliveSeconds: 60 })
  await accept({ properties: { serverKeepAliveSeconds: 1 } })
  server().taken()
  await time.pass(4_500)
  assert.equal(server().taken().length, 5)
  assert.equal(client.state, 'connected')
  await time.pass(1_500)
  assert.equal(client.state, 'reconnecting')
})

test('no CONNACK in time is a failure', async () => {
  const { client, server, time } = play({ connectTimeoutMs: 3_000 })
  await server().open()
  await time.pass(3_000)
  await assert.rejects(client.ready, { code: 'TIMEOUT' })
  assert.equal(server().closedBy, 'destroy')
})

test('end waits for what is under way, says DISCONNECT, and closes', async () => {
  const { client, accept, server, time } = play()
  await accept()
  const done = client.publish('t', 'x', { qos: 1 })
  const ended = client.end({ reason: 4, properties: { reasonString: 'bye' } })
  await time.settle()
  const [, published] = server().taken()
  assert.equal(published.type, publish)
  await assert.rejects(client.publish('t', 'late'), { code: 'ENDED' })
  await server().send(ack(4, 1))
  await done
  await time.settle()
  const said = server().only(disconnect)
  assert.deepEqual([said.reason, said.properties], [4, { reasonString: 'bye' }])
  await ended
  assert.equal(server().closedBy, 'end')
  assert.equal(client.state, 'ended')
})

test('end gives up on what is not acknowledged', async () => {
  const { client, accept, server, time } = play()
  await accept()
  const done = client.publish('t', 'x', { qos: 1 })
  const ended = client.end({ timeoutMs: 200 })
  await time.pass(200)
  await assert.rejects(done, { code: 'ENDED' })
  await ended
  assert.equal(server().taken().at(-1)?.type, disconnect)
})

test('a forced end says nothing', async () => {
  const { client, accept, server } = play()
  await accept()
  server().taken()
  await client.end({ force: true })
  assert.deepEqual([server().taken(), server().closedBy], [[], 'destroy'])
})

test('aborting the signal ends the client', async () => {
  const controller = new AbortController()
  const { client, server } = play({ signal: controller.signal })
  controller.abort(new Error('enough'))
  await assert.rejects(client.ready, { message: 'enough' })
  assert.equal(server().closedBy, 'destroy')
})

test('aborting a publish that was not sent takes it back', async () => {
  const { client, accept, server, time } = play({ reconnect: quick })
  await accept()
  await server().cut()
  const controller = new AbortController()
  const aborted = client.publish('t', 'a', { qos: 1, signal: controller.signal })
  const kept = client.publish('t', 'b', { qos: 1 })
  controller.abort(new Error('changed my mind'))
  await assert.rejects(aborted, { message: 'changed my mind' })
  await time.pass(100)
  await accept()
  const [, only] = server().taken()
  assert.equal(new TextDecoder().decode(only.type === publish ? only.payload : undefined), 'b')
  await server().send(ack(4, 1))
  await kept
  assert.equal(client.outgoingMessages, 0)
})

test('an assigned client id is kept for the way back', async () => {
  const { client, accept, server, time } = play({ clientId: '', reconnect: quick })
  await accept({ properties: { assignedClientId: 'auto-1' } })
  assert.equal(client.clientId, 'auto-1')
  await server().cut()
  await time.pass(100)
  await server().open()
  assert.equal(server().only(connect).clientId, 'auto-1')
})

test('enhanced authentication goes back and forth until CONNACK [MQTT-4.12.0-3]', async () => {
  const finished: (Uint8Array | undefined)[] = []
  const authenticate = {
    method: 'M',
    start: () => Uint8Array.of(1),
    respond: async (data: Uint8Array) => Uint8Array.of(data[0] + 1),
    finish: (data: Uint8Array | undefined) => void finished.push(data),
  }
  const { client, server, time } = play({ authenticate })
  await server().open()
  const hello = server().only(connect)
  assert.equal(hello.properties.authenticationMethod, 'M')
  assert.deepEqual(hello.properties.authenticationData, Uint8Array.of(1))
  const challenge = (reason: number, data: number): Packet => ({
    type: auth,
    reason,
    properties: { authenticationMethod: 'M', authenticationData: Uint8Array.of(data) },
  })
  await server().send(challenge(Reason.continueAuthentication, 7))
  const answer = server().only(auth)
  assert.deepEqual(answer.properties.authenticationData, Uint8Array.of(8))
  await server().send({
    type: connack,
    sessionPresent: false,
    code: 0,
    properties: { authenticationMethod: 'M', authenticationData: Uint8Array.of(9) },
  })
  await client.ready
  const again = client.reauthenticate()
  await time.settle()
  assert.equal(server().only(auth).reason, Reason.reauthenticate)
  await server().send(challenge(Reason.success, 5))
  await again
  assert.deepEqual(finished, [Uint8Array.of(9), Uint8Array.of(5)])
})

test('a server proof that the method refuses ends the connection', async () => {
  const authenticate = {
    method: 'M',
    respond: () => undefined,
    finish: () => {
      throw new Error('wrong server')
    },
  }
  const { client, accept } = play({ authenticate })
  await accept()
  await assert.rejects(client.ready, { message: 'wrong server' })
})

test('a server that breaks the protocol is told so and left', async () => {
  const { client, accept, server } = play({ reconnect: false })
  await accept()
  server().taken()
  const ended = new Promise((resolve) => client.on('end', resolve))
  await server().sendBytes(0x30, 0x02, 0x00)
  await server().sendBytes(0x05)
  const said = server().only(disconnect)
  assert.equal(said.reason, Reason.malformedPacket)
  assert.equal(((await ended) as { code: string }).code, 'PROTOCOL')
})

test('more unacknowledged messages than we take end the connection with 0x93', async () => {
  const { client, accept, server } = play({ receiveMaximum: 1, reconnect: false })
  await accept()
  void client.subscribe('t', { qos: 1 }).catch(() => undefined)
  await server().send(publishTo('t', 'a', { qos: 1, packetId: 1 }))
  await server().send(publishTo('t', 'b', { qos: 1, packetId: 2 }))
  const said = server().taken().at(-1)
  assert.equal(said?.type === disconnect && said.reason, Reason.receiveMaximumExceeded)
})

test('subscriptions are made again, and one that is then refused ends with an error', async () => {
  const { client, accept, server, time } = play({ reconnect: quick })
  await accept()
  const making = client.subscribe(['a', 'b'], { qos: 1 })
  await time.settle()
  await server().send({ type: suback, packetId: 1, codes: [1, 0x87], properties: {} })
  const stream = await making
  assert.deepEqual(stream.codes, [1, 0x87])
  await server().cut()
  await time.pass(100)
  await accept()
  const [, again] = server().taken()
  assert.deepEqual(again.type === subscribe && again.filters.map(({ filter }) => filter), [
    'a',
    'b',
  ])
  const errors: Error[] = []
  client.on('error', (error) => errors.push(error))
  const { packetId } = again as { packetId: number }
  await server().send({ type: suback, packetId, codes: [0x87, 0x87], properties: {} })
  assert.equal(errors[0].name, 'SubscribeRefusedError')
  await assert.rejects(
    async () => {
      for await (const message of stream) assert.fail(message.topic)
    },
    { name: 'SubscribeRefusedError', codes: [0x87, 0x87] },
  )
})

test('a refused subscription rejects, and its iterator with it', async () => {
  const { client, accept, server, time } = play()
  await accept()
  const pending = client.subscribe('secret')
  const iterated = assert.rejects(pending[Symbol.asyncIterator]().next(), { reason: 0x87 })
  await time.settle()
  await server().send({ type: suback, packetId: 1, codes: [0x87], properties: {} })
  await assert.rejects(pending, { message: "subscription to 'secret' refused: Not authorized" })
  await iterated
})

test('malformed filters and topics are refused here', async () => {
  const { client, accept } = play()
  await accept()
  await assert.rejects(client.subscribe('a/#/b'), { code: 'INVALID' })
  await assert.rejects(client.publish('a/+', ''), { code: 'INVALID' })
  await assert.rejects(client.publish('', ''), { code: 'INVALID' })
})

test('a loop that is left before the server has answered leaves nobody waiting for the answer', async () => {
  const { client, time, accept, server } = play({ reconnect: quick })
  await accept()
  const online = client.subscribe('a')
  await time.settle()
  await online[Symbol.asyncIterator]().return?.()
  await assert.rejects(online, { code: 'ENDED' })
  await server().cut()
  const offline = client.subscribe('b')
  await offline[Symbol.asyncIterator]().return?.()
  await assert.rejects(offline, { code: 'ENDED' })
  await client.end({ force: true })
})

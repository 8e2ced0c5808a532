/** Loops over subscriptions, and callers that wait no more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import type { Message } from '../../src/client/message.ts'
import type { ConnectOptions } from '../../src/client/options.ts'
import { ack, play, publishTo, type ServerSide } from './virtual.ts'

const acksOf = (server: ServerSide) =>
  server.taken().flatMap((packet) => (packet.type === PacketType.puback ? [packet.packetId] : []))

async function subscribed(options: ConnectOptions = {}) {
  const { client, accept, time } = play({ sessionExpirySeconds: 60, ...options })
  const server = await accept()
  const pending = client.subscribe('a', { qos: 1 })
  await time.settle()
  await server.send({ type: PacketType.suback, packetId: 1, codes: [1], properties: {} })
  const stream = await pending
  server.taken()
  const deliver = (...ids: number[]) =>
    server.send(ids.map((packetId) => publishTo('a', `${packetId}`, { qos: 1, packetId })))
  return { client, accept, time, server, stream, deliver }
}

const valueOf = async (next: Promise<IteratorResult<Message, undefined>>) => {
  const { value } = await next
  return value?.text()
}

test('two loops over one subscription share its messages, and each acknowledges its own', async () => {
  const { client, server, stream, deliver, time } = await subscribed()
  const [first, second] = [stream[Symbol.asyncIterator](), stream[Symbol.asyncIterator]()]
  await deliver(1, 2, 3, 4)
  assert.deepEqual([await valueOf(first.next()), await valueOf(second.next())], ['1', '2'])
  assert.equal(await valueOf(first.next()), '3')
  await time.settle()
  assert.deepEqual(acksOf(server), [1])
  assert.equal(await valueOf(second.next()), '4')
  await time.settle()
  assert.deepEqual(acksOf(server), [2])
  void first.next()
  void second.next()
  await time.settle()
  assert.deepEqual(acksOf(server), [3, 4])
  await client.end({ force: true })
})

test('one of two loops is left: the other goes on, and gets all that comes', async () => {
  const { client, stream, deliver, server, time } = await subscribed()
  const [first, second] = [stream[Symbol.asyncIterator](), stream[Symbol.asyncIterator]()]
  const waiting = first.next()
  await first.return?.()
  assert.equal((await waiting).done, true)
  await deliver(1, 2)
  assert.equal(await valueOf(second.next()), '1')
  assert.equal(await valueOf(second.next()), '2')
  await time.settle()
  assert.deepEqual(acksOf(server), [1])
  assert.equal((await first.next()).done, true)
  await client.end({ force: true })
})

for (const version of [4, 5] as const)
  test(`leaving a loop acknowledges what it was handed and no more, version ${version}`, async () => {
    const { client, server, stream, deliver, time } = await subscribed({
      version,
      cleanStart: false,
    })
    await deliver(1, 2, 3)
    for await (const message of stream) {
      assert.equal(message.text(), '1')
      break
    }
    await time.settle()
    assert.deepEqual(acksOf(server), [1])
    const ended = client.end()
    await time.settle()
    assert.deepEqual(acksOf(server), [])
    await ended
  })

test('what a left loop was not handed goes to the next subscription', async () => {
  const { client, server, stream, deliver, time } = await subscribed()
  await deliver(1, 2, 3)
  for await (const _ of stream) break
  const got: string[] = []
  const onMessage = (message: Message) => void got.push(message.text())
  client.subscribe('a', { qos: 1, onMessage }).catch(() => undefined)
  await time.settle()
  assert.deepEqual(got, ['2', '3'])
  assert.deepEqual(acksOf(server), [1, 2, 3])
  await client.end({ force: true })
})

test('nobody took it in time: the server is told that it was refused', async () => {
  const { client, server, stream, deliver, time } = await subscribed({ keepAliveSeconds: 0 })
  await deliver(1, 2)
  for await (const _ of stream) break
  await time.settle()
  server.taken()
  await time.pass(10_000)
  assert.deepEqual(server.taken(), [ack(PacketType.puback, 2, 0x83)])
  assert.equal(client.stats.unclaimedMessages, 1)
  await client.end({ force: true })
})

test('publishes that were given up before they were sent count no more and are not sent', async () => {
  const { client, accept, time } = play({ outgoingMessagesMax: 10, reconnect: { first: true } })
  for (let round = 0; round < 100; round++) {
    const aborting = new AbortController()
    const publishing = client.publish('a', 'x', { qos: 1, signal: aborting.signal })
    aborting.abort()
    await assert.rejects(publishing, { name: 'AbortError' })
    assert.equal(client.outgoingMessages, 0)
  }
  const kept = client.publish('kept', 'x', { qos: 1 })
  const aborting = new AbortController()
  const late = client.publish('late', 'x', { signal: aborting.signal })
  aborting.abort()
  await assert.rejects(late)
  assert.equal(client.outgoingMessages, 1)
  const server = await accept()
  assert.equal(server.taken().filter(({ type }) => type === PacketType.publish).length, 1)
  await server.send(ack(PacketType.puback, 1))
  await kept
  await time.settle()
  assert.equal(client.outgoingMessages, 0)
  await client.end({ force: true })
})

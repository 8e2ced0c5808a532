/** What a program stops waiting for: by a signal, or by a time. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import { ack, play } from './virtual.ts'

const { puback, publish, suback } = PacketType

test('one signal may stop any number of messages, and is listened to once', async () => {
  const { client, accept, server } = play()
  await accept()
  const { signal } = new AbortController()
  const sent = Array.from({ length: 50 }, () => client.publish('a', 'x', { qos: 1, signal }))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  for (let packetId = 1; packetId <= sent.length; packetId++)
    await server().send(ack(puback, packetId))
  await Promise.all(sent)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  await client.end({ force: true })
})

test('a signal that stops messages and the client stops all of them', async () => {
  const stopping = new AbortController()
  const { signal } = stopping
  const { client, accept } = play({ signal })
  await accept()
  const kept = Array.from({ length: 20 }, () => client.publish('a', 'x', { qos: 1, signal }))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  stopping.abort(new Error('enough'))
  for (const { status } of await Promise.allSettled(kept)) assert.equal(status, 'rejected')
  assert.equal(client.state, 'ended')
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('a request without a connection has its time, and is not sent afterwards', async () => {
  const { client, accept, server, time } = play()
  await accept()
  const first = assert.rejects(client.request('q', '1', { timeoutMs: 500 }), { code: 'TIMEOUT' })
  await time.settle()
  const { packetId } = server().last(PacketType.subscribe)
  await server().send({ type: suback, packetId, codes: [1], properties: {} })
  await server().send(ack(puback, server().last(publish).packetId))
  await server().cut()
  const second = assert.rejects(client.request('q', '2', { timeoutMs: 300 }), { code: 'TIMEOUT' })
  await time.pass(499)
  await second
  await time.pass(1)
  await first
  await time.pass(1_000)
  await accept({ sessionPresent: true })
  assert.deepEqual(
    server()
      .taken()
      .filter(({ type }) => type === publish),
    [],
  )
  await client.end({ force: true })
})

test('a request whose response topic is not subscribed yet can be given up', async () => {
  const { client, accept, server, time } = play()
  await accept()
  const stopping = new AbortController()
  const timed = assert.rejects(client.request('q', '1', { timeoutMs: 500 }), { code: 'TIMEOUT' })
  const stopped = assert.rejects(client.request('q', '2', { signal: stopping.signal }), /enough/)
  stopping.abort(new Error('enough'))
  await stopped
  await time.pass(500)
  await timed
  const { packetId } = server().last(PacketType.subscribe)
  server().taken()
  await server().send({ type: suback, packetId, codes: [1], properties: {} })
  assert.deepEqual(server().taken(), [])
  await client.end({ force: true })
})

test('a response that overtakes the acknowledgement of its request is not kept waiting', async () => {
  const { client, accept, server, time } = play()
  await accept()
  const answer = client.request('q', '1')
  await time.settle()
  const { packetId } = server().last(PacketType.subscribe)
  await server().send({ type: suback, packetId, codes: [1], properties: {} })
  const { properties } = server().last(publish)
  const { responseTopic = '', correlationData } = properties
  await server().send({
    type: publish,
    dup: false,
    qos: 0,
    retain: false,
    topic: responseTopic,
    packetId: 0,
    properties: correlationData === undefined ? {} : { correlationData },
    payload: new TextEncoder().encode('r'),
  })
  assert.equal((await answer).text(), 'r')
  await client.end({ force: true })
})

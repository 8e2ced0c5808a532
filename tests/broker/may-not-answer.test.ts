/** A node that does not know any more what the others do: what it takes for acknowledged may be lost, so it says nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Stage } from './stage.ts'

const LARGE = new Uint8Array(40_000)
/** So many of these are more than an output collects before it is sent. */
const MEDIUM = new Uint8Array(10_000)
const OUTPUTS = 30

/** A client that is sent what it publishes, from the moment on that its broker may say nothing. */
function silenced(): { stage: Stage; client: ReturnType<Stage['connect']>; written: () => number } {
  const stage = createStage()
  const client = stage.connect('c', {}, 4)
  client.subscribe('own', 0)
  let count = 0
  client.write = (_bytes, length) => (count += length) > 0
  client.writeSome = (_head, headLength, body) => {
    count += headLength + body.length
    return headLength + body.length
  }
  return { stage, client, written: () => count }
}

test('a broker that may not answer sends no acknowledgement, also before a large message', () => {
  const { stage, client, written } = silenced()
  stage.node.mayAnswer = false
  client.send(make.publish('t', 'x', { qos: 1, packetId: 1 }), make.publish('own', LARGE))
  assert.equal(written(), 0)
})

test('a broker that may not answer sends no acknowledgement, however much is behind it', () => {
  const { stage, client, written } = silenced()
  stage.node.mayAnswer = false
  const much = Array.from({ length: OUTPUTS }, () => make.publish('own', MEDIUM))
  client.send(make.publish('t', 'x', { qos: 1, packetId: 1 }), ...much)
  assert.equal(written(), 0)
})

test('a broker that may not answer sends no acknowledgement when a link has drained', () => {
  const { stage, client, written } = silenced()
  const count = client.write
  client.write = () => false
  client.send(make.publish('t', '', { qos: 1, packetId: 1 }))
  client.write = count
  stage.node.mayAnswer = false
  client.put(client.bytesOf(make.publish('t', '', { qos: 1, packetId: 2 })))
  client.drain()
  assert.equal(written(), 0)
})

test('a broker that may not answer sends no acknowledgement when it ends a connection', () => {
  const { stage, client, written } = silenced()
  stage.node.mayAnswer = false
  client.send(make.publish('t', '', { qos: 1, packetId: 1 }), make.connect(4, { clientId: 'c' }))
  assert.equal(client.isClosed, true)
  assert.equal(written(), 0)
})

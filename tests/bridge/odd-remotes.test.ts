/** Remotes as the standard allows them, and others that get it wrong quietly. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType, type Properties } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { createBridgeStage, type Remote } from './bridge-stage.ts'

const out = { pattern: '#', direction: 'out', qos: 1, localPrefix: '', remotePrefix: '' } as const
const into = { ...out, direction: 'in' } as const

/** Answers CONNECT, and leaves what the bridge then asks for in the inbox. */
function greet(remote: Remote, properties: Properties = {}, sessionPresent = false, code = 0) {
  remote.open().take('connect')
  remote.send({ type: PacketType.connack, sessionPresent, code, properties })
}

test('a topic whose first message is too large is sent by name with the next one [MQTT-3.3.2-8]', () => {
  const stage = createBridgeStage({ version: 5, topics: [out], topicAliasMaximum: 10 })
  const remote = stage.remote().welcome(false, { maximumPacketSize: 100, topicAliasMaximum: 10 })
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x'.repeat(200), { qos: 1, packetId: 1 }))
  author.send(make.publish('a', 'y', { qos: 1, packetId: 2 }))
  assert.equal(remote.take('publish')?.topic, 'a')
})

test('a notification larger than the remote takes is not sent [MQTT-3.2.2-15]', () => {
  const stage = createBridgeStage({ version: 5, topics: [out], notifications: true })
  greet(stage.remote(), { maximumPacketSize: 20 })
  stage.pass(10)
  assert.deepEqual(stage.remote().inbox, [])
  assert.equal(stage.bridge.status().state, 'up')
})

test('a subscription larger than the remote takes ends the link with that reason', () => {
  const stage = createBridgeStage({ version: 5, topics: [{ ...into, pattern: 'a'.repeat(30) }] })
  greet(stage.remote(), { maximumPacketSize: 20 })
  assert.equal(stage.remote().take('subscribe'), undefined)
  assert.match(stage.bridge.status().lastError ?? '', /too large|larger/)
})

test('a server keep alive of 0 does not hide a link that hangs', () => {
  const stage = createBridgeStage({ version: 5 })
  const remote = stage.remote().welcome(false, { serverKeepAliveSeconds: 0 })
  stage.pass(60_000)
  assert.ok(remote.take('pingreq'))
  stage.pass(11_000)
  assert.ok(remote.isClosed)
})

for (const [code, word, willOf] of [
  [0x9a, 'retained messages', { retain: false, qos: 1 }],
  [0x9b, 'QoS 1', { retain: true, qos: 0 }],
] as const)
  test(`a remote without ${word} is told a will that it takes`, () => {
    const stage = createBridgeStage({ version: 5, topics: [out], notifications: true })
    greet(stage.remote(), {}, false, code)
    stage.pass(10)
    const { will } = stage.remote().open().take('connect')!
    assert.deepEqual({ retain: will?.retain, qos: will?.qos }, willOf)
  })

test('an acknowledgement of another kind grants no subscription', () => {
  const stage = createBridgeStage({ version: 5, topics: [into] })
  greet(stage.remote())
  const { packetId } = stage.remote().take('subscribe')!
  stage.remote().send(make.ack('puback', packetId))
  stage.pass(10)
  assert.notEqual(stage.bridge.status().state, 'up')
})

test('what one address does not understand is said to the next one all the same', () => {
  const stage = createBridgeStage({ version: 5, roundRobin: true }, {}, 2)
  greet(stage.remote(), {}, false, 0x84)
  stage.pass(10)
  assert.equal(stage.remotes.length, 2)
  assert.equal(stage.remote().index, 0)
  stage.remote().cut()
  stage.pass(1000)
  assert.equal(stage.remote().index, 1)
  assert.equal(stage.remote().open().take('connect')?.version, 5)
})

test('a session that nobody asked for ends the link [MQTT-3.2.2-4]', () => {
  const stage = createBridgeStage({ version: 5, cleanSession: true })
  greet(stage.remote(), {}, true)
  assert.ok(stage.remote().isClosed)
})

test('a remote that does not answer the notification is told at QoS 0 by the next connection', () => {
  const stage = createBridgeStage({ topics: [out], notifications: true })
  greet(stage.remote())
  assert.equal(stage.remote().take('publish')?.qos, 1)
  stage.pass(10_000)
  assert.match(stage.bridge.status().lastError ?? '', /no answer to the notification/)
  stage.pass(1)
  greet(stage.remote())
  assert.equal(stage.remote().take('publish')?.qos, 0)
  stage.pass(1)
  assert.equal(stage.bridge.status().state, 'up')
  assert.equal(stage.remotes.length, 2)
})

test('a remote that does not answer UNSUBSCRIBE is not asked by the next connection', () => {
  const stage = createBridgeStage({ topics: [out], attemptUnsubscribe: true })
  greet(stage.remote())
  assert.ok(stage.remote().take('unsubscribe'))
  stage.pass(10_001)
  greet(stage.remote())
  stage.pass(1)
  assert.deepEqual(stage.remote().inbox, [])
  assert.equal(stage.bridge.status().state, 'up')
})

test('a remote that does not answer SUBSCRIBE is given up, and the log says what it did not answer', () => {
  const stage = createBridgeStage({ topics: [into] })
  greet(stage.remote())
  stage.pass(30_000)
  assert.ok(stage.remote().isClosed)
  assert.match(stage.bridge.status().lastError ?? '', /no answer to SUBSCRIBE '#' within 30 s/)
})

test('a remote that sends at a lower QoS than asked for is named in the log', () => {
  const stage = createBridgeStage({ topics: [into, { ...into, pattern: 'a', qos: 2 }] })
  greet(stage.remote())
  for (const code of [1, 0]) {
    const { packetId } = stage.remote().take('subscribe')!
    stage.remote().send({ type: PacketType.suback, packetId, codes: [code], properties: {} })
  }
  stage.pass(10)
  assert.equal(stage.bridge.status().state, 'up')
  assert.match(stage.log.join('\n'), /sends less: 'a' at QoS 0 instead of 2/)
})

test('a SUBACK of two codes for one filter ends the link', () => {
  const stage = createBridgeStage({ topics: [into] })
  greet(stage.remote())
  const { packetId } = stage.remote().take('subscribe')!
  stage.remote().send({ type: PacketType.suback, packetId, codes: [0, 0], properties: {} })
  stage.pass(10)
  assert.ok(stage.remote().isClosed)
})

test('a remote that closes over each PUBREL it does not know is reached all the same', () => {
  const stage = createBridgeStage({ localCleanSession: true, topics: [{ ...out, qos: 2 }] })
  for (let times = 1; times <= 3; times++) {
    const remote = stage.remote()
    greet(remote, {}, true)
    assert.equal(remote.inbox.length, 65_535)
    remote.cut()
    stage.pass(600_000)
  }
  greet(stage.remote(), {}, true)
  stage.pass(10)
  assert.deepEqual(stage.remote().inbox, [])
  assert.equal(stage.bridge.status().state, 'up')
  assert.match(stage.log.join('\n'), /closes over PUBREL/)
})

test('a line that is cut while answers come is swept again each time', () => {
  const stage = createBridgeStage({ localCleanSession: true, topics: [{ ...out, qos: 2 }] })
  for (let times = 1; times <= 4; times++) {
    const remote = stage.remote()
    greet(remote, {}, true)
    assert.equal(remote.inbox.length, 65_535)
    remote.answerSweep(1)
    remote.cut()
    stage.pass(600_000)
  }
  assert.doesNotMatch(stage.log.join('\n'), /closes over PUBREL/)
})

test('after a lost local session QoS 2 goes on at a remote that answers no unknown identifier', () => {
  const stage = createBridgeStage({ localCleanSession: true, topics: [{ ...out, qos: 2 }] })
  const remote = stage.remote()
  greet(remote, {}, true)
  assert.equal(remote.inbox.length, 65_535)
  remote.inbox.length = 0
  stage.pass(10_000)
  assert.match(stage.log.join('\n'), /the remote leaves PUBREL unanswered/)
  stage.here
    .connect('author')
    .send(make.publish('a', 'x', { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  const { packetId } = remote.take('publish')!
  remote.send(make.ack('pubrec', packetId))
  assert.equal(remote.take('pubrel')?.packetId, packetId)
  remote.send(make.ack('pubcomp', packetId))
  assert.equal(stage.bridge.status().queued, 0)
})

test('a keep alive of one second leaves five for the answer, and is kept meanwhile [MQTT-3.1.2-21]', () => {
  const stage = createBridgeStage({ version: 5 })
  const remote = stage.remote().welcome(false, { serverKeepAliveSeconds: 1 })
  stage.pass(5000)
  assert.equal(stage.bridge.status().state, 'up')
  assert.ok(remote.inbox.filter(({ type }) => type === PacketType.pingreq).length >= 5)
  remote.send({ type: PacketType.pingresp })
  stage.pass(5000)
  assert.equal(stage.bridge.status().state, 'up')
  stage.pass(1000)
  assert.ok(remote.isClosed)
})

/** Windows, takeover, and how a connection ends: each rule in virtual time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Actor } from './stage.ts'

/** The wheel turns every 100 ms and rounds up to its slots. */
const slackMs = 300
const durable = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } } as const

const idsOf = ({ inbox }: Actor): number[] =>
  inbox.flatMap((packet) => ('payload' in packet ? [packet.packetId] : []))

function publishMany(author: Actor, count: number, qos: 1 | 2): void {
  for (let id = 1; id <= count; id++) {
    author.send(make.publish('m', `${id}`, { qos, packetId: id }))
    if (qos === 2) author.send(make.ack('pubrel', id))
  }
}

test('no more than the Receive Maximum of the client is under way, and each PUBACK makes room [MQTT-3.3.4-9]', () => {
  const stage = createStage()
  const client = stage.connect('c', { properties: { receiveMaximum: 2 } })
  client.subscribe('m', 1)
  publishMany(stage.connect('author'), 4, 1)
  assert.deepEqual(client.payloads(), ['1', '2'])
  client.send(make.ack('puback', idsOf(client)[0]))
  assert.deepEqual(client.payloads(), ['1', '2', '3'])
})

test('at QoS 2 room is made by PUBCOMP, or by a PUBREC that refuses [MQTT-4.9.0-1]', () => {
  const stage = createStage()
  const client = stage.connect('c', { properties: { receiveMaximum: 1 } })
  client.subscribe('m', 2)
  publishMany(stage.connect('author'), 3, 2)
  const [first] = idsOf(client)
  client.send(make.ack('pubrec', first))
  assert.equal(client.take('pubrel')?.packetId, first)
  assert.deepEqual(client.payloads(), ['1'])
  client.send(make.ack('pubcomp', first))
  assert.deepEqual(client.payloads(), ['1', '2'])
  client.send(make.ack('pubrec', idsOf(client)[1], 0x80))
  assert.equal(client.take('pubrel'), undefined)
  assert.deepEqual(client.payloads(), ['1', '2', '3'])
})

test('QoS 0 needs no room in the window', () => {
  const stage = createStage()
  const client = stage.connect('c', { properties: { receiveMaximum: 1 } })
  client.subscribe('m', 1)
  const author = stage.connect('author')
  publishMany(author, 2, 1)
  author.send(make.publish('m', 'at once'))
  assert.deepEqual(client.payloads(), ['1', 'at once'])
})

test('who sends more than our Receive Maximum is disconnected with 0x93, PUBREC with an error gives back [MQTT-4.9.0-2]', () => {
  const stage = createStage({ inflightMax: 2 })
  const author = stage.open()
  author.send(make.connect(5, { clientId: 'author' }))
  assert.equal(author.take('connack')?.properties.receiveMaximum, 2)
  for (const packetId of [1, 2]) author.send(make.publish('m', 'x', { qos: 2, packetId }))
  author.send(make.ack('pubrel', 1))
  author.send(make.publish('m', 'x', { qos: 2, packetId: 3 }))
  assert.equal(author.isClosed, false)
  author.send(make.publish('m', 'x', { qos: 2, packetId: 4 }))
  assert.equal(author.take('disconnect')?.reason, 0x93)
  assert.equal(author.isClosed, true)
})

for (const version of [4, 5] as const)
  test(`a second connection with the client id takes the session over (protocol ${version}) [MQTT-3.1.4-3]`, () => {
    const stage = createStage()
    const options = version === 5 ? durable : { cleanStart: false }
    const first = stage.connect('c', options, version)
    first.subscribe('m', 1)
    stage.connect('author').send(make.publish('m', 'x', { qos: 1 }))
    const [id] = idsOf(first)
    const second = stage.open(version)
    second.send(make.connect(version, { clientId: 'c', ...options }))
    assert.equal(first.isClosed, true)
    assert.equal(first.take('disconnect')?.reason, version === 5 ? 0x8e : undefined)
    assert.equal(second.take('connack')?.sessionPresent, true)
    const again = second.take('publish')
    assert.deepEqual([again?.packetId, again?.dup], [id, true])
    stage.connect('other').send(make.publish('m', 'y', { qos: 1 }))
    assert.deepEqual(second.payloads(), ['y'])
  })

test('a clean start takes over and leaves nothing of the session [MQTT-3.1.2-4]', () => {
  const stage = createStage()
  const first = stage.connect('c', durable)
  first.subscribe('m', 1)
  const author = stage.connect('author')
  author.send(make.publish('m', 'x', { qos: 1 }))
  const second = stage.open()
  second.send(make.connect(5, { clientId: 'c' }))
  assert.equal(first.isClosed, true)
  assert.equal(second.take('connack')?.sessionPresent, false)
  author.send(make.publish('m', 'y', { qos: 1 }))
  assert.deepEqual(second.payloads(), [])
})

test('a QoS 2 message that was held before the takeover is released after it, once [MQTT-4.3.3-10]', () => {
  const stage = createStage()
  const reader = stage.connect('reader')
  reader.subscribe('m', 2)
  stage.connect('c', durable).send(make.publish('m', 'x', { qos: 2, packetId: 7 }))
  const second = stage.connect('c', durable)
  second.send(make.publish('m', 'x', { qos: 2, packetId: 7, dup: true }))
  assert.deepEqual(reader.payloads(), [])
  second.send(make.ack('pubrel', 7), make.ack('pubrel', 7))
  assert.deepEqual(reader.payloads(), ['x'])
})

for (const [delay, expected] of [
  [0, ['gone']],
  [10, []],
] as const)
  test(`a takeover lets a will with delay ${delay} ${delay === 0 ? 'out' : 'rest'} [MQTT-3.1.3-9]`, () => {
    const stage = createStage()
    const watcher = stage.connect('watcher')
    watcher.subscribe('w', 0)
    const properties = { willDelaySeconds: delay }
    stage.connect('c', { ...durable, will: { topic: 'w', payload: 'gone', properties } })
    stage.connect('c', durable)
    stage.pass(20_000)
    assert.deepEqual(watcher.payloads(), expected)
  })

for (const [reason, expected] of [
  [0x00, []],
  [0x04, ['gone']],
] as const)
  test(`DISCONNECT with reason ${reason} ${reason === 0 ? 'drops' : 'publishes'} the will [MQTT-3.14.4-3]`, () => {
    const stage = createStage()
    const watcher = stage.connect('watcher')
    watcher.subscribe('w', 0)
    const leaver = stage.connect('c', { will: { topic: 'w', payload: 'gone' } })
    leaver.send(make.disconnect(reason))
    stage.pass(slackMs)
    assert.deepEqual(watcher.payloads(), expected)
  })

test('keep alive lets the will out, and the session begin to expire', () => {
  const stage = createStage()
  const watcher = stage.connect('watcher')
  watcher.subscribe('w', 0)
  const will = { topic: 'w', payload: 'gone' }
  const properties = { sessionExpirySeconds: 100 }
  stage.connect('c', { keepAliveSeconds: 2, will, properties })
  stage.pass(3000 + slackMs)
  assert.deepEqual(watcher.payloads(), ['gone'])
  stage.pass(99_000)
  assert.equal(stage.node.broker.counts().sessions, 2)
  stage.pass(1000 + slackMs)
  assert.equal(stage.node.broker.counts().sessions, 1)
})

test('max_keepalive is told in CONNACK, and holds for who asked for more or for none [MQTT-3.1.2-21]', () => {
  const stage = createStage({ keepAliveSecondsMax: 10 })
  for (const asked of [0, 60]) {
    const client = stage.open()
    client.send(make.connect(5, { clientId: `c${asked}`, keepAliveSeconds: asked }))
    assert.equal(client.take('connack')?.properties.serverKeepAliveSeconds, 10)
    stage.pass(14_900)
    assert.equal(client.isClosed, false)
    stage.pass(100 + slackMs)
    assert.equal(client.isClosed, true)
  }
})

test('DISCONNECT may change when the session ends, but not from nothing to something [MQTT-3.14.2-2]', () => {
  const stage = createStage()
  const properties = { sessionExpirySeconds: 5 }
  stage.connect('longer', durable).send(make.disconnect(0, properties))
  stage.pass(4900)
  assert.equal(stage.node.broker.counts().sessions, 1)
  stage.pass(100 + slackMs)
  assert.equal(stage.node.broker.counts().sessions, 0)
  const none = stage.connect('none')
  none.send(make.disconnect(0, properties))
  assert.equal(none.take('disconnect')?.reason, 0x82)
  assert.equal(stage.node.broker.counts().sessions, 0)
})

test('a message without expiry does not run out', () => {
  const stage = createStage()
  const first = stage.connect('c', { cleanStart: false, properties: { sessionExpirySeconds: 1e9 } })
  first.subscribe('m', 1)
  first.cut()
  stage.connect('author').send(make.publish('m', 'x', { qos: 1 }))
  stage.pass(10 * 86_400_000)
  const back = stage.connect('c', durable)
  assert.deepEqual(back.payloads(), ['x'])
})

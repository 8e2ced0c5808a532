/** What is published to a client comes behind the SUBACK, also where that waits for the disk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType, type Packet } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { nameOf } from '../support/packets.ts'
import { SlowActor } from './slow-actor.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const STORE_MS = 40
const KEPT = { clientId: 'reader', cleanStart: false, properties: { sessionExpirySeconds: 3600 } }

interface Scene {
  readonly stage: Stage
  readonly writer: Actor
  /** A client, not yet connected. */
  readonly reader: Actor
}

/** `payloads` are retained under r/0, r/1, …; the store takes its time from now on. */
function scene(payloads: readonly (string | Uint8Array)[] = ['zero', 'one']): Scene {
  const stage = createStage({}, undefined, undefined, STORE_MS)
  const [writer, reader] = [stage.open(), stage.open()]
  writer.send(make.connect(5, { clientId: 'writer' }))
  for (const [at, payload] of payloads.entries())
    writer.send(make.publish(`r/${at}`, payload, { retain: true }))
  stage.pass(10 * STORE_MS)
  return { stage, writer, reader }
}

const subscribe = (packetId: number, filter = 'r/#', qos: 0 | 1 | 2 = 0) =>
  make.subscribe(packetId, [{ filter, qos }])
const namesOf = (packets: readonly Packet[]) => packets.map(nameOf)

test('a kept session: what is retained comes behind the SUBACK', () => {
  for (const qos of [0, 1, 2] as const) {
    const { stage, reader } = scene()
    reader.send(make.connect(5, KEPT))
    stage.pass(STORE_MS)
    reader.send(subscribe(1, 'r/#', qos))
    assert.deepEqual(namesOf(reader.inbox), ['connack'])
    stage.pass(STORE_MS)
    assert.deepEqual(namesOf(reader.inbox), ['connack', 'suback', 'publish', 'publish'])
  }
})

test('CONNECT and SUBSCRIBE in one write: CONNACK, SUBACK, and what is retained', () => {
  const { stage, reader } = scene()
  reader.sendBytes(reader.bytesOf(make.connect(5, KEPT), subscribe(1)))
  stage.pass(3 * STORE_MS)
  assert.deepEqual(namesOf(reader.inbox), ['connack', 'suback', 'publish', 'publish'])
})

test('two SUBSCRIBEs in one write: both answers, then what is retained for either', () => {
  const { stage, reader } = scene()
  reader.send(make.connect(5, KEPT))
  stage.pass(STORE_MS)
  reader.sendBytes(reader.bytesOf(subscribe(1, 'r/0'), subscribe(2, 'r/1')))
  stage.pass(3 * STORE_MS)
  assert.deepEqual(namesOf(reader.inbox), ['connack', 'suback', 'suback', 'publish', 'publish'])
  assert.deepEqual(reader.payloads(), ['zero', 'one'])
})

test('what others publish meanwhile comes behind what is retained', () => {
  const { stage, writer, reader } = scene()
  reader.send(make.connect(5, KEPT))
  stage.pass(STORE_MS)
  reader.send(subscribe(1))
  writer.send(make.publish('r/0', 'live'))
  assert.deepEqual(namesOf(reader.inbox), ['connack'])
  stage.pass(STORE_MS)
  assert.deepEqual(namesOf(reader.inbox).slice(1), ['suback', 'publish', 'publish', 'publish'])
  assert.deepEqual(reader.payloads(), ['zero', 'one', 'live'])
})

test('acknowledgements and PINGRESP are not lost behind a SUBACK, in order [MQTT-4.6.0-2]', () => {
  const { stage, reader } = scene()
  reader.send(make.connect(5, KEPT))
  stage.pass(STORE_MS)
  const asked = [1, 2, 3].map((packetId) => make.publish('r/x', 'own', { qos: 1, packetId }))
  reader.sendBytes(reader.bytesOf(asked[0], asked[1], subscribe(9), asked[2], make.pingreq))
  stage.pass(3 * STORE_MS)
  const acks = reader.inbox.flatMap((packet) =>
    packet.type === PacketType.puback ? [packet.packetId] : [],
  )
  assert.deepEqual(acks, [1, 2, 3])
  const names = namesOf(reader.inbox)
  assert.ok(names.includes('pingresp'))
  assert.ok(names.indexOf('suback') < names.indexOf('publish'))
  assert.deepEqual(reader.payloads(), ['zero', 'one', 'own'])
})

for (const [what, count, bytes, isBehind] of [
  ['a large message', 1, 1_000_000, true],
  ['many messages', 300, 100, true],
  ['more of them than wait', 3000, 100, false],
  ['more bytes than wait', 100, 100_000, false],
] as const)
  test(`${what}: all of it arrives, and its memory is free again`, () => {
    const { stage, writer, reader } = scene(
      Array.from({ length: count }, () => new Uint8Array(bytes)),
    )
    reader.send(make.connect(5, KEPT))
    stage.pass(STORE_MS)
    const { keptBytes } = stage.node.broker
    reader.send(subscribe(1))
    stage.pass(1000 * STORE_MS)
    assert.equal(reader.payloads().length, count)
    if (isBehind) assert.equal(nameOf(reader.inbox[1]), 'suback')
    assert.ok(reader.take('suback'))
    reader.send(make.unsubscribe(2, ['r/#']))
    stage.pass(STORE_MS)
    assert.ok(Math.abs(stage.node.broker.keptBytes - keptBytes) < 1000)
    writer.send(make.publish('r/0', 'after'))
  })

test('a client that leaves at once gets what it would have got, and no session keeps QoS 0', () => {
  const { stage, reader } = scene()
  reader.send(make.connect(5, KEPT))
  stage.pass(STORE_MS)
  reader.sendBytes(reader.bytesOf(subscribe(1), make.disconnect()))
  stage.pass(3 * STORE_MS)
  const again = stage.open()
  again.send(make.connect(5, KEPT))
  stage.pass(3 * STORE_MS)
  assert.deepEqual(again.payloads(), [])
})

test('a client that reads nothing gets all of it in order when it reads again', () => {
  const { stage, writer, reader } = scene()
  reader.send(make.connect(5, KEPT))
  stage.pass(STORE_MS)
  reader.send(subscribe(1, 'slow/#', 1))
  stage.pass(STORE_MS)
  reader.isStuck = true
  for (let at = 0; at < 5; at++) writer.send(make.publish(`slow/${at}`, `${at}`))
  reader.send(subscribe(2, 'r/#', 1))
  writer.send(make.publish('slow/5', '5'))
  stage.pass(3 * STORE_MS)
  reader.isStuck = false
  reader.drain()
  stage.pass(3 * STORE_MS)
  const expected = ['1', '2', '3', '4', 'zero', 'one', '5']
  assert.deepEqual(reader.payloads().toSorted(), expected.toSorted())
  assert.ok(reader.inbox.filter((packet) => nameOf(packet) === 'suback').length === 2)
})

test('a store that stands still does not keep PINGRESP and messages from a client [MQTT-3.12.4-1]', () => {
  const { stage, writer, reader } = scene()
  reader.send(make.connect(5, KEPT))
  stage.pass(STORE_MS)
  assert.ok(reader.take('connack'))
  Object.assign(stage.node.options, { storeDelayMs: 1e6 })
  reader.send(subscribe(1))
  writer.send(make.publish('r/0', 'live'))
  reader.send(make.pingreq)
  assert.deepEqual(namesOf(reader.inbox), [])
  stage.pass(1000)
  assert.deepEqual(namesOf(reader.inbox), ['publish', 'publish', 'publish', 'pingresp'])
  reader.send(make.pingreq)
  assert.equal(reader.inbox.length, 5)
  stage.pass(1e6)
  assert.ok(reader.take('suback'))
})

test('a SUBACK does not come between the two parts of a large message', () => {
  const { stage, writer } = scene([])
  const reader = new SlowActor(stage, 5)
  reader.send(make.connect(5, KEPT))
  stage.pass(STORE_MS)
  reader.send(subscribe(1))
  reader.isStuck = true
  const payloads = Array.from({ length: 5 }, (_, at) => `${at}`.repeat(15_000))
  payloads.push('x'.repeat(20_000))
  writer.sendBytes(writer.bytesOf(...payloads.map((payload) => make.publish('r/0', payload))))
  reader.drain()
  reader.isStuck = false
  stage.pass(3 * STORE_MS)
  reader.drain()
  stage.pass(STORE_MS)
  assert.deepEqual(reader.payloads(), payloads)
  assert.ok(reader.take('suback'))
})

test('a large retained message comes behind a SUBACK that has an acknowledgement before it', () => {
  const { stage, reader } = scene(['x'.repeat(20_000)])
  reader.send(make.connect(5, KEPT))
  stage.pass(STORE_MS)
  reader.send(make.publish('own', 'x', { qos: 1, packetId: 1, retain: true }))
  stage.pass(10)
  reader.send(subscribe(2))
  stage.pass(3 * STORE_MS)
  assert.deepEqual(namesOf(reader.inbox), ['connack', 'puback', 'suback', 'publish'])
})

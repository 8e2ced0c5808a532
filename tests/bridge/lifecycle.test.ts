/** When a bridge connects, gives up, comes back and waits; in virtual time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import type { BridgeSettings } from '../../src/bridge/settings.ts'
import { createBridgeStage, type Remote } from './bridge-stage.ts'

const connack = (code: number) => ({
  type: PacketType.connack,
  sessionPresent: false,
  code,
  properties: {},
})

test('what is published before the first connection waits, and crosses', () => {
  const stage = createBridgeStage()
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'early', { qos: 1, packetId: 1 }))
  assert.equal(stage.bridge.status().queued, 1)
  const remote = stage.remote().welcome()
  assert.equal(new TextDecoder().decode(remote.take('publish')?.payload), 'early')
})

test('an acknowledgement of the remote is what ends a message here', () => {
  const stage = createBridgeStage()
  const remote = stage.remote().welcome()
  stage.here.connect('author').send(make.publish('a', 'x', { qos: 1, packetId: 1 }))
  const sent = remote.take('publish')
  assert.ok(sent)
  assert.equal(stage.bridge.status().queued, 1)
  remote.send(make.ack('puback', sent.packetId))
  assert.equal(stage.bridge.status().queued, 0)
})

test('a QoS 2 message cut before PUBCOMP goes on under the same identifier', () => {
  const stage = createBridgeStage()
  const remote = stage.remote().welcome()
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x', { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  const { packetId } = remote.take('publish')!
  remote.send(make.ack('pubrec', packetId))
  assert.equal(remote.take('pubrel')?.packetId, packetId)
  remote.cut()
  stage.pass(1000)
  const next = stage.remote().welcome(true)
  assert.equal(next.take('publish'), undefined)
  assert.equal(next.take('pubrel')?.packetId, packetId)
  next.send(make.ack('pubcomp', packetId))
  assert.equal(stage.bridge.status().queued, 0)
})

test('a remote that forgot its session gets nothing lost: what it sent at QoS 2 is released here', () => {
  const stage = createBridgeStage()
  const reader = stage.here.connect('reader')
  reader.subscribe('in', 2)
  const remote = stage.remote().welcome()
  remote.send(make.publish('in', 'first', { qos: 2, packetId: 7 }))
  assert.equal(remote.take('pubrec')?.packetId, 7)
  remote.cut()
  stage.pass(1000)
  const next = stage.remote().welcome(false)
  assert.deepEqual(reader.payloads(), ['first'])
  next.send(make.publish('in', 'second', { qos: 2, packetId: 7 }))
  assert.equal(next.take('pubrec')?.packetId, 7)
  next.send(make.ack('pubrel', 7))
  assert.ok(reader.payloads().includes('second'))
})

test('after a failure the next address is tried, and round again', () => {
  const stage = createBridgeStage({}, {}, 3)
  const tried = [0]
  for (let attempt = 0; attempt < 4; attempt++) {
    stage.remote().cut('connection refused')
    stage.pass(1000)
    tried.push(stage.remote().index)
  }
  assert.deepEqual(tried, [0, 1, 2, 0, 1])
})

test('a lost connection begins with the first address again, unless round_robin is true', () => {
  for (const [roundRobin, expected] of [
    [false, 0],
    [true, 2],
  ] as const) {
    const stage = createBridgeStage({ roundRobin }, {}, 3)
    stage.remote().cut()
    stage.pass(1000)
    stage.remote().welcome().cut()
    stage.pass(1000)
    assert.equal(stage.remote().index, expected)
  }
})

/** A bridge of two addresses that is connected to the second one. */
function onBackup(changes: Partial<BridgeSettings> = {}) {
  const stage = createBridgeStage(changes, {}, 2)
  stage.remote().cut()
  stage.pass(1000)
  const backup = stage.remote().welcome()
  assert.equal(backup.index, 1)
  return { stage, backup }
}

test('on a backup the first address is looked at every 5 s, and taken when it lets the bridge in', () => {
  const { stage, backup } = onBackup()
  stage.pass(5000)
  const look = stage.remote().open()
  assert.equal(look.index, 0)
  assert.equal(look.take('connect')?.clientId, 'remote.b')
  assert.ok(!backup.isClosed)
  look.send(connack(0))
  assert.ok(backup.isClosed)
  assert.ok(look.take('disconnect'))
  assert.equal(stage.remote().index, 0)
  stage.remote().welcome()
  assert.equal(stage.bridge.status().state, 'up')
})

test('a first address that refuses, hangs or talks nonsense does not interrupt the backup', () => {
  const { stage, backup } = onBackup()
  const acts = [
    (look: Remote) => look.send(connack(3)),
    () => undefined,
    (look: Remote) => look.sendBytes(new TextEncoder().encode('HTTP/1.1 502 Bad Gateway')),
    (look: Remote) => look.cut(),
  ]
  for (const act of acts) {
    stage.pass(5000)
    const look = stage.remote().open()
    assert.equal(look.index, 0)
    act(look)
  }
  stage.pass(0)
  assert.ok(!backup.isClosed)
  assert.equal(stage.bridge.status().state, 'up')
})

test('a first address of an older version is asked for less, and taken', () => {
  const { stage } = onBackup({ version: 5 })
  stage.pass(5000)
  stage.remote().open().send(connack(0x84))
  stage.pass(5000)
  const look = stage.remote().open()
  assert.equal(look.take('connect')?.version, 4)
  look.sendBytes(Uint8Array.of(0x20, 2, 0, 0))
  assert.equal(stage.remote().open().take('connect')?.version, 4)
})

test('a first address that lets the bridge in and then refuses it is looked at less and less often', () => {
  const { stage } = onBackup()
  const waits: number[] = []
  for (let round = 0; round < 3; round++) {
    const { length } = stage.remotes
    const sinceMs = stage.time.nowMs
    while (stage.remotes.length === length) stage.pass(1000)
    waits.push(stage.time.nowMs - sinceMs)
    stage.remote().open().send(connack(0))
    assert.equal(stage.remote().index, 0)
    stage.remote().open().send(connack(5))
    stage.pass(1000)
    assert.equal(stage.remote().index, 1)
    stage.remote().welcome()
  }
  assert.ok(waits[1] > waits[0] && waits[2] > waits[1], waits.join())
})

test('where both addresses lead to one session, the look that takes it over leads to the first one at once', () => {
  const { stage, backup } = onBackup()
  stage.pass(5000)
  stage.remote().open()
  backup.cut('session taken over')
  stage.pass(1)
  assert.equal(stage.remote().index, 0)
  stage.remote().welcome(true)
  assert.equal(stage.bridge.status().state, 'up')
})

test('an endless CONNACK is given up', () => {
  const stage = createBridgeStage({ connectTimeoutMs: 3000 })
  const remote = stage.remote().open()
  for (const byte of [0x20, 0xff]) {
    remote.sendBytes(Uint8Array.of(byte))
    stage.pass(1000)
  }
  stage.pass(1000)
  assert.ok(remote.isClosed)
  assert.match(stage.bridge.status().lastError ?? '', /within 3 seconds/)
  stage.pass(1000)
  assert.equal(stage.remotes.length, 2)
})

test('a link that does not answer a ping is ended', () => {
  const stage = createBridgeStage({ keepAliveSeconds: 10 })
  const remote = stage.remote().welcome()
  stage.pass(9000)
  assert.ok(remote.take('pingreq'))
  stage.pass(10_000)
  assert.ok(remote.isClosed)
  assert.match(stage.bridge.status().lastError ?? '', /sign of life/)
})

test('a link that answers stays', () => {
  const stage = createBridgeStage({ keepAliveSeconds: 10 })
  const remote = stage.remote().welcome()
  for (let round = 0; round < 6; round++) {
    stage.pass(9500)
    assert.ok(remote.take('pingreq'))
    remote.send({ type: PacketType.pingresp })
  }
  assert.equal(stage.bridge.status().state, 'up')
})

test('"unacceptable protocol" drops first MQTT 5, then the bridge’s bit', () => {
  const stage = createBridgeStage({ version: 4 })
  stage.remote().open()
  assert.equal(stage.remote().take('connect')?.bridge, true)
  stage.remote().send(connack(1))
  stage.pass(1)
  stage.remote().open()
  assert.equal(stage.remote().take('connect')?.bridge, false)
})

test('start_type once is not tried again', () => {
  const stage = createBridgeStage({ startType: 'once' })
  stage.remote().cut()
  stage.pass(60_000)
  assert.equal(stage.remotes.length, 1)
  assert.equal(stage.bridge.status().state, 'stopped')
})

test('start_type lazy connects at the threshold, and leaves after idle_timeout', () => {
  const stage = createBridgeStage({ startType: 'lazy', threshold: 3, idleTimeoutMs: 5000 })
  assert.equal(stage.remotes.length, 0)
  const author = stage.here.connect('author')
  for (let packetId = 1; packetId <= 2; packetId++)
    author.send(make.publish('a', 'x', { qos: 1, packetId }))
  stage.pass(1000)
  assert.equal(stage.remotes.length, 0)
  author.send(make.publish('a', 'x', { qos: 1, packetId: 3 }))
  stage.pass(300)
  const remote = stage.remote().welcome()
  for (let sent = remote.take('publish'); sent !== undefined; sent = remote.take('publish'))
    remote.send(make.ack('puback', sent.packetId))
  stage.pass(4000)
  assert.equal(stage.bridge.status().state, 'up')
  stage.pass(1500)
  assert.ok(remote.isClosed)
  assert.equal(stage.bridge.status().state, 'waiting')
  stage.pass(60_000)
  assert.equal(stage.remotes.length, 1)
})

test('start_type lazy connects when a client here subscribes to what it could bring', () => {
  const stage = createBridgeStage({
    startType: 'lazy',
    topics: [{ pattern: 'x/#', direction: 'in', qos: 1, localPrefix: '', remotePrefix: '' }],
  })
  stage.bridge.subscribedHere('y/+')
  assert.equal(stage.remotes.length, 0)
  stage.bridge.subscribedHere('+/z')
  assert.equal(stage.remotes.length, 1)
})

test('paused, it keeps what is to cross; resumed, it sends it', () => {
  const stage = createBridgeStage()
  const first = stage.remote().welcome()
  stage.bridge.pause()
  stage.pass(60_000)
  assert.ok(first.isClosed)
  stage.here.connect('author').send(make.publish('a', 'kept', { qos: 1, packetId: 1 }))
  assert.equal(stage.remotes.length, 1)
  stage.bridge.resume()
  stage.pass(0)
  assert.ok(stage.remote().welcome(true).take('publish'))
})

test('other settings keep what is queued, and take effect at once when asked to', () => {
  const stage = createBridgeStage()
  const first = stage.remote().welcome()
  stage.here.connect('author').send(make.publish('a', 'kept', { qos: 1, packetId: 1 }))
  assert.ok(first.take('publish'))
  stage.bridge.change(stage.settings({ keepAliveSeconds: 30 }), true)
  stage.pass(10)
  assert.ok(first.isClosed)
  assert.ok(stage.remote().welcome(true).take('publish')?.dup)
})

test('a topic line that is gone is unsubscribed here', () => {
  const stage = createBridgeStage()
  stage.remote().welcome()
  const topics = [
    { pattern: 'b', direction: 'out', qos: 1, localPrefix: '', remotePrefix: '' },
  ] as const
  stage.bridge.change(stage.settings({ topics }), true)
  stage.pass(10)
  stage.remote().welcome(true)
  assert.deepEqual(stage.here.node.broker.filtersOf('local.b'), ['b'])
})

test('waits grow between base and cap, and begin anew once a connection held', () => {
  const stage = createBridgeStage({ restart: { baseMs: 1000, capMs: 8000, stableMs: 5000 } })
  const waits: number[] = []
  const failOnce = (): void => {
    stage.remote().cut()
    waits.push((stage.bridge.status().reconnectAtMs ?? 0) - stage.time.nowMs)
    stage.pass(waits.at(-1) as number)
  }
  for (let round = 0; round < 6; round++) failOnce()
  assert.ok(waits.every((ms) => ms >= 1000 && ms <= 8000))
  assert.ok((waits.at(-1) as number) > waits[0])
  stage.remote().welcome()
  stage.pass(5000)
  failOnce()
  assert.ok((waits.at(-1) as number) <= 2000)
})

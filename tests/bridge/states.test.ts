/** What is done to a bridge in the middle of something else; identifiers; what it remembers. In virtual time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { createBridgeStage, type Remote } from './bridge-stage.ts'

const out = { pattern: 'a', direction: 'out', qos: 2, localPrefix: '', remotePrefix: '' } as const

const textOf = (payload: Uint8Array | undefined) => new TextDecoder().decode(payload)

/** Answers CONNECT, and leaves what the bridge then asks for in the inbox. */
function greet(remote: Remote, sessionPresent: boolean): void {
  remote.open().take('connect')
  remote.send({ type: PacketType.connack, sessionPresent, code: 0, properties: {} })
}

test('a bridge that is closed while its local session is made does not connect', () => {
  const stage = createBridgeStage()
  stage.remote().cut()
  stage.bridge.restart()
  stage.bridge.close(true)
  stage.pass(60_000)
  assert.equal(stage.remotes.length, 1)
  assert.equal(stage.bridge.status().state, 'stopped')
})

test('a bridge that is paused while its settings change stays paused', () => {
  const stage = createBridgeStage()
  stage.remote().welcome()
  stage.bridge.change(stage.settings({ keepAliveSeconds: 30 }), true)
  stage.bridge.pause()
  stage.pass(60_000)
  assert.equal(stage.remotes.length, 1)
  assert.equal(stage.bridge.status().state, 'paused')
})

test('topic lines that come while it is paused keep messages from then on', () => {
  const stage = createBridgeStage({ topics: [out] })
  stage.remote().welcome()
  stage.bridge.pause()
  let isPrepared = false
  const topics = [out, { ...out, pattern: 'b' }]
  stage.bridge.change(stage.settings({ topics }), true, () => (isPrepared = true))
  stage.pass(10)
  assert.ok(isPrepared)
  const author = stage.here.connect('author')
  author.send(make.publish('b', 'x', { qos: 1, packetId: 1 }))
  stage.bridge.resume()
  stage.pass(10)
  assert.equal(stage.remote().welcome(true).take('publish')?.topic, 'b')
})

test('a lazy bridge that became automatic connects again when it was idle', () => {
  const stage = createBridgeStage({ startType: 'lazy', idleTimeoutMs: 5000 })
  stage.bridge.subscribedHere('x')
  stage.remote().welcome()
  stage.bridge.change(stage.settings({ startType: 'automatic' }), false)
  stage.pass(5000)
  assert.ok(stage.remotes[0].isClosed)
  assert.equal(stage.remotes.length, 2)
})

test('two changes at once are both done when the last one is', () => {
  const stage = createBridgeStage()
  stage.remote().welcome()
  const done: string[] = []
  stage.bridge.change(stage.settings({ keepAliveSeconds: 30 }), true, () => done.push('first'))
  const topics = [{ ...out, pattern: 'b' }]
  stage.bridge.change(stage.settings({ topics }), true, () => done.push('second'))
  assert.deepEqual(done, [])
  stage.pass(10)
  assert.deepEqual(done, ['first', 'second'])
})

test('a lazy change while it is at a backup leaves the link there, and what is said of it', () => {
  const stage = createBridgeStage({}, {}, 2)
  stage.remote().cut()
  stage.pass(1000)
  stage.remote().welcome()
  stage.bridge.change(stage.settings({ keepAliveSeconds: 30 }), false)
  assert.equal(stage.bridge.status().address, 'remote1')
  stage.remote().cut()
  stage.pass(1000)
  assert.equal(stage.remote().index, 0)
})

test('two changes at once make one connection', () => {
  const stage = createBridgeStage()
  stage.remote().welcome()
  stage.bridge.change(stage.settings({ keepAliveSeconds: 30 }), true)
  stage.bridge.change(stage.settings({ keepAliveSeconds: 40 }), true)
  stage.pass(100)
  assert.equal(stage.remotes.length, 2)
  assert.equal(stage.remote().open().take('connect')?.keepAliveSeconds, 40)
})

test('a lazy change while it connects waits for the next connection, names of topics included', () => {
  const stage = createBridgeStage({ topics: [{ ...out, remotePrefix: 'old/' }] })
  greet(stage.remote(), false)
  stage.bridge.change(stage.settings({ topics: [{ ...out, remotePrefix: 'new/' }] }), false)
  stage.pass(10)
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x', { qos: 1, packetId: 1 }))
  assert.equal(stage.remote().take('publish')?.topic, 'old/a')
  stage.remote().cut()
  stage.pass(1000)
  assert.equal(stage.remote().welcome(true).take('publish')?.topic, 'new/a')
})

test('a new topic line brings what is retained of it, though the sessions are old', () => {
  const stage = createBridgeStage({ topics: [out] })
  stage.remote().welcome()
  const author = stage.here.connect('author')
  author.send(make.publish('b', 'kept', { retain: true }))
  stage.bridge.change(stage.settings({ topics: [out, { ...out, pattern: 'b' }] }), true)
  stage.pass(10)
  assert.equal(textOf(stage.remote().welcome(true).take('publish')?.payload), 'kept')
})

test('a start_type once that was lost connects anew when its settings change', () => {
  const stage = createBridgeStage({ startType: 'once' })
  stage.remote().cut()
  stage.bridge.change(stage.settings({ startType: 'automatic' }), false)
  stage.pass(10)
  assert.equal(stage.remotes.length, 2)
})

test('clients that subscribe cannot hurry a lazy bridge that failed', () => {
  const stage = createBridgeStage({ startType: 'lazy' })
  stage.bridge.subscribedHere('x')
  assert.equal(stage.remotes.length, 1)
  for (let attempt = 0; attempt < 5; attempt++) {
    stage.remote().cut('connection refused')
    stage.bridge.subscribedHere('x')
    stage.pass(900)
    assert.equal(stage.remotes.length, attempt + 1)
    stage.pass(100)
    assert.equal(stage.remotes.length, attempt + 2)
  }
})

const pubrelsAt = (remote: Remote) =>
  remote.inbox.filter(({ type }) => type === PacketType.pubrel).length

test('identifiers of a lost local session are freed there before messages go under them [MQTT-4.3.3-11]', () => {
  const stage = createBridgeStage({ localCleanSession: true, topics: [out] })
  stage.here
    .connect('author')
    .send(make.publish('a', 'kept', { qos: 2, retain: true, packetId: 1 }), make.ack('pubrel', 1))
  const remote = stage.remote()
  greet(remote, true)
  assert.equal(pubrelsAt(remote), 65_535)
  remote.answerSweep(65_534)
  stage.pass(100)
  assert.equal(remote.take('publish'), undefined)
  remote.send(make.ack('pubcomp', 65_535))
  stage.pass(10)
  assert.equal(textOf(remote.take('publish')?.payload), 'kept')
})

test('identifiers of a local session that a restart lost are freed there too, once', () => {
  // The session is made when the broker starts: it is there when the bridge connects, and new all the same.
  const stage = createBridgeStage({ topics: [out] })
  const first = stage.remote().welcome(true)
  assert.equal(pubrelsAt(first), 65_535)
  first.cut()
  stage.pass(1000)
  assert.equal(pubrelsAt(stage.remote().welcome(true)), 0)
})

test('a broker that starts with the session of its bridge frees nothing there, and says nothing retained again', () => {
  const stage = createBridgeStage({ topics: [out], version: 5 })
  stage.here.connect('author').send(make.publish('a', 'kept', { retain: true }))
  assert.ok(stage.remote().welcome().take('publish'))
  stage.restart()
  const remote = stage.remote().welcome(true)
  assert.equal(stage.bridge.status().state, 'up')
  assert.deepEqual(remote.inbox, [])
})

test('of several addresses a broker that starts knows none: it frees identifiers there', () => {
  const stage = createBridgeStage({ topics: [out] }, {}, 2)
  stage.remote().welcome()
  stage.restart()
  assert.equal(pubrelsAt(stage.remote().welcome(true)), 65_535)
})

test('a link that is cut while identifiers are freed frees them all the next time', () => {
  const stage = createBridgeStage({ topics: [out] })
  greet(stage.remote(), true)
  stage.remote().answerSweep(30_000)
  stage.remote().cut()
  stage.pass(1000)
  assert.equal(pubrelsAt(stage.remote().welcome(true)), 65_535)
  assert.equal(stage.bridge.status().state, 'up')
})

test('a reload before the remote was reached does not forget that the local session is new', () => {
  const stage = createBridgeStage({ topics: [out] })
  stage.here.connect('author').send(make.publish('a', 'kept', { retain: true }))
  stage.remote().cut()
  stage.bridge.change(stage.settings({ keepAliveSeconds: 30 }), true)
  stage.pass(10)
  const remote = stage.remote().welcome(true)
  assert.equal(pubrelsAt(remote), 65_535)
  assert.equal(textOf(remote.take('publish')?.payload), 'kept')
})

test('a local session that was ended while the bridge was down has its identifiers freed there', () => {
  const stage = createBridgeStage({ topics: [out] })
  stage.remote().welcome().cut()
  stage.here.node.broker.forget('local.b')
  stage.pass(1000)
  const second = stage.remote()
  greet(second, true)
  stage.pass(10)
  assert.ok(second.isClosed)
  stage.pass(1000)
  const third = stage.remote()
  greet(third, true)
  assert.equal(pubrelsAt(third), 65_535)
  third.answerSweep()
  stage.pass(10)
  assert.equal(stage.bridge.status().state, 'up')
})

test('at another address than before, identifiers are freed on both sides [MQTT-4.3.3-10]', () => {
  // This remote may hold what it got long ago, and sends its own messages under identifiers that the other one used.
  const stage = createBridgeStage({}, {}, 2)
  const first = stage.remote().welcome()
  first.send(make.publish('in', 'of the first', { qos: 2, packetId: 7 }))
  assert.ok(first.take('pubrec'))
  first.cut()
  stage.pass(1000)
  stage.remote().cut()
  stage.pass(1000)
  const reader = stage.here.connect('reader')
  reader.send(make.subscribe(1, [{ filter: 'in', qos: 2 }]))
  const second = stage.remote()
  assert.equal(second.index, 1)
  second.welcome(true)
  assert.equal(pubrelsAt(second), 65_535)
  assert.equal(textOf(reader.take('publish')?.payload), 'of the first')
  second.send(make.publish('in', 'of the second', { qos: 2, packetId: 7 }))
  second.send(make.ack('pubrel', 7))
  assert.equal(textOf(reader.take('publish')?.payload), 'of the second')
})

test('a remote without QoS 2 is not swept for it', () => {
  const stage = createBridgeStage({ localCleanSession: true, topics: [out], version: 5 })
  const remote = stage.remote().welcome(true, { maximumQos: 1 })
  assert.equal(remote.take('pubrel'), undefined)
})

test('requests of the bridge take no identifier of a message under way', () => {
  const stage = createBridgeStage({ notifications: true, inflightMax: 65_535 })
  const author = stage.here.connect('author')
  const first = stage.remote().welcome()
  first.send(make.ack('puback', first.take('publish')!.packetId))
  // Identifiers count up: the last ones are those that requests would take.
  for (let packetId = 1; packetId <= 65_535; packetId++) {
    author.send(make.publish('a', `${packetId}`, { qos: 1, packetId: 1 }))
    const sent = first.take('publish')!
    if (sent.packetId < 65_533) first.send(make.ack('puback', sent.packetId))
  }
  assert.equal(stage.bridge.status().queued, 3)
  first.cut()
  stage.pass(1000)
  greet(stage.remote(), true)
  stage.remote().take('publish')
  const ids = stage.remote().inbox.map((packet) => ('packetId' in packet ? packet.packetId : 0))
  assert.deepEqual(ids, [65_532])
})

test('with messages under way the notification takes no room of the remote', () => {
  // The remote may hold as many as it takes: one more, and it would never let the bridge in again.
  const stage = createBridgeStage({ notifications: true })
  const author = stage.here.connect('author')
  const first = stage.remote().welcome()
  first.send(make.ack('puback', first.take('publish')!.packetId))
  stage.pass(10)
  author.send(make.publish('a', 'x', { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  assert.ok(first.take('publish'))
  first.cut()
  stage.pass(1000)
  greet(stage.remote(), true)
  assert.equal(stage.remote().take('publish')?.qos, 0)
})

test('after a restart the notification takes no room of the remote either, if messages wait', () => {
  const stage = createBridgeStage({ notifications: true })
  stage.here
    .connect('author')
    .send(make.publish('a', 'x', { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  greet(stage.remote(), true)
  assert.equal(stage.remote().take('publish')?.qos, 0)
})

test('what is retained there comes with a new subscription only', () => {
  const stage = createBridgeStage({ version: 5 })
  greet(stage.remote(), true)
  assert.equal(stage.remote().take('subscribe')?.filters[0].retainHandling, 1)
})

test('a message that is too large for a new remote frees its identifier there, if it was sent before', () => {
  const stage = createBridgeStage({ version: 5 })
  const author = stage.here.connect('author')
  const first = stage.remote().welcome()
  author.send(make.publish('a', 'x'.repeat(200), { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  const { packetId } = first.take('publish')!
  first.cut()
  stage.pass(1000)
  const next = stage.remote().welcome(true, { maximumPacketSize: 100 })
  assert.equal(next.take('publish'), undefined)
  assert.equal(next.take('pubrel')?.packetId, packetId)
  next.send(make.ack('pubcomp', packetId))
  assert.equal(stage.bridge.status().queued, 0)
})

test('a count of hops that is none counts as none', () => {
  const stage = createBridgeStage({ version: 5, hopsMax: 2 })
  const remote = stage.remote().welcome()
  const author = stage.here.connect('author')
  for (const said of ['-1000000', 'NaN', '1e-9', '']) {
    author.send(make.publish('a', 'x', { properties: { userProperties: [['mozzie-hops', said]] } }))
    assert.deepEqual(remote.take('publish')?.properties.userProperties, [['mozzie-hops', '1']])
  }
})

test('where notifications go changes: the old place says 0', () => {
  const stage = createBridgeStage({ notifications: true, notificationTopic: 'state/old' })
  const reader = stage.here.connect('reader')
  reader.subscribe('state/#', 0)
  const remote = stage.remote().welcome()
  remote.send(make.ack('puback', remote.take('publish')!.packetId))
  stage.pass(10)
  assert.equal(stage.bridge.status().state, 'up')
  reader.inbox.length = 0
  stage.bridge.change(
    stage.settings({ notifications: true, notificationTopic: 'state/new' }),
    false,
  )
  stage.remote().cut()
  stage.pass(0)
  const told = reader.take('publish')
  assert.deepEqual([told?.topic, textOf(told?.payload)], ['state/old', '0'])
})

for (const isThere of [true, false])
  test(`a bridge takes its local id from a client that ${isThere ? 'has' : 'had'} it`, () => {
    const durable = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } }
    const stage = createBridgeStage({ topics: [out] }, {}, 1, (here) => {
      const client = here.connect('local.b', durable)
      client.subscribe('mine', 1)
      if (!isThere) client.cut()
    })
    const remote = stage.remote().welcome()
    assert.deepEqual(stage.here.node.broker.filtersOf('local.b'), ['a'])
    stage.here.connect('author').send(make.publish('a', 'x', { qos: 1, packetId: 1 }))
    stage.pass(0)
    assert.equal(remote.take('publish')?.topic, 'a')
  })

for (const version of [4, 5] as const)
  test(`MQTT ${version}: a remote that sends more QoS 2 bytes than may be held gets them through, one cut after another`, () => {
    const stage = createBridgeStage({ version }, { heldInboundBytesMax: 10_000 })
    const reader = stage.here.connect('reader')
    reader.subscribe('in', 2)
    const sent = new Set(Array.from({ length: 40 }, (_, index) => index + 1))
    const received = new Set<number>()
    let cuts = 0
    for (; sent.size + received.size > 0 && cuts < 60; cuts++) {
      const remote = stage.remote().welcome(cuts > 0)
      for (const packetId of received) remote.send(make.ack('pubrel', packetId))
      for (const packetId of sent)
        if (!remote.isClosed)
          remote.send(make.publish('in', 'x'.repeat(1000), { qos: 2, packetId, dup: cuts > 0 }))
      stage.pass(0)
      for (let packet = remote.inbox.shift(); packet !== undefined; packet = remote.inbox.shift())
        if (packet.type === PacketType.pubrec && packet.reason < 0x80) {
          sent.delete(packet.packetId)
          received.add(packet.packetId)
          if (!remote.isClosed) remote.send(make.ack('pubrel', packet.packetId))
        } else if (packet.type === PacketType.pubcomp) received.delete(packet.packetId)
      if (!remote.isClosed) remote.cut()
      stage.pass(10_000)
    }
    assert.deepEqual([sent.size, received.size], [0, 0], stage.log.slice(-4).join('\n'))
    assert.equal(reader.inbox.filter(({ type }) => type === PacketType.publish).length, 40)
  })

test('a remote may send more QoS 2 messages than a client before it releases one', () => {
  const stage = createBridgeStage({}, { heldInboundMax: 10 })
  const remote = stage.remote().welcome()
  for (let packetId = 1; packetId <= 50; packetId++)
    remote.send(make.publish('in', 'x', { qos: 2, packetId }))
  assert.equal(stage.bridge.status().state, 'up')
  assert.equal(remote.inbox.filter(({ type }) => type === PacketType.pubrec).length, 50)
})

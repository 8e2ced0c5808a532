/** Messages that one side of a bridge takes and the other would end the link for: they would come again for ever. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType, type Qos } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { createBridgeStage, into, type BridgeStage, type Remote } from './bridge-stage.ts'

const out = { ...into, pattern: 'out/#', direction: 'out' } as const

const userProperties = (count: number): [string, string][] =>
  Array.from({ length: count }, (_, n) => [`k${n}`, 'v'])

/** A PUBLISH of the remote, and at QoS 2 its PUBREL. */
function sendAll(remote: Remote, topic: string, qos: Qos, options: make.PublishOptions): void {
  remote.send(make.publish(topic, 'x', { ...options, qos, packetId: qos === 0 ? 0 : 3 }))
  if (qos === 2) remote.send(make.ack('pubrel', 3))
}

function hasSettled(stage: BridgeStage, remote: Remote, qos: Qos): void {
  if (qos === 1) assert.equal(remote.take('puback')?.packetId, 3)
  if (qos === 2) assert.equal(remote.take('pubcomp')?.packetId, 3)
  assert.equal(stage.bridge.status().state, 'up')
}

for (const qos of [0, 1, 2] as const) {
  test(`out, QoS ${qos}: more user properties than a broker takes by default cross where max_user_properties lets them in`, () => {
    const stage = createBridgeStage({ version: 5, topics: [out] }, { userPropertiesMax: 2000 })
    const remote = stage.remote().welcome()
    const author = stage.here.connect('author')
    const properties = { userProperties: userProperties(1500) }
    author.send(make.publish('out/a', 'x', { qos, properties }))
    if (qos === 2) author.send(make.ack('pubrel', 1))
    stage.pass(10)
    assert.equal(remote.take('publish')?.properties.userProperties?.length, 1500)
  })

  test(`in, QoS ${qos}: more user properties than max_user_properties, one for the hops among them, come whole`, () => {
    const settings = { version: 5, topics: [into], hopsMax: 2 } as const
    const stage = createBridgeStage(settings, { userPropertiesMax: 10 })
    const remote = stage.remote().welcome()
    const reader = stage.here.connect('reader')
    reader.subscribe('#', 0)
    sendAll(remote, 'in/a', qos, { properties: { userProperties: userProperties(10) } })
    assert.equal(reader.take('publish')?.properties.userProperties?.length, 11)
    hasSettled(stage, remote, qos)
  })

  for (const version of [4, 5] as const) {
    test(`${version}, QoS ${qos}: a name of more levels than max_topic_levels by its prefix here is dropped and counted`, () => {
      const topics = [{ ...into, localPrefix: 'a/b/' }]
      const stage = createBridgeStage({ version, topics }, { topicLevelsMax: 8 })
      const remote = stage.remote().welcome()
      sendAll(remote, `in${'/x'.repeat(6)}`, qos, {})
      hasSettled(stage, remote, qos)
      assert.equal(stage.bridge.status().dropped, 1)
    })

    test(`${version}, QoS ${qos}: a retained message comes without the flag where retain_available is false`, () => {
      const stage = createBridgeStage({ version, topics: [into] }, { retainAvailable: false })
      const remote = stage.remote().welcome()
      const reader = stage.here.connect('reader')
      reader.subscribe('#', 0)
      sendAll(remote, 'in/a', qos, { retain: true })
      assert.equal(reader.take('publish')?.topic, 'in/a')
      hasSettled(stage, remote, qos)
    })
  }
}

test('a name of more levels than max_topic_levels by its prefix there is dropped and counted', () => {
  const topics = [{ ...out, remotePrefix: 'a/b/' }]
  const stage = createBridgeStage({ version: 5, topics }, { topicLevelsMax: 8 })
  const remote = stage.remote().welcome()
  const author = stage.here.connect('author')
  author.send(make.publish(`out${'/x'.repeat(6)}`, 'x', { qos: 1, packetId: 1 }))
  author.send(make.publish('out/y', 'y', { qos: 1, packetId: 2 }))
  assert.equal(remote.take('publish')?.topic, 'a/b/out/y')
  assert.equal(stage.bridge.status().dropped, 1)
})

for (const [what, given] of [
  ['user properties', userProperties(1000)],
  ['bytes of user properties', [['k', 'v'.repeat(65_530)]]],
] as [string, [string, string][]][])
  test(`a message that has as many ${what} as brokers take has no room for hops: it is dropped and counted`, () => {
    const settings = { version: 5, topics: [out], hopsMax: 2 } as const
    const stage = createBridgeStage(settings)
    const remote = stage.remote().welcome()
    const author = stage.here.connect('author')
    const properties = { userProperties: given }
    author.send(make.publish('out/a', 'x', { qos: 1, packetId: 1, properties }))
    author.send(make.publish('out/b', 'y', { qos: 1, packetId: 2 }))
    assert.equal(remote.take('publish')?.topic, 'out/b')
    assert.equal(stage.bridge.status().dropped, 1)
  })

test('what a remote has at QoS 2 comes whole, however large: it may send all of it before it reads an answer', () => {
  const limits = { heldInboundBytesMax: 1000 }
  const stage = createBridgeStage({ version: 4, topics: [into] }, limits)
  const remote = stage.remote().welcome()
  for (let packetId = 1; packetId <= 5; packetId++)
    remote.send(make.publish('in/a', 'x'.repeat(300), { qos: 2, packetId }))
  for (let packetId = 1; packetId <= 5; packetId++) {
    remote.send(make.ack('pubrel', packetId))
    assert.equal(remote.take('pubcomp')?.packetId, packetId)
  }
})

test('a message at QoS 2 that was taken before its line went is released when it comes again [MQTT-4.3.3-10]', () => {
  const stage = createBridgeStage({ version: 5, topics: [into] })
  const reader = stage.here.connect('reader')
  reader.subscribe('#', 0)
  const message = { qos: 2, packetId: 3 } as const
  stage
    .remote()
    .welcome()
    .send(make.publish('in/a', 'x', message))
  stage.bridge.change(stage.settings({ topics: [{ ...into, pattern: 'other' }] }), true)
  stage.pass(2000)
  const remote = stage.remote().welcome(true)
  remote.send(make.publish('in/a', 'x', { ...message, dup: true }))
  assert.equal(remote.take('pubrec')?.packetId, 3)
  remote.send(make.ack('pubrel', 3))
  assert.equal(remote.take('pubcomp')?.packetId, 3)
  assert.equal(reader.take('publish')?.topic, 'in/a')
})

test('a payload at QoS 0 that is not the UTF-8 it says is dropped, and does not end the link', () => {
  const stage = createBridgeStage({ version: 5, topics: [into] })
  const remote = stage.remote().welcome()
  const reader = stage.here.connect('reader')
  reader.subscribe('#', 0)
  const properties = { payloadFormat: 1 }
  remote.send(make.publish('in/a', new Uint8Array([0xff]), { properties }))
  remote.send(make.publish('in/b', 'y'))
  assert.equal(reader.take('publish')?.topic, 'in/b')
  assert.equal(stage.bridge.status().state, 'up')
})

test('a new topic line that a full disk refuses is told, and asked for again until it is subscribed', () => {
  const stage = createBridgeStage({ version: 5, topics: [out] })
  const { core } = stage.here.node.broker as unknown as { core: { full: boolean } }
  const more = { ...out, pattern: 'more/#' }
  let isFull = true
  // What is written meanwhile would tell the broker that there is space again.
  Object.defineProperty(core, 'full', { get: () => isFull, set() {} })
  stage.bridge.change(stage.settings({ topics: [out, more] }), true)
  stage.pass(10)
  const remote = stage.remote().welcome()
  const author = stage.here.connect('author')
  author.send(make.publish('more/a', 'early', { qos: 0 }))
  stage.pass(25_000)
  assert.ok(stage.log.some((line) => line.includes('not subscribed to "more/#"')))
  isFull = false
  stage.pass(10_000)
  author.send(make.publish('more/a', 'late', { qos: 1, packetId: 1 }))
  stage.pass(10)
  assert.deepEqual(
    remote.inbox.flatMap((packet) =>
      packet.type === PacketType.publish ? [Buffer.from(packet.payload).toString()] : [],
    ),
    ['late'],
  )
  assert.deepEqual(stage.here.node.broker.filtersOf('local.b'), ['out/#', 'more/#'])
})

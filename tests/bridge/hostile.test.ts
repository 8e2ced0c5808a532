/** A remote that breaks rules, refuses or is broken: the link goes, backs off and says why; nobody here notices. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BridgeSettings } from '../../src/bridge/settings.ts'
import { PacketType, type Qos } from '../../src/codec/packets.ts'
import { createStage } from '../broker/stage.ts'
import * as make from '../support/packets.ts'
import type { PacketOf } from '../support/packets.ts'
import { createBridgeStage, into, type Remote } from './bridge-stage.ts'

const both = { pattern: '#', direction: 'both', qos: 2, localPrefix: '', remotePrefix: '' } as const

interface Row {
  readonly name: string
  readonly changes?: Partial<BridgeSettings>
  readonly why: RegExp
  act(remote: Remote): void
}

const rows: readonly Row[] = [
  {
    name: 'a message outside of our filters',
    changes: { topics: [into] },
    why: /'other' is not what we subscribed to/,
    act: (remote) => remote.welcome().send(make.publish('other', 'x')),
  },
  {
    name: 'a packet over max_packet_size',
    why: /larger than the maximum/,
    act: (remote) => remote.welcome().send(make.publish('a', 'x'.repeat(100_001))),
  },
  {
    name: 'a topic alias that we did not allow',
    changes: { version: 5, topicAliasMaximum: 2 },
    why: /topic alias 3/,
    act: (remote) =>
      remote.welcome().send(make.publish('a', 'x', { properties: { topicAlias: 3 } })),
  },
  {
    name: 'a topic alias that stands for nothing',
    changes: { version: 5, topicAliasMaximum: 2 },
    why: /unknown topic alias 2/,
    act: (remote) =>
      remote.welcome().send(make.publish('', 'x', { properties: { topicAlias: 2 } })),
  },
  {
    name: 'a subscription that is refused',
    why: /does not let us subscribe to '#'/,
    act(remote) {
      remote.open().take('connect')
      remote.send({ type: PacketType.connack, sessionPresent: false, code: 0, properties: {} })
      const { packetId } = remote.take('subscribe')!
      remote.send({ type: PacketType.suback, packetId, codes: [0x80], properties: {} })
    },
  },
  {
    name: 'a refused CONNECT',
    why: /Connection Refused: not authori[sz]ed/i,
    act(remote) {
      remote.open()
      remote.send({ type: PacketType.connack, sessionPresent: false, code: 5, properties: {} })
    },
  },
  {
    name: 'a message before CONNACK',
    why: /no CONNACK/,
    act: (remote) => remote.open().send(make.publish('a', 'x')),
  },
  {
    name: 'bytes that are no MQTT',
    why: /broke the protocol/,
    act: (remote) => remote.open().sendBytes(new TextEncoder().encode('HTTP/1.1 400 Bad Request')),
  },
  {
    name: 'a DISCONNECT with a reason',
    changes: { version: 5 },
    why: /Server shutting down/,
    act: (remote) => remote.welcome().send(make.disconnect(0x8b)),
  },
  {
    name: 'a PUBACK that says "not now"',
    changes: { version: 5 },
    why: /cannot take a message now: Quota exceeded/,
    act(remote) {
      remote.welcome()
    },
  },
]

test('a message to our client id there is acknowledged, and goes no further', () => {
  const stage = createBridgeStage({ topics: [into] })
  const bystander = stage.here.connect('bystander')
  bystander.subscribe('#', 2)
  const remote = stage.remote().welcome()
  const topic = `any/p2p/${stage.settings({}).remoteClientId}`
  remote.send(make.publish(topic, 'x', { qos: 1, packetId: 7 }), make.publish('in/a', 'y'))
  assert.equal(remote.take('puback')?.packetId, 7)
  assert.ok(!remote.isClosed)
  assert.deepEqual(bystander.payloads(), ['y'])
})

test('a message to the client id of a bridge does not cross it', () => {
  const out = { ...into, pattern: 'out/#', direction: 'out' } as const
  const stage = createBridgeStage({ topics: [out] }, { directLevel: 'p2p', delayedMax: 9 })
  const remote = stage.remote().welcome()
  const localClientId = 'local.b'
  const author = stage.here.connect('author')
  for (const topic of [`private/p2p/${localClientId}`, 'out/a', `out/p2p/${localClientId}`])
    author.send(make.publish(topic, 'x'))
  stage.pass(100)
  const sent = [remote.take('publish'), remote.take('publish'), remote.take('publish')]
  assert.deepEqual(
    sent.map((packet) => packet?.topic),
    ['out/a', `out/p2p/${localClientId}`, undefined],
  )
})

for (const { name, changes, why, act } of rows)
  test(`${name} ends the link with its reason, and it comes back later`, () => {
    const stage = createBridgeStage({ topics: [both], ...changes })
    const bystander = stage.here.connect('bystander')
    const remote = stage.remote()
    act(remote)
    if (name.startsWith('a PUBACK')) {
      stage.here.connect('author').send(make.publish('a', 'x', { qos: 1, packetId: 1 }))
      remote.send(make.ack('puback', remote.take('publish')!.packetId, 0x97))
    }
    stage.pass(0)
    assert.ok(remote.isClosed)
    assert.match(stage.bridge.status().lastError ?? '', why)
    assert.equal(stage.remotes.length, 1)
    stage.pass(1000)
    assert.equal(stage.remotes.length, 2)
    bystander.send(make.pingreq)
    assert.ok(bystander.take('pingresp'))
  })

test('a message that the remote cannot take now is sent again by the next connection', () => {
  const stage = createBridgeStage({ version: 5 })
  stage.here.connect('author').send(make.publish('a', 'x', { qos: 1, packetId: 1 }))
  const remote = stage.remote().welcome()
  const { packetId } = remote.take('publish')!
  remote.send(make.ack('puback', packetId, 0x97))
  assert.equal(stage.bridge.status().queued, 1)
  stage.pass(1000)
  const again = stage.remote().welcome(true).take('publish')
  assert.equal(again?.packetId, packetId)
})

test('a message that the remote refuses for good is counted and lets the others pass', () => {
  const stage = createBridgeStage({ version: 5 })
  const remote = stage.remote().welcome()
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x', { qos: 1, packetId: 1 }))
  remote.send(make.ack('puback', remote.take('publish')!.packetId, 0x87))
  author.send(make.publish('a', 'y', { qos: 1, packetId: 2 }))
  assert.ok(remote.take('publish'))
  assert.equal(stage.bridge.status().dropped, 1)
  assert.equal(stage.bridge.status().state, 'up')
})

/** What a remote whose `message_size_limit` is a byte answers to a message. */
const TOO_LARGE: Record<string, (remote: Remote, sent: PacketOf['publish']) => void> = {
  // The standard has no 0x95 in PUBACK and PUBREC.
  mosquitto: (remote, { qos, packetId }) =>
    remote.sendBytes(
      Uint8Array.of(qos === 1 ? 0x40 : 0x50, 3, packetId >> 8, packetId & 0xff, 0x95),
    ),
  'another Mozzie': (remote, { qos, packetId }) => {
    const there = createStage({ payloadBytesMax: 1 }).connect('bridge')
    there.send(make.publish('a', 'too large', { qos, packetId }))
    const answer = there.take(qos === 1 ? 'puback' : 'pubrec')!
    assert.equal(answer.reason, 0x97)
    remote.send(answer)
  },
}

for (const [who, refuse] of Object.entries(TOO_LARGE))
  for (const qos of [1, 2] as const)
    test(`at QoS ${qos} a message over the message_size_limit of ${who} lets the others pass`, () => {
      const stage = createBridgeStage({ version: 5 })
      const remote = stage.remote().welcome()
      const author = stage.here.connect('author')
      author.send(make.publish('a', 'too large', { qos, packetId: 1 }))
      if (qos === 2) author.send(make.ack('pubrel', 1))
      refuse(remote, remote.take('publish')!)
      author.send(make.publish('a', 'y', { qos: 1, packetId: 2 }))
      assert.ok(remote.take('publish'))
      assert.equal(stage.bridge.status().dropped, 1)
      assert.equal(stage.bridge.status().state, 'up')
      assert.equal(stage.bridge.status().queued, 1)
    })

test('what a resumed session kept of lines that are gone is acknowledged and dropped', () => {
  const stage = createBridgeStage({ topics: [into] })
  const remote = stage.remote().welcome(true)
  remote.send(make.publish('old', 'x', { qos: 1, packetId: 3 }))
  assert.equal(remote.take('puback')?.packetId, 3)
  remote.send(make.publish('old', 'x', { qos: 2, packetId: 4 }))
  assert.equal(remote.take('pubrec')?.packetId, 4)
  remote.send(make.ack('pubrel', 4))
  assert.equal(remote.take('pubcomp')?.packetId, 4)
  assert.equal(stage.bridge.status().dropped, 2)
})

test('where the remote takes QoS 1 at most, a QoS 2 message crosses at QoS 1 and ends here', () => {
  const stage = createBridgeStage({ version: 5 })
  const remote = stage.remote().welcome(false, { maximumQos: 1 })
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x', { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  const sent = remote.take('publish')!
  assert.equal(sent.qos, 1)
  remote.send(make.ack('puback', sent.packetId))
  assert.equal(stage.bridge.status().queued, 0)
  assert.equal(remote.take('pubrel'), undefined)
})

test('where the remote takes QoS 0 only, messages cross at QoS 0 and end here', () => {
  const stage = createBridgeStage({ version: 5 })
  const remote = stage.remote().welcome(false, { maximumQos: 0, retainAvailable: 0 })
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x', { qos: 1, packetId: 1, retain: true }))
  author.send(make.publish('a', 'y', { qos: 2, packetId: 2 }), make.ack('pubrel', 2))
  for (let index = 0; index < 2; index++) {
    const { qos, retain } = remote.take('publish')!
    assert.deepEqual([qos, retain], [0, false])
  }
  assert.equal(stage.bridge.status().queued, 0)
})

test('a packet larger than the remote takes is dropped here, those behind it cross', () => {
  const stage = createBridgeStage({ version: 5 })
  const remote = stage.remote().welcome(false, { maximumPacketSize: 100 })
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x'.repeat(200), { qos: 2, packetId: 1 }), make.ack('pubrel', 1))
  author.send(make.publish('a', 'y', { qos: 1, packetId: 2 }))
  const sent = remote.take('publish')!
  assert.equal(sent.payload.length, 1)
  remote.send(make.ack('puback', sent.packetId))
  assert.equal(stage.bridge.status().queued, 0)
})

test('a remote that does not read holds our broker back, and loses nothing at QoS 1', () => {
  const stage = createBridgeStage({}, { outputBytesMax: 10_000 })
  const remote = stage.remote().welcome()
  remote.isBlocked = true
  const author = stage.here.connect('author')
  const count = 300
  for (let packetId = 1; packetId <= count; packetId++)
    author.send(make.publish('a', 'x'.repeat(2000), { qos: 1, packetId }))
  let received = 0
  for (let round = 0; round < 1000 && received < count; round++) {
    remote.drain()
    for (let sent = remote.take('publish'); sent !== undefined; sent = remote.take('publish')) {
      received++
      remote.send(make.ack('puback', sent.packetId))
    }
  }
  assert.equal(received, count)
  assert.equal(stage.bridge.status().queued, 0)
})

test('hops are counted in a user property, and end the way of a message', () => {
  const stage = createBridgeStage({ version: 5, hopsMax: 2 })
  const remote = stage.remote().welcome()
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x'))
  const first = remote.take('publish')!.properties.userProperties
  assert.deepEqual(first, [['mozzie-hops', '1']])
  const once = {
    userProperties: [
      ['k', 'v'],
      ['mozzie-hops', '1'],
    ] as [string, string][],
  }
  author.send(make.publish('a', 'x', { properties: once }))
  assert.deepEqual(remote.take('publish')!.properties.userProperties, [
    ['k', 'v'],
    ['mozzie-hops', '2'],
  ])
  const twice = { userProperties: [['mozzie-hops', '2']] as [string, string][] }
  author.send(make.publish('a', 'x', { properties: twice }))
  assert.equal(remote.take('publish'), undefined)
})

test('hops of what the remote sends are counted too, and what crossed enough is acknowledged and dropped', () => {
  const stage = createBridgeStage({ version: 5, hopsMax: 2 })
  const remote = stage.remote().welcome()
  const reader = stage.here.connect('reader')
  reader.subscribe('#', 2)
  const crossed = (count: string, qos: Qos, packetId: number) =>
    make.publish('a', count, {
      qos,
      packetId,
      properties: { userProperties: [['mozzie-hops', count]] },
    })
  remote.send(crossed('1', 0, 0))
  assert.deepEqual(reader.take('publish')?.properties.userProperties, [['mozzie-hops', '2']])
  remote.send(crossed('2', 0, 0), crossed('2', 1, 1), crossed('2', 2, 2))
  assert.equal(remote.take('puback')?.packetId, 1)
  assert.equal(remote.take('pubrec')?.packetId, 2)
  remote.send(make.ack('pubrel', 2))
  assert.equal(remote.take('pubcomp')?.packetId, 2)
  assert.equal(reader.take('publish'), undefined)
  assert.equal(stage.bridge.status().dropped, 3)
})

/** What comes over a bridge and is more than this broker takes: others pass, and what only grew on the way comes whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BridgeSettings } from '../../src/bridge/settings.ts'
import type { Limits } from '../../src/ports/limits.ts'
import type { Store } from '../../src/ports/store.ts'
import * as make from '../support/packets.ts'
import { createBridgeStage, into, type BridgeStage } from './bridge-stage.ts'

const prefixed = { ...into, localPrefix: 'from/far/away/' }

/** The store here takes payloads of no more than 10 bytes, as a stream of NATS with `max_msg_size` does. */
function createNarrowStage(
  changes: Partial<BridgeSettings>,
  limits: Partial<Limits> = {},
): BridgeStage {
  return createBridgeStage({ topics: [prefixed], ...changes }, limits, 1, ({ node }) => {
    const store: Store = node.store
    store.sizeLimitFor = ({ payloadLength }) => (payloadLength > 10 ? 10 : 0)
  })
}

for (const version of [4, 5] as const) {
  test(`${version}: at QoS 1 a message that the store here never takes is acknowledged, dropped and counted`, () => {
    const stage = createNarrowStage({ version })
    const remote = stage.remote().welcome()
    remote.send(make.publish('in/a', 'x'.repeat(11), { qos: 1, packetId: 3 }))
    assert.equal(remote.take('puback')?.reason, version === 5 ? 0x99 : 0)
    remote.send(make.publish('in/a', 'y', { qos: 1, packetId: 4 }))
    assert.equal(remote.take('puback')?.reason, version === 5 ? 0x10 : 0)
    assert.equal(stage.bridge.status().dropped, 1)
    assert.equal(stage.bridge.status().state, 'up')
  })

  test(`${version}: at QoS 2 a message that the store here never takes leaves its identifier free`, () => {
    const stage = createNarrowStage({ version })
    const remote = stage.remote().welcome()
    const reader = stage.here.connect('reader')
    reader.subscribe('#', 0)
    remote.send(make.publish('in/a', 'x'.repeat(11), { qos: 2, packetId: 3 }))
    assert.equal(remote.take('pubrec')?.reason, version === 5 ? 0x99 : 0)
    // Below 5.0 the remote takes it for success.
    if (version === 4) {
      remote.send(make.ack('pubrel', 3))
      assert.equal(remote.take('pubcomp')?.packetId, 3)
    }
    remote.send(make.publish('in/a', 'y', { qos: 2, packetId: 3 }))
    assert.equal(remote.take('pubrec')?.packetId, 3)
    remote.send(make.ack('pubrel', 3))
    assert.equal(remote.take('pubcomp')?.packetId, 3)
    assert.deepEqual(Buffer.from(reader.take('publish')!.payload).toString(), 'y')
    assert.equal(stage.bridge.status().dropped, 1)
    assert.equal(stage.bridge.status().state, 'up')
  })

  for (const qos of [0, 1, 2] as const)
    test(`${version}: a message at QoS ${qos} that passes max_packet_size by its name here comes all the same`, () => {
      const changes = { version, topics: [prefixed], incomingPacketBytesMax: 200 }
      const stage = createBridgeStage(changes, { packetBytesMax: 200 })
      const remote = stage.remote().welcome()
      const reader = stage.here.connect('reader')
      reader.subscribe('#', 0)
      remote.send(make.publish('in/a', 'x'.repeat(186), { qos, packetId: 3 }))
      if (qos === 2) remote.send(make.ack('pubrel', 3))
      assert.equal(reader.take('publish')?.payload.length, 186)
      assert.equal(stage.bridge.status().state, 'up')
    })
}

test('a message over message_size_limit waits at the remote while there is no room for what is retained', () => {
  const stage = createBridgeStage(
    { version: 5, topics: [prefixed] },
    { payloadBytesMax: 5, retainedMax: 1 },
  )
  stage.here.connect('author').send(make.publish('first', 'x', { retain: true }))
  const remote = stage.remote().welcome()
  remote.send(make.publish('in/a', 'larger', { qos: 1, packetId: 3, retain: true }))
  assert.equal(remote.take('puback'), undefined)
  assert.equal(stage.bridge.status().dropped, 0)
  assert.match(stage.bridge.status().lastError ?? '', /cannot take a message now/)
})

test('a bridge of more topics than a SUBSCRIBE of max_packet_size has room for comes up', () => {
  const topics = Array.from({ length: 20 }, (_, n) => ({
    ...prefixed,
    pattern: `a topic of its own/${n}`,
    direction: 'out' as const,
  }))
  const stage = createBridgeStage({ version: 5, topics }, { packetBytesMax: 200 })
  stage.remote().welcome()
  assert.equal(stage.bridge.status().state, 'up')
})

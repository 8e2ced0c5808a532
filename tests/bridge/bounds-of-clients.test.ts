/** Bounds that are meant for clients, and would cost messages if they held for a bridge of ours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createBridgeStage } from './bridge-stage.ts'

const out = { pattern: 'a', direction: 'out', qos: 2, localPrefix: '', remotePrefix: '' } as const

test('what waits for a remote stays however long that is away: persistent_client_expiration is for clients', () => {
  const stage = createBridgeStage({ topics: [out] }, { sessionExpiryMsMax: 60_000 })
  stage.remote().welcome().cut()
  const author = stage.here.connect('author')
  author.send(make.publish('a', 'x', { qos: 1, packetId: 1 }))
  stage.pass(200_000)
  author.send(make.publish('a', 'y', { qos: 1, packetId: 2 }))
  assert.equal(stage.bridge.status().queued, 2)
})

for (const limits of [{ filtersPerPacketMax: 1 }, { subscriptionsPerSessionMax: 1 }])
  test(`all lines of a bridge count with ${JSON.stringify(limits)}`, () => {
    const topics = ['a', 'b', 'c'].map((pattern) => ({ ...out, pattern }))
    const stage = createBridgeStage({ topics, version: 5 }, limits)
    const remote = stage.remote().welcome()
    const author = stage.here.connect('author')
    for (const { pattern } of topics) author.send(make.publish(pattern, 'x'))
    const sent = topics.map(() => remote.take('publish')?.topic)
    assert.deepEqual(sent, ['a', 'b', 'c'])
  })

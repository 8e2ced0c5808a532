import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Properties } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { createStage } from './stage.ts'

const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)
const text = (bytesMax: number) => fc.nat(bytesMax).map((length) => 'x'.repeat(length))

/** Sizes crowd around the bounds of the lengths in front of things, 127 and 128 above all. */
const near = (...centres: number[]) =>
  fc.tuple(fc.constantFrom(...centres), fc.integer({ min: -12, max: 12 })).map(([a, b]) => a + b)

const message = fc.record({
  topic: fc.constantFrom('a', 'b', 'c/longer/topic', 'd'),
  payload: fc
    .oneof(fc.nat(40), near(100, 115, 120), near(16_370))
    .map((length) => 'y'.repeat(Math.max(0, length))),
  qos,
  retain: fc.boolean(),
  expires: fc.boolean(),
  userProperty: fc.option(text(100), { nil: undefined }),
})

const client = fc.record({
  maximumPacketSize: fc.oneof(near(28, 60, 135), near(16_390)),
  topicAliasMaximum: fc.nat(3),
  subscriptionId: fc.constantFrom(0, 1, 127, 128, 268_435_455),
  retainAsPublished: fc.boolean(),
  qos,
})

test('no packet larger than the client takes is ever sent, and what fits is [MQTT-3.1.2-24]', () => {
  const property = fc.property(
    client,
    fc.array(message, { maxLength: 12 }),
    (options, messages) => {
      const { maximumPacketSize, topicAliasMaximum, subscriptionId } = options
      const stage = createStage()
      const session = { sessionExpirySeconds: 1000, maximumPacketSize, topicAliasMaximum }
      const asked = { cleanStart: false, properties: session }
      const open = () => {
        const actor = stage.open()
        actor.send(make.connect(5, { clientId: 'c', ...asked }))
        return actor
      }
      const first = open()
      if (first.isClosed) return assert.ok(maximumPacketSize < 40 && first.inbox.length === 0)
      const ids = subscriptionId === 0 ? {} : { subscriptionIds: [subscriptionId] }
      const { retainAsPublished } = options
      first.send(make.subscribe(1, [{ filter: '#', qos: options.qos, retainAsPublished }], ids))
      const sender = stage.connect('sender')
      for (const [
        index,
        { topic, payload, retain, expires, userProperty, ...each },
      ] of messages.entries()) {
        const properties: Properties = {}
        if (expires) properties.messageExpirySeconds = 1000
        if (userProperty !== undefined) properties.userProperties = [['name', userProperty]]
        const packetId = each.qos === 0 ? 0 : index + 1
        sender.send(make.publish(topic, payload, { qos: each.qos, retain, packetId, properties }))
        if (each.qos === 2) sender.send(make.ack('pubrel', packetId))
      }
      // Again, as duplicates; and what is retained.
      first.cut()
      const second = open()
      second.send(make.subscribe(2, [{ filter: '#', qos: options.qos }], ids))
      for (const { largestFrame } of [first, second])
        assert.ok(largestFrame <= maximumPacketSize, `${largestFrame} of ${maximumPacketSize}`)
      const sizes = messages.map(({ topic, payload, userProperty }) => {
        const all = topic.length + payload.length
        return all + (userProperty === undefined ? 0 : 9 + userProperty.length)
      })
      const fits = sizes.filter((size) => size + OVERHEAD_MAX <= maximumPacketSize).length
      const came = first.inbox.filter((packet) => 'payload' in packet).length
      assert.ok(came >= fits, `${came} came of ${fits} that fit`)
    },
  )
  fc.assert(property, { numRuns: 400 })
})

test('a client that does not take CONNACK was never there for an observer', () => {
  const seen: string[] = []
  const stage = createStage(
    {},
    {
      connected: ({ clientId }) => void seen.push(`${clientId} came`),
      disconnected: ({ clientId }) => void seen.push(`${clientId} went`),
    },
  )
  const properties = { maximumPacketSize: 5, sessionExpirySeconds: 10 }
  stage.open().send(make.connect(5, { clientId: 'deaf', properties }))
  stage.connect('c').cut()
  assert.deepEqual(seen, ['c came', 'c went'])
})

/** Of a PUBLISH without an alias: first byte, lengths, identifier, expiry, subscription identifier. */
const OVERHEAD_MAX = 1 + 3 + 2 + 2 + 3 + 5 + 5

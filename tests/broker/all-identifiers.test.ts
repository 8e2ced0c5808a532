/** A client that takes messages and acknowledges none, until every packet identifier is in use. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePacketId, nextSequence, putInWindow } from '../../src/broker/delivery/window.ts'
import type { Core } from '../../src/broker/state/core.ts'
import { Delivery, Outbound } from '../../src/broker/state/model.ts'
import * as make from '../support/packets.ts'
import { createStage } from './stage.ts'

const PACKET_IDS = 65_535

for (const sessionExpirySeconds of [0, 100])
  test(`a message for a client that has every identifier in use waits for one (session expiry ${sessionExpirySeconds}) [MQTT-2.2.1-3]`, () => {
    const stage = createStage()
    const receiver = stage.connect('receiver', {
      properties: { sessionExpirySeconds, receiveMaximum: PACKET_IDS },
    })
    receiver.subscribe('t', 1)
    const publisher = stage.connect('publisher')
    const one = make.publish('t', '', { qos: 1, packetId: 1 })
    for (let n = 0; n < PACKET_IDS + 2; n++) publisher.put(publisher.bytesOf(one))
    stage.pass(1000)
    const ids = receiver.inbox.flatMap((packet) => ('topic' in packet ? [packet.packetId] : []))
    assert.equal(new Set(ids).size, PACKET_IDS)
    receiver.inbox.length = 0
    receiver.send(make.ack('puback', 1), make.ack('puback', 2))
    stage.pass(1000)
    const later = receiver.inbox.flatMap((packet) => ('topic' in packet ? [packet.packetId] : []))
    assert.deepEqual(later, [1, 2])
  })

test('a turn pays for the search of the last identifier that is free', () => {
  const outbound = new Outbound()
  const delivery = new Delivery(null, 1, false, null, 0, 0)
  for (let id = 2; id <= PACKET_IDS; id++) putInWindow(outbound, delivery, id)
  outbound.lastPacketId = outbound.lastSequence = 1
  const core = { work: 0 } as Core
  assert.equal(freePacketId(core, outbound), 1)
  assert.equal(core.work, -(PACKET_IDS >> 6))
  core.work = 0
  assert.equal(nextSequence(core, outbound), PACKET_IDS + 1)
  assert.equal(core.work, -(PACKET_IDS >> 6))
})

/** What the core does while its store has no space. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store, StoreEvents } from '../../src/ports/store.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { SimNode, Timeline } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { Actor, type Stage } from './stage.ts'

/** A broker whose store commits nothing while `fill` was the last word, and all of it with `empty`. */
function brokerOnDisk() {
  const time = new Timeline()
  const data = new MemoryData()
  const memory = createMemoryStore(data, { node: 'a', defer: (run) => time.at(0, run) })
  let told: StoreEvents | null = null
  let isFull = false
  let left = 0
  const store = Object.assign(Object.create(memory) as Store, {
    survives: true,
    open(events: StoreEvents): void {
      told = events
      const committed = (batch: number): void => {
        if (!isFull) return events.committed(batch)
        if (left === 0) events.failed(batch, 'full', new Error('No space left on device'))
        left = batch
      }
      memory.open({ ...events, committed })
    },
  })
  const node = new SimNode({ time, random: () => 0.5, data, name: 'a', storeDelayMs: 0, store })
  const pass = (ms: number): void => time.run(time.nowMs + ms)
  const stage = { time, node, pass } as Stage
  pass(0)
  return {
    broker: node.broker,
    pass,
    fill: () => void (isFull = true),
    empty(): void {
      isFull = false
      told?.committed(left)
      pass(0)
    },
    connect(clientId: string): Actor {
      const actor = new Actor(stage, 5)
      const properties = { sessionExpirySeconds: 100 }
      actor.send(make.connect(5, { clientId, cleanStart: false, properties }))
      assert.equal(actor.take('connack')?.code, 0)
      return actor
    },
  }
}

test('a PUBREL that waits for its PUBREC to be safe waits on the next connection too', () => {
  const { fill, empty, connect } = brokerOnDisk()
  const publisher = connect('publisher')
  const first = connect('receiver')
  first.subscribe('t', 2)
  publisher.send(make.publish('t', 'once', { qos: 2, packetId: 1 }))
  publisher.send(make.ack('pubrel', 1))
  const { packetId } = first.take('publish') ?? {}
  assert.ok(packetId)
  fill()
  first.send(make.ack('pubrec', packetId))
  assert.equal(first.take('pubrel'), undefined)
  assert.ok(first.isClosed)
  const second = connect('receiver')
  // A broker that ends now brings the PUBLISH back: for who has seen PUBREL it would be another message.
  assert.deepEqual(second.inbox, [])
  empty()
  assert.equal(second.take('pubrel')?.packetId, packetId)
})

test('who waits inside the process until something is stored hears that there is no space', () => {
  const { broker, pass, fill, empty, connect } = brokerOnDisk()
  connect('receiver').subscribe('t', 1)
  fill()
  broker.publish('t', new Uint8Array(1), { qos: 1 })
  const answers: boolean[] = []
  broker.whenSafe((isSafe) => void answers.push(isSafe))
  pass(0)
  assert.deepEqual(answers, [false])
  empty()
  assert.deepEqual(answers, [false])
})

test('answers that wait for the store are counted among what a client makes the broker keep', () => {
  const { broker, fill, empty, connect } = brokerOnDisk()
  const first = connect('actor')
  for (const packetId of [1, 2]) first.send(make.publish('held', 'x', { qos: 2, packetId }))
  fill()
  first.send(make.ack('pubrel', 2))
  assert.ok(first.isClosed)
  const actor = connect('actor')
  const before = broker.keptBytes
  const ids = Array.from({ length: 1000 }, (_, n) => n + 1)
  actor.send(...ids.map((id) => make.ack('pubrel', id)))
  assert.deepEqual(actor.inbox, [])
  assert.ok(broker.keptBytes - before > 50 * ids.length, `${broker.keptBytes - before} bytes`)
  empty()
  assert.equal(actor.inbox.length, ids.length)
  // The message that was held is gone as well.
  assert.ok(broker.keptBytes <= before, `${broker.keptBytes} of ${before} bytes`)
})

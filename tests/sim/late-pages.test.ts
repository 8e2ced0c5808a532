/** A page of a queue that comes when something in it is done with by now: it was made before the store heard of that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Actor, type Stage } from '../broker/stage.ts'
import * as make from '../support/packets.ts'
import type { Limits } from '../../src/ports/limits.ts'
import type { Store } from '../../src/ports/store.ts'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { Mesh } from './memory-peers.ts'
import { SimNode, Timeline } from './world.ts'

/** From the store to a thread. */
const WAY_MS = 2
const PAGE_MS = 50
const CALM_MS = 1000

type Place = Pick<Stage, 'time' | 'node' | 'pass'>

function placeOf(time: Timeline, node: SimNode): Place {
  const place = { time, node, pass: (ms: number) => time.run(time.nowMs + ms) }
  place.pass(CALM_MS)
  return place
}

function connect(place: Place, clientId: string, receiveMaximum?: number): Actor {
  const actor = new Actor(place as Stage, 5)
  const properties = { sessionExpirySeconds: 1000, ...(receiveMaximum && { receiveMaximum }) }
  actor.send(make.connect(5, { clientId, cleanStart: false, properties }))
  place.pass(CALM_MS)
  assert.equal(actor.take('connack')?.code, 0)
  return actor
}

/** Two threads. `asked` runs when the reader's asks for a page: before that is made, and it is on its way for a while. */
function twoThreads(limits: Partial<Limits>) {
  const time = new Timeline()
  const data = new MemoryData()
  const mesh = new Mesh(time, 5)
  const own = createMemoryStore(data, { node: 'all', defer: (run) => time.at(1, run) })
  const joint = new JointStore(own, { doors: 2, hasRoom: () => true })
  const on = { asked: () => {} }
  const node = (name: string): SimNode => {
    const door = joint.door(name, (run) => time.at(WAY_MS, run))
    const read: Store['read'] = (...page) => {
      door.read(...page)
      if (name === 'readers') time.at(0, on.asked)
    }
    const ports = { store: { ...door, read }, peers: mesh.join(name) }
    return new SimNode({ time, random: () => 0.5, data, name, storeDelayMs: 0, limits, ...ports })
  }
  const [readers, writers] = ['readers', 'writers'].map(node).map((one) => placeOf(time, one))
  return { readers, writers, on, joint }
}

test('a message that found no room while a page was under way does not come with that page', () => {
  const { readers, writers, on, joint } = twoThreads({ queuedMax: 3 })
  const first = connect(readers, 'reader')
  first.send(make.subscribe(1, [{ filter: 'm', qos: 1 }]))
  readers.pass(CALM_MS)
  first.send(make.disconnect())
  const writer = connect(writers, 'writer')
  const publish = (payload: string): void =>
    writer.put(writer.bytesOf(make.publish('m', payload, { qos: 1, packetId: 1 })))
  for (const payload of ['1', '2', '3']) publish(payload)
  readers.pass(CALM_MS)
  on.asked = () => {
    publish('late')
    on.asked = () => {}
  }
  const reader = connect(readers, 'reader', 1)
  const payloads: string[] = []
  for (let next = reader.take('publish'); next !== undefined; next = reader.take('publish')) {
    payloads.push(new TextDecoder().decode(next.payload))
    reader.send(make.ack('puback', next.packetId))
    readers.pass(CALM_MS)
  }
  const { broker } = readers.node
  assert.deepEqual([payloads, broker.stats.drops.queueFull], [['1', '2', '3'], 1])
  assert.deepEqual([broker.queuedFor('reader'), joint.backlogOf('reader')?.queuedCount], [0, 0])
})

/** A broker on `data` whose pages are under way for a while. */
function startSlow(time: Timeline, data: MemoryData): Place {
  const store = createMemoryStore(data, { node: 'one', defer: (run) => time.at(0, run) })
  const open = store.open.bind(store)
  store.open = (events) =>
    open({ ...events, page: (...page) => time.at(PAGE_MS, () => events.page(...page)) })
  const name = 'one'
  return placeOf(time, new SimNode({ time, random: () => 0.5, data, name, storeDelayMs: 0, store }))
}

test('[MQTT-4.3.3-1] an exchange that ends while a page is under way does not begin again with that page', () => {
  const time = new Timeline()
  const data = new MemoryData()
  const before = startSlow(time, data)
  const first = connect(before, 'reader')
  first.subscribe('m', 2)
  const writer = connect(before, 'writer')
  for (const packetId of [1, 2, 3]) {
    writer.send(make.publish('m', `${packetId}`, { qos: 2, packetId }))
    writer.send(make.ack('pubrel', packetId))
  }
  first.send(make.ack('pubrec', 3))
  before.node.crash()
  const place = startSlow(time, data)
  // The PUBREL takes all the room that there is.
  const second = connect(place, 'reader', 1)
  assert.equal(second.take('pubrel')?.packetId, 3)
  second.cut()
  const third = new Actor(place as Stage, 5)
  const properties = { sessionExpirySeconds: 1000, receiveMaximum: 1 }
  third.send(make.connect(5, { clientId: 'reader', cleanStart: false, properties }))
  assert.equal(third.take('pubrel')?.packetId, 3)
  third.send(make.ack('pubcomp', 3))
  place.pass(CALM_MS)
  assert.equal(third.take('pubrel'), undefined)
  assert.deepEqual(third.payloads(), ['1'])
  assert.equal(place.node.broker.queuedFor('reader'), 2)
})

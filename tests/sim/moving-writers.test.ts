/** Messages to more receivers than a turn has time for, and their writer goes to another node meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryStore, MemoryData } from '../../src/store/memory-store.ts'
import { JointStore } from '../../src/threads/joint-store.ts'
import { SimClient, type Will } from './client.ts'
import { Mesh } from './memory-peers.ts'
import { seeded, SimNode, Timeline } from './world.ts'

const SEEDS = 20
const READERS = 8
/** A link that stalls takes a while. */
const CALM_MS = 5000
const limits = { workPerTurn: 1, receiversAtOnce: 1 }

/** How two nodes stand on one set of data: as those of a cluster, or as threads with doors to one store. */
type Kind = 'one data' | 'doors'

class World {
  readonly time = new Timeline()
  readonly random: () => number
  readonly a: SimNode
  readonly b: SimNode
  readonly readers: readonly SimClient[]

  constructor(kind: Kind, seed: number) {
    const { time } = this
    const random = (this.random = seeded(seed))
    const data = new MemoryData()
    const mesh = new Mesh(time, 5)
    const own = createMemoryStore(data, { node: 'all', defer: (run) => time.at(2, run) })
    const joint = new JointStore(own, { doors: 2, hasRoom: () => true })
    const node = (name: string): SimNode => {
      const doors = kind === 'doors' && { store: joint.door(name, (run) => time.at(0, run)) }
      const options = { time, random, data, name, storeDelayMs: 0, limits, turnMs: 0.5 }
      return new SimNode({ ...options, peers: mesh.join(name), ...doors })
    }
    this.a = node('a')
    this.b = node('b')
    this.pass(CALM_MS)
    this.readers = Array.from({ length: READERS }, (_none, index) => this.reader(index))
  }

  pass(ms: number): void {
    this.time.run(this.time.nowMs + ms)
  }

  connect(id: string, node: SimNode, isDurable: boolean, will: Will | null = null): SimClient {
    const client = new SimClient(id, 5, isDurable)
    client.will = will
    client.connect(node, 1)
    this.pass(CALM_MS)
    assert.ok(client.connected, id)
    return client
  }

  private reader(index: number): SimClient {
    const reader = this.connect(`r${index}`, index % 4 === 3 ? this.b : this.a, index % 2 === 0)
    reader.subscribe('t', 2)
    this.pass(CALM_MS)
    return reader
  }

  /** Each reader has had each of these once, and nobody made a mistake. */
  check(payloads: readonly string[]): void {
    this.pass(4 * CALM_MS)
    for (const { id, received } of this.readers)
      assert.deepEqual(received.map(({ payload }) => payload).sort(), [...payloads].sort(), id)
    assert.deepEqual([...this.a.errors, ...this.b.errors], [])
  }
}

const ways: Record<string, (writer: SimClient) => void> = {
  'is taken over': () => {},
  'has lost its connection': (writer) => writer.cut(),
  'has disconnected': (writer) => writer.disconnect(),
}

for (const kind of ['one data', 'doors'] as const) {
  for (const [way, leave] of Object.entries(ways))
    test(`${kind}: what a client that ${way} released goes on at one node only [MQTT-4.3.3-13]`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const world = new World(kind, seed)
        const { a, b, random } = world
        const others = ['q0', 'q1'].map((id) => world.connect(id, a, true))
        const writer = world.connect('p', a, true)
        for (const other of others) other.publish('t', other.id, 2)
        world.pass(random() * 6)
        writer.publish('t', 'p', 2)
        world.pass(random() * 20)
        leave(writer)
        writer.connect(b, 1)
        world.check(['p', 'q0', 'q1'])
        for (const client of [writer, ...others]) assert.ok(client.idle, `${client.id} waits`)
      }
    })

  for (const place of ['the same', 'the other'] as const)
    test(`${kind}: wills that were due go out once when their clients come to ${place} node meanwhile`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const world = new World(kind, seed)
        const { a, b, random } = world
        const writers = ['p0', 'p1', 'p2'].map((id) =>
          world.connect(id, a, true, { topic: 't', payload: id, delaySeconds: 1 }),
        )
        for (const writer of writers) writer.cut()
        // The wheel turns every 100 ms: all are due by then, and none is through.
        world.pass(1100 + random() * 10)
        for (const writer of writers) {
          writer.will = null
          writer.connect(place === 'the same' ? a : b, 1)
        }
        world.check(['p0', 'p1', 'p2'])
      }
    })
}

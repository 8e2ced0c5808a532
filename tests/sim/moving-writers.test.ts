/** Messages to more receivers than a turn has time for, and their writer goes to another node meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SimClient } from './client.ts'
import { CALM_MS, KINDS, TwoCores } from './two-cores.ts'

const SEEDS = 20
const READERS = 8
const limits = { workPerTurn: 1, receiversAtOnce: 1 }

/** At both nodes, durable ones and others. */
function join(world: TwoCores): SimClient[] {
  return Array.from({ length: READERS }, (_none, index) => {
    const node = index % 4 === 3 ? world.b : world.a
    const reader = world.connect(`r${index}`, node, index % 2 === 0)
    world.subscribe(reader, 't', 2)
    return reader
  })
}

/** Each reader has had each of these once. */
function check(world: TwoCores, readers: readonly SimClient[], payloads: readonly string[]): void {
  world.pass(4 * CALM_MS)
  for (const { id, received } of readers)
    assert.deepEqual(received.map(({ payload }) => payload).sort(), [...payloads].sort(), id)
  world.check()
}

const ways: Record<string, (writer: SimClient) => void> = {
  'is taken over': () => {},
  'has lost its connection': (writer) => writer.cut(),
  'has disconnected': (writer) => writer.disconnect(),
}

for (const kind of KINDS) {
  for (const [way, leave] of Object.entries(ways))
    test(`${kind}: what a client that ${way} released goes on at one node only [MQTT-4.3.3-13]`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const world = new TwoCores(kind, seed, limits)
        const readers = join(world)
        const { a, b, random } = world
        const others = ['q0', 'q1'].map((id) => world.connect(id, a, true))
        const writer = world.connect('p', a, true)
        for (const other of others) other.publish('t', other.id, 2)
        world.pass(random() * 6)
        writer.publish('t', 'p', 2)
        world.pass(random() * 20)
        leave(writer)
        writer.connect(b, 1)
        check(world, readers, ['p', 'q0', 'q1'])
        for (const client of [writer, ...others]) assert.ok(client.idle, `${client.id} waits`)
      }
    })

  for (const place of ['the same', 'the other'] as const)
    test(`${kind}: wills that were due go out once when their clients come to ${place} node meanwhile`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const world = new TwoCores(kind, seed, limits)
        const readers = join(world)
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
        check(world, readers, ['p0', 'p1', 'p2'])
      }
    })
}

/** A retained message whose time is up at one node while another node has replaced it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALM_MS, KINDS, TwoCores } from './two-cores.ts'

const encoder = new TextEncoder()

for (const kind of KINDS)
  test(`${kind}: what replaces an expired retained message stays, whoever finds that one meanwhile`, () => {
    const world = new TwoCores(kind, 1)
    const { a, b } = world
    const retain = (payload: string, messageExpirySeconds?: number): void => {
      const properties = messageExpirySeconds === undefined ? {} : { messageExpirySeconds }
      b.broker.publish('t', encoder.encode(payload), { qos: 1, retain: true, properties })
    }
    retain('old', 1)
    world.pass(CALM_MS)
    retain('new')
    a.broker.sweepRetained()
    a.broker.endTurn()
    world.pass(CALM_MS)
    for (const node of [a, b]) {
      const reader = world.connect(`at ${node.options.name}`, node, false)
      world.subscribe(reader, 't', 1)
      assert.deepEqual(
        reader.received.map(({ payload }) => payload),
        ['new'],
      )
    }
    world.check()
  })

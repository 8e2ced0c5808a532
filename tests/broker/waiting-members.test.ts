/** A message from another node for a member of a shared group that waits behind a larger one of its publisher. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peers, PeersEvents } from '../../src/ports/peers.ts'
import { createMessage } from '../../src/ports/message.ts'
import { MemoryData } from '../../src/store/memory-store.ts'
import { SimNode, Timeline } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { Actor, type Stage } from './stage.ts'

const CALM_MS = 1000
const READERS = 5

/** A node whose peers say what the test has them say. */
function createNode() {
  const time = new Timeline()
  const heard: { events: PeersEvents | null } = { events: null }
  const peers: Peers = {
    start: (events) => void (heard.events = events),
    interest: () => {},
    barrier: (done) => time.at(0, done),
    publish: () => true,
    claim: (_claim, done) => time.at(0, () => done(true)),
    unclaim: () => {},
    kick: (_node, _claim, done) => time.at(0, done),
    will: (_clientId, _will, done) => done?.(),
    cleanSessions: () => 0,
    userSessions: () => 0,
  }
  const limits = { workPerTurn: 1, receiversAtOnce: 1 }
  const world = { time, random: () => 0.5, data: new MemoryData(), storeDelayMs: 0 }
  const node = new SimNode({ ...world, name: 'n', turnMs: 1, limits, peers })
  const pass = (ms: number): void => time.run(time.nowMs + ms)
  pass(CALM_MS)
  const join = (clientId: string, filter: string): Actor => {
    const actor = new Actor({ time, node, pass } as unknown as Stage, 5)
    actor.send(make.connect(5, { clientId }))
    pass(CALM_MS)
    actor.send(make.subscribe(1, [{ filter, qos: 1 }]))
    pass(CALM_MS)
    assert.ok(actor.take('suback'), clientId)
    return actor
  }
  const published = (publisher: string, topic: string, groups: string[]): void => {
    const message = createMessage({
      topic,
      payload: new Uint8Array(1),
      qos: 1,
      retain: false,
      properties: {},
      publisher,
      publisherUser: null,
      wallMs: 0,
    })
    heard.events?.published(message, groups.length === 0, groups)
  }
  return { node, pass, join, published }
}

test('the right of a member to a message is the one that is asked for it, whoever has a turn before it goes out', () => {
  const { node, pass, join, published } = createNode()
  for (let count = 0; count < READERS; count++) join(`reader ${count}`, 'large')
  const [asked, other] = [join('asked', '$share/g/t'), join('other', '$share/g/t')]
  node.auth.deliver = ({ clientId }) => clientId !== 'asked' || new Promise(() => {})
  published('author', 'large', [])
  published('author', 't', ['g/t'])
  published('another author', 't', ['g/t'])
  pass(CALM_MS)
  assert.deepEqual([asked.payloads().length, other.payloads().length], [0, 1])
})

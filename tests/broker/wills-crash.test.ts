/** A will that waits in the store, published to more receivers than a turn has time for, and a crash at any moment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryData } from '../../src/store/memory-store.ts'
import { seeded, SimNode, Timeline } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { Actor, type Stage } from './stage.ts'

const READERS = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']
const DUE_MS = 1000
/** The wheel turns every 100 ms, and an answer of the store takes up to 40. */
const SLACK_MS = 300
const lasting = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } }
const limits = { workPerTurn: 1, receiversAtOnce: 1 }

/** Starts brokers one after the other on one disk. */
function lives(seed: number): () => Stage {
  const time = new Timeline()
  const data = new MemoryData()
  const random = seeded(seed)
  return () => {
    const node = new SimNode({ time, random, data, name: 'a', storeDelayMs: 40, limits, disk: {} })
    const pass = (ms: number): void => time.run(time.nowMs + ms)
    const no = (): never => assert.fail('not here')
    return { time, node, pass, clear: no, open: no, connect: no }
  }
}

function join(stage: Stage, clientId: string, options: make.ConnectOptions = {}): Actor {
  const actor = new Actor(stage, 5)
  actor.send(make.connect(5, { clientId, ...lasting, ...options }))
  stage.pass(SLACK_MS)
  assert.equal(actor.take('connack')?.code, 0)
  return actor
}

/** Takes what came, QoS 2 to its end; returns how many messages did. */
function receive(stage: Stage, reader: Actor): number {
  let count = 0
  for (let packet = reader.take('publish'); packet; packet = reader.take('publish')) {
    count++
    reader.send(make.ack('pubrec', packet.packetId))
    stage.pass(SLACK_MS)
    reader.send(make.ack('pubcomp', packet.packetId))
  }
  return count
}

interface Way {
  readonly sessionSeconds: number
  readonly delaySeconds: number
  /** From the client's going on to the moment in which the will is due; returns the broker that is to say it. */
  come(stage: Stage, start: () => Stage): Stage
}

const waits = (stage: Stage): Stage => {
  stage.pass(DUE_MS)
  return stage
}

const ways: Record<string, Way> = {
  'its delay is over': { sessionSeconds: 1000, delaySeconds: 1, come: waits },
  'its session ends': { sessionSeconds: 1, delaySeconds: 1000, come: waits },
  'its client comes back too late': {
    sessionSeconds: 1000,
    delaySeconds: 1,
    come(stage, start) {
      stage.pass(SLACK_MS)
      stage.node.crash()
      stage.pass(DUE_MS)
      const next = start()
      next.pass(1)
      new Actor(next, 5).send(make.connect(5, { clientId: 'c', ...lasting }))
      return next
    },
  },
}

for (const [way, { sessionSeconds, delaySeconds, come }] of Object.entries(ways))
  test(`when ${way} a will reaches each receiver once, whatever moment the broker crashes in [MQTT-4.3.3-13]`, () => {
    for (let seed = 1; seed <= 100; seed++) {
      const start = lives(seed)
      const random = seeded(seed * 31)
      const first = start()
      first.pass(SLACK_MS)
      for (const reader of READERS) join(first, reader).subscribe('w', 2)
      const will = {
        ...{ topic: 'w', payload: 'gone', qos: 2 as const },
        properties: { willDelaySeconds: delaySeconds },
      }
      const properties = { sessionExpirySeconds: sessionSeconds }
      join(first, 'c', { will, properties }).cut()
      const last = come(first, start)
      last.pass(random() * 150)
      last.node.crash()
      const stage = start()
      stage.pass(SLACK_MS)
      const counts = READERS.map((reader) => receive(stage, join(stage, reader)))
      assert.deepEqual(counts, Array(READERS.length).fill(1), `seed ${seed}`)
    }
  })

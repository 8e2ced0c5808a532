/** Wills that wait in the store, due at once and for more receivers than a turn has time for, and a crash at any moment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryData } from '../../src/store/memory-store.ts'
import { seeded, SimNode, Timeline } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { Actor, type Stage } from './stage.ts'

const READERS = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']
const WRITERS = ['c0', 'c1', 'c2']
const DUE_MS = 1000
/** The wheel turns every 100 ms, and an answer of the store takes up to 40. */
const SLACK_MS = 300
const lasting = { cleanStart: false, properties: { sessionExpirySeconds: 10_000 } }
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

/** Takes what came, QoS 2 to its end; returns the payloads. */
function receive(stage: Stage, reader: Actor): string {
  const came: string[] = []
  for (let packet = reader.take('publish'); packet; packet = reader.take('publish')) {
    came.push(new TextDecoder().decode(packet.payload))
    reader.send(make.ack('pubrec', packet.packetId))
    stage.pass(SLACK_MS)
    reader.send(make.ack('pubcomp', packet.packetId))
  }
  return came.sort().join()
}

interface Way {
  readonly sessionSeconds: number
  readonly delaySeconds: number
  /** From the clients' going on to the moment in which the wills are due; returns the broker that is to say them. */
  come(stage: Stage, start: () => Stage): Stage
}

const waits = (stage: Stage): Stage => {
  stage.pass(DUE_MS)
  return stage
}

function comeBack(stage: Stage, options: make.ConnectOptions): void {
  for (const clientId of WRITERS)
    new Actor(stage, 5).send(make.connect(5, { clientId, ...lasting, ...options }))
}

const ways: Record<string, Way> = {
  'their delay is over': { sessionSeconds: 1000, delaySeconds: 1, come: waits },
  'their sessions end': { sessionSeconds: 1, delaySeconds: 1000, come: waits },
  'their clients begin anew': {
    sessionSeconds: 1000,
    delaySeconds: 1000,
    come(stage) {
      stage.pass(SLACK_MS)
      comeBack(stage, { cleanStart: true })
      return stage
    },
  },
  'their clients come back too late': {
    sessionSeconds: 1000,
    delaySeconds: 1,
    come(stage, start) {
      stage.pass(SLACK_MS)
      stage.node.crash()
      stage.pass(DUE_MS)
      const next = start()
      next.pass(1)
      comeBack(next, {})
      return next
    },
  },
}

/** What else there is. */
const settings: Record<
  string,
  (stage: Stage, writers: readonly Actor[], random: () => number) => void
> = {
  '': () => {},
  ' and their messages of a shared group go to others': (stage, writers) => {
    for (const member of [...writers, join(stage, 'other')]) member.subscribe('$share/g/x', 1)
    const author = join(stage, 'author')
    for (let packetId = 1; packetId <= 4; packetId++)
      author.send(make.publish('x', '', { qos: 1, packetId }))
  },
  ' and the hook asked about them answers later': ({ time, node }, _writers, random) => {
    // A promise would answer in real time.
    const then = (answer: (allowed: boolean) => void): void =>
      time.at(random() * 20, () => node.alive(() => answer(true)))
    // oxlint-disable-next-line unicorn/no-thenable
    Object.assign(node.auth, { publish: () => ({ then }) })
  },
}

for (const [way, { sessionSeconds, delaySeconds, come }] of Object.entries(ways))
  for (const [also, set] of Object.entries(settings))
    test(`when ${way}${also} wills reach each receiver once, whatever moment the broker crashes in [MQTT-4.3.3-13]`, () => {
      for (let seed = 1; seed <= 100; seed++) {
        const start = lives(seed)
        const random = seeded(seed * 31)
        const first = start()
        first.pass(SLACK_MS)
        for (const reader of READERS) join(first, reader).subscribe('w', 2)
        const writers = WRITERS.map((clientId) => join(first, clientId, willOf(clientId)))
        set(first, writers, random)
        for (const writer of writers) writer.cut()
        const last = come(first, start)
        crashAnywhen(last, random)
        const stage = start()
        stage.pass((delaySeconds + 1) * 1000)
        const came = READERS.map((reader) => receive(stage, join(stage, reader)))
        assert.deepEqual(came, Array(READERS.length).fill(WRITERS.join()), `seed ${seed}`)
      }

      function willOf(clientId: string): make.ConnectOptions {
        const properties = { willDelaySeconds: delaySeconds }
        const will = { topic: 'w', payload: clientId, qos: 2 as const, properties }
        return { will, properties: { sessionExpirySeconds: sessionSeconds } }
      }
    })

/** Between two turns, or later, when a part of what they wrote is on the disk. */
function crashAnywhen({ node, time, pass }: Stage, random: () => number): void {
  pass(random() * 150)
  for (let step = random() * 100; step > 0; step--) time.step(time.nowMs + 30)
  node.crash()
}

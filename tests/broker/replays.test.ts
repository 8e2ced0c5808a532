/** What is retained, on its way to those who subscribe: whatever becomes of them meanwhile, and however little their queue takes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import { DEFAULT_LIMITS, type Limits } from '../../src/ports/limits.ts'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const COUNT = 300
const TURNS = 4 * COUNT
const NARROW = { receiveMaximum: 2 }
const DURABLE = { cleanStart: false, properties: { ...NARROW, sessionExpirySeconds: 3600 } }
const KEPT = { cleanStart: false, properties: { sessionExpirySeconds: 3600 } }
const all = Array.from({ length: COUNT }, (_, index) => `r/${index}`)

function stageWithRetained(limits: Partial<Limits> = {}): Stage {
  const stage = createStage(limits)
  const author = stage.connect('author')
  for (const topic of all)
    author.send(make.publish(topic, new Uint8Array(100), { qos: 1, packetId: 1, retain: true }))
  return stage
}

/** Acknowledges what comes within so many turns; returns the topics, sorted. */
function readFor(stage: Stage, reader: Actor, turns: number): string[] {
  const topics: string[] = []
  for (let turn = 0; turn < turns; turn++) {
    stage.pass(0)
    for (const packet of reader.inbox.splice(0)) {
      if (packet.type !== PacketType.publish) continue
      topics.push(packet.topic)
      if (packet.qos === 1) reader.send(make.ack('puback', packet.packetId))
    }
  }
  return topics.toSorted()
}

test('nothing retained comes behind the UNSUBACK [MQTT-3.10.4-2]', () => {
  const stage = stageWithRetained()
  const reader = stage.connect('reader', { properties: NARROW })
  reader.subscribe('r/#', 1)
  assert.ok(readFor(stage, reader, 10).length < COUNT)
  reader.send(make.unsubscribe(2, ['r/#']))
  // Added to the session before: what its queue and its window took.
  const late = readFor(stage, reader, TURNS).length
  const added = DEFAULT_LIMITS.replayQueuedMax + NARROW.receiveMaximum
  assert.ok(late <= added, `${late} came behind it`)
})

test('a session that is kept gets the rest of what is retained when its client is back [MQTT-3.3.1-9]', () => {
  const stage = stageWithRetained()
  let reader = stage.connect('reader', DURABLE)
  reader.subscribe('r/#', 1)
  const came = readFor(stage, reader, 10)
  for (let cuts = 0; cuts < 2; cuts++) {
    reader.cut()
    stage.pass(1000)
    reader = stage.connect('reader', DURABLE)
    came.push(...readFor(stage, reader, 10))
  }
  came.push(...readFor(stage, reader, TURNS))
  assert.deepEqual([...new Set(came)].toSorted(), all.toSorted())
  // What was in flight at a cut comes again, nothing else.
  assert.ok(came.length <= COUNT + 2 * NARROW.receiveMaximum)
})

test('who subscribes again is sent the rest of what is retained once', () => {
  const stage = stageWithRetained()
  let reader = stage.connect('reader', DURABLE)
  reader.subscribe('r/#', 1)
  readFor(stage, reader, 10)
  reader.cut()
  reader = stage.connect('reader', DURABLE)
  reader.subscribe('r/#', 1)
  const came = readFor(stage, reader, TURNS)
  const queued = DEFAULT_LIMITS.replayQueuedMax
  assert.deepEqual([...new Set(came)], all.toSorted())
  assert.ok(came.length <= COUNT + queued + 20, `${came.length} came`)
})

test('a session that ends in the middle keeps nothing', () => {
  const stage = stageWithRetained()
  const before = stage.node.broker.keptBytes
  for (const options of [DURABLE, { properties: NARROW }]) {
    const reader = stage.connect('reader', options)
    reader.subscribe('r/#', 1)
    readFor(stage, reader, 10)
    reader.cut()
    stage.connect('reader', { cleanStart: true }).cut()
    assert.equal(stage.node.broker.keptBytes, before)
  }
})

const FEW = {
  'few messages': { queuedMax: 10 },
  'few bytes': { queuedBytesMax: 250, storedBytesMax: 250 },
}
for (const [what, limits] of Object.entries(FEW))
  test(`each of many filters brings what is retained, though the queue takes ${what}`, () => {
    const stage = stageWithRetained(limits)
    const reader = stage.connect('reader', { properties: NARROW })
    reader.send(
      make.subscribe(
        1,
        all.map((filter) => ({ filter, qos: 1 })),
      ),
    )
    assert.deepEqual(readFor(stage, reader, TURNS), all.toSorted())
  })

for (const [who, options] of Object.entries({ clean: { properties: NARROW }, durable: DURABLE }))
  test(`what is larger than the whole queue comes to a ${who} session whose window is open`, () => {
    const stage = stageWithRetained({ queuedBytesMax: 10, storedBytesMax: 10 })
    const reader = stage.connect('reader', options)
    reader.subscribe('r/#', 1)
    assert.deepEqual(readFor(stage, reader, TURNS), all.toSorted())
    reader.subscribe('live', 1)
    stage.connect('writer').send(make.publish('live', new Uint8Array(100), { qos: 1, packetId: 1 }))
    assert.deepEqual(readFor(stage, reader, 5), ['live'])
  })

test('while the disk is full a message at QoS 0 is not stored for a subscription that raises it', () => {
  const stage = createStage({ upgradeOutgoingQos: true })
  const reader = stage.connect('reader', DURABLE)
  reader.subscribe('t', 1)
  const author = stage.connect('author')
  const { core } = stage.node.broker as unknown as { core: { full: boolean } }
  for (const [payload, isFull] of [
    ['before', false],
    ['meanwhile', true],
    ['behind', false],
  ] as const) {
    core.full = isFull
    author.send(make.publish('t', payload))
    stage.pass(0)
  }
  const took = reader.inbox.filter((packet) => packet.type === PacketType.publish)
  assert.deepEqual(
    took.map(({ qos, payload }) => [qos, Buffer.from(payload).toString()]),
    [
      [1, 'before'],
      [1, 'behind'],
    ],
  )
})

const MANY = all.slice(0, 40)
for (const [what, filters, topics] of [
  ['a wildcard', ['r/#'], all],
  ['one topic', ['r/7'], ['r/7']],
  ['many topics', MANY, MANY],
] as const)
  for (const work of [-1, 1, 300, 700])
    test(`what is retained for ${what} is owed, or queued, by the batch that the SUBACK waits for, ${work} of the turn left [MQTT-3.3.1-9]`, () => {
      const stage = stageWithRetained({ workPerTurn: 20 })
      const { core } = stage.node.broker as unknown as {
        core: { work: number; journal: { survives: boolean } }
      }
      core.journal.survives = true
      const reader = stage.connect('reader', DURABLE)
      const { store } = stage.node
      const owed = new Map<string, boolean>()
      const queued = new Set<string>()
      const { saveSubscription, append, seal } = store
      store.saveSubscription = (clientId, filter, options) => {
        owed.set(filter, options.owesRetained === true)
        saveSubscription.call(store, clientId, filter, options)
      }
      store.append = (clientId, sequence, message, ...rest) => {
        queued.add(message.topicName)
        return append.call(store, clientId, sequence, message, ...rest)
      }
      let lost: string[] = ['nothing was sealed']
      store.seal = (batch) => {
        // A broker that dies from now on has the SUBACK out, if it is one of these batches.
        if (owed.size === filters.length)
          lost = topics.filter(
            (topic) => !queued.has(topic) && owed.get(topic) !== true && owed.get('r/#') !== true,
          )
        seal.call(store, batch)
        stage.time.at(0, () => {
          if (reader.inbox.some(({ type }) => type === PacketType.suback))
            assert.deepEqual(lost, [])
        })
      }
      core.work = work
      reader.send(
        make.subscribe(
          1,
          filters.map((filter) => ({ filter, qos: 1 })),
        ),
      )
      assert.deepEqual(lost, [])
      assert.deepEqual([...new Set(readFor(stage, reader, TURNS))].toSorted(), topics.toSorted())
      assert.ok(
        [...owed.values()].every((owes) => !owes),
        'all is settled',
      )
    })

for (const qos of [0, 1, 2] as const)
  for (const filters of [['r/0'], ['r/+'], ['r/0', 'r/1']])
    for (const isKept of [false, true])
      test(`what is retained comes behind SUBACK: QoS ${qos}, ${filters.join(' and ')}, ${isKept ? 'a kept' : 'a clean'} session`, () => {
        const stage = stageWithRetained()
        const reader = stage.connect('reader', isKept ? KEPT : {})
        reader.send(
          make.subscribe(
            1,
            filters.map((filter) => ({ filter, qos })),
          ),
        )
        for (let turn = 0; turn < 10; turn++) stage.pass(0)
        const types = reader.inbox.map(({ type }) => type)
        assert.equal(types[0], PacketType.suback)
        assert.ok(types.length > filters.length && types.indexOf(PacketType.suback, 1) < 0)
        assert.equal(types[1], PacketType.publish)
      })

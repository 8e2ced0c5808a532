/** `delayed_publish`: what waits, who may say it, how much may wait, and that no crash loses it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryData } from '../../src/store/memory-store.ts'
import { seeded, SimNode, Timeline } from '../sim/world.ts'
import * as make from '../support/packets.ts'
import { Actor, createStage, type Stage } from './stage.ts'

/** The wheel turns every 100 ms and rounds up to its slots. */
const slackMs = 300
const on = { delayedMax: 10 }

function waiting({ node }: Stage): string[] {
  return [...node.broker.inspector().delayed()].map(({ message }) => message.topicName)
}

function readerOf(stage: Stage, filter = '#') {
  const reader = stage.connect('reader')
  reader.subscribe(filter, 2)
  return reader
}

test('without delayed_publish $delayed is a topic like any', () => {
  const stage = createStage()
  const reader = readerOf(stage, '$delayed/#')
  stage.connect('c').send(make.publish('$delayed/5/a', 'now'))
  assert.deepEqual(reader.payloads(), ['now'])
})

for (const qos of [0, 1, 2] as const)
  test(`a message at QoS ${qos} is published when its seconds have passed, once`, () => {
    const stage = createStage(on)
    const reader = readerOf(stage)
    const author = stage.connect('c')
    author.send(make.publish('$delayed/5/a/b', 'later', { qos, packetId: qos && 7 }))
    if (qos === 1) assert.equal(author.take('puback')?.reason, 0)
    if (qos === 2) {
      assert.equal(author.take('pubrec')?.reason, 0)
      author.send(make.ack('pubrel', 7))
      assert.equal(author.take('pubcomp')?.reason, 0)
    }
    stage.pass(4900)
    assert.deepEqual(reader.payloads(), [])
    assert.deepEqual(waiting(stage), ['a/b'])
    stage.pass(100 + slackMs)
    assert.deepEqual(waiting(stage), [])
    const [packet] = reader.inbox
    assert.ok('payload' in packet)
    assert.deepEqual([packet.topic, packet.qos, reader.inbox.length], ['a/b', qos, 1])
    stage.pass(60_000)
    assert.equal(reader.inbox.length, 1)
  })

test('a number over 4294967 is a second of the epoch; one that has passed is now', () => {
  const stage = createStage(on)
  const reader = readerOf(stage)
  const seconds = Math.ceil((1e12 + stage.time.nowMs) / 1000) + 100
  const author = stage.connect('c')
  author.send(make.publish(`$delayed/${seconds}/a`, 'then'))
  author.send(make.publish('$delayed/900000000/a', 'past'))
  stage.pass(slackMs)
  assert.deepEqual(reader.payloads(), ['past'])
  stage.pass(99_000)
  assert.deepEqual(reader.payloads(), ['past'])
  stage.pass(1000 + slackMs)
  assert.deepEqual(reader.payloads(), ['past', 'then'])
})

for (const topic of [
  '$delayed/5',
  '$delayed/5/',
  '$delayed/x/a',
  '$delayed/-1/a',
  '$delayed/99999999999/a',
  '$delayed/9999999999/a',
  '$delayed/5/$SYS/a',
  '$delayed/5/$share/g/a',
  '$delayed/5/$delayed/5/a',
])
  test(`${topic} is refused with 0x90`, () => {
    const stage = createStage(on)
    const author = stage.connect('c')
    author.send(make.publish(topic, 'x', { qos: 1, packetId: 1 }))
    assert.equal(author.take('puback')?.reason, 0x90)
    author.send(make.publish(topic, 'x', { qos: 2, packetId: 2 }))
    assert.equal(author.take('pubrec')?.reason, 0x90)
    author.send(make.publish(topic, 'x'))
    assert.equal(author.isClosed, false)
    assert.deepEqual(waiting(stage), [])
  })

test('a will may not be delayed by its topic: it has a delay of its own', () => {
  const stage = createStage(on)
  const client = stage.open()
  client.send(make.connect(5, { clientId: 'c', will: { topic: '$delayed/5/a', payload: 'x' } }))
  assert.equal(client.take('connack')?.code, 0x90)
})

test('no more than max_delayed_messages wait, nor than max_delayed_bytes', () => {
  const stage = createStage({ delayedMax: 2, delayedBytesMax: 100 })
  const author = stage.connect('c')
  const say = (payload: string): number | undefined => {
    author.send(make.publish('$delayed/5/a', payload, { qos: 1, packetId: 1 }))
    return author.take('puback')?.reason
  }
  assert.equal(say('x'.repeat(100)), 0x97)
  assert.deepEqual([say('1'), say('2'), say('3')], [0, 0, 0x97])
  stage.pass(5000 + slackMs)
  assert.equal(say('4'), 0)
})

test('the right to publish is asked for the topic it will have, when it comes and when it is due', () => {
  const stage = createStage(on)
  const reader = readerOf(stage)
  const asked: string[] = []
  let allowed = true
  stage.node.auth.publish = (who, topic) => {
    asked.push(`${who.clientId} ${topic}`)
    return allowed && topic !== 'secret'
  }
  const author = stage.connect('c')
  author.send(make.publish('$delayed/5/secret', 'x', { qos: 1, packetId: 1 }))
  assert.equal(author.take('puback')?.reason, 0x87)
  author.send(make.publish('$delayed/5/a', 'in time', { qos: 1, packetId: 1 }))
  stage.pass(5000 + slackMs)
  assert.deepEqual(asked, ['c secret', 'c a', 'c a'])
  author.send(make.publish('$delayed/5/a', 'denied', { qos: 1, packetId: 2 }))
  allowed = false
  stage.pass(5000 + slackMs)
  assert.deepEqual(reader.payloads(), ['in time'])
  assert.deepEqual(waiting(stage), [])
})

test('a hook that answers later is asked for the same', async () => {
  const stage = createStage(on)
  const reader = readerOf(stage)
  stage.node.auth.publish = async (_who, topic) => Promise.resolve(topic === 'a')
  const author = stage.connect('c')
  author.send(make.publish('$delayed/5/a', 'x', { qos: 1, packetId: 1 }))
  await new Promise((resolve) => setImmediate(resolve))
  stage.pass(5000 + slackMs)
  await new Promise((resolve) => setImmediate(resolve))
  stage.pass(slackMs)
  assert.equal(author.take('puback')?.reason, 0)
  assert.deepEqual(reader.payloads(), ['x'])
})

test('one that is retained is kept when it is due, not before', () => {
  const stage = createStage(on)
  stage.connect('c').send(make.publish('$delayed/5/a', 'kept', { retain: true }))
  const early = readerOf(stage)
  assert.deepEqual(early.payloads(), [])
  stage.pass(5000 + slackMs)
  const late = stage.connect('late')
  late.subscribe('a', 1)
  assert.deepEqual(late.payloads(), ['kept'])
})

test('its message expiry counts from when it is published', () => {
  const stage = createStage(on)
  const reader = readerOf(stage)
  const properties = { messageExpirySeconds: 3 }
  stage.connect('c').send(make.publish('$delayed/50/a', 'x', { properties }))
  stage.pass(50_000 + slackMs)
  const [packet] = reader.inbox
  assert.equal('payload' in packet && packet.properties.messageExpirySeconds, 3)
})

test('one that is cancelled is never published', () => {
  const stage = createStage(on)
  const reader = readerOf(stage)
  stage.connect('c').send(make.publish('$delayed/5/a', 'x'))
  const [{ id }] = stage.node.broker.inspector().delayed()
  assert.equal(stage.node.broker.cancelDelayed(id), true)
  assert.equal(stage.node.broker.cancelDelayed(id), false)
  stage.pass(5000 + slackMs)
  assert.deepEqual(reader.payloads(), [])
})

test('ten thousand that are due at once leave room for others between them', () => {
  const stage = createStage({ delayedMax: 20_000, workPerTurn: 1000 })
  const reader = stage.connect('reader')
  reader.subscribe('+', 0)
  const author = stage.connect('c')
  for (let one = 0; one < 10_000; one++) author.send(make.publish('$delayed/500/a', `${one}`))
  stage.pass(499_000)
  let turns = 0
  const { broker } = stage.node
  const endTurn = broker.endTurn.bind(broker)
  broker.endTurn = () => {
    turns++
    endTurn()
  }
  stage.pass(1000 + slackMs)
  assert.equal(reader.payloads().length, 10_000)
  assert.deepEqual(reader.payloads().slice(0, 3), ['0', '1', '2'])
  assert.ok(turns > 20, `${turns} turns`)
})

/** One broker after the other on one disk, with a client that reads. */
function lives(seed: number) {
  const time = new Timeline()
  const data = new MemoryData()
  const random = seeded(seed)
  const start = () => {
    const limits = { delayedMax: 100 }
    const options = { time, random, data, name: 'a', storeDelayMs: 20, limits, disk: {} }
    const node = new SimNode(options)
    const stage = { time, node, pass: (ms: number) => time.run(time.nowMs + ms) } as Stage
    stage.pass(50)
    return stage
  }
  return { time, start }
}

const durable = { cleanStart: false, properties: { sessionExpirySeconds: 1e6 } } as const

function actorOf(stage: Stage, clientId: string): Actor {
  const actor = new Actor(stage, 5)
  actor.send(make.connect(5, { clientId, ...durable }))
  stage.pass(100)
  return actor
}

for (let seed = 1; seed <= 30; seed++)
  test(`what was acknowledged is published exactly once over crashes at any moment, seed ${seed}`, () => {
    const { start } = lives(seed)
    const random = seeded(seed * 31)
    const got: string[] = []
    const acknowledged: string[] = []
    let stage = start()
    const collect = (reader: Actor): void => {
      for (let packet = reader.take('publish'); packet; packet = reader.take('publish')) {
        const text = new TextDecoder().decode(packet.payload)
        if (!packet.dup || !got.includes(text)) got.push(text)
        reader.send(make.ack('pubrec', packet.packetId))
      }
      for (let rel = reader.take('pubrel'); rel; rel = reader.take('pubrel'))
        reader.send(make.ack('pubcomp', rel.packetId))
    }
    actorOf(stage, 'reader').subscribe('a', 2)
    stage.pass(100)
    for (let life = 0; life < 6; life++) {
      const author = actorOf(stage, 'author')
      for (let one = 0; one < 5; one++) {
        const name = `${life}.${one}`
        const packetId = life * 5 + one + 1
        author.send(make.publish(`$delayed/${one}/a`, name, { qos: 2, packetId }))
        stage.pass(random() * 60)
        author.send(make.ack('pubrel', packetId))
        stage.pass(random() * 60)
        for (let ack = author.take('pubcomp'); ack; ack = author.take('pubcomp'))
          acknowledged.push(`${life}.${(ack.packetId - 1) % 5}`)
      }
      stage.pass(random() * 3000)
      stage.node.crash()
      stage = start()
      const reader = actorOf(stage, 'reader')
      stage.pass(random() * 2000)
      collect(reader)
    }
    const reader = actorOf(stage, 'reader')
    for (let look = 0; look < 20; look++) {
      stage.pass(1000)
      collect(reader)
    }
    assert.equal(new Set(got).size, got.length, 'nothing twice')
    assert.ok(acknowledged.length > 10)
    for (const name of acknowledged) assert.ok(got.includes(name), `${name} is lost`)
  })

test('messages of one author that are due while another is written as one batch come after it, and nothing hangs [MQTT-4.6.0-5]', () => {
  const stage = createStage({ delayedMax: 100, workPerTurn: 1, receiversAtOnce: 1 })
  const readers = ['r0', 'r1', 'r2'].map((clientId) => {
    const reader = stage.connect(clientId)
    reader.subscribe('t', 0)
    return reader
  })
  stage.connect('first').send(make.publish('$delayed/1/t', 'first'))
  const author = stage.connect('author')
  const sent = Array.from({ length: 20 }, (_none, index) => String(index))
  for (const payload of sent) author.send(make.publish('$delayed/1/t', payload))
  // Step by step: what hangs goes round without any time passing.
  const untilMs = stage.time.nowMs + 1000 + slackMs
  for (let step = 0; step < 10_000 && stage.time.step(untilMs); step++);
  for (const reader of readers) assert.deepEqual(reader.payloads(), ['first', ...sent])
})

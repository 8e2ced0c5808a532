import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import { Pressure } from '../../src/ports/pressure.ts'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

const durable = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } }

function sendMany(
  sender: Actor,
  count: number,
  payload: (index: number) => string,
  qos: 0 | 1 = 1,
): void {
  for (let index = 0; index < count; index++)
    sender.send(make.publish('m', payload(index), { qos, packetId: qos === 0 ? 0 : index + 1 }))
}

/** What an offline session finds of `count` messages. */
function foundOf(
  stage: Stage,
  count: number,
  payload: (index: number) => string,
  qos: 0 | 1 = 1,
): string[] {
  const client = stage.connect('c', durable)
  client.subscribe('m', 1)
  client.cut()
  sendMany(stage.connect('sender'), count, payload, qos)
  const back = stage.connect('c', durable)
  return back.payloads()
}

/** Bytes. */
const LIMIT = 1e9

const number = (index: number) => String(index)

test('the queue of an offline session ends at max_queued_messages: the newest is dropped', () => {
  const stage = createStage({ queuedMax: 3 })
  assert.deepEqual(foundOf(stage, 5, number), ['0', '1', '2'])
  assert.equal(stage.node.broker.stats.publishDropped, 2)
})

test('it ends at max_queued_bytes as well, and the message that passes the bound still waits', () => {
  const stage = createStage({ queuedBytesMax: 1000 })
  const sizes = [600, 600, 100, 600]
  const found = foundOf(stage, 4, (index) => 'x'.repeat(sizes[index]))
  assert.deepEqual(
    found.map(({ length }) => length),
    [600, 600],
  )
})

test('a message larger than max_queued_bytes waits in an empty queue', () => {
  const stage = createStage({ queuedBytesMax: 1000, storedBytesMax: 1000 })
  assert.deepEqual(
    foundOf(stage, 2, () => 'x'.repeat(5000)).map(({ length }) => length),
    [5000],
  )
})

test('max_queued_bytes counts payloads: neither topics nor properties', () => {
  const stage = createStage({ queuedBytesMax: 1000 })
  const topic = 't'.repeat(500)
  const client = stage.connect('c', durable)
  client.subscribe(topic, 1)
  client.cut()
  const sender = stage.connect('sender')
  for (let packetId = 1; packetId <= 10; packetId++)
    sender.send(
      make.publish(topic, 'x'.repeat(100), {
        qos: 1,
        packetId,
        properties: { contentType: 'y'.repeat(500) },
      }),
    )
  assert.equal(stage.connect('c', durable).payloads().length, 10)
})

test('0 takes the bound away', () => {
  assert.equal(foundOf(createStage({ queuedMax: 0, queuedBytesMax: 0 }), 3000, number).length, 1000)
})

test('a connected client has its window and the queue behind it', () => {
  const stage = createStage({ queuedMax: 3, inflightMax: 2, windowMax: 2 })
  const client = stage.connect('c')
  client.subscribe('m', 1)
  sendMany(stage.connect('sender'), 10, number)
  assert.deepEqual(client.payloads(), ['0', '1'])
  for (let turn = 0; turn < 5; turn++) {
    const packet = client.inbox[turn]
    assert.ok('packetId' in packet)
    client.send(make.ack('puback', packet.packetId))
  }
  assert.deepEqual(client.payloads(), ['0', '1', '2', '3', '4'])
})

test('QoS 0 waits for an offline session with queue_qos0_messages only', () => {
  assert.deepEqual(foundOf(createStage(), 2, number, 0), [])
  assert.deepEqual(foundOf(createStage({ queueQos0: true }), 2, number, 0), ['0', '1'])
})

for (const [limits, first] of [
  [{ queuedMax: 3 }, ['zero 0', 'zero 1', 'zero 2', 'one 0', 'one 1', 'one 2']],
  [{ queuedBytesMax: 12 }, ['zero 0', 'zero 1', 'one 0', 'one 1', 'one 2']],
] as const)
  test(`QoS 0 that waits takes no room from QoS 1, which is not dropped though acknowledged: ${Object.keys(limits).join()}`, () => {
    const stage = createStage({ queueQos0: true, ...limits })
    const client = stage.connect('c', durable)
    client.subscribe('m', 1)
    client.cut()
    const sender = stage.connect('sender')
    sendMany(sender, 5, (index) => `zero ${index}`, 0)
    sendMany(sender, 5, (index) => `one ${index}`)
    assert.deepEqual(stage.connect('c', durable).payloads(), first)
  })

test('bytes that waited at QoS 0 and are gone give no room to QoS 1 beyond max_queued_bytes', () => {
  const limits = { queueQos0: true, queuedBytesMax: 12, inflightMax: 1, windowMax: 1 }
  const stage = createStage(limits)
  stage.connect('c', durable).subscribe('m', 1)
  const sender = stage.connect('sender')
  for (let round = 0; round < 3; round++) {
    const client = stage.connect('c', durable)
    client.cut()
    sendMany(sender, 3, () => 'zero', 0)
    stage.connect('c', durable).cut()
  }
  sendMany(sender, 9, () => 'four')
  assert.equal(stage.node.broker.counts().queued, 3)
})

test('what waited at QoS 0 and is gone gives no room to QoS 1 beyond max_queued_messages', () => {
  const stage = createStage({ queueQos0: true, queuedMax: 3, inflightMax: 1, windowMax: 1 })
  stage.connect('c', durable).subscribe('m', 1)
  const sender = stage.connect('sender')
  for (let round = 0; round < 3; round++) {
    const client = stage.connect('c', durable)
    client.cut()
    sendMany(sender, 3, () => 'zero', 0)
    stage.connect('c', durable).cut()
  }
  sendMany(sender, 9, number)
  assert.equal(stage.node.broker.counts().queued, 3)
})

test('QoS 0 is dropped for a client that does not read beyond max_output_bytes, for others it is not', () => {
  const stage = createStage({ outputBytesMax: 10_000 })
  const slow = stage.connect('slow')
  const quick = stage.connect('quick')
  for (const client of [slow, quick]) client.subscribe('m', 0)
  slow.isStuck = true
  sendMany(stage.connect('sender'), 100, () => 'x'.repeat(1000), 0)
  assert.equal(quick.payloads().length, 100)
  const { outputBytes } = stage.node.broker.counts()
  assert.ok(outputBytes > 9000 && outputBytes < 13_000, `${outputBytes} bytes wait`)
  assert.ok(stage.node.broker.stats.publishDropped > 85)
})

test('short of memory, new clients are refused first', () => {
  const stage = createStage()
  const known = stage.connect('known')
  stage.node.broker.setMemory(LIMIT, 0.85 * LIMIT)
  const late = stage.open()
  late.send(make.connect(5, { clientId: 'late' }))
  assert.equal(late.take('connack')?.code, 0x89)
  known.send(make.publish('m', '', { qos: 1 }))
  assert.equal(known.take('puback')?.reason, 0x10)
  stage.node.broker.setMemory(0, 0)
  stage.connect('late')
})

test('then QoS 0 waits for nobody', () => {
  const stage = createStage({ queueQos0: true })
  stage.node.broker.setMemory(0, 0)
  const sender = stage.connect('sender')
  const slow = stage.connect('slow')
  slow.subscribe('m', 0)
  slow.isStuck = true
  const away = stage.connect('away', durable)
  away.subscribe('m', 0)
  away.cut()
  stage.node.broker.setMemory(LIMIT, 0.95 * LIMIT)
  sendMany(sender, 10, () => 'x'.repeat(1000), 0)
  const { queued, outputBytes } = stage.node.broker.counts()
  assert.equal(queued, 0)
  assert.ok(outputBytes < 1100, `${outputBytes} bytes wait`)
})

test('at last messages are refused, and acknowledged ones stay', () => {
  const stage = createStage()
  const away = stage.connect('away', durable)
  away.subscribe('m', 1)
  away.cut()
  const sender = stage.connect('sender')
  const old = stage.connect('old', {}, 4)
  sender.send(make.publish('m', 'kept', { qos: 1 }))
  assert.equal(sender.take('puback')?.reason, 0)
  stage.node.broker.setMemory(LIMIT, LIMIT)
  sender.send(make.publish('m', 'refused', { qos: 1 }))
  assert.equal(sender.take('puback')?.reason, 0x97)
  old.send(make.publish('m', 'refused', { qos: 1 }))
  assert.equal(old.isClosed, true)
  assert.equal(old.take('puback'), undefined)
  stage.node.broker.setMemory(0, 0)
  assert.deepEqual(stage.connect('away', durable).payloads(), ['kept'])
})

test('the highest pressure is told with what was in use then, though it is over', () => {
  const { broker } = createStage().node
  broker.setMemory(LIMIT, 0.95 * LIMIT)
  const used = broker.keptBytes + 0.95 * LIMIT
  broker.setMemory(LIMIT, 0)
  assert.deepEqual(broker.takePressurePeak(), { level: Pressure.dropQos0, usedBytes: used })
  assert.equal(broker.takePressurePeak().level, Pressure.none)
})

test('beyond the limit the broker takes no message of its own program either', () => {
  const { broker } = createStage().node
  broker.setMemory(LIMIT, LIMIT)
  assert.equal(broker.publishRefusal('m', 1, false), 0x89)
  broker.setMemory(LIMIT, 2 * LIMIT)
  assert.equal(broker.publishRefusal('m', 1, false), 0x89)
  assert.equal(broker.publishRefusal('m', 0, true), 0)
})

test('who is about to finish a packet is not disconnected for it, who does not finish it is', () => {
  const stage = createStage()
  const { broker } = stage.node
  const sender = stage.connect('sender')
  const bytes = sender.bytesOf(make.publish('m', new Uint8Array(200_000), { qos: 1 }))
  sender.sendBytes(bytes.slice(0, 150_000))
  broker.setMemory(LIMIT, LIMIT)
  assert.equal(broker.shedLargest(), null)
  sender.sendBytes(bytes.slice(150_000))
  assert.equal(sender.take('puback')?.reason, 0x97)
  sender.sendBytes(bytes.slice(0, 150_000))
  stage.pass(6000)
  assert.equal(broker.shedLargest(), 'sender')
  assert.equal(sender.isClosed, true)
})

test('who sends much waits while memory is full of garbage, says nothing twice and loses nothing', () => {
  const stage = createStage()
  const { broker } = stage.node
  const large = stage.connect('large', { keepAliveSeconds: 10 })
  const gone = stage.connect('gone')
  const small = stage.connect('small')
  const message = (packetId: number, payload: string | Uint8Array) =>
    make.publish('m', payload, { qos: 1, packetId })
  const begin = large.bytesOf(message(3, new Uint8Array(50_000))).slice(0, 20_000)
  broker.setLargeReads(10_000)
  large.send(message(1, new Uint8Array(20_000)))
  assert.equal(large.take('puback')?.packetId, 1, 'what there was room for when it began is taken')
  assert.equal(large.isPaused, true)
  gone.send(message(1, new Uint8Array(20_000)))
  gone.cut()
  large.sendBytes(Uint8Array.of(...large.bytesOf(message(2, 'behind')), ...begin))
  small.send(message(1, 'x'), make.pingreq)
  assert.equal(small.take('puback')?.packetId, 1)
  assert.ok(small.take('pingresp'))
  stage.pass(100_000)
  assert.deepEqual([large.inbox.length, large.isPaused, large.isClosed], [0, true, false])
  broker.setLargeReads(0)
  stage.pass(0)
  assert.equal(large.isPaused, true)
  broker.setLargeReads(100_000)
  stage.pass(0)
  assert.equal(large.isPaused, false)
  large.sendBytes(large.bytesOf(message(3, new Uint8Array(50_000))).slice(20_000))
  assert.deepEqual([large.take('puback')?.packetId, large.take('puback')?.packetId], [2, 3])
})

test('and the client that holds most is disconnected', () => {
  const stage = createStage()
  const sender = stage.connect('sender')
  const slow = stage.connect('slow')
  slow.subscribe('m', 0)
  slow.isStuck = true
  assert.equal(stage.node.broker.shedLargest(), null)
  sendMany(sender, 200, () => 'x'.repeat(1000), 0)
  assert.equal(stage.node.broker.shedLargest(), 'slow')
  assert.equal(slow.isClosed, true)
  assert.equal(sender.isClosed, false)
  assert.equal(stage.node.broker.shedLargest(), null)
})

test('a rate holds a client back without dropping, and lets it go on', () => {
  const stage = createStage({ messagesPerSecondMax: 10 })
  const receiver = stage.connect('receiver')
  receiver.subscribe('m', 0)
  const sender = stage.connect('sender', { keepAliveSeconds: 1 })
  const packets = Array.from({ length: 50 }, (_, index) => make.publish('m', String(index)))
  sender.send(...packets)
  assert.ok(receiver.payloads().length <= 11)
  assert.equal(sender.isPaused, true)
  stage.pass(2000)
  const halfway = receiver.payloads().length
  assert.ok(halfway > 20 && halfway < 35, `${halfway} after 2 s`)
  stage.pass(3000)
  assert.deepEqual(
    receiver.payloads(),
    packets.map((_, index) => String(index)),
  )
  assert.equal(sender.isPaused, false)
  assert.equal(sender.isClosed, false)
})

test('a rate that is taken away frees who waits for it', () => {
  const stage = createStage({ messagesPerSecondMax: 1 })
  const sender = stage.connect('sender')
  sender.send(...Array.from({ length: 100 }, () => make.publish('m', '')), make.pingreq)
  stage.pass(1500)
  assert.equal(sender.take('pingresp'), undefined)
  stage.node.limits.messagesPerSecondMax = 0
  stage.pass(2000)
  assert.ok(sender.take('pingresp'))
})

test('a session that another user took over counts for that user', () => {
  const stage = createStage({ sessionsPerUserMax: 1, anyUserTakesOver: true })
  const tries = (clientId: string, username: string): number | undefined => {
    const actor = stage.open()
    actor.send(make.connect(5, { clientId, username, ...durable }))
    return actor.take('connack')?.code
  }
  assert.equal(tries('c', 'ann'), 0)
  assert.equal(tries('c', 'bob'), 0)
  assert.equal(tries('of bob', 'bob'), 0x89)
  assert.equal(tries('of ann', 'ann'), 0)
  assert.equal(tries('of ann too', 'ann'), 0x89)
})

for (const [what, limits] of Object.entries({
  'few messages': { queuedMax: 10 },
  'few bytes': { queuedBytesMax: 2500 },
}))
  test(`all that is retained comes to who reads it, though the queue takes ${what}`, () => {
    const stage = createStage(limits)
    const author = stage.connect('author')
    const count = 100
    for (let index = 0; index < count; index++)
      author.send(
        make.publish(`r/${index}`, new Uint8Array(1000), { qos: 1, packetId: 1, retain: true }),
      )
    const reader = stage.connect('reader', { properties: { receiveMaximum: 1 } })
    reader.send(make.subscribe(1, [{ filter: 'r/#', qos: 1 }]))
    let came = 0
    for (let turn = 0; turn < 5 * count; turn++) {
      stage.pass(0)
      for (const packet of reader.inbox.splice(0)) {
        if (packet.type !== PacketType.publish) continue
        came++
        reader.send(make.ack('puback', packet.packetId))
      }
    }
    assert.equal(came, count)
  })

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as make from '../support/packets.ts'
import { createStage, type Actor, type Stage } from './stage.ts'

/** The wheel turns every 100 ms and rounds up to its slots. */
const slackMs = 300

test('a client is closed one and a half times its keep alive after its last packet [MQTT-3.1.2-22]', () => {
  const stage = createStage()
  const client = stage.connect('c', { keepAliveSeconds: 10 })
  stage.pass(14_000)
  client.send(make.pingreq)
  stage.pass(14_900)
  assert.equal(client.isClosed, false)
  stage.pass(100 + slackMs)
  assert.equal(client.isClosed, true)
  assert.equal(client.take('disconnect')?.reason, 0x8d)
})

test('the bytes of an unfinished packet are no sign of life', () => {
  const stage = createStage()
  const client = stage.connect('c', { keepAliveSeconds: 2 })
  client.sendBytes(Uint8Array.of(0x30, 100, 0, 1, 0x61))
  for (let second = 0; second < 4 && !client.isClosed; second++) {
    stage.pass(1000)
    if (!client.isClosed) client.sendBytes(Uint8Array.of(0x61))
  }
  assert.equal(client.isClosed, true)
})

/** A PUBLISH of `size` bytes, in chunks of `chunk` bytes, one every `everyMs`; how far it came. */
function upload(stage: Stage, client: Actor, size: number, chunk: number, everyMs: number): number {
  const bytes = new Uint8Array(size)
  bytes.set([0x30, ((size - 4) & 0x7f) | 0x80, (((size - 4) >> 7) & 0x7f) | 0x80, (size - 4) >> 14])
  bytes.set([0, 1, 0x61], 4)
  for (let at = 0; at < size; at += chunk) {
    if (client.isClosed) return at
    client.sendBytes(bytes.slice(at, at + chunk))
    stage.pass(everyMs)
  }
  return size
}

test('a slow upload is life: 60 kB at 3 kB/s under a keep alive of 5', () => {
  const stage = createStage()
  const client = stage.connect('c', { keepAliveSeconds: 5 })
  assert.equal(upload(stage, client, 60_000, 1000, 333), 60_000)
  client.send(make.pingreq)
  assert.ok(client.take('pingresp'))
})

test('an upload may take longer than partial_packet_timeout, at 100 bytes a second it may not', () => {
  const stage = createStage({ partialPacketTimeoutMs: 10_000 })
  const steady = stage.connect('steady')
  assert.equal(upload(stage, steady, 100_000, 300, 1000), 100_000)
  const slow = stage.connect('slow')
  const cameBytes = upload(stage, slow, 100_000, 50, 1000)
  assert.ok(cameBytes > 500 && cameBytes < 2000, `${cameBytes} bytes came`)
})

test('a large CONNECT may take longer than connect_timeout, a dripped one may not', () => {
  const stage = createStage({ connectTimeoutMs: 10_000 })
  const will = { topic: 'w', payload: 'x'.repeat(60_000) }
  const bytesOf = (actor: Actor) => actor.bytesOf(make.connect(5, { clientId: 'c', will }))
  const steady = stage.open()
  const whole = bytesOf(steady)
  for (let at = 0; at < whole.length && !steady.isClosed; at += 3000) {
    steady.sendBytes(whole.slice(at, at + 3000))
    stage.pass(1000)
  }
  assert.equal(steady.take('connack')?.code, 0)
  const slow = stage.open()
  let seconds = 0
  for (; !slow.isClosed && seconds < 100; seconds++) {
    slow.sendBytes(whole.slice(seconds * 100, (seconds + 1) * 100))
    stage.pass(1000)
  }
  assert.ok(seconds <= 12, `it took ${seconds} s`)
})

test('a client that does not read is alive as long as it takes what it was sent', () => {
  const stage = createStage({ outputBytesMax: 1000 })
  const client = stage.connect('c', { keepAliveSeconds: 2 })
  client.subscribe('m', 0)
  client.isStuck = true
  const sender = stage.connect('sender')
  const fill = () => {
    for (let n = 0; n < 4; n++) sender.send(make.publish('m', 'x'.repeat(400)))
    client.send(make.pingreq)
  }
  fill()
  assert.equal(client.isPaused, true)
  for (let round = 0; round < 5; round++) {
    stage.pass(2000)
    client.drain()
    fill()
  }
  assert.equal(client.isClosed, false)
  stage.pass(3000 + slackMs)
  assert.equal(client.isClosed, true)
})

test('without keep alive a client may be silent for a day, but not in the middle of a packet', () => {
  const stage = createStage({ partialPacketTimeoutMs: 60_000 })
  const client = stage.connect('c')
  stage.pass(86_400_000)
  client.send(make.pingreq)
  assert.ok(client.take('pingresp'))
  client.sendBytes(Uint8Array.of(0x30, 100))
  stage.pass(59_000)
  assert.equal(client.isClosed, false)
  stage.pass(1000 + slackMs)
  assert.equal(client.isClosed, true)
})

test('who does not send CONNECT is closed after connect_timeout, a byte now and then or not', () => {
  const stage = createStage({ connectTimeoutMs: 10_000 })
  const silent = stage.open()
  const slow = stage.open()
  for (let second = 0; second < 9; second++) {
    slow.sendBytes(Uint8Array.of(second === 0 ? 0x10 : second === 1 ? 0x20 : 0))
    stage.pass(1000)
  }
  assert.deepEqual([silent.isClosed, slow.isClosed], [false, false])
  stage.pass(1000 + slackMs)
  assert.deepEqual([silent.isClosed, slow.isClosed], [true, true])
})

const will = (willDelaySeconds: number) => ({
  topic: 'w',
  payload: 'gone',
  properties: { willDelaySeconds },
})

for (const [delay, expiry, atSeconds] of [
  [0, 100, 0],
  [10, 100, 10],
  [100, 10, 10],
  [100, 0, 0],
] as const)
  test(`a will with delay ${delay} of a session with expiry ${expiry} comes after ${atSeconds} s [MQTT-3.1.3-9]`, () => {
    const stage = createStage()
    const watcher = stage.connect('watcher')
    watcher.subscribe('w', 0)
    const properties = { sessionExpirySeconds: expiry }
    stage.connect('c', { will: will(delay), properties }).cut()
    stage.pass(Math.max(0, atSeconds * 1000 - 100))
    if (atSeconds > 0) assert.deepEqual(watcher.payloads(), [])
    stage.pass(100 + slackMs)
    assert.deepEqual(watcher.payloads(), ['gone'])
    stage.pass(200_000)
    assert.deepEqual(watcher.payloads(), ['gone'])
  })

test('a client that is back before its will is due keeps it quiet', () => {
  const stage = createStage()
  const watcher = stage.connect('watcher')
  watcher.subscribe('w', 0)
  const options = { cleanStart: false, properties: { sessionExpirySeconds: 100 } }
  stage.connect('c', { ...options, will: will(10) }).cut()
  stage.pass(9000)
  const back = stage.connect('c', options)
  stage.pass(100_000)
  assert.deepEqual(watcher.payloads(), [])
  assert.equal(back.isClosed, false)
})

test('a message tells each receiver how many seconds it has left, and is gone when it has none [MQTT-3.3.2-5, -6]', () => {
  const stage = createStage()
  const options = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } }
  for (const name of ['soon', 'late']) {
    const client = stage.connect(name, options)
    client.subscribe('m', 1)
    client.cut()
  }
  const sender = stage.connect('sender')
  const properties = { messageExpirySeconds: 60 }
  sender.send(make.publish('m', 'x', { qos: 1, retain: true, properties }))
  stage.pass(20_000)
  const soon = stage.connect('soon', options)
  assert.equal(soon.take('publish')?.properties.messageExpirySeconds, 40)
  const reader = stage.connect('reader')
  reader.subscribe('m', 0)
  assert.equal(reader.take('publish')?.properties.messageExpirySeconds, 40)
  stage.pass(40_000)
  const late = stage.connect('late', options)
  stage.pass(0)
  assert.equal(late.take('publish'), undefined)
  const later = stage.connect('later')
  later.subscribe('m', 0)
  assert.equal(later.take('publish'), undefined)
  assert.equal(stage.node.broker.counts().retained, 0)
})

test('a sweep removes the retained messages that have expired, and no others', () => {
  const stage = createStage()
  const sender = stage.connect('sender')
  sender.send(
    make.publish('a', 'x', { retain: true, properties: { messageExpirySeconds: 10 } }),
    make.publish('b', 'x', { retain: true, properties: { messageExpirySeconds: 1000 } }),
    make.publish('c', 'x', { retain: true }),
  )
  stage.pass(11_000)
  assert.equal(stage.node.broker.counts().retained, 3)
  stage.node.broker.sweepRetained()
  stage.pass(0)
  assert.equal(stage.node.broker.counts().retained, 2)
})

test('a session lives as long as it said, counted from the end of its connection', () => {
  const stage = createStage()
  const options = { cleanStart: false, properties: { sessionExpirySeconds: 100 } }
  stage.connect('c', options).cut()
  stage.pass(99_000)
  const back = stage.open()
  back.send(make.connect(5, { clientId: 'c', ...options }))
  assert.equal(back.take('connack')?.sessionPresent, true)
  stage.pass(500_000)
  back.cut()
  stage.pass(100_000 + slackMs)
  assert.equal(stage.node.broker.counts().sessions, 0)
})

test('persistent_client_expiration ends a session that would live for ever', () => {
  const stage = createStage({ sessionExpiryMsMax: 3_600_000 })
  stage.connect('c', { cleanStart: false }, 4).cut()
  stage.pass(3_599_000)
  assert.equal(stage.node.broker.counts().sessions, 1)
  stage.pass(1000 + slackMs)
  assert.equal(stage.node.broker.counts().sessions, 0)
})

test('times near the end of their range do not run out at once', () => {
  const stage = createStage()
  const watcher = stage.connect('watcher')
  watcher.subscribe('w', 0)
  const properties = { sessionExpirySeconds: 0xfffffffe }
  stage.connect('c', { will: will(0xfffffffe), properties }).cut()
  stage.pass(86_400_000)
  assert.deepEqual(watcher.payloads(), [])
  assert.equal(stage.node.broker.counts().sessions, 2)
})

test('expiry ends what is queued; what was sent once is sent again [MQTT-4.3.3-7] [MQTT-4.4.0-1]', () => {
  const stage = createStage()
  const options = {
    cleanStart: false,
    properties: { sessionExpirySeconds: 1000, receiveMaximum: 2 },
  }
  const client = stage.connect('c', options)
  client.subscribe('m', 2)
  const sender = stage.connect('sender')
  const properties = { messageExpirySeconds: 2 }
  for (const [index, qos] of ([2, 1, 2, 1] as const).entries()) {
    sender.send(make.publish('m', `${index}`, { qos, packetId: index + 1, properties }))
    if (qos === 2) sender.send(make.ack('pubrel', index + 1))
  }
  assert.deepEqual(client.payloads(), ['0', '1'])
  const ids = client.inbox.flatMap((packet) => ('payload' in packet ? [packet.packetId] : []))
  client.cut()
  stage.pass(3000)
  const back = stage.connect('c', options)
  const again = back.inbox.flatMap((packet) => ('payload' in packet ? [packet] : []))
  assert.deepEqual(
    again.map(({ packetId, dup, qos, properties: { messageExpirySeconds } }) => [
      packetId,
      dup,
      qos,
      messageExpirySeconds,
    ]),
    [
      [ids[0], true, 2, 0],
      [ids[1], true, 1, 0],
    ],
  )
  back.send(make.ack('puback', ids[1]), make.ack('pubrec', ids[0]), make.ack('pubcomp', ids[0]))
  assert.equal(back.payloads().length, 2)
  assert.equal(stage.node.broker.stats.publishDropped, 2)
})

test('a QoS 2 message whose expiry passes before its PUBREL reaches nobody, and is not retained [MQTT-3.3.2-5]', () => {
  const stage = createStage()
  const client = stage.connect('c')
  client.subscribe('m', 2)
  const sender = stage.connect('sender')
  const properties = { messageExpirySeconds: 2 }
  for (const packetId of [1, 2])
    sender.send(make.publish('m', `${packetId}`, { qos: 2, packetId, retain: true, properties }))
  sender.send(make.ack('pubrel', 1))
  stage.pass(3000)
  sender.send(make.ack('pubrel', 2))
  for (const packetId of [1, 2]) assert.equal(sender.take('pubcomp')?.packetId, packetId)
  assert.deepEqual(client.payloads(), ['1'])
  const late = stage.connect('late')
  late.subscribe('m', 0)
  assert.deepEqual(late.payloads(), [])
})

for (const sent of [0, 1, 2] as const)
  test(`an expiry of 0 at QoS ${sent} is for whoever is there, whatever its session, and goes on as 1 [MQTT-3.3.2-6]`, () => {
    const stage = createStage()
    const durable = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } } as const
    const readers = [stage.connect('clean'), stage.connect('durable', durable)]
    for (const reader of readers) reader.subscribe('a', 2)
    const writer = stage.connect('writer')
    const properties = { messageExpirySeconds: 0 }
    stage.pass(7)
    writer.send(make.publish('a', 'now', { qos: sent, packetId: 1, properties }))
    stage.pass(20)
    if (sent === 2) writer.send(make.ack('pubrel', 1))
    for (const reader of readers) {
      const came = reader.take('publish')
      assert.equal(came?.qos, sent)
      assert.equal(came.properties.messageExpirySeconds, 1)
    }
  })

test('an expiry of 0 is over for who comes later, and as retained [MQTT-3.3.2-5]', () => {
  const stage = createStage()
  const durable = { cleanStart: false, properties: { sessionExpirySeconds: 1000 } } as const
  const reader = stage.connect('reader', durable)
  reader.subscribe('a', 1)
  reader.cut()
  const properties = { messageExpirySeconds: 0 }
  const writer = stage.connect('writer')
  writer.send(make.publish('a', 'late', { qos: 1, packetId: 1, retain: true, properties }))
  stage.pass(1000)
  const again = stage.connect('reader', durable)
  again.subscribe('a', 1)
  assert.deepEqual(again.payloads(), [])
})

test('what a member of a shared group leaves unacknowledged goes to another one unless it has expired', () => {
  for (const [ms, expected] of [
    [1000, ['m']],
    [3000, []],
  ] as const) {
    const stage = createStage()
    const [first, second] = ['first', 'second'].map((id) => stage.connect(id))
    first.subscribe('$share/g/m', 1)
    const sender = stage.connect('sender')
    const properties = { messageExpirySeconds: 2 }
    sender.send(make.publish('m', 'm', { qos: 1, properties }))
    assert.deepEqual(first.payloads(), ['m'])
    second.subscribe('$share/g/m', 1)
    stage.pass(ms)
    first.cut()
    assert.deepEqual(second.payloads(), expected)
  }
})

test('connect_timeout ends with a whole CONNECT: its answer may take longer, not for ever', () => {
  const stage = createStage({ connectTimeoutMs: 10_000 })
  const { auth } = stage.node
  const answers: ((reason: number) => void)[] = []
  auth.authenticate = (_request, answer) => void answers.push(answer)
  const [served, forgotten] = ['served', 'forgotten'].map((clientId) => {
    const actor = stage.open()
    actor.send(make.connect(5, { clientId }))
    return actor
  })
  stage.pass(20_000)
  answers[0](0)
  stage.pass(0)
  assert.equal(served.take('connack')?.code, 0)
  stage.pass(49_000)
  assert.equal(forgotten.isClosed, false)
  stage.pass(1000 + slackMs)
  assert.equal(forgotten.isClosed, true)
  assert.equal(served.isClosed, false)
})

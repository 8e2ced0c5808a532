import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Version } from '../../src/codec/packets.ts'
import * as make from '../support/packets.ts'
import { waitMsMax } from '../support/patience.ts'
import type { RawClient } from '../support/raw-client.ts'
import { attacks, openMany, withinMb } from './attack.ts'

const attack = attacks('attacks on QoS and sessions')

const decoder = new TextDecoder()

/** A session that outlives its connection. */
function durable(version: Version, clientId: string): make.ConnectOptions {
  const properties = version === 5 ? { sessionExpirySeconds: 60 } : {}
  return { clientId, cleanStart: false, properties }
}

/** QoS 1 messages `from`, `from` + 1 … in one write, acknowledged when this resolves. */
async function publishNumbers(
  client: RawClient,
  topic: string,
  from: number,
  count: number,
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => from + index)
  // A 5.0 client has 20 unacknowledged at most.
  const portion = client.version === 5 ? 20 : 500
  for (let at = 0; at < count; at += portion) {
    const some = numbers.slice(at, at + portion)
    client.send(
      ...some.map((each, index) => make.publish(topic, `${each}`, { qos: 1, packetId: index + 1 })),
    )
    for (let index = 0; index < some.length; index++) {
      await client.expect('puback', { packetId: index + 1 })
    }
  }
}

attack(
  'S36: one QoS 2 message sent 20,000 times is delivered once',
  { v4: '', v5: '' },
  async (scene) => {
    const { connect, topic } = scene
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const client = await connect()
    const storm = async () => {
      const packet = make.publish(topic, 'once', { qos: 2, packetId: 7, dup: true })
      const bytes = client.bytesOf(Array.from({ length: 1000 }, () => packet))
      for (let time = 0; time < 20; time++) {
        client.send(bytes)
        for (let each = 0; each < 1000; each++) await client.expect('pubrec', { packetId: 7 })
      }
    }
    await storm()
    await withinMb(scene, 20, storm)
    client.send(make.ack('pubrel', 7))
    await client.expect('pubcomp', { packetId: 7 })
    await subscriber.receive({ payload: 'once', qos: 2, dup: false })
    await subscriber.expectNothing()
  },
)

attack(
  'S37: 65,535 QoS 2 messages without PUBREL end the connection',
  { v3: '', v4: '' },
  async (scene) => {
    const client = await scene.connect()
    const body = 'x'.repeat(500)
    await withinMb(scene, 64, async () => {
      for (let packetId = 1; packetId <= 65_535; packetId += 1000) {
        const ids = Array.from(
          { length: Math.min(1000, 65_536 - packetId) },
          (_, at) => packetId + at,
        )
        client.send(...ids.map((id) => make.publish(scene.topic, body, { qos: 2, packetId: id })))
        await sleep(0)
        client.inbox.length = 0
      }
      assert.ok(await isClosed(client))
    })
  },
)

/** Whether the broker closes at all; what it says before is thrown away. */
async function isClosed(client: RawClient): Promise<boolean> {
  for (const endMs = performance.now() + waitMsMax; performance.now() < endMs;) {
    client.inbox.length = 0
    const closed = client.expectClosed(200).then(
      () => true,
      () => false,
    )
    if (await closed) return true
  }
  return false
}

attack(
  'S38: acknowledgements of what was never sent are harmless',
  { v3: '', v4: '', v5: '' },
  async ({ connect, version }) => {
    const client = await connect()
    const reason = version === 5 ? 0x92 : 0
    for (const packetId of [1, 500, 65_535]) {
      client.send(make.ack('pubrel', packetId))
      await client.expect('pubcomp', { packetId, reason })
      client.send(make.ack('puback', packetId), make.ack('pubcomp', packetId))
      await client.expectNothing()
      client.send(make.ack('pubrec', packetId))
      if (version === 5) await client.expect('pubrel', { packetId, reason })
      await client.ping()
      client.inbox.length = 0
    }
  },
)

attack(
  'S38: an acknowledgement of the wrong kind loses nothing of others',
  { v4: '', v5: '' },
  async ({ connect, topic }) => {
    const wrong = await connect()
    const right = await connect()
    for (const client of [wrong, right]) await client.subscribe({ filter: topic, qos: 2 })
    const publisher = await connect()
    await publisher.publish(topic, 'one', { qos: 1 })
    await publisher.publish(topic, 'two', { qos: 2 })
    const { packetId: one } = await wrong.expect('publish', { payload: 'one' })
    const { packetId: two } = await wrong.expect('publish', { payload: 'two' })
    wrong.send(make.ack('pubcomp', one), make.ack('pubrec', one), make.ack('pubcomp', one))
    wrong.send(make.ack('puback', two), make.ack('pubcomp', two), make.ack('puback', two))
    await right.receive({ payload: 'one' })
    await right.receive({ payload: 'two' })
    await publisher.publish(topic, 'three', { qos: 1 })
    await right.receive({ payload: 'three' })
  },
)

attack(
  'S39: a QoS 2 message first seen with DUP is delivered once',
  { v4: '', v5: '' },
  async ({ connect, topic, clientId, version }) => {
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 2 })
    const options = durable(version, clientId)
    const packet = make.publish(topic, 'x', { qos: 2, packetId: 9, dup: true })
    const first = await connect(options)
    first.send(packet)
    await first.expect('pubrec', { packetId: 9 })
    first.destroy()
    const second = await connect(options)
    second.send(packet)
    await second.expect('pubrec', { packetId: 9 })
    second.send(make.ack('pubrel', 9), make.ack('pubrel', 9))
    await second.expect('pubcomp', { packetId: 9, reason: 0 })
    await second.expect('pubcomp', { packetId: 9 })
    await subscriber.receive({ payload: 'x' })
    await subscriber.expectNothing()
  },
)

attack(
  'S40: a packet id in use is not given to another message',
  { v4: '' },
  async ({ connect, topic }) => {
    const count = 66_000
    const subscriber = await connect()
    await subscriber.subscribe({ filter: topic, qos: 1 })
    const publisher = await connect()
    await publishNumbers(publisher, topic, 0, 1)
    const { packetId: stuck } = await subscriber.expect('publish', { payload: '0' })
    for (let at = 1; at <= count; at += 500) {
      await publishNumbers(publisher, topic, at, 500)
      const acks: ReturnType<typeof make.ack>[] = []
      for (let each = at; each < at + 500; each++) {
        const { packetId, payload } = await subscriber.expect('publish')
        assert.equal(decoder.decode(payload), `${each}`)
        assert.notEqual(packetId, stuck)
        acks.push(make.ack('puback', packetId))
      }
      subscriber.send(...acks)
    }
    subscriber.send(make.ack('puback', stuck))
    await subscriber.expectNothing()
  },
)

attack(
  'S41: a storm of connections with one id leaves one of them and the whole queue',
  { v4: '', v5: '' },
  async ({ open, connect, topic, clientId, version }) => {
    const options = durable(version, clientId)
    const first = await connect(options)
    await first.subscribe({ filter: topic, qos: 1 })
    await first.end()
    const publisher = await connect()
    await publishNumbers(publisher, topic, 0, 100)
    for (let round = 0; round < 5; round++) {
      for (const client of await openMany(100, open)) client.send(make.connect(version, options))
      await publisher.ping()
    }
    const last = await connect(options)
    await publishNumbers(publisher, topic, 100, 10)
    for (let each = 0; each < 110; each++) await last.receive({ payload: `${each}` })
    await last.expectNothing()
  },
)

attack(
  'S42: takeovers under way lose no message and fire no will of the new client',
  { v4: '', v5: '' },
  async ({ open, connect, topic, clientId, version }) => {
    const optionsOf = (round: number) => ({
      ...durable(version, clientId),
      will: { topic: `${topic}/will`, payload: `${round}` },
    })
    const watcher = await connect()
    await watcher.subscribe(`${topic}/will`)
    let current = await connect(optionsOf(-1))
    await current.subscribe({ filter: topic, qos: 1 })
    const publisher = await connect()
    const seen = new Set<string>()
    const take = (client: RawClient) => {
      for (const packet of client.inbox.splice(0)) {
        if ('payload' in packet) seen.add(decoder.decode(packet.payload))
        if ('payload' in packet) client.send(make.ack('puback', packet.packetId))
      }
    }
    for (let round = 0; round < 10; round++) {
      const publishing = publishNumbers(publisher, topic, round * 200, 200)
      const next = await open()
      next.send(make.connect(version, optionsOf(round)))
      await next.find('connack', { code: 0 })
      await publishing
      take(current)
      current = next
      take(current)
    }
    while (seen.size < 2000) {
      await current.ping()
      assert.ok(current.inbox.length > 0, `${2000 - seen.size} messages are missing`)
      take(current)
    }
    await watcher.ping()
    // Those of the clients that were taken over may have been published.
    const wills = watcher.inbox.map((packet) => ('payload' in packet ? packet.payload : null))
    assert.ok(wills.every((will) => will !== null && decoder.decode(will) !== '9'))
  },
)

attack(
  'S43: a CONNECT that is refused takes nothing from the client it names',
  { v4: '', v5: '' },
  async ({ open, connect, topic, clientId, version }) => {
    const victim = await connect(durable(version, clientId))
    await victim.subscribe({ filter: topic, qos: 1 })
    const refused: make.ConnectOptions[] = [{ clientId, will: { topic: '$SYS/x' } }]
    if (version === 5) refused.push({ clientId, properties: { authenticationMethod: 'X' } })
    for (const options of refused) {
      const attacker = await open()
      attacker.send(make.connect(version, options))
      assert.notEqual((await attacker.expect('connack')).code, 0)
      await attacker.expectClosed()
    }
    assert.equal(await (await connect()).publish(topic, 'x', { qos: 1 }), 0)
    await victim.receive({ payload: 'x' })
  },
)

attack(
  'S44: a session is not given to another user',
  { v4: '', v5: '' },
  async ({ open, connect, connectFor, topic, clientId, version }) => {
    const owner = { ...durable(version, clientId), username: 'owner' }
    const victim = await connect(owner)
    await victim.subscribe({ filter: topic, qos: 1 })
    const steal = async (...starts: boolean[]) => {
      for (const username of [undefined, 'other']) {
        for (const cleanStart of starts) {
          const thief = await open()
          thief.send(make.connect(version, { ...owner, username, cleanStart }))
          await thief.expect('connack', { code: version === 5 ? 0x85 : 2, sessionPresent: false })
          await thief.expectClosed()
        }
      }
    }
    await steal(true, false)
    await victim.ping()
    await victim.end()
    await (await connect()).publish(topic, 'kept', { qos: 1 })
    await steal(false)
    const [back, connack] = await connectFor(owner)
    assert.equal(connack.sessionPresent, true)
    await back.receive({ payload: 'kept' })
  },
)

const LONGEST_SECONDS = 0xffff_fffe

attack(
  'S47: the longest times there are do not run out at once',
  { v5: '' },
  async ({ connect, connectFor, topic, clientId }) => {
    const watcher = await connect()
    await watcher.subscribe(`${topic}/will`)
    const willDelaySeconds = LONGEST_SECONDS
    const options: make.ConnectOptions = {
      clientId,
      cleanStart: false,
      keepAliveSeconds: 65_535,
      properties: { sessionExpirySeconds: LONGEST_SECONDS },
      will: { topic: `${topic}/will`, properties: { willDelaySeconds } },
    }
    const first = await connect(options)
    await first.subscribe({ filter: topic, qos: 1 })
    await first.end()
    const properties = { messageExpirySeconds: LONGEST_SECONDS }
    await (await connect()).publish(topic, 'x', { qos: 1, retain: true, properties })
    await sleep(1200)
    await watcher.expectNothing()
    const [second, connack] = await connectFor(options)
    assert.equal(connack.sessionPresent, true)
    const { properties: left } = await second.receive({ payload: 'x' })
    const seconds = left.messageExpirySeconds ?? 0
    assert.ok(seconds <= LONGEST_SECONDS && seconds > LONGEST_SECONDS - 60, `${seconds}`)
    await watcher.expectNothing()
    await (await connect()).publish(topic, '', { qos: 1, retain: true })
  },
)

attack('S48: a thousand wills at once come once each', { v4: '', v5: '' }, async (scene) => {
  const { connect, topic } = scene
  const watcher = await connect()
  await watcher.subscribe({ filter: `${topic}/+`, qos: 0 })
  let serial = 0
  const dying = await openMany(1000, () =>
    connect({ clientId: '', will: { topic: `${topic}/${++serial}`, payload: 'gone' } }),
  )
  for (const client of dying) client.destroy()
  const topics = new Set<string>()
  for (let each = 0; each < 1000; each++) {
    const will = await watcher.expect('publish', { payload: 'gone' })
    topics.add(will.topic)
  }
  assert.equal(topics.size, 1000)
  await watcher.expectNothing()
})

attack(
  'S48: the largest will is retained whole',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic }) => {
    const payload = new Uint8Array(65_535).fill(0x77)
    const watcher = await connect()
    await watcher.subscribe(topic)
    const dying = await connect({ will: { topic, payload, retain: true } })
    dying.destroy()
    await watcher.expect('publish', { payload })
    const late = await connect()
    await late.subscribe(topic)
    await late.expect('publish', { payload, retain: true })
    await late.publish(topic, '', { retain: true })
  },
)

const small = attacks('attacks on a broker of few sessions', { config: 'global_max_clients 300' })

small('S46: sessions left behind are bounded in number', { v4: '', v5: '' }, async (scene) => {
  const { open, connect, clientId, version } = scene
  const keeper = await connect(durable(version, clientId))
  const clients: RawClient[] = []
  let refused = 0
  // Room is left for the sessions of the other tests of this broker, and for who asks afterwards.
  for (let each = 0; each < 400; each++) {
    const client = await open()
    client.send(make.connect(version, durable(version, `${clientId}x${each}`)))
    const isIn = await client.expect('connack').then(
      ({ code }) => code === 0,
      () => false,
    )
    if (isIn) clients.push(client)
    else refused++
    client.destroy()
  }
  assert.ok(clients.length <= 300)
  assert.ok(refused >= 100)
  await keeper.ping()
  // They end their sessions, which makes room again.
  for (let each = 0; each < clients.length; each++) {
    await (await connect({ clientId: `${clientId}x${each}` })).disconnect()
  }
  await keeper.disconnect()
  await (await connect({ clientId })).disconnect()
})

attack('S37: a 5.0 client that releases nothing is told 0x93', { v5: '' }, async (scene) => {
  const client = await scene.connect()
  const body = 'x'.repeat(500)
  await withinMb(scene, 20, async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => index + 1)
    client.send(...ids.map((id) => make.publish(scene.topic, body, { qos: 2, packetId: id })))
    for (let each = 0; each < 20; each++) await client.expect('pubrec')
    await client.expectDropped(0x93)
  })
})

attack(
  'S45: nobody becomes the broker by a client id',
  { v5: '' },
  async ({ connect, connectFor, topic }) => {
    const [victim, { properties }] = await connectFor({ clientId: '', username: 'ann' })
    assert.match(properties.assignedClientId ?? '', /^auto-[0-9A-F]{8}-/)
    for (const clientId of ['local.bridge', 'mozzie', '$SYS', `auto-${topic}`]) {
      const client = await connect({ clientId })
      assert.equal(await client.publish(`$SYS/broker/${topic}`, 'x', { qos: 1 }), 0x87)
      await client.disconnect()
    }
    await victim.ping()
  },
)

/** Four threads under what only several can get wrong: take-overs, barriers, groups, wills and reloads across them. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { PacketType } from '../../src/codec/packets.ts'
import { LedgerClient } from '../crash/ledger-client.ts'
import { freePort } from '../support/free-port.ts'
import { ack, connect as connectPacket, publish, subscribe } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratch, startMozzie, until, writeConfig } from './run-mozzie.ts'

/** So many clients are in all of the threads. */
const CLIENTS = 32
/** Rounds of the storm, 8 ms each: more of them where the machine is busy, until so many messages are acknowledged. */
const ROUNDS_MIN = 250
const ROUNDS_MAX = 20_000
const ACKNOWLEDGED_MIN = 500

async function fourThreads(context: TestContext, lines = '') {
  const port = await freePort()
  const directory = scratch(context)
  const config = `thread_count 4\nlistener ${port} 127.0.0.1\nallow_anonymous true\n`
  const file = writeConfig(directory, `${config}${lines.replaceAll('DIR', directory)}`)
  const mozzie = await startMozzie(context, '-c', file)
  const connect = async (options: Parameters<typeof connectPacket>[1] = {}): Promise<RawClient> => {
    const client = await RawClient.open(port, 5)
    context.after(() => client.destroy())
    client.send(connectPacket(5, options))
    await client.expect('connack', { code: 0 })
    return client
  }
  const many = (options: (at: number) => Parameters<typeof connectPacket>[1] = () => ({})) =>
    Promise.all(Array.from({ length: CLIENTS }, (_, at) => connect(options(at))))
  return { mozzie, port, connect, many }
}

/** What came to it, by payload; acknowledged where that is asked for. */
function drain(client: RawClient): string[] {
  const came = client.inbox.splice(0).filter((packet) => packet.type === PacketType.publish)
  for (const { qos, packetId } of came) if (qos === 1) client.send(ack('puback', packetId))
  return came.map(({ payload }) => Buffer.from(payload).toString())
}

for (const bound of ['global_max_clients', 'max_clients_per_user'])
  test(`${bound} is reached: whoever is in may come back, to any thread`, async (context) => {
    const { connect, many } = await fourThreads(context, `${bound} ${CLIENTS}`)
    const login = (at: number) => ({ clientId: `c${at}`, username: 'ann', password: 'x' })
    await many(login)
    // Each ends its own connection of before, wherever that is.
    for (let at = 0; at < 3 * CLIENTS; at++) await connect(login(at % CLIENTS))
  })

test('clients that take their session from each other all the time lose nothing', async (context) => {
  const lines = 'persistence true\npersistence_location DIR/\nmax_queued_messages 0'
  const { port } = await fourThreads(context, lines)
  const [violations, acknowledged] = [[] as string[], new Set<string>()]
  const ids = Array.from({ length: 6 }, (_, at) => `rival ${at}`)
  const received = new Map(ids.map((id) => [id, new Set<string>()]))
  const clients: LedgerClient[] = []
  context.after(() => clients.forEach((client) => client.end()))
  const common = { port, version: 5, expirySeconds: 3600, qos: 1 } as const
  const onViolation = (text: string) => void violations.push(text)
  const join = (clientId: string, filter: string): LedgerClient => {
    const client = new LedgerClient({
      ...common,
      clientId,
      filter,
      onMessage: (_topic, payload) => void received.get(clientId)?.add(payload),
      onDone: (payload) => void acknowledged.add(payload),
      onViolation,
    })
    clients.push(client)
    return client
  }
  // The first has the session made; its rivals then come back within 15 ms of each take-over.
  const firsts = ids.map((id) => join(id, 'storm'))
  await until(
    () => firsts.every(({ ready }) => ready),
    () => 'not all have subscribed',
  )
  const rivals = ids.map((id) => join(id, 'storm'))
  const publishers = Array.from({ length: 8 }, (_, at) => join(`publisher ${at}`, ''))
  const isEnough = (rounds: number): boolean =>
    rounds >= ROUNDS_MAX || (rounds >= ROUNDS_MIN && acknowledged.size > ACKNOWLEDGED_MIN)
  for (let number = 0; !isEnough(number); number++) {
    for (const [at, publisher] of publishers.entries())
      if (publisher.inFlight < 20) publisher.publish('storm', `${at} ${number}`)
    await new Promise((resolve) => setTimeout(resolve, 8))
  }
  for (const rival of rivals) rival.end()
  const missing = (): string[] =>
    ids.flatMap((id) => [...acknowledged].filter((text) => !received.get(id)?.has(text)))
  await until(
    () => publishers.every(({ inFlight }) => inFlight === 0) && missing().length === 0,
    () => `${acknowledged.size} acknowledged, missing: ${missing().slice(0, 20).join(', ')}`,
  )
  assert.ok(acknowledged.size > ACKNOWLEDGED_MIN, `${acknowledged.size} acknowledged`)
  assert.deepEqual(violations, [])
})

test('SUBACK means that every thread knows: 500 messages right behind it', async (context) => {
  const { many } = await fourThreads(context)
  const clients = await many()
  for (let round = 0; round < 500; round++) {
    const subscriber = clients[round % CLIENTS]
    const publisher = clients[(round * 7 + 5) % CLIENTS]
    await subscriber.subscribe(`b/${round}`)
    publisher.send(publish(`b/${round}`, 'x'))
    await subscriber.expect('publish', { topic: `b/${round}` })
  }
})

test('a retained message published while somebody subscribes does not fall between, 500 times', async (context) => {
  const { many } = await fourThreads(context)
  const clients = await many()
  let twice = 0
  for (let round = 0; round < 500; round++) {
    const subscriber = clients[round % CLIENTS]
    const publisher = clients[(round * 7 + 5) % CLIENTS]
    const topic = `r/${round}`
    const packetId = round + 1
    const filters = [{ filter: topic, qos: 1 as const }]
    publisher.send(publish(topic, 'kept', { qos: 1, packetId, retain: true }))
    subscriber.send(subscribe(packetId, filters))
    await publisher.find('puback', { packetId })
    await subscriber.find('suback', { packetId })
    const { packetId: given } = await subscriber.find('publish', { topic, payload: 'kept' })
    subscriber.send(ack('puback', given))
    // It may come both ways: as it is published, and as what is retained.
    await subscriber.unsubscribe(topic)
    twice += drain(subscriber).length
  }
  context.diagnostic(`${twice} came both ways`)
})

test('a retained message is there for whoever subscribes behind its PUBACK, in any thread', async (context) => {
  const { many } = await fourThreads(context)
  const clients = await many()
  for (let round = 0; round < 500; round++) {
    const topic = `s/${round}`
    await clients[(round * 7 + 5) % CLIENTS].publish(topic, 'kept', { qos: 1, retain: true })
    const subscriber = clients[round % CLIENTS]
    await subscriber.subscribe(topic)
    await subscriber.find('publish', { topic, payload: 'kept', retain: true })
  }
})

for (const cleanStart of [true, false])
  test(`a group with members in all threads gets each message once (clean: ${cleanStart})`, async (context) => {
    const { many } = await fourThreads(context)
    const properties = { sessionExpirySeconds: cleanStart ? 0 : 600 }
    const members = await many((at) => ({ clientId: `m${at}`, cleanStart, properties }))
    for (const member of members) await member.subscribe({ filter: '$share/g/job/#', qos: 1 })
    const publishers = await many()
    const sent = new Set<string>()
    for (let round = 0; round < 40; round++) {
      const jobs = publishers.map((_, at) => `${at} ${round}`)
      for (const job of jobs) sent.add(job)
      await Promise.all(
        publishers.map((publisher, at) => publisher.publish(`job/${at}`, jobs[at], { qos: 1 })),
      )
    }
    const done = members.map(() => [] as string[])
    await until(
      () => {
        for (const [at, member] of members.entries()) done[at].push(...drain(member))
        return done.flat().length >= sent.size
      },
      () => `${done.flat().length} of ${sent.size}`,
    )
    for (const member of members) await member.ping()
    for (const [at, member] of members.entries()) done[at].push(...drain(member))
    assert.equal(done.flat().length, sent.size, 'one came twice')
    assert.deepEqual(new Set(done.flat()), sent)
    assert.ok(
      done.every(({ length }) => length > 0),
      `a member got nothing: ${done.map(({ length }) => length).join()}`,
    )
  })

test('a will with a delay is said once to all threads, and not for who came back to another one', async (context) => {
  const { many, connect } = await fourThreads(context)
  const watchers = await many()
  for (const watcher of watchers) await watcher.subscribe('will/#')
  const properties = { sessionExpirySeconds: 600 }
  const optionsOf = (at: number) => ({
    clientId: `w${at}`,
    cleanStart: false,
    properties,
    will: { topic: `will/${at}`, payload: 'gone', properties: { willDelaySeconds: 3 } },
  })
  const leavers = await many(optionsOf)
  for (const leaver of leavers) leaver.destroy()
  // Every second one is back before its will is due, wherever that leads it.
  const back = leavers.map((_, at) => at).filter((at) => at % 2 === 0)
  await Promise.all(back.map((at) => connect(optionsOf(at))))
  const heard = watchers.map(() => [] as string[])
  await until(
    () => {
      for (const [at, { inbox }] of watchers.entries())
        for (const packet of inbox.splice(0))
          if (packet.type === PacketType.publish) heard[at].push(packet.topic)
      return heard.every(({ length }) => length >= CLIENTS / 2)
    },
    () => heard.map(({ length }) => length).join(),
  )
  const expected = leavers.flatMap((_, at) => (at % 2 === 0 ? [] : [`will/${at}`])).toSorted()
  for (const topics of heard) assert.deepEqual(topics.toSorted(), expected)
})

test('a thousand clients come in while the configuration is read again and again', async (context) => {
  const { mozzie, connect } = await fourThreads(context)
  const reloads = (): number => mozzie.stderr().split('Reloaded config.').length - 1
  const over = new AbortController()
  const reloading = (async () => {
    for (let before = reloads(); !over.signal.aborted; before = reloads()) {
      mozzie.signal('SIGHUP')
      await until(() => over.signal.aborted || reloads() > before, mozzie.stderr)
    }
  })()
  const clients: RawClient[] = []
  for (let portion = 0; portion < 20; portion++)
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => connect()))))
  over.abort()
  await reloading
  assert.ok(reloads() > 2, `${reloads()} reloads`)
  await Promise.all(clients.map((client) => client.ping()))
})

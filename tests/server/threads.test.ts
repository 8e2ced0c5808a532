/** `thread_count`: what concerns the process; what clients see the black-box tests ask (`threads-behaviour.test.ts`). */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import type { MqttClient } from 'mqtt'
import { freePort } from '../support/free-port.ts'
import { runToEnd, scratch, startMozzie, until, writeConfig } from './run-mozzie.ts'
import { connectOnce } from '../support/connect-once.ts'
import { ack, connect as connectPacket } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'

/** So many clients do not all come to one thread. */
const CLIENTS = 24

async function threaded(context: TestContext) {
  const port = await freePort()
  const config = (more: string) =>
    `thread_count 2\nlistener ${port} 127.0.0.1\nsys_interval 1\n${more}`
  const file = writeConfig(scratch(context), config('allow_anonymous true'))
  const mozzie = await startMozzie(context, '-c', file)
  const connect = async (options = {}): Promise<MqttClient> => {
    const client = await connectOnce(`mqtt://127.0.0.1:${port}`, {
      reconnectPeriod: 0,
      ...options,
    })
    context.after(() => void client.end(true))
    return client
  }
  const rewrite = (more: string) => writeFileSync(file, `user root\n${config(more)}\n`)
  return { mozzie, connect, rewrite, port }
}

test('every client hears every other one, whatever thread it is in', async (context) => {
  const { connect } = await threaded(context)
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect()))
  const heard = clients.map(() => new Set<string>())
  for (const [index, client] of clients.entries()) {
    client.on('message', (_topic, payload) => heard[index].add(String(payload)))
    await client.subscribeAsync('all', { qos: 1 })
  }
  for (const [index, client] of clients.entries())
    await client.publishAsync('all', `${index}`, { qos: 1 })
  await until(
    () => heard.every(({ size }) => size === CLIENTS),
    () => heard.map(({ size }) => size).join(),
  )
})

test('$SYS counts the clients of all threads', async (context) => {
  const { connect } = await threaded(context)
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect()))
  const seen = clients.map(() => '')
  for (const [index, client] of clients.entries()) {
    client.on('message', (_topic, payload) => (seen[index] = String(payload)))
    await client.subscribeAsync('$SYS/broker/clients/connected')
  }
  await until(
    () => seen.every((text) => text === String(CLIENTS)),
    () => seen.join(),
  )
})

test('$SYS goes on counting what the clients of all threads send and get', async (context) => {
  const { connect } = await threaded(context)
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect()))
  const seen = new Map<string, string>()
  clients[0].on('message', (topic, payload) => {
    seen.set(topic.slice(topic.lastIndexOf('/') + 1), String(payload))
  })
  await clients[0].subscribeAsync('$SYS/broker/publish/messages/+')
  for (const client of clients) await client.publishAsync('nobody', 'x', { qos: 1 })
  await until(
    () => seen.get('received') === String(CLIENTS),
    () => JSON.stringify([...seen]),
  )
})

test('$SYS counts a message for other threads once, however many of their clients get it', async (context) => {
  const { connect } = await threaded(context)
  const clients: MqttClient[] = []
  const seen = new Map<string, string>()
  let sent = 0
  // While one thread has no time the other one may take all of them, and nothing crosses.
  do {
    const more = await Promise.all(Array.from({ length: CLIENTS }, () => connect()))
    clients.push(...more)
    for (const client of more) await client.subscribeAsync('all', { qos: 1 })
    if (sent === 0) {
      clients[0].on('message', (topic, payload) => {
        seen.set(topic.slice(topic.lastIndexOf('/') + 1), String(payload))
      })
      await clients[0].subscribeAsync('$SYS/broker/publish/messages/+')
    }
    for (const client of clients) await client.publishAsync('all', 'x', { qos: 1 })
    sent += clients.length
    await until(
      () => seen.get('received') === String(sent),
      () => JSON.stringify([...seen]),
    )
  } while (!seen.has('crossed'))
  await until(
    () => seen.get('crossed') === String(clients.length),
    () => JSON.stringify([...seen]),
  )
})

test('a stop publishes the wills of all threads to the clients of all threads', async (context) => {
  const { mozzie, connect } = await threaded(context)
  const watchers = await Promise.all(Array.from({ length: 8 }, () => connect()))
  const heard = watchers.map(() => new Set<string>())
  for (const [index, watcher] of watchers.entries()) {
    watcher.on('message', (topic) => heard[index].add(topic))
    await watcher.subscribeAsync('will/#')
  }
  for (let count = 0; count < 8; count++)
    await connect({ will: { topic: `will/${count}`, payload: 'bye', qos: 0, retain: false } })
  mozzie.signal('SIGTERM')
  await until(
    () => heard.every(({ size }) => size === 8),
    () => heard.map(({ size }) => size).join(),
  )
  assert.equal(await mozzie.exited, 0)
})

test('a reload holds for the clients of all threads', async (context) => {
  const { mozzie, connect, rewrite } = await threaded(context)
  let closed = 0
  for (let count = 0; count < CLIENTS; count++) (await connect()).on('close', () => closed++)
  rewrite('allow_anonymous false')
  mozzie.signal('SIGHUP')
  await until(
    () => closed === CLIENTS,
    () => `${closed}\n${mozzie.stderr()}`,
  )
})

test('a reload says so when it holds in all threads', async (context) => {
  const { mozzie, port, rewrite } = await threaded(context)
  const lines = (): number => mozzie.stderr().split('Reloaded config.').length - 1
  const isLetIn = async (): Promise<boolean> => {
    const client = await RawClient.open(port, 5)
    context.after(() => client.destroy())
    client.send(connectPacket(5, {}))
    return (await client.expect('connack')).code === 0
  }
  for (let round = 1; round <= 20; round++) {
    const isOpen = round % 2 === 0
    rewrite(`allow_anonymous ${isOpen}`)
    mozzie.signal('SIGHUP')
    await until(() => lines() === round, mozzie.stderr)
    const answers = await Promise.all(Array.from({ length: 8 }, isLetIn))
    assert.deepEqual(new Set(answers), new Set([isOpen]))
  }
})

test('what another thread sent may be acknowledged out of its turn', async (context) => {
  const { port } = await threaded(context)
  const durable = { cleanStart: false, properties: { sessionExpirySeconds: 60 } }
  // Each comes back to whichever thread takes it.
  for (let round = 0; round < 12; round++) {
    const clientId = `c${round}`
    const client = await RawClient.open(port, 5)
    client.send(connectPacket(5, { ...durable, clientId }))
    await client.expect('connack')
    await client.subscribe({ filter: clientId, qos: 2 })
    const ids: number[] = []
    for (const qos of [1, 1, 2, 1] as const) {
      await client.publish(clientId, `${ids.length}`, { qos })
      ids.push((await client.expect('publish')).packetId)
    }
    await client.end()
    const again = await RawClient.open(port, 5)
    const properties = { ...durable.properties, receiveMaximum: 1 }
    again.send(connectPacket(5, { ...durable, clientId, properties }))
    await again.expect('connack')
    await again.expect('publish', { payload: '0' })
    again.send(ack('puback', ids[1]), ack('pubrec', ids[2]))
    await again.expect('pubrel', { packetId: ids[2], reason: 0 })
    again.send(ack('pubcomp', ids[2]), ack('puback', ids[0]))
    await again.expect('publish', { payload: '3', dup: true })
    await again.end()
  }
})

test('it says that a cluster does not go with several threads', (context) => {
  const file = writeConfig(
    scratch(context),
    'thread_count 2\nlistener 1883 127.0.0.1\nallow_anonymous true\ncluster_url nats://127.0.0.1:1',
  )
  const { code, stderr } = runToEnd('-c', file)
  assert.notEqual(code, 0)
  assert.match(stderr, /thread_count.*cluster_url/)
})

import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'

const behaviour = behaviours('session takeover')

behaviour(
  'a CONNECT with the id of a connected client ends the earlier connection',
  { v3: '', v4: '[MQTT-3.1.4-2]', v5: '[MQTT-3.1.4-3] [MQTT-3.14.2-1] [MQTT-3.14.4-2]' },
  async ({ connect, clientId }) => {
    const first = await connect({ clientId })
    const second = await connect({ clientId })
    await first.expectDropped(0x8e)
    await second.ping()
  },
)

behaviour(
  'the DISCONNECT at a takeover carries no session expiry',
  { v5: '[MQTT-3.14.2-2]' },
  async ({ connect, clientId }) => {
    const properties = { sessionExpirySeconds: 60 }
    const first = await connect({ clientId, properties })
    await connect({ clientId, properties })
    const { properties: said } = await first.expect('disconnect', { reason: 0x8e })
    assert.equal(said.sessionExpirySeconds, undefined)
  },
)

behaviour(
  'a takeover keeps the subscriptions and the queue of a durable session',
  { v3: '', v4: '[MQTT-3.1.2-4] [MQTT-4.4.0-1]', v5: '[MQTT-3.1.2-5] [MQTT-4.4.0-1]' },
  async ({ connect, connectFor, clientId, topic, version }) => {
    const properties = version === 5 ? { sessionExpirySeconds: 60 } : {}
    const options = { clientId, cleanStart: false, properties }
    const first = await connect(options)
    await first.subscribe({ filter: topic, qos: 1 })
    const publisher = await connect()
    await publisher.publish(topic, 'unacknowledged', { qos: 1 })
    await first.expect('publish', { payload: 'unacknowledged', dup: false })
    const [second, connack] = await connectFor(options)
    if (version !== 3) assert.equal(connack.sessionPresent, true)
    await second.expect('publish', { payload: 'unacknowledged', dup: true })
    await publisher.publish(topic, 'later', { qos: 1 })
    await second.expect('publish', { payload: 'later', dup: false })
  },
)

behaviour(
  'a clean takeover finds no session',
  { v4: '[MQTT-3.2.2-1]', v5: '[MQTT-3.2.2-2]' },
  async ({ connect, connectFor, clientId, topic, version }) => {
    const properties = version === 5 ? { sessionExpirySeconds: 60 } : {}
    const first = await connect({ clientId, cleanStart: false, properties })
    await first.subscribe(topic)
    const [second, connack] = await connectFor({ clientId, cleanStart: true, properties })
    assert.equal(connack.sessionPresent, false)
    await (await connect()).publish(topic, 'x')
    await second.expectNothing()
  },
)

behaviour(
  'of many connections with one id the last one stays',
  { v3: '', v4: '[MQTT-3.1.4-2]', v5: '[MQTT-3.1.4-3]' },
  async ({ connect, clientId }) => {
    const clients = []
    for (let count = 0; count < 20; count++) clients.push(await connect({ clientId }))
    const last = clients.pop()!
    for (const client of clients) await client.expectDropped(0x8e)
    await last.ping()
  },
)

behaviour(
  'a takeover of a clean session publishes its will',
  { v3: '', v4: '[MQTT-3.1.2-8]', v5: '[MQTT-3.1.2-8]' },
  async ({ connect, clientId, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    await connect({ clientId, will: { topic, payload: 'gone' } })
    await connect({ clientId })
    await watcher.expect('publish', { topic, payload: 'gone' })
  },
)

behaviour(
  'a takeover that resumes the session publishes a will without delay',
  { v3: '', v4: '[MQTT-3.1.2-8]', v5: '[MQTT-3.1.2-8]' },
  async ({ connect, clientId, topic, version }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const properties = version === 5 ? { sessionExpirySeconds: 60 } : {}
    const options = { clientId, cleanStart: false, properties }
    await connect({ ...options, will: { topic, payload: 'gone' } })
    await connect(options)
    await watcher.expect('publish', { topic, payload: 'gone' })
  },
)

behaviour(
  'a takeover that resumes the session within the will delay publishes no will',
  { v5: '[MQTT-3.1.3-9]' },
  async ({ connect, clientId, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const options = { clientId, cleanStart: false, properties: { sessionExpirySeconds: 60 } }
    const properties = { willDelaySeconds: 30 }
    await connect({ ...options, will: { topic, payload: 'gone', properties } })
    await connect(options)
    await watcher.expectNothing()
  },
)

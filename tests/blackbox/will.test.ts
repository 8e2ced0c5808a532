import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { behaviours } from '../support/behaviour.ts'
import { connect, disconnect } from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'

const behaviour = behaviours('wills', { concurrency: 4 })

const ABNORMAL_ENDS: [how: string, end: (client: RawClient) => void | Promise<void>][] = [
  ['an I/O error', (client) => client.destroy()],
  ['a close without DISCONNECT', (client) => client.end()],
  ['a protocol error', (client) => client.send('f0 ff ff ff ff ff')],
]

for (const [how, end] of ABNORMAL_ENDS) {
  behaviour(
    `the will is published after ${how}`,
    {
      v3: '',
      v4: '[MQTT-3.1.2-8] [MQTT-3.1.2-16]',
      v5: '[MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-14]',
    },
    async ({ connect, topic }) => {
      const watcher = await connect()
      await watcher.subscribe({ filter: topic, qos: 2 })
      const client = await connect({ will: { topic, payload: 'gone', qos: 1 } })
      await end(client)
      await watcher.receive({ topic, payload: 'gone', qos: 1, retain: false })
      const late = await connect()
      await late.subscribe(topic)
      await late.expectNothing()
    },
  )
}

behaviour(
  'DISCONNECT removes the will',
  {
    v3: '',
    v4: '[MQTT-3.14.4-3] [MQTT-3.1.2-10] [MQTT-3.1.2-8]',
    v5: '[MQTT-3.14.4-3] [MQTT-3.1.2-10] [MQTT-3.1.2-8]',
  },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const client = await connect({ will: { topic, payload: 'gone' } })
    await client.disconnect()
    await watcher.expectNothing()
  },
)

behaviour(
  'DISCONNECT with code 0x04 or an error publishes the will',
  { v5: '[MQTT-3.1.2-8] [MQTT-3.14.2-1]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    for (const reason of [0x04, 0x80]) {
      const client = await connect({ will: { topic, payload: `${reason}` } })
      await client.disconnect(reason)
      await watcher.expect('publish', { payload: `${reason}` })
    }
  },
)

behaviour(
  'a connection without a will publishes none',
  { v3: '', v4: '[MQTT-3.1.2-12]', v5: '[MQTT-3.1.2-7]' },
  async ({ connect, clientId, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    // The will of an earlier connection of the same client is no will of this one.
    const first = await connect({ clientId, will: { topic, payload: 'gone' } })
    await first.disconnect()
    const second = await connect({ clientId })
    await second.end()
    await watcher.expectNothing()
  },
)

behaviour(
  'the will is published once',
  { v3: '', v4: '[MQTT-3.1.2-10]', v5: '[MQTT-3.1.2-10]' },
  async ({ connect, clientId, topic, version }) => {
    const properties = version === 5 ? { sessionExpirySeconds: 60 } : {}
    const durable = { clientId, cleanStart: false, properties }
    const watcher = await connect()
    await watcher.subscribe(topic)
    const first = await connect({ ...durable, will: { topic, payload: 'gone' } })
    first.destroy()
    await watcher.expect('publish', { payload: 'gone' })
    const second = await connect(durable)
    await second.end()
    await watcher.expectNothing()
  },
)

behaviour(
  'a will with RETAIN is kept as the retained message of its topic',
  { v3: '', v4: '[MQTT-3.1.2-17]', v5: '[MQTT-3.1.2-15]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const client = await connect({ will: { topic, payload: 'gone', retain: true } })
    client.destroy()
    await watcher.expect('publish', { payload: 'gone', retain: false })
    const late = await connect()
    await late.subscribe(topic)
    await late.expect('publish', { payload: 'gone', retain: true })
  },
)

behaviour(
  'a will is delivered at each QoS',
  { v3: '', v4: '[MQTT-3.1.2-9]', v5: '[MQTT-3.1.2-8]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe({ filter: topic, qos: 2 })
    for (const qos of [0, 1, 2] as const) {
      const client = await connect({ will: { topic, payload: 'gone', qos } })
      client.destroy()
      await watcher.receive({ payload: 'gone', qos })
    }
  },
)

behaviour('an empty will is published', { v3: '', v4: '', v5: '' }, async ({ connect, topic }) => {
  const watcher = await connect()
  await watcher.subscribe(topic)
  const client = await connect({ will: { topic } })
  client.destroy()
  await watcher.expect('publish', { topic, payload: '' })
})

behaviour(
  'the properties of the will are those of the message, user properties in order',
  { v5: '[MQTT-3.1.3-10]' },
  async ({ connect, topic }) => {
    const userProperties: [string, string][] = [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
    ]
    const properties = {
      payloadFormat: 1,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Uint8Array.of(1, 2),
      userProperties,
    }
    const watcher = await connect()
    await watcher.subscribe(topic)
    const client = await connect({ will: { topic, payload: 'gone', properties } })
    client.destroy()
    await watcher.expect('publish', { payload: 'gone', properties })
  },
)

behaviour('the will waits for its delay', { v5: '[MQTT-3.1.2-8]' }, async ({ connect, topic }) => {
  const watcher = await connect()
  await watcher.subscribe(topic)
  const will = { topic, payload: 'gone', properties: { willDelaySeconds: 1 } }
  const client = await connect({ will, properties: { sessionExpirySeconds: 60 } })
  const start = performance.now()
  client.destroy()
  await watcher.expect('publish', { payload: 'gone' })
  assert.ok(performance.now() - start >= 900)
})

behaviour(
  'a reconnection within the delay stops the will',
  { v5: '[MQTT-3.1.3-9]' },
  async ({ connect, clientId, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const delayed = { willDelaySeconds: 8 }
    const properties = { sessionExpirySeconds: 60 }
    const options = { clientId, cleanStart: false, properties }
    const client = await connect({ ...options, will: { topic, payload: '1', properties: delayed } })
    client.destroy()
    await connect(options)
    // A will that is due later says when the first one would have been there.
    const other = await connect({ properties, will: { topic, payload: '2', properties: delayed } })
    other.destroy()
    await watcher.expect('publish', { payload: '2' })
    await watcher.expectNothing()
  },
)

behaviour(
  'the end of the session publishes the will before its delay is over',
  { v5: '[MQTT-3.1.2-8]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const will = { topic, payload: 'gone', properties: { willDelaySeconds: 60 } }
    const client = await connect({ will, properties: { sessionExpirySeconds: 1 } })
    client.destroy()
    await watcher.expect('publish', { payload: 'gone' })
  },
)

behaviour(
  'a delay without a session that lasts is no delay',
  { v5: '[MQTT-3.1.2-8]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const will = { topic, payload: 'gone', properties: { willDelaySeconds: 60 } }
    const client = await connect({ will })
    client.destroy()
    await watcher.expect('publish', { payload: 'gone' })
  },
)

behaviour(
  'a delay of 0xFFFFFFFF s does not publish at once',
  { v5: '[MQTT-3.1.2-8]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const will = { topic, payload: 'gone', properties: { willDelaySeconds: 0xffff_ffff } }
    const client = await connect({ will, properties: { sessionExpirySeconds: 0xffff_ffff } })
    await client.end()
    await sleep(1500)
    await watcher.expectNothing()
  },
)

behaviour(
  'a clean start within the delay ends the session and publishes the will',
  { v5: '[MQTT-3.1.2-8]' },
  async ({ connect, clientId, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const will = { topic, payload: 'gone', properties: { willDelaySeconds: 60 } }
    const properties = { sessionExpirySeconds: 60 }
    const client = await connect({ clientId, will, properties })
    client.destroy()
    await connect({ clientId, cleanStart: true })
    await watcher.expect('publish', { payload: 'gone' })
  },
)

behaviour(
  'the will goes out after a second CONNECT',
  { v3: '', v4: '[MQTT-3.1.2-8]', v5: '[MQTT-3.1.2-8]' },
  async ({ connect: connected, version, clientId, topic }) => {
    const watcher = await connected()
    await watcher.subscribe(topic)
    const client = await connected({ clientId, will: { topic, payload: 'gone' } })
    client.send(connect(version, { clientId }))
    await watcher.expect('publish', { payload: 'gone' })
  },
)

behaviour(
  'a will below $SYS or $CONTROL is refused',
  { v3: '', v4: '', v5: '[MQTT-3.1.4-2]' },
  async ({ open, version, clientId }) => {
    for (const topic of ['$SYS/broker/version', '$CONTROL/broker/v1']) {
      const client = await open()
      client.send(connect(version, { clientId, will: { topic, payload: 'x' } }))
      const { code } = await client.expect('connack', { sessionPresent: false })
      assert.ok(version === 5 ? code >= 0x80 : code > 0, `code ${code}`)
      await client.expectClosed()
    }
  },
)

behaviour(
  'a will that is not the UTF-8 it claims is refused with 0x99',
  { v5: '[MQTT-3.2.2-6] [MQTT-3.2.2-7]' },
  async ({ open, clientId, topic }) => {
    for (const [payload, code] of [
      [Uint8Array.of(0xc3, 0x28), 0x99],
      ['line\n\0', 0],
    ] as const) {
      const client = await open()
      const will = { topic, payload, properties: { payloadFormat: 1 } }
      client.send(connect(5, { clientId, will }))
      await client.expect('connack', { code })
      if (code !== 0) await client.expectClosed()
      else await client.disconnect()
    }
  },
)

behaviour(
  'a CONNECT that is refused leaves no will',
  { v4: '[MQTT-3.1.2-8]', v5: '[MQTT-3.1.4-6]' },
  async ({ connect: connected, open, version, clientId, topic }) => {
    const watcher = await connected()
    await watcher.subscribe(topic)
    const client = await open()
    const will = { topic, payload: 'gone' }
    const bytes = client.bytesOf([connect(version, { clientId, will })])
    bytes[9] |= 1
    client.send(bytes, disconnect(4))
    await client.expectConnectRefused(0x81)
    await watcher.expectNothing()
  },
)

const limited = behaviours('wills under limits', { config: 'max_qos 1\nretain_available false' })

limited(
  'a will above the maximum QoS is refused with 0x9B',
  { v5: '[MQTT-3.2.2-12] [MQTT-3.2.2-6] [MQTT-3.2.2-7]' },
  async ({ open, topic, clientId }) => {
    const client = await open()
    client.send(connect(5, { clientId, will: { topic, qos: 2 } }))
    await client.expect('connack', { code: 0x9b, sessionPresent: false })
    await client.expectClosed()
  },
)

limited(
  'a retained will is refused with 0x9A where nothing is retained',
  { v5: '[MQTT-3.2.2-13] [MQTT-3.2.2-6] [MQTT-3.2.2-7]' },
  async ({ open, topic, clientId }) => {
    const client = await open()
    client.send(connect(5, { clientId, will: { topic, retain: true } }))
    await client.expect('connack', { code: 0x9a, sessionPresent: false })
    await client.expectClosed()
  },
)

limited(
  'a will above the limits closes the connection',
  { v3: '', v4: '[MQTT-3.2.2-6]' },
  async ({ open, version, topic, clientId }) => {
    for (const will of [
      { topic, qos: 2 },
      { topic, retain: true },
    ] as const) {
      const client = await open()
      client.send(connect(version, { clientId, will }))
      await client.expectClosed()
    }
  },
)

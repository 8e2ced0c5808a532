import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { behaviours } from '../support/behaviour.ts'

// These tests wait for the broker's clock, which counts whole seconds: they run side by side.
const behaviour = behaviours('session expiry', { concurrency: 8 })

behaviour(
  'the session is gone when its expiry has passed',
  { v5: '[MQTT-4.1.0-2]' },
  async ({ connect, connectFor, clientId }) => {
    const options = { clientId, cleanStart: false }
    const client = await connect({ ...options, properties: { sessionExpirySeconds: 1 } })
    await client.end()
    await sleep(3000)
    const [, connack] = await connectFor(options)
    assert.equal(connack.sessionPresent, false)
  },
)

behaviour(
  'the session is there before its expiry',
  { v5: '[MQTT-3.1.2-23] [MQTT-3.1.2-5]' },
  async ({ connect, connectFor, clientId }) => {
    const options = { clientId, cleanStart: false }
    const client = await connect({ ...options, properties: { sessionExpirySeconds: 30 } })
    await client.end()
    await sleep(1500)
    const [, connack] = await connectFor(options)
    assert.equal(connack.sessionPresent, true)
  },
)

behaviour(
  'the expiry counts from the close, not from CONNECT',
  { v5: '[MQTT-4.1.0-2]' },
  async ({ connect, connectFor, clientId }) => {
    const options = { clientId, cleanStart: false }
    const client = await connect({ ...options, properties: { sessionExpirySeconds: 8 } })
    await sleep(9000)
    await client.end()
    const [, connack] = await connectFor(options)
    assert.equal(connack.sessionPresent, true)
  },
)

for (const sessionExpirySeconds of [0xffff_fffe, 0xffff_ffff]) {
  behaviour(
    `an expiry of ${sessionExpirySeconds} s does not end the session at once`,
    { v5: '[MQTT-3.1.2-23]' },
    async ({ connect, connectFor, clientId }) => {
      const options = { clientId, cleanStart: false }
      const client = await connect({ ...options, properties: { sessionExpirySeconds } })
      await client.end()
      await sleep(1500)
      const [, connack] = await connectFor(options)
      assert.equal(connack.sessionPresent, true)
    },
  )
}

behaviour(
  'without an expiry the session ends with the connection though it was not a clean start',
  { v5: '[MQTT-4.1.0-2]' },
  async ({ connect, connectFor, clientId }) => {
    const client = await connect({ clientId, cleanStart: false })
    await client.end()
    const [, connack] = await connectFor({ clientId, cleanStart: false })
    assert.equal(connack.sessionPresent, false)
  },
)

behaviour(
  'DISCONNECT may shorten the expiry',
  { v5: '[MQTT-4.1.0-2]' },
  async ({ connect, connectFor, clientId }) => {
    const options = { clientId, cleanStart: false }
    const client = await connect({ ...options, properties: { sessionExpirySeconds: 30 } })
    await client.disconnect(0, { sessionExpirySeconds: 0 })
    const [, connack] = await connectFor(options)
    assert.equal(connack.sessionPresent, false)
  },
)

behaviour(
  'DISCONNECT may not give an expiry to a session that had none',
  { v5: '[MQTT-4.13.1-1]' },
  async ({ connect, clientId }) => {
    const client = await connect({ clientId })
    client.send({ type: 14, reason: 0, properties: { sessionExpirySeconds: 30 } })
    await client.expectDropped(0x82)
  },
)

behaviour(
  'the session of a client that asked for no clean session has no expiry',
  { v4: '[MQTT-3.1.2-4]', v3: '' },
  async ({ connect, clientId, topic }) => {
    const client = await connect({ clientId, cleanStart: false })
    await client.subscribe({ filter: topic, qos: 1 })
    await client.end()
    await sleep(1500)
    await (await connect()).publish(topic, 'x', { qos: 1 })
    const again = await connect({ clientId, cleanStart: false })
    await again.expect('publish', { payload: 'x' })
  },
)

import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { auth, connect, publish } from '../support/packets.ts'

const behaviour = behaviours('enhanced authentication')

behaviour(
  'an authentication method the broker does not know is refused with 0x8C',
  { v5: '[MQTT-4.12.0-1] [MQTT-3.2.2-6] [MQTT-3.2.2-7]' },
  async ({ open, clientId }) => {
    const client = await open()
    client.send(connect(5, { clientId, properties: { authenticationMethod: 'NONE-SUCH' } }))
    await client.expect('connack', { code: 0x8c, sessionPresent: false })
    await client.expectClosed()
  },
)

behaviour(
  'what a client sends after naming a method is not processed before CONNACK',
  { v5: '[MQTT-3.1.2-30] [MQTT-3.1.4-6]' },
  async ({ connect: connected, open, clientId, topic }) => {
    const watcher = await connected()
    await watcher.subscribe(topic)
    const client = await open()
    const properties = { authenticationMethod: 'NONE-SUCH' }
    client.send(connect(5, { clientId, properties }), publish(topic, 'too early'))
    await client.expect('connack', { code: 0x8c })
    await client.expectClosed()
    await watcher.expectNothing()
  },
)

behaviour(
  'without a method CONNACK has none and no AUTH comes',
  { v5: '[MQTT-4.12.0-6]' },
  async ({ connectFor }) => {
    const [client, { properties }] = await connectFor()
    assert.equal(properties.authenticationMethod, undefined)
    assert.equal(properties.authenticationData, undefined)
    await client.expectNothing()
  },
)

behaviour(
  'AUTH from a client that named no method ends the connection with 0x82',
  { v5: '[MQTT-4.12.0-7] [MQTT-4.12.0-3] [MQTT-4.12.1-1]' },
  async ({ connect }) => {
    for (const reason of [0x18, 0x19]) {
      const client = await connect()
      client.send(auth(reason, { authenticationMethod: 'NONE-SUCH' }))
      await client.expectDropped(0x82)
    }
  },
)

behaviour(
  'AUTH before CONNECT closes the connection without an answer',
  { v5: '[MQTT-3.1.0-1] [MQTT-3.14.0-1]' },
  async ({ open }) => {
    const client = await open()
    client.send('f0 00')
    await client.expectClosed()
  },
)

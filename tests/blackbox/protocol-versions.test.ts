import { behaviours } from '../support/behaviour.ts'
import { connect } from '../support/packets.ts'

const old = behaviours('a listener for 3.1.1', { config: 'accept_protocol_versions 4' })

old('CONNECT of 5.0 is refused with 0x84', { v5: '[MQTT-3.1.2-2]' }, async (scene) => {
  const client = await scene.open()
  client.send(connect(5, { clientId: scene.clientId }))
  await client.expect('connack', { code: 0x84, sessionPresent: false })
  await client.expectClosed()
})

old('CONNECT of 3.1 is refused with 1', { v3: '' }, async (scene) => {
  const client = await scene.open()
  client.send(connect(3, { clientId: scene.clientId }))
  await client.expect('connack', { code: 1 })
  await client.expectClosed()
})

old('CONNECT of 3.1.1 is accepted', { v4: '[MQTT-3.1.2-2]' }, async ({ connect }) => {
  await (await connect()).ping()
})

const modern = behaviours('a listener for 5.0', { config: 'accept_protocol_versions 5' })

modern('CONNECT of 3.1.1 is refused with 1', { v4: '[MQTT-3.1.2-2]' }, async (scene) => {
  const client = await scene.open()
  client.send(connect(4, { clientId: scene.clientId }))
  await client.expect('connack', { code: 1, sessionPresent: false })
  await client.expectClosed()
})

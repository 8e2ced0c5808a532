import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { connect } from '../support/packets.ts'

const behaviour = behaviours('client ids')

const LETTERS_AND_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

behaviour(
  'ids of 1 and of 23 letters and digits are accepted',
  { v3: '', v4: '[MQTT-3.1.3-5]', v5: '[MQTT-3.1.3-5]' },
  async ({ connect }) => {
    const ids = ['Z', LETTERS_AND_DIGITS.slice(0, 23), LETTERS_AND_DIGITS.slice(-23)]
    for (const clientId of ids) await (await connect({ clientId })).disconnect()
  },
)

behaviour(
  'a long id with letters of any script is accepted',
  { v3: '', v4: '', v5: '' },
  async ({ connect, clientId }) => {
    await (await connect({ clientId: `${clientId} Größe 蚊 🦟 ${'x'.repeat(500)}` })).disconnect()
  },
)

behaviour(
  'an empty id with clean session gets an id of its own',
  { v4: '[MQTT-3.1.3-6] [MQTT-3.1.3-7]' },
  async ({ connect, topic }) => {
    const first = await connect({ clientId: '' })
    const second = await connect({ clientId: '' })
    await first.subscribe(topic)
    await second.publish(topic, 'x')
    await first.expect('publish', { topic })
  },
)

behaviour(
  'an empty id gets an assigned one, which is returned',
  { v5: '[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16]' },
  async ({ connectFor }) => {
    const [, first] = await connectFor({ clientId: '' })
    const [, second] = await connectFor({ clientId: '' })
    assert.match(first.properties.assignedClientId ?? '', /^auto-[0-9A-F]{8}(-[0-9A-F]{4}){3}-/)
    assert.notEqual(first.properties.assignedClientId, second.properties.assignedClientId)
  },
)

behaviour(
  'the assigned id names the session afterwards',
  { v5: '[MQTT-3.1.3-7] [MQTT-3.1.3-2]' },
  async ({ connectFor }) => {
    const properties = { sessionExpirySeconds: 60 }
    const [first, connack] = await connectFor({ clientId: '', cleanStart: false, properties })
    await first.end()
    const clientId = connack.properties.assignedClientId!
    const [, again] = await connectFor({ clientId, cleanStart: false })
    assert.equal(again.sessionPresent, true)
  },
)

behaviour(
  'an id the client chose is not returned as assigned',
  { v5: '[MQTT-3.1.3-7]' },
  async ({ connectFor, clientId }) => {
    const [, { properties }] = await connectFor({ clientId })
    assert.equal(properties.assignedClientId, undefined)
  },
)

behaviour(
  'an empty id without clean session is refused with CONNACK 2 and the close',
  {
    v4: '[MQTT-3.1.3-7] [MQTT-3.1.3-8] [MQTT-3.1.3-9] [MQTT-3.2.2-4] [MQTT-3.2.2-5]',
  },
  async ({ open, version }) => {
    const client = await open()
    client.send(connect(version, { clientId: '', cleanStart: false }))
    await client.expect('connack', { code: 2, sessionPresent: false })
    await client.expectClosed()
  },
)

behaviour(
  'an empty id is refused with CONNACK 2 and the close',
  { v3: '' },
  async ({ open, version }) => {
    const client = await open()
    client.send(connect(version, { clientId: '' }))
    await client.expect('connack', { code: 2 })
    await client.expectClosed()
  },
)

const strict = behaviours('client ids under restrictions', {
  config: 'allow_zero_length_clientid false\nclientid_prefixes t',
})

strict(
  'an empty id is refused where the configuration does not allow it',
  { v4: '[MQTT-3.1.3-9]', v5: '[MQTT-3.1.3-8] [MQTT-3.2.2-6] [MQTT-3.2.2-7]' },
  async ({ open, version }) => {
    const client = await open()
    client.send(connect(version, { clientId: '' }))
    await client.expect('connack', { code: version === 5 ? 0x80 : 2, sessionPresent: false })
    await client.expectClosed()
  },
)

strict(
  'an id without the configured prefix is not authorized',
  { v3: '', v4: '[MQTT-3.2.2-5]', v5: '[MQTT-3.1.4-2] [MQTT-4.13.2-1]' },
  async ({ open, version }) => {
    const client = await open()
    client.send(connect(version, { clientId: 'other' }))
    await client.expect('connack', { code: version === 5 ? 0x87 : 5, sessionPresent: false })
    await client.expectClosed()
  },
)

strict(
  'a refused CONNECT leaves the session of that id alone',
  { v4: '[MQTT-3.1.4-5]', v5: '[MQTT-3.1.4-6]' },
  async ({ connect: connected, open, version, clientId }) => {
    const first = await connected({ clientId })
    const second = await open()
    const bytes = second.bytesOf([connect(version, { clientId })])
    bytes[9] |= 1
    second.send(bytes)
    await second.expectConnectRefused(0x81)
    await first.ping()
  },
)

const named = behaviours('generated client ids under clientid_prefixes', {
  config: 'clientid_prefixes t',
})

named(
  'an id that the broker makes needs the configured prefix too',
  { v4: '[MQTT-3.2.2-5]', v5: '[MQTT-3.1.4-2]' },
  async ({ open, version }) => {
    const client = await open()
    client.send(connect(version, { clientId: '' }))
    await client.expect('connack', { code: version === 5 ? 0x87 : 5, sessionPresent: false })
    await client.expectClosed()
  },
)

const prefixed = behaviours('generated client ids that begin with clientid_prefixes', {
  config: 'clientid_prefixes t\nauto_id_prefix t-',
})

prefixed(
  'auto_id_prefix makes ids that clientid_prefixes lets in',
  { v4: '[MQTT-3.1.3-6]', v5: '[MQTT-3.1.3-6]' },
  async ({ open, version }) => {
    const client = await open()
    client.send(connect(version, { clientId: '' }))
    await client.expect('connack', { code: 0 })
  },
)

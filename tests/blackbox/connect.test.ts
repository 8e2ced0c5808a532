import assert from 'node:assert/strict'
import { behaviours } from '../support/behaviour.ts'
import { connect, disconnect, publish, subscribe } from '../support/packets.ts'

const behaviour = behaviours('CONNECT')

behaviour(
  'a valid CONNECT gets an accepting CONNACK before anything else',
  {
    v3: '',
    v4: '[MQTT-3.1.4-4] [MQTT-3.2.0-1] [MQTT-7.1.1-1]',
    v5: '[MQTT-3.1.4-5] [MQTT-3.2.0-1] [MQTT-3.2.2-8]',
  },
  async ({ open, version, clientId }) => {
    const client = await open()
    client.send(connect(version, { clientId }))
    await client.expect('connack', { code: 0, sessionPresent: false })
    assert.equal(client.firstBytes[0], 0x20)
  },
)

behaviour(
  'CONNECT may carry its will, user name and password in that order',
  {
    v3: '',
    v4: '[MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT-3.1.2-9] [MQTT-3.1.2-19] [MQTT-3.1.2-21]',
    v5: '[MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT-3.1.2-9] [MQTT-3.1.2-17] [MQTT-3.1.2-19]',
  },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const will = { topic, payload: 'gone' }
    const client = await connect({ will, username: 'user', password: 'secret' })
    client.destroy()
    await watcher.expect('publish', { topic, payload: 'gone' })
  },
)

/** Which flags of CONNECT may stand together; in 3.1 those of a will that there is not are disregarded. */
function isRight(flags: number, version: number): boolean {
  const has = (bit: number) => (flags & bit) !== 0
  const willQos = (flags >> 3) & 3
  if (willQos === 3) return false
  if (version >= 4 && has(0x01)) return false
  if (version >= 4 && !has(0x04) && (willQos > 0 || has(0x20))) return false
  return version === 5 || has(0x80) || !has(0x40)
}

function textOf(text: string): number[] {
  return [text.length >> 8, text.length & 255, ...Buffer.from(text)]
}

/** A CONNECT by hand, as no encoder makes it: the flags as they are, and what they announce. */
function connectOf(version: number, flags: number, clientId: string, topic: string): Uint8Array {
  const noProperties = version === 5 ? [0] : []
  const body = [
    ...textOf(version === 3 ? 'MQIsdp' : 'MQTT'),
    ...[version, flags, 0, 0, ...noProperties],
    ...textOf(clientId),
    ...(flags & 0x04 ? [...noProperties, ...textOf(topic), ...textOf('gone')] : []),
    ...(flags & 0x80 ? textOf('user') : []),
    ...(flags & 0x40 ? textOf('secret') : []),
  ]
  return Uint8Array.of(0x10, body.length, ...body)
}

behaviour(
  'every combination of connect flags is taken or refused as its version says',
  {
    v3: '',
    v4: '[MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-14] [MQTT-3.1.2-15] [MQTT-3.1.2-22]',
    v5: '[MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-12] [MQTT-3.1.2-13]',
  },
  async ({ open, version, clientId, topic }) => {
    for (let flags = 0; flags < 256; flags++) {
      const client = await open()
      client.send(connectOf(version, flags, `${clientId}${flags}`, topic))
      if (!isRight(flags, version)) await client.expectConnectRefused(0x81, 0x82)
      else await client.expect('connack', { code: 0, sessionPresent: false })
      client.destroy()
    }
  },
)

behaviour(
  'a password needs no user name',
  { v5: '[MQTT-3.1.2-16] [MQTT-3.1.2-19]' },
  async ({ connect }) => {
    const client = await connect({ password: 'secret' })
    await client.ping()
  },
)

behaviour(
  'a second CONNECT closes the connection',
  { v3: '', v4: '[MQTT-3.1.0-2] [MQTT-4.8.0-1]', v5: '[MQTT-3.1.0-2] [MQTT-4.13.1-1]' },
  async ({ connect: connected, version, clientId }) => {
    const client = await connected({ clientId })
    client.send(connect(version, { clientId }))
    await client.expectDropped(0x82)
  },
)

behaviour(
  'a first packet other than CONNECT closes the connection without an answer',
  { v3: '', v4: '[MQTT-3.1.0-1]', v5: '[MQTT-3.1.0-1] [MQTT-3.14.0-1]' },
  async ({ open, topic }) => {
    const firsts = [publish(topic, 'x'), subscribe(1, [{ filter: topic }]), disconnect(), 'c000']
    for (const first of firsts) {
      const client = await open()
      client.send(first)
      await client.expectClosed()
    }
  },
)

behaviour(
  'a protocol name that is not MQTT is not served',
  { v4: '[MQTT-3.1.2-1]', v5: '[MQTT-3.1.2-1]' },
  async ({ open, version, clientId }) => {
    const client = await open()
    const bytes = client.bytesOf([connect(version, { clientId })])
    bytes.set(Buffer.from('MQTX'), 4)
    client.send(bytes)
    await client.expectConnectRefused(0x84)
  },
)

behaviour(
  'a protocol level above 5 is answered by CONNACK 1 and the close',
  { v4: '[MQTT-3.1.2-2] [MQTT-3.2.2-4] [MQTT-3.2.2-5]' },
  async ({ open, version, clientId }) => {
    const client = await open()
    const bytes = client.bytesOf([connect(version, { clientId })])
    bytes[8] = 6
    client.send(bytes)
    await client.expect('connack', { code: 1, sessionPresent: false })
    await client.expectClosed()
  },
)

behaviour(
  'a level with the bridge bit is served as its version',
  { v3: '', v4: '' },
  async ({ open, version, clientId }) => {
    const client = await open()
    client.send({ ...connect(version, { clientId }), bridge: true })
    await client.expect('connack', { code: 0 })
  },
)

behaviour(
  'the reserved flag of CONNECT closes the connection',
  { v4: '[MQTT-3.1.2-3] [MQTT-3.1.4-1] [MQTT-3.2.2-6]', v5: '[MQTT-3.1.2-3] [MQTT-3.1.4-1]' },
  async ({ open, version, clientId }) => {
    const client = await open()
    const bytes = client.bytesOf([connect(version, { clientId })])
    bytes[9] |= 1
    client.send(bytes)
    await client.expectConnectRefused(0x81)
  },
)

behaviour(
  'what follows a refused CONNECT is not processed',
  { v4: '[MQTT-3.1.4-5]', v5: '[MQTT-3.1.4-6]' },
  async ({ connect: connected, open, version, clientId, topic }) => {
    const watcher = await connected()
    await watcher.subscribe(topic)
    const client = await open()
    const bytes = client.bytesOf([connect(version, { clientId })])
    bytes[9] |= 1
    client.send(bytes, publish(topic, 'too late'))
    await client.expectConnectRefused(0x81)
    await watcher.expectNothing()
  },
)

behaviour(
  'CONNECT and what follows it may come in one write',
  { v3: '', v4: '[MQTT-3.2.0-1]', v5: '[MQTT-3.2.0-1]' },
  async ({ open, version, clientId, topic }) => {
    const client = await open()
    client.send(
      connect(version, { clientId }),
      subscribe(1, [{ filter: topic }]),
      publish(topic, 'x'),
    )
    await client.expect('connack', { code: 0 })
    await client.find('suback', { packetId: 1 })
    await client.expect('publish', { topic, payload: 'x' })
  },
)

behaviour(
  'CONNACK has no flag but session present',
  { v4: '[MQTT-2.2.2-1]', v5: '[MQTT-3.2.2-1] [MQTT-3.2.0-2]' },
  async ({ connect, clientId }) => {
    // The decoder refuses other flags, and a second CONNACK would stand before the PINGRESP.
    const client = await connect({ clientId })
    await client.expectNothing()
  },
)

behaviour(
  'PINGREQ gets PINGRESP',
  { v3: '', v4: '[MQTT-3.12.4-1]', v5: '[MQTT-3.12.4-1]' },
  async ({ connect }) => {
    const client = await connect()
    client.send('c000', 'c000')
    await client.expect('pingresp')
    await client.expect('pingresp')
  },
)

behaviour(
  'the broker closes after DISCONNECT',
  { v3: '', v4: '[MQTT-3.14.4-1]', v5: '[MQTT-3.14.4-2]' },
  async ({ connect }) => {
    const client = await connect()
    client.send(disconnect())
    await client.expectClosed()
  },
)

behaviour(
  'packets after DISCONNECT are not processed',
  { v3: '', v4: '[MQTT-3.14.4-2]', v5: '[MQTT-3.14.4-1]' },
  async ({ connect, topic }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const client = await connect()
    client.send(disconnect(), publish(topic, 'too late'))
    await client.expectClosed()
    await watcher.expectNothing()
  },
)

behaviour(
  'CONNACK announces what the broker limits',
  { v5: '[MQTT-3.2.2-9] [MQTT-4.9.0-1]' },
  async ({ connectFor }) => {
    const [, { properties }] = await connectFor()
    assert.equal(properties.receiveMaximum, 20)
    assert.equal(properties.topicAliasMaximum, 10)
    assert.equal(properties.maximumPacketSize, 2_000_000)
    assert.equal(properties.maximumQos, undefined)
  },
)

behaviour(
  'response information is not given when not asked for',
  { v5: '[MQTT-3.1.2-28]' },
  async ({ connectFor }) => {
    const asked = { requestResponseInformation: 0 }
    const [, { properties }] = await connectFor({ properties: asked })
    assert.equal(properties.responseInformation, undefined)
  },
)

behaviour(
  'without a keep alive of its own the broker uses that of the client',
  { v5: '[MQTT-3.2.2-22]' },
  async ({ connectFor }) => {
    const [, { properties }] = await connectFor({ keepAliveSeconds: 60 })
    assert.equal(properties.serverKeepAliveSeconds, undefined)
  },
)

const answer = behaviours('CONNACK', {
  config: [
    'max_keepalive 60',
    'retain_available false',
    'max_packet_size 5000',
    'max_inflight_messages 7',
    'max_qos 1',
  ].join('\n'),
})

answer(
  'its properties come in the order in which mosquitto 2.1 writes them',
  { v5: '' },
  async ({ connectFor }) => {
    const [, { properties }] = await connectFor({ clientId: '', keepAliveSeconds: 100 })
    assert.deepEqual(Object.keys(properties), [
      'serverKeepAliveSeconds',
      'topicAliasMaximum',
      'assignedClientId',
      'retainAvailable',
      'maximumPacketSize',
      'receiveMaximum',
      'maximumQos',
    ])
  },
)

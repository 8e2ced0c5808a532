import assert from 'node:assert/strict'
import * as make from '../support/packets.ts'
import { attacks, withinMb } from './attack.ts'

const attack = attacks('attacks on the rules of packets')

/** The first bytes of a TLS 1.3 ClientHello. */
const CLIENT_HELLO = '16 03 01 02 00 01 00 01 fc 03 03 '

/** Lines that say what was wrong with what a client sent. */
const linesOf = (log: string) => log.match(/(protocol error|malformed packet)\.$/gm)?.length ?? 0

attack(
  'S02: who speaks another protocol is closed, in a line of the log each',
  { v4: '' },
  async (scene) => {
    const { open, broker } = scene
    const random = new Uint8Array(1024).fill(0x41)
    const first = [
      new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      `${CLIENT_HELLO}${'00'.repeat(506)}`,
      random,
    ]
    for (const bytes of first) {
      const before = linesOf(broker.log())
      const client = await open()
      client.send(bytes)
      await client.expectClosed()
      assert.ok(linesOf(broker.log()) <= before + 1)
    }
  },
)

/** First bytes with flags that their type does not have, with a body that it might have. */
const BAD_FLAGS = [
  '00 00',
  '80 06 00 01 00 01 61 00',
  '60 02 00 01',
  '36 05 00 01 61 00 01',
  '38 03 00 01 61',
  'c1 00',
  'e1 00',
  '41 02 00 01',
  'a0 05 00 01 00 01 61',
]

attack(
  'S09: flags that a type does not have end the connection',
  { v4: '', v5: '' },
  async ({ connect }) => {
    for (const hex of BAD_FLAGS) {
      const client = await connect()
      client.send(hex)
      await client.expectDropped(0x81).catch((cause: unknown) => {
        throw new Error(hex, { cause })
      })
    }
  },
)

attack(
  'S10: what only a broker says ends the connection',
  { v3: '', v4: '', v5: '' },
  async ({ connect }) => {
    for (const hex of ['20 02 00 00', '90 03 00 01 00', 'b0 02 00 01', 'd0 00']) {
      const client = await connect()
      client.send(hex)
      await client.expectDropped(0x82)
    }
  },
)

attack(
  'S11: a second CONNECT ends the connection, and its will is published',
  { v4: '', v5: '' },
  async ({ connect, version, topic, clientId }) => {
    const watcher = await connect()
    await watcher.subscribe(topic)
    const hello = { clientId, will: { topic, payload: 'gone' } }
    const client = await connect(hello)
    client.send(make.connect(version, hello))
    await client.expectDropped(0x82)
    await watcher.expect('publish', { payload: 'gone' })
  },
)

/** CONNECTs of 3.1.1 that are wrong, from the protocol name on. */
const BAD_CONNECTS: [string, string][] = [
  ['the reserved flag', '00 04 4d515454 04 03 0000 0001 61'],
  ['a will of QoS 3', '00 04 4d515454 04 1e 0000 0001 61 0001 74 0000'],
  ['will flags without a will', '00 04 4d515454 04 2a 0000 0001 61'],
  ['a wildcard in the will topic', '00 04 4d515454 04 06 0000 0001 61 0001 23 0000'],
  ['a password without a user', '00 04 4d515454 04 42 0000 0001 61 0001 70'],
  ['another protocol name', '00 04 4d515458 04 02 0000 0001 61'],
  ['a name of no bytes', '00 00 04 02 0000 0001 61'],
  ['no level that exists', '00 04 4d515454 09 02 0000 0001 61'],
  ['no id and no clean session', '00 04 4d515454 04 00 0000 0000'],
  ['a text that is cut', '00 04 4d515454 04 02 0000 0009 61'],
]

attack('S12: a CONNECT that breaks a rule is refused', { v4: '' }, async ({ open }) => {
  for (const [what, body] of BAD_CONNECTS) {
    const hex = body.replaceAll(' ', '')
    const client = await open()
    client.send(`10 ${(hex.length / 2).toString(16).padStart(2, '0')} ${hex}`)
    await client
      .expect('connack')
      .then(({ code }) => assert.notEqual(code, 0, what))
      .catch((error: Error) => {
        if (error instanceof assert.AssertionError && !error.message.includes('closed')) throw error
      })
    await client.expectClosed()
  }
})

const ALIASES: [number, number][] = [
  [0, 0x94],
  [11, 0x94],
  [65_535, 0x94],
]

attack(
  'S19: topic aliases beyond what was agreed end the connection',
  { v5: '' },
  async ({ connect, topic }) => {
    for (const [topicAlias, reason] of ALIASES) {
      const client = await connect()
      client.send(make.publish(topic, '', { properties: { topicAlias } }))
      await client.expectDropped(reason)
    }
    const unknown = await connect()
    unknown.send(make.publish('', '', { properties: { topicAlias: 5 } }))
    await unknown.expectDropped(0x82)
  },
)

attack(
  'S20: values that no property may have are refused',
  { v5: '' },
  async ({ open, connect, version }) => {
    for (const properties of [{ receiveMaximum: 0 }, { maximumPacketSize: 0 }]) {
      const client = await open()
      client.send(make.connect(version, { properties }))
      await client.expectConnectRefused(0x82)
    }
    const data = await open()
    data.send(make.connect(version, { properties: { authenticationData: new Uint8Array(1) } }))
    await data.expectConnectRefused(0x82)
    const zero = await connect()
    zero.send('82 08 00 01 02 0b 00 00 01 61 00'.replace('82 08', '82 09'))
    await zero.expectDropped(0x82)
    const wildcard = await connect()
    wildcard.send(make.publish('a', '', { properties: { responseTopic: 'a/#' } }))
    await wildcard.expectDropped(0x82)
  },
)

attack(
  'S21: more unacknowledged messages than agreed end the connection',
  { v5: '' },
  async (scene) => {
    const client = await scene.connect()
    await withinMb(scene, 20, async () => {
      const ids = Array.from({ length: 21 }, (_, index) => index + 1)
      client.send(...ids.map((packetId) => make.publish(scene.topic, '', { qos: 2, packetId })))
      for (let each = 0; each < 20; each++) await client.expect('pubrec')
      await client.expectDropped(0x93)
    })
  },
)

attack(
  'S22: nothing larger than a client takes is sent to it, and nothing waits for it',
  { v5: '' },
  async ({ connect, topic }) => {
    const properties = { maximumPacketSize: 24, receiveMaximum: 1 }
    const tiny = await connect({ properties })
    const filters = [topic, '!'].map((filter) => ({ filter, qos: 1 as const }))
    assert.deepEqual(await tiny.subscribe(filters), [1, 1])
    const publisher = await connect()
    for (let each = 0; each < 50; each++)
      await publisher.publish(topic, 'larger than that', { qos: 1 })
    await publisher.publish('!', '.', { qos: 1 })
    await tiny.receive({ topic: '!', payload: '.' })
    assert.ok(tiny.largestFrame <= 24)
  },
)

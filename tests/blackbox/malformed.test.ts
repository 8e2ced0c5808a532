import assert from 'node:assert/strict'
import { test } from 'node:test'
import { behaviours, type Proves } from '../support/behaviour.ts'
import { connect, publish, subscribe } from '../support/packets.ts'

const behaviour = behaviours('malformed input')

/** How long each close took; many may be late on a busy machine, not nine of ten. */
const closesMs: number[] = []
const CLOSE_MS = 100

type Row = [what: string, hex: string, reason: number, proves: Proves]

/** Packets after CONNECT, in the form of 3.1.1 or, where they differ, of 5.0. */
const PACKETS: Row[] = [
  ['type 0', '00 00', 0x81, { v3: '', v4: '[MQTT-2.2.2-2] [MQTT-4.8.0-1]', v5: '[MQTT-4.13.1-1]' }],
  ['type 15', 'f0 00', 0x81, { v3: '', v4: '[MQTT-4.8.0-1]' }],
  ['PUBLISH with QoS 3', '36 05 00 01 61 00 01', 0x81, { v3: '', v4: '[MQTT-3.3.1-4]' }],
  ['PUBLISH with QoS 3', '36 06 00 01 61 00 01 00', 0x81, { v5: '[MQTT-3.3.1-4]' }],
  ['DUP at QoS 0', '38 04 00 01 61 78', 0x81, { v3: '', v4: '[MQTT-3.3.1-2]' }],
  ['DUP at QoS 0', '38 05 00 01 61 00 78', 0x81, { v5: '[MQTT-3.3.1-2]' }],
  [
    'PUBREL with flags 0000',
    '60 02 00 01',
    0x81,
    { v4: '[MQTT-3.6.1-1] [MQTT-2.2.2-2]', v5: '[MQTT-3.6.1-1] [MQTT-2.1.3-1]' },
  ],
  [
    'SUBSCRIBE with flags 0000',
    '80 06 00 01 00 01 61 00',
    0x81,
    { v4: '[MQTT-3.8.1-1] [MQTT-2.2.2-1]' },
  ],
  ['SUBSCRIBE with flags 0000', '80 07 00 01 00 00 01 61 00', 0x81, { v5: '[MQTT-3.8.1-1]' }],
  ['UNSUBSCRIBE with flags 0000', 'a0 05 00 01 00 01 61', 0x81, { v4: '[MQTT-3.10.1-1]' }],
  ['UNSUBSCRIBE with flags 0000', 'a0 06 00 01 00 00 01 61', 0x81, { v5: '[MQTT-3.10.1-1]' }],
  [
    'DISCONNECT with a reserved bit',
    'e1 00',
    0x81,
    { v4: '[MQTT-3.14.1-1]', v5: '[MQTT-3.14.1-1]' },
  ],
  ['AUTH with a reserved bit', 'f1 00', 0x81, { v5: '[MQTT-3.15.1-1]' }],
  ['PUBLISH with packet id 0', '32 05 00 01 61 00 00', 0x82, { v3: '', v4: '[MQTT-2.3.1-1]' }],
  ['PUBLISH with packet id 0', '32 06 00 01 61 00 00 00', 0x82, { v5: '[MQTT-2.2.1-3]' }],
  ['SUBSCRIBE with packet id 0', '82 06 00 00 00 01 61 00', 0x82, { v3: '', v4: '[MQTT-2.3.1-1]' }],
  ['SUBSCRIBE with packet id 0', '82 07 00 00 00 00 01 61 00', 0x82, { v5: '[MQTT-2.2.1-3]' }],
  ['UNSUBSCRIBE with packet id 0', 'a2 05 00 00 00 01 61', 0x82, { v3: '', v4: '[MQTT-2.3.1-1]' }],
  ['SUBSCRIBE without filters', '82 02 00 01', 0x82, { v3: '', v4: '[MQTT-3.8.3-3]' }],
  ['SUBSCRIBE without filters', '82 03 00 01 00', 0x82, { v5: '[MQTT-3.8.3-2]' }],
  ['UNSUBSCRIBE without filters', 'a2 02 00 01', 0x82, { v3: '', v4: '[MQTT-3.10.3-2]' }],
  ['UNSUBSCRIBE without filters', 'a2 03 00 01 00', 0x82, { v5: '[MQTT-3.10.3-2]' }],
  ['SUBSCRIBE at QoS 3', '82 06 00 01 00 01 61 03', 0x81, { v3: '', v4: '[MQTT-3.8.3-4]' }],
  ['SUBSCRIBE with a reserved bit', '82 06 00 01 00 01 61 04', 0x81, { v4: '[MQTT-3.8.3-4]' }],
  [
    'SUBSCRIBE with reserved option bits',
    '82 07 00 01 00 00 01 61 40',
    0x81,
    { v5: '[MQTT-3.8.3-5]' },
  ],
  [
    'a remaining length of five bytes',
    '30 ff ff ff ff 7f',
    0x81,
    { v3: '', v4: '[MQTT-4.8.0-1]', v5: '[MQTT-1.5.5-1] [MQTT-4.13.1-1]' },
  ],
  ['a padded remaining length', 'c0 80 00', 0x81, { v5: '[MQTT-1.5.5-1]' }],
  [
    'a topic longer than its packet',
    '30 04 00 09 61 78',
    0x81,
    { v3: '', v4: '[MQTT-4.8.0-1]', v5: '[MQTT-4.13.1-1]' },
  ],
  ['a filter longer than its packet', '82 06 00 01 00 09 61 00', 0x81, { v4: '[MQTT-4.8.0-1]' }],
  ['PINGREQ with a body', 'c0 01 00', 0x81, { v4: '[MQTT-4.8.0-1]', v5: '[MQTT-4.13.1-1]' }],
  ['an unknown property', '30 06 00 01 61 02 7f 00', 0x81, { v5: '[MQTT-4.13.1-1]' }],
  ['a repeated property', '30 08 00 01 61 04 01 00 01 00', 0x82, { v5: '[MQTT-4.13.1-1]' }],
  ['a reason DISCONNECT may not have', 'e0 02 03 00', 0x82, { v5: '[MQTT-3.14.2-1]' }],
  ['CONNACK from a client', '20 02 00 00', 0x82, { v3: '', v4: '[MQTT-4.8.0-1]' }],
  ['CONNACK from a client', '20 03 00 00 00', 0x82, { v5: '[MQTT-4.13.1-1]' }],
  ['SUBACK from a client', '90 03 00 01 00', 0x82, { v4: '[MQTT-4.8.0-1]' }],
  [
    'PINGRESP from a client',
    'd0 00',
    0x82,
    { v3: '', v4: '[MQTT-4.8.0-1]', v5: '[MQTT-4.13.1-1]' },
  ],
]

for (const [what, hex, reason, proves] of PACKETS) {
  behaviour(`${what} ends the connection`, proves, async ({ connect }) => {
    const client = await connect()
    const start = performance.now()
    client.send(hex)
    await client.expectDropped(reason)
    closesMs.push(performance.now() - start)
  })
}

behaviour(
  'a remaining length may be longer than needed below 5.0, and is passed on as short as can be',
  { v3: '', v4: '' },
  async ({ connect, topic }) => {
    const subscriber = await connect()
    await subscriber.subscribe(topic)
    const client = await connect()
    for (const length of ['80 00', '80 80 00', '80 80 80 00']) {
      client.send(`c0 ${length}`)
      await client.expect('pingresp')
    }
    const [first, length, ...body] = client.bytesOf([publish(topic, 'x')])
    client.send(Uint8Array.of(first, length | 0x80, 0x80, 0, ...body))
    await subscriber.expect('publish', { topic, payload: 'x' })
    assert.equal(subscriber.largestFrame, 2 + body.length)
  },
)

/** Texts no string may hold, as bytes. */
const BAD_TEXTS: [string, string][] = [
  ['a surrogate', 'ed a0 80'],
  ['an overlong form', 'c0 80'],
  ['a cut character', 'f0 9f'],
  ['a character beyond U+10FFFF', 'f4 90 80 80'],
  ['a stray continuation', '80'],
]

function topicWith(bytes: string, version: number): string {
  const size = bytes.split(' ').length
  const properties = version === 5 ? '00' : ''
  const length = size + 2 + (version === 5 ? 1 : 0)
  const byte = (value: number) => value.toString(16).padStart(2, '0')
  return `30 ${byte(length)} 00 ${byte(size)} ${bytes} ${properties}`
}

for (const [what, bytes] of BAD_TEXTS) {
  behaviour(
    `a topic with ${what} ends the connection`,
    { v3: '', v4: '[MQTT-1.5.3-1] [MQTT-3.3.2-1]', v5: '[MQTT-1.5.4-1] [MQTT-3.3.2-1]' },
    async ({ connect, version }) => {
      const client = await connect()
      client.send(topicWith(bytes, version))
      await client.expectDropped(0x81)
    },
  )
}

behaviour(
  'U+0000 in a topic or filter ends the connection',
  {
    v3: '',
    v4: '[MQTT-1.5.3-2] [MQTT-4.7.3-2] [MQTT-3.8.3-1] [MQTT-3.10.3-1]',
    v5: '[MQTT-1.5.4-2] [MQTT-4.7.3-2] [MQTT-3.8.3-1] [MQTT-3.10.3-1]',
  },
  async ({ connect, version }) => {
    const filters = version === 5 ? '00 01 00 00 03 61 00 62' : '00 01 00 03 61 00 62'
    const size = filters.split(' ').length
    const packets = [topicWith('61 00 62', version), `82 0${size + 1} ${filters} 00`]
    for (const packet of [...packets, `a2 0${size} ${filters}`]) {
      const client = await connect()
      client.send(packet)
      await client.expectDropped(0x81)
    }
  },
)

const BAD_PROPERTIES: [string, string, string][] = [
  ['a response topic', '08 00 02 c0 80', '[MQTT-3.3.2-13] [MQTT-1.5.4-1]'],
  ['a content type', '03 00 02 c0 80', '[MQTT-3.3.2-19] [MQTT-1.5.4-1]'],
  ['a user property name', '26 00 02 c0 80 00 00', '[MQTT-1.5.7-1]'],
  ['a user property value', '26 00 01 61 00 01 ff', '[MQTT-1.5.7-1]'],
]

behaviour(
  'a property that is no UTF-8 ends the connection',
  { v5: '[MQTT-3.3.2-13] [MQTT-3.3.2-19] [MQTT-1.5.4-1] [MQTT-1.5.7-1]' },
  async ({ connect }) => {
    for (const [what, property] of BAD_PROPERTIES) {
      const size = property.split(' ').length
      const client = await connect()
      client.send(`30 ${(size + 4).toString(16).padStart(2, '0')} 00 01 61 0${size} ${property}`)
      await client.expectDropped(0x81).catch((error: unknown) => {
        throw new Error(what, { cause: error })
      })
    }
  },
)

/** A CONNECT of the version with `flags`, the keep alive 0 and this payload in hex. */
function connectWith(version: number, flags: number, payload: string): string {
  const bytes = payload.trim().split(/\s+/).length
  const level = version === 5 ? '05' : '04'
  const properties = version === 5 ? '00' : ''
  const size = 10 + (version === 5 ? 1 : 0) + bytes
  const byte = (value: number) => value.toString(16).padStart(2, '0')
  return `10 ${byte(size)} 00 04 4d515454 ${level} ${byte(flags)} 00 00 ${properties} ${payload}`
}

type ConnectRow = [what: string, flags: number, payload: string, proves: Proves]

const WILL_V4 = '00 01 61 00 01 74 00 01 78'
const WILL_V5 = '00 01 61 00 00 01 74 00 01 78'

const CONNECTS: ConnectRow[] = [
  [
    'the reserved flag',
    0x03,
    '00 01 61',
    { v4: '[MQTT-3.1.2-3] [MQTT-3.1.4-1]', v5: '[MQTT-3.1.2-3]' },
  ],
  ['will QoS 3', 0x1e, WILL_V4, { v4: '[MQTT-3.1.2-14]' }],
  ['will QoS 3', 0x1e, WILL_V5, { v5: '[MQTT-3.1.2-12]' }],
  [
    'will QoS without a will',
    0x0a,
    '00 01 61',
    { v4: '[MQTT-3.1.2-11] [MQTT-3.1.2-13]', v5: '[MQTT-3.1.2-11]' },
  ],
  [
    'will retain without a will',
    0x22,
    '00 01 61',
    { v4: '[MQTT-3.1.2-11] [MQTT-3.1.2-15]', v5: '[MQTT-3.1.2-13]' },
  ],
  [
    'a will flag without the will',
    0x06,
    '00 01 61',
    { v4: '[MQTT-3.1.2-9]', v5: '[MQTT-3.1.2-9]' },
  ],
  ['a will without its flag', 0x02, WILL_V4, { v4: '[MQTT-3.1.2-11]', v5: '[MQTT-3.1.2-9]' }],
  ['a will topic with a wildcard', 0x06, '00 01 61 00 01 23 00 01 78', { v4: '[MQTT-4.7.1-1]' }],
  ['a will topic with a wildcard', 0x06, '00 01 61 00 00 01 23 00 01 78', { v5: '[MQTT-4.7.0-1]' }],
  [
    'a will topic that is no UTF-8',
    0x06,
    '00 01 61 00 02 c0 80 00 01 78',
    { v4: '[MQTT-3.1.3-10]' },
  ],
  [
    'a will topic that is no UTF-8',
    0x06,
    '00 01 61 00 00 02 c0 80 00 01 78',
    { v5: '[MQTT-3.1.3-11]' },
  ],
  [
    'a user name flag without a user name',
    0x82,
    '00 01 61',
    { v4: '[MQTT-3.1.2-19]', v5: '[MQTT-3.1.2-17]' },
  ],
  [
    'a user name without its flag',
    0x02,
    '00 01 61 00 01 75',
    { v4: '[MQTT-3.1.2-18]', v5: '[MQTT-3.1.2-16]' },
  ],
  [
    'a user name that is no UTF-8',
    0x82,
    '00 01 61 00 02 c0 80',
    { v4: '[MQTT-3.1.3-11]', v5: '[MQTT-3.1.3-12]' },
  ],
  [
    'a password flag without a password',
    0xc2,
    '00 01 61 00 01 75',
    { v4: '[MQTT-3.1.2-21]', v5: '[MQTT-3.1.2-19]' },
  ],
  [
    'a password without its flag',
    0x82,
    '00 01 61 00 01 75 00 01 70',
    { v4: '[MQTT-3.1.2-20]', v5: '[MQTT-3.1.2-18]' },
  ],
  ['a password without a user name', 0x42, '00 01 61 00 01 70', { v4: '[MQTT-3.1.2-22]' }],
  [
    'a client id that is no UTF-8',
    0x02,
    '00 02 c0 80',
    { v4: '[MQTT-3.1.3-4]', v5: '[MQTT-3.1.3-4]' },
  ],
  [
    'a client id longer than the packet',
    0x02,
    '00 09 61',
    { v4: '[MQTT-3.1.3-3]', v5: '[MQTT-3.1.3-3]' },
  ],
]

for (const [what, flags, payload, proves] of CONNECTS) {
  behaviour(`CONNECT with ${what} closes the connection`, proves, async ({ open, version }) => {
    const client = await open()
    const start = performance.now()
    client.send(connectWith(version, flags, payload))
    // Some are wrong in their form, some in what the fields say together.
    await client.expectConnectRefused(0x81, 0x82)
    closesMs.push(performance.now() - start)
  })
}

const BAD_CONNECT_PROPERTIES: [string, string][] = [
  ['receive maximum 0', '21 00 00'],
  ['maximum packet size 0', '27 00 00 00 00'],
  ['request problem information 2', '17 02'],
  ['authentication data without a method', '16 00 01 61'],
  ['a session expiry given twice', '11 00 00 00 01 11 00 00 00 01'],
]

behaviour(
  'CONNECT with a property out of its range closes the connection',
  { v5: '[MQTT-3.1.4-1] [MQTT-4.13.1-1]' },
  async ({ open }) => {
    for (const [, property] of BAD_CONNECT_PROPERTIES) {
      const size = property.split(' ').length
      const client = await open()
      const head = `10 ${(14 + size).toString(16)} 00 04 4d515454 05 02 00 00`
      client.send(`${head} ${size.toString(16).padStart(2, '0')} ${property} 00 01 61`)
      await client.expectConnectRefused(0x82)
    }
  },
)

behaviour(
  'what is no MQTT at all closes the connection',
  { v3: '', v4: '[MQTT-3.1.4-1]', v5: '[MQTT-3.1.4-1]' },
  async ({ open }) => {
    const hello = '16 03 01 02 00 01 00 01 fc 03 03'
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      hello,
      'ff'.repeat(1000),
    ]) {
      const client = await open()
      client.send(bytes)
      await client.expectClosed()
    }
  },
)

behaviour(
  'the broker serves others after all that',
  { v3: '', v4: '', v5: '' },
  async ({ connect: connected, open, version, topic, clientId }) => {
    const crash = await open()
    crash.send('101000044d5154540502003c0321001400006202d301e0020020')
    const other = await connected()
    await other.subscribe(topic)
    await other.publish(topic, 'x')
    await other.expect('publish', { payload: 'x' })
    const late = await open()
    late.send(
      connect(version, { clientId }),
      subscribe(1, [{ filter: topic }]),
      publish(topic, 'y'),
    )
    await other.expect('publish', { payload: 'y' })
  },
)

test('closes do not wait: the quickest tenth came within 100 ms', () => {
  closesMs.sort((a, b) => a - b)
  assert.ok(closesMs.length > 50)
  const tenthMs = closesMs[Math.floor(closesMs.length / 10)]
  assert.ok(tenthMs <= CLOSE_MS, `${tenthMs} ms`)
})

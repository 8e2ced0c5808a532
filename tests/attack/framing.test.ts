import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Scene } from '../support/behaviour.ts'
import * as make from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'
import { attacks, leastCpuMs, openMany, sayAndLeave, withinMb } from './attack.ts'

const attack = attacks('attacks on framing and CONNECT')

const CONNECT_TIMEOUT_MS = 10_000

attack(
  'S01: who does not finish CONNECT is closed in time',
  { v4: '' },
  async ({ open, version }) => {
    const half = (client: RawClient) => {
      const bytes = client.bytesOf([make.connect(version, { clientId: 'half' })])
      return bytes.slice(0, bytes.length >> 1)
    }
    const silent = await open()
    const cut = await open()
    cut.send(half(cut))
    const dripping = await open()
    const bytes = half(dripping)
    let sent = 0
    const timer = setInterval(() => {
      if (sent < bytes.length) dripping.send(bytes.slice(sent, ++sent))
    }, 2900)
    try {
      const closes = [silent, cut, dripping].map((client) => client.expectClosed())
      for (const ms of await Promise.all(closes)) assert.ok(ms > CONNECT_TIMEOUT_MS - 1500, `${ms}`)
    } finally {
      clearInterval(timer)
    }
  },
)

/** First packets of each type, CONNECT excepted, that announce 256 MB; nibbles as the standard has them. */
const FIRST_BYTES = ['20', '30', '40', '50', '62', '70', '82', '90', 'a2', 'b0', 'c0', 'd0', 'e0']

attack('S05: a huge first packet is refused at its header', { v4: '' }, async (scene) => {
  await withinMb(scene, 20, async () => {
    const body = new Uint8Array(4 << 20)
    for (const first of [...FIRST_BYTES, 'f0']) {
      const client = await scene.open()
      client.send(`${first} ff ff ff 7f`)
      await client.expectClosed()
      const flood = await scene.open()
      flood.send(`${first} ff ff ff 7f`, body)
      await flood.expectClosed()
    }
  })
})

const FIRST_PACKETS: [string, string, string][] = [
  ['S03', 'of a remaining length of five bytes', '10 ff ff ff ff 7f'],
  ['S06', 'above 100,000 bytes', '10 a1 8d 06'],
  ['S09', 'with flags', '11 0d 00 04 4d515454 04 02 00 00 00 01 61'],
  ['S12', 'without a body', '10 00'],
  ['S12', 'with bytes behind its payload', '10 0e 00 04 4d515454 04 02 00 00 00 01 61 00'],
]

for (const [id, what, hex] of FIRST_PACKETS) {
  attack(`${id}: a CONNECT ${what} closes the connection`, { v4: '' }, async ({ open }) => {
    const client = await open()
    client.send(hex)
    await client.expectClosed()
  })
}

attack(
  'S04: a CONNECT of a padded remaining length closes the connection',
  { v5: '' },
  async ({ open }) => {
    const client = await open()
    client.send('10 8e 00 00 04 4d515454 05 02 00 00 00 00 01 61')
    await client.expectConnectRefused(0x81)
  },
)

attack('S07: a thousand announced packets cost no memory', { v4: '' }, async (scene) => {
  await withinMb(scene, 50, async () => {
    // PUBLISH of 1,999,995 bytes, of which one comes.
    for (const client of await openMany(1000, () => scene.connect())) client.send('30 fb 88 7a 00')
    await (await scene.connect()).ping()
  })
})

function session({ version, topic, clientId }: Scene, client: RawClient): Uint8Array {
  return client.bytesOf([
    make.connect(version, { clientId, will: { topic: `${topic}/w`, payload: 'w' } }),
    make.subscribe(1, [{ filter: topic, qos: 1 }]),
    make.publish(topic, 'é', { qos: 1, packetId: 2 }),
    make.pingreq,
  ])
}

async function expectSession(client: RawClient): Promise<void> {
  await client.expect('connack', { code: 0 })
  await client.expect('suback', { packetId: 1, codes: [1] })
  await client.find('puback', { packetId: 2, reason: 0 })
  await client.find('publish', { payload: 'é', qos: 1 })
  await client.find('pingresp')
}

attack(
  'S08: packets mean the same wherever they are cut',
  { v3: '', v4: '', v5: '' },
  async (scene) => {
    const length = session(scene, await scene.open()).length
    for (let cut = 1; cut < length; cut++) {
      const client = await scene.open()
      const bytes = session(scene, client)
      client.send(bytes.slice(0, cut))
      await new Promise(setImmediate)
      client.send(bytes.slice(cut))
      await expectSession(client)
      await client.disconnect()
    }
    const slow = await scene.open()
    for (const byte of session(scene, slow)) {
      slow.send(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
    await expectSession(slow)
  },
)

attack(
  'S08: a thousand packets in one write keep their order',
  { v3: '', v4: '', v5: '' },
  async ({ connect, topic }) => {
    const client = await connect()
    const texts = Array.from({ length: 999 }, (_, index) => `${index}`)
    const packets = texts.map((payload) => make.publish(topic, payload))
    client.send(make.subscribe(1, [{ filter: topic }]), ...packets)
    await client.expect('suback')
    for (const payload of texts) await client.expect('publish', { payload })
  },
)

/** [field, flags of CONNECT, properties, payload], with `XX` where the text goes. */
const TEXT_FIELDS: [string, string, string, string][] = [
  ['client id', '02', '00', 'XX'],
  ['user name', '82', '00', '00 01 61 XX'],
  ['will topic', '06', '00', '00 01 61 00 XX 00 00'],
  ['will content type', '06', '00', '00 01 61 06 03 YY 00 01 74 00 00'],
  ['will response topic', '06', '00', '00 01 61 06 08 YY 00 01 74 00 00'],
  ['user property of CONNECT', '02', '08 26 YY 00 00', '00 01 61'],
  ['authentication method', '02', '06 15 YY', '00 01 61'],
]

/** Texts of three bytes behind their length. */
const BAD_TEXTS = ['00 03 61 00 62', '00 03 ed a0 80', '00 03 61 c0 80', '00 03 61 f0 9f']

attack('S13: no text of CONNECT may be out of shape', { v5: '' }, async ({ open }) => {
  for (const [field, flags, properties, payload] of TEXT_FIELDS) {
    for (const bad of BAD_TEXTS) {
      const tail = `${properties} ${payload}`.replaceAll(/XX|YY/g, bad)
      const hex = `00 04 4d515454 05 ${flags} 00 00 ${tail}`.replaceAll(/\s/g, '')
      const client = await open()
      client.send(`10 ${(hex.length / 2).toString(16).padStart(2, '0')} ${hex}`)
      await client.expectConnectRefused(0x81, 0x82, 0x85).catch((cause: unknown) => {
        throw new Error(`${field}: ${bad}`, { cause })
      })
    }
  }
})

attack(
  'S13: control characters reach no line of the log as they are',
  { v4: '', v5: '' },
  async ({ open, connect, broker, version, topic }) => {
    const evil = `${topic}\u001b[2J\r\nforged`
    for (const options of [{ clientId: evil }, { clientId: `${topic}u`, username: evil }]) {
      const client = await open()
      client.send(make.connect(version, options))
      await client.expect('connack').catch(() => {})
      client.destroy()
    }
    await (await connect()).ping()
    const log = broker.log()
    for (const raw of ['\u001b', '\r', '\nforged']) assert.ok(!log.includes(raw))
  },
)

/** A CONNECT, a SUBSCRIBE and a PUBLISH with every field there is. */
function everyField(scene: Scene, client: RawClient): Uint8Array[] {
  const { version, topic, clientId } = scene
  const pairs: [string, string][] = [['k', 'v']]
  const properties = version === 5 ? { userProperties: pairs } : {}
  const will = { topic: `${topic}/w`, payload: 'w', properties }
  const who = { clientId, username: 'u', password: 'p' }
  const filters = [{ filter: `${topic}/+/#`, qos: 1 } as const]
  return [
    client.bytesOf([make.connect(version, { ...who, will, properties })]),
    client.bytesOf([make.subscribe(1, filters, properties)]),
    client.bytesOf([make.publish(topic, 'x', { qos: 1, packetId: 2, properties })]),
  ]
}

attack(
  'S14: no byte of a packet can be changed to a crash',
  { v3: '', v4: '', v5: '' },
  async (scene) => {
    const [hello, ...others] = everyField(scene, await scene.open())
    for (const packet of [hello, ...others]) {
      for (let at = 0; at < packet.length; at++) {
        const hits = [0x00, 0x7f, 0x80, 0xff].map(async (value) => {
          const bytes = packet.slice()
          bytes[at] = value
          await sayAndLeave(scene.broker.port, packet === hello ? [bytes] : [hello, bytes])
        })
        await Promise.all(hits)
      }
    }
  },
)

attack('S15: packets that broke other brokers break nothing', { v4: '', v5: '' }, async (scene) => {
  const lines = readFileSync(join(process.cwd(), 'tests/corpus/hostile.hex'), 'utf8').split('\n')
  const packets = lines.filter((line) => line !== '' && !line.startsWith('#'))
  assert.ok(packets.length > 10)
  const [hello] = everyField(scene, await scene.open())
  for (const hex of [...packets, packets.slice(0, 3).join('')]) {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    await sayAndLeave(scene.broker.port, [bytes])
    await sayAndLeave(scene.broker.port, [hello, bytes])
  }
})

/** Properties out of shape in a PUBLISH to `a`. */
const BAD_PUBLISHES = [
  '30 05 00 01 61 7f 26',
  '30 08 00 01 61 ff ff ff ff 01',
  '30 0d 00 01 61 09 03 00 01 61 26 00 01 61 ff',
  '30 09 00 01 61 05 11 00 00 00 01',
  '30 06 00 01 61 02 7f 00',
]

attack('S17: bad properties leak no memory', { v5: '' }, async (scene) => {
  const round = async () => {
    for (let time = 0; time < 40; time++) {
      const clients = await openMany(10, () => scene.connect())
      for (const [index, client] of clients.entries()) {
        client.send(BAD_PUBLISHES[index % BAD_PUBLISHES.length])
        assert.ok((await client.expect('disconnect')).reason >= 0x81)
      }
    }
  }
  await round()
  await withinMb(scene, 32, async () => {
    await round()
    await round()
  })
})

attack('S18: many user properties cost little or are refused', { v5: '' }, async (scene) => {
  const { version, open, connect, topic } = scene
  const pairs = (count: number) => Array.from({ length: count }, (): [string, string] => ['a', 'b'])
  const hello = make.connect(version, { properties: { userProperties: pairs(12_800) } })
  const atConnectMs = await leastCpuMs(scene, 3, async () => {
    const client = await open()
    client.send(hello)
    await client.expect('connack')
  })
  assert.ok(atConnectMs <= 50, `CONNECT: ${atConnectMs} ms of CPU`)
  const packet = make.publish(topic, '', { properties: { userProperties: pairs(280_000) } })
  const bytes = (await connect()).bytesOf([packet])
  const atPublishMs = await leastCpuMs(scene, 3, async () => {
    const client = await connect()
    client.send(bytes)
    await client.expectDropped(0x97)
  })
  assert.ok(atPublishMs <= 50, `PUBLISH: ${atPublishMs} ms of CPU`)
})

attack('S19: topic aliases hold a bounded number of bytes', { v5: '' }, async (scene) => {
  const packets = Array.from({ length: 10 }, (_, index) =>
    make.publish(`${index}${'x'.repeat(65_000)}`, '', { properties: { topicAlias: index + 1 } }),
  )
  await withinMb(scene, 20 * 2 + 20, async () => {
    for (const client of await openMany(20, () => scene.connect())) {
      const bytes = client.bytesOf(packets)
      client.send(bytes, bytes)
      await client.ping()
    }
  })
})

attack(
  'S23: AUTH of which nothing is known is refused',
  { v5: '' },
  async ({ open, connect, version }) => {
    const unasked = await connect()
    unasked.send(make.auth(0x18, { authenticationMethod: 'SCRAM-SHA-1' }))
    await unasked.expectDropped(0x82)
    const unknown = await open()
    unknown.send(make.connect(version, { properties: { authenticationMethod: 'X' } }))
    await unknown.expectConnectRefused(0x8c)
    const early = await open()
    early.send(make.auth(0x18, { authenticationMethod: 'X' }))
    await early.expectClosed()
  },
)

attack(
  'S35: acknowledgements with packet id 0 end the connection',
  { v3: '', v4: '', v5: '' },
  async ({ connect }) => {
    for (const hex of ['40 02 00 00', '50 02 00 00', '62 02 00 00', '70 02 00 00']) {
      const client = await connect()
      client.send(hex)
      await client.expectDropped(0x82)
    }
  },
)

attack('S71: a packet begun and left does not hold back others', { v4: '' }, async (scene) => {
  const stuck = await openMany(50, () => scene.connect())
  for (const client of stuck) client.send('30 ff 7f 00 01')
  await sleep(50)
  const other = await scene.connect()
  await other.ping()
})

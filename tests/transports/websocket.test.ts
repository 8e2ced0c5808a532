import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { ByteWriter } from '../../src/codec/byte-writer.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import type { Packet } from '../../src/codec/packets.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { connect, pingreq, publish, subscribe } from '../support/packets.ts'
import { join, openPlain, openTls, startListeners, timeout, tlsLines } from './secure.ts'
import { connectOnce } from '../support/connect-once.ts'

type Name = 'ws' | 'wss' | 'auto' | 'autoTls' | 'origin' | 'path'
let certificates: TestCertificates
let broker: BrokerProcess
let ports: Readonly<Record<Name, number>>

before(async () => {
  certificates = await makeCertificates()
  const tls = tlsLines(certificates)
  const started = await startListeners<Name>(
    {
      ws: 'protocol websockets',
      wss: `protocol websockets\n${tls}`,
      auto: 'protocol auto',
      autoTls: `protocol auto\n${tls}`,
      origin: 'protocol websockets\nwebsockets_origin https://good.example',
      path: 'protocol websockets\nwebsockets_path /mqtt',
    },
    'max_packet_size 100000',
  )
  broker = started.broker
  ports = started.ports
})
after(async () => {
  await broker.stop()
  certificates.remove()
})

for (const [name, scheme] of [
  ['ws', 'ws'],
  ['wss', 'wss'],
  ['auto', 'ws'],
  ['autoTls', 'wss'],
] as const)
  for (const protocolVersion of [4, 5] as const)
    test(
      `MQTT.js exchanges messages over ${scheme}, listener ${name} (level ${protocolVersion})`,
      { timeout },
      async () => {
        const client = await connectOnce(`${scheme}://127.0.0.1:${ports[name]}/any`, {
          protocolVersion,
          reconnectPeriod: 0,
          ca: certificates.authority.certificate,
        })
        const topic = `${name}/${protocolVersion}`
        await client.subscribeAsync(`${topic}/+`, { qos: 2 })
        const got: string[] = []
        const all = new Promise<void>((resolve) => {
          client.on('message', (to, payload, { qos }) => {
            got.push(`${to} ${qos} ${payload.length}`)
            if (got.length === 3) resolve()
          })
        })
        for (const qos of [0, 1, 2] as const)
          await client.publishAsync(`${topic}/${qos}`, 'x'.repeat(qos * 40_000), { qos })
        await all
        assert.deepEqual(got, [`${topic}/0 0 0`, `${topic}/1 1 40000`, `${topic}/2 2 80000`])
        await client.endAsync()
      },
    )

test('protocol auto speaks MQTT on the same port', { timeout }, async () => {
  await (await join(await openPlain(ports.auto))).ping()
  await (await join(await openTls(ports.autoTls, certificates))).ping()
})

/** An upgraded socket, for frames that `ws` would not send. */
async function upgraded(port: number): Promise<Socket> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': 'mqtt',
  }
  const asked = request({ port, host: '127.0.0.1', headers })
  asked.end()
  const [, socket] = (await once(asked, 'upgrade')) as [unknown, Socket]
  return socket
}

/** One masked frame of binary data; the mask is zero. */
function frameOf(...packets: Packet[]): Uint8Array {
  const body = bytesOf(...packets)
  const { length } = body
  const head = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([0x82, ...head, 0, 0, 0, 0]), body])
}

test(
  'a message that comes slowly keeps the connection, one that stops does not',
  { timeout },
  async () => {
    const socket = await upgraded(ports.ws)
    const came: number[] = []
    socket.on('data', (chunk: Buffer) => came.push(...chunk))
    socket.on('error', () => {})
    socket.write(frameOf(connect(4, { clientId: 'slow', keepAliveSeconds: 4 })))
    const long = frameOf(publish('slow', 'x'.repeat(50_000), { qos: 1 }), pingreq)
    for (let at = 0; at < long.length && !socket.destroyed; at += 2500) {
      socket.write(long.subarray(at, at + 2500))
      await sleep(400)
    }
    // CONNACK, PUBACK, PINGRESP, each in a frame or with others; the client is alive 8 s later.
    while (!came.includes(0xd0) && !socket.destroyed) await once(socket, 'data')
    assert.deepEqual([came.includes(0x40), came.includes(0xd0)], [true, true])
    socket.write(long.subarray(0, 20_000))
    await once(socket, 'close')
  },
)

interface Frame {
  readonly data: Buffer
  readonly isBinary: boolean
}

class Browser {
  readonly frames: Frame[] = []
  readonly socket: WebSocket
  private wake: () => void = () => {}

  constructor(
    port: number,
    options: { origin?: string; protocols?: string[]; path?: string } = {},
  ) {
    const { origin, protocols = ['mqtt'], path = '/' } = options
    const headers = origin === undefined ? {} : { origin }
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers })
    this.socket.on('error', () => {})
    this.socket.on('message', (data, isBinary) => {
      this.frames.push({ data: data as Buffer, isBinary })
      this.wake()
    })
  }

  /** The status of the answer when it is no upgrade. */
  async refused(): Promise<number> {
    const [, response] = (await once(this.socket, 'unexpected-response')) as [
      unknown,
      { statusCode: number; resume(): void },
    ]
    response.resume()
    this.socket.terminate()
    return response.statusCode
  }

  async next(): Promise<Frame> {
    while (this.frames.length === 0)
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    return this.frames.shift() as Frame
  }

  /** CONNECT and CONNACK. */
  async join(): Promise<void> {
    await once(this.socket, 'open')
    this.socket.send(bytesOf(connect(4, { clientId: `w${Math.random()}` })))
    assert.equal((await this.next()).data[0], 0x20)
  }

  async closed(): Promise<number> {
    const [code] = (await once(this.socket, 'close')) as [number]
    return code
  }
}

function bytesOf(...packets: Packet[]): Uint8Array {
  const out = new ByteWriter(new Uint8Array(256))
  for (const packet of packets) encodePacket(out, 4, packet)
  return out.bytes.slice(0, out.length)
}

test('the subprotocol that is chosen is mqtt [MQTT-6.0.0-4]', { timeout }, async () => {
  const browser = new Browser(ports.ws, { protocols: ['other', 'mqttv3.1', 'mqtt'] })
  await once(browser.socket, 'open')
  assert.equal(browser.socket.protocol, 'mqtt')
  assert.equal(browser.socket.extensions, '')
  browser.socket.terminate()
})

test('packets need not be aligned with frames [MQTT-6.0.0-2]', { timeout }, async () => {
  const browser = new Browser(ports.ws)
  await once(browser.socket, 'open')
  const bytes = bytesOf(connect(4, { clientId: 'cut' }), pingreq)
  for (const byte of bytes.subarray(0, 20)) browser.socket.send(Uint8Array.of(byte))
  browser.socket.send(bytes.subarray(20))
  let got = Buffer.alloc(0)
  while (got.length < 6) got = Buffer.concat([got, (await browser.next()).data])
  assert.equal(got.toString('hex'), '20020000d000')
  browser.socket.terminate()
})

test('what a turn says is one binary frame', { timeout }, async () => {
  const browser = new Browser(ports.ws)
  await browser.join()
  browser.socket.send(bytesOf(subscribe(1, [{ filter: 'turn' }])))
  await browser.next()
  browser.socket.send(bytesOf(...Array.from({ length: 50 }, () => publish('turn', 'x'))))
  const { data, isBinary } = await browser.next()
  assert.equal(isBinary, true)
  assert.equal(data.length, 50 * (2 + 2 + 4 + 1))
  browser.socket.terminate()
})

test('a frame of text ends the connection [MQTT-6.0.0-1]', { timeout }, async () => {
  const browser = new Browser(ports.ws)
  await browser.join()
  browser.socket.send('text')
  assert.equal(await browser.closed(), 1003)
})

for (const joined of [true, false])
  test(
    `a message may hold more than a packet may, ${joined ? 'as MQTT.js puts all into one that has waited' : 'CONNECT before it'} [MQTT-6.0.0-2]`,
    { timeout },
    async () => {
      const browser = new Browser(ports.ws)
      if (joined) await browser.join()
      else await once(browser.socket, 'open')
      const publishes = [1, 2, 3, 4].map((packetId) =>
        publish('many', 'x'.repeat(80_000), { qos: 1, packetId }),
      )
      const first = joined ? [] : [connect(4, { clientId: 'many' })]
      browser.socket.send(bytesOf(...first, ...publishes))
      const wanted = `${joined ? '' : '20020000'}40020001400200024002000340020004`
      let got = ''
      while (got.length < wanted.length) got += (await browser.next()).data.toString('hex')
      assert.equal(got, wanted)
      browser.socket.terminate()
    },
  )

test('a packet that is too large ends the connection at its header', { timeout }, async () => {
  const browser = new Browser(ports.ws)
  await browser.join()
  browser.socket.send(bytesOf(publish('large', 'x'.repeat(200_000))).subarray(0, 20))
  assert.equal(await browser.closed(), 1000)
})

test('a client that does not read is owed everything all the same', { timeout }, async () => {
  const browser = new Browser(ports.ws)
  await browser.join()
  browser.socket.send(bytesOf(subscribe(1, [{ filter: 'stalled', qos: 1 }])))
  await browser.next()
  browser.socket.pause()
  const writer = await join(await openPlain(ports.auto))
  for (let count = 0; count < 60; count++)
    await writer.publish('stalled', Buffer.alloc(90_000, count), { qos: 1 })
  browser.socket.resume()
  let bytes = 0
  while (bytes < 20 * 90_000) bytes += (await browser.next()).data.length
  browser.socket.terminate()
})

for (const origin of ['https://evil.example', 'null', 'https://good.example.evil.example'])
  test(`websockets_origin refuses ${origin}`, { timeout }, async () => {
    assert.equal(await new Browser(ports.origin, { origin }).refused(), 403)
  })

for (const origin of ['https://good.example', undefined])
  test(`websockets_origin lets in ${origin ?? 'who names none'}`, { timeout }, async () => {
    const browser = new Browser(ports.origin, origin === undefined ? {} : { origin })
    await browser.join()
    browser.socket.terminate()
  })

test('websockets_path is the only path', { timeout }, async () => {
  assert.equal(await new Browser(ports.path, { path: '/other' }).refused(), 404)
  const browser = new Browser(ports.path, { path: '/mqtt?token=x' })
  await browser.join()
  browser.socket.terminate()
})

for (const protocols of [[], ['chat']])
  test(
    `the subprotocols ${JSON.stringify(protocols)} are refused [MQTT-6.0.0-3]`,
    { timeout },
    async () => {
      assert.equal(await new Browser(ports.ws, { protocols }).refused(), 400)
    },
  )

test('a request that is no upgrade is answered and closed', { timeout }, async () => {
  const asked = request({ port: ports.ws, host: '127.0.0.1', path: '/' }).end()
  const [response] = (await once(asked, 'response')) as [
    { statusCode: number; headers: Record<string, string>; resume(): void },
  ]
  response.resume()
  assert.equal(response.statusCode, 426)
  assert.equal(response.headers.connection, 'close')
})

/** What comes back until the broker closes. */
async function answerOf(socket: Socket, text: string): Promise<string> {
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.write(text)
  await closed
  return answer
}

const upgrade =
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n'

for (const [what, headers, status] of [
  ['2000 headers', 'a:b\r\n'.repeat(2000), 431],
  ['a header of 64 KB', `a: ${'b'.repeat(65_536)}\r\n`, 431],
  [
    'another version',
    'Sec-WebSocket-Version: 7\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    400,
  ],
  ['a bad key', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n', 400],
  ['no key', 'Sec-WebSocket-Version: 13\r\n', 400],
] as const)
  test(`an upgrade with ${what} is answered ${status}`, { timeout }, async () => {
    const answer = await answerOf(await openPlain(ports.ws), `${upgrade}${headers}\r\n`)
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
  })

/** Attacks on TLS and WebSocket listeners. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import * as make from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import {
  assertShutOut,
  join,
  login,
  openPlain,
  openTls,
  startListeners,
  timeout,
  tlsLines,
} from '../transports/secure.ts'
import { assertOthersServed } from './attack.ts'

let certificates: TestCertificates
let broker: BrokerProcess
let ports: Readonly<Record<'tls' | 'mutual' | 'web' | 'secureWeb', number>>

before(async () => {
  certificates = await makeCertificates()
  const tls = tlsLines(certificates)
  const mutual = `${tls}\ncafile ${certificates.authority.certificateFile}\nrequire_certificate true\ncrlfile ${certificates.revocationList}\nuse_identity_as_username true`
  const started = await startListeners(
    {
      tls,
      mutual,
      web: 'protocol websockets\nwebsockets_origin https://good.example',
      secureWeb: `protocol websockets\n${mutual}`,
    },
    'connect_timeout 5\nmax_packet_size 10000',
  )
  broker = started.broker
  ports = started.ports
})

after(async () => {
  await broker.stop()
  certificates.remove()
})

let serial = 0

async function served(): Promise<void> {
  const name = `served${++serial}`
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.open(broker.port, 5)
    client.send(make.connect(5, { clientId: name }))
    await client.expect('connack', { code: 0 })
    return client
  }
  await assertOthersServed({ broker, topic: name, connect })
}

function attack(name: string, body: () => Promise<void>): void {
  test(name, { timeout }, async () => {
    await body()
    await served()
  })
}

attack('S65: a common name that is no user name lets nobody in', async () => {
  for (const names of [['a#'], ['+'], ['a\nb'], ['one', 'two'], ['a\u0000b'], ['']]) {
    let filed
    try {
      filed = await certificates.issueClient(...names)
    } catch {
      // The library does not make such a certificate.
      continue
    }
    const opening = openTls(ports.mutual, certificates, filed)
    const code = await opening
      .then((socket) => login(socket))
      .then(([, connack]) => connack.code)
      .catch(() => -1)
    assert.notEqual(code, 0, JSON.stringify(names))
  }
})

attack('S66: who has no good certificate says nothing to TLS or WebSocket listeners', async () => {
  for (const port of [ports.mutual, ports.secureWeb]) {
    for (const as of [null, certificates.foreign, certificates.expired, certificates.revoked])
      await assertShutOut(openTls(port, certificates, as))
  }
  const good = await join(await openTls(ports.mutual, certificates, certificates.client))
  await good.ping()
  await good.disconnect()
})

attack('S67: TLS before 1.2 is refused', async () => {
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }
    await assert.rejects(openTls(ports.tls, certificates, null, options))
  }
})

attack('S67: handshakes that stop halfway end in time and hold nobody up', async () => {
  const half = await Promise.all(Array.from({ length: 200 }, () => openPlain(ports.tls)))
  for (const socket of half) socket.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3))
  await served()
  await Promise.all(half.map((socket) => closeOf(socket.resume())))
})

attack('S67: garbage instead of a handshake is a close', async () => {
  for (const bytes of [randomBytes(1024), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
    const socket = await openPlain(ports.tls)
    socket.write(bytes)
    await closeOf(socket.resume())
  }
})

/** Not by `once`, for which a reset that comes first is an error. */
function closeOf(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

const key = randomBytes(16).toString('base64')

function request(lines: readonly string[], path = '/mqtt'): string {
  return [`GET ${path} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n')
}

const good = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${key}`,
  'Sec-WebSocket-Protocol: mqtt',
]

const without = (name: string, ...more: string[]): string[] => [
  ...good.filter((line) => !line.startsWith(name)),
  ...more,
]

/** The status of the answer; 0: a close without one. */
async function statusOf(text: string): Promise<number> {
  const socket = await openPlain(ports.web)
  socket.write(text)
  let answer = ''
  const first = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      resolve()
    })
    socket.on('close', () => resolve())
  })
  await first
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
  if (status !== 101) await closeOf(socket)
  socket.destroy()
  return status
}

attack('S82: a request that is no good upgrade is refused and closed', async () => {
  assert.equal(await statusOf(request(good)), 101)
  const bad = [
    request(without('Sec-WebSocket-Protocol')),
    request(without('Sec-WebSocket-Protocol', 'Sec-WebSocket-Protocol: chat')),
    request(without('Sec-WebSocket-Key')),
    request(without('Sec-WebSocket-Key', 'Sec-WebSocket-Key: short')),
    request(without('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 99')),
    request(without('Upgrade', 'Upgrade: h2c')),
    request([...good, ...Array.from({ length: 2000 }, (_, index) => `X-${index}: y`)]),
    request([...good, `X: ${'y'.repeat(65_536)}`]),
    'GET / HTTP/9.9\r\n\r\n',
    `${'G'.repeat(10_000)}\r\n\r\n`,
    'POST /mqtt HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n',
  ]
  for (const text of bad) {
    const status = await statusOf(text)
    assert.ok(status === 0 || (status >= 400 && status < 600), `${status}: ${text.slice(0, 200)}`)
  }
})

attack('S82: headers that drip are closed in time', async () => {
  const socket = await openPlain(ports.web)
  const text = request(good)
  let at = 0
  const timer = setInterval(() => socket.write(text[at++] ?? ''), 300)
  await closeOf(socket.resume())
  clearInterval(timer)
})

attack('S83: a page of another origin is refused, one of the list is not', async () => {
  assert.equal(await statusOf(request([...good, 'Origin: https://good.example'])), 101)
  for (const origin of [
    'https://evil.example',
    'null',
    'https://good.example.evil',
    'http://good.example',
  ])
    assert.equal(await statusOf(request([...good, `Origin: ${origin}`])), 403, origin)
})

/** An upgraded connection, and what comes over it. */
async function upgrade(): Promise<{ socket: Socket; got: () => Buffer; closed: Promise<unknown> }> {
  const socket = await openPlain(ports.web)
  let got = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => (got = Buffer.concat([got, chunk])))
  const closed = closeOf(socket)
  socket.write(request(good))
  while (!got.includes('\r\n\r\n')) await once(socket, 'data')
  const head = got.indexOf('\r\n\r\n') + 4
  got = got.subarray(head)
  return { socket, got: () => got, closed }
}

interface FrameOptions {
  opcode?: number
  fin?: boolean
  masked?: boolean
  reserved?: number
}

function frame(payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = 2, fin = true, masked = true, reserved = 0 } = options
  const { length } = payload
  const first = (fin ? 0x80 : 0) | reserved | opcode
  const bit = masked ? 0x80 : 0
  const size =
    length < 126
      ? [bit | length]
      : length < 65_536
        ? [bit | 126, length >> 8, length & 255]
        : [
            bit | 127,
            0,
            0,
            0,
            0,
            (length >> 24) & 255,
            (length >> 16) & 255,
            (length >> 8) & 255,
            length & 255,
          ]
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([
    Buffer.from([first, ...size]),
    masked ? Buffer.alloc(4) : Buffer.alloc(0),
    payload,
  ])
}

const hello = Buffer.from('100c00044d5154540402003c0000', 'hex')
const badFrames: [string, Buffer][] = [
  ['unmasked', frame(hello, { masked: false })],
  ['text', frame(hello, { opcode: 1 })],
  ['a reserved bit', frame(hello, { reserved: 0x40 })],
  ['a reserved opcode', frame(hello, { opcode: 5 })],
  ['a long ping', frame(Buffer.alloc(126), { opcode: 9 })],
  ['a ping in pieces', frame(Buffer.alloc(1), { opcode: 9, fin: false })],
  ['a continuation of nothing', frame(hello, { opcode: 0 })],
  ['64 bits of length', Buffer.from('82ffffffffffffffffff00000000', 'hex')],
]

for (const [what, bytes] of badFrames)
  attack(`S84: a frame with ${what} ends the connection`, async () => {
    const { socket, closed } = await upgrade()
    socket.write(bytes)
    await closed
  })

attack('S84: a flood of pings and of tiny fragments holds nobody up', async () => {
  const { socket, closed } = await upgrade()
  const piece = frame(Buffer.of(0), { opcode: 0, fin: false })
  socket.write(frame(Buffer.of(0x10), { fin: false }))
  for (let each = 0; each < 20; each++)
    socket.write(Buffer.concat(Array.from({ length: 5000 }, () => piece)))
  const pings = await upgrade()
  pings.socket.write(
    Buffer.concat(Array.from({ length: 20_000 }, () => frame(Buffer.of(1), { opcode: 9 }))),
  )
  await served()
  await closed
  pings.socket.destroy()
})

attack('S85: packets mean the same wherever frames cut them', async () => {
  const half = await upgrade()
  half.socket.write(Buffer.concat([frame(hello.subarray(0, 3)), frame(hello.subarray(3))]))
  while (half.got().length < 6) await once(half.socket, 'data')
  assert.equal(half.got().subarray(2, 6).toString('hex'), '20020000')
  half.socket.write(frame(Buffer.from('308020000161', 'hex')))
  half.socket.write(frame(Buffer.from('c000c000', 'hex')))
  await served()
  half.socket.destroy()
  const both = await upgrade()
  both.socket.write(frame(Buffer.concat([hello, Buffer.from('c000', 'hex')])))
  while (!both.got().includes(Buffer.from('d000', 'hex'))) await once(both.socket, 'data')
  both.socket.destroy()
})

attack(
  'S86: a frame with a packet larger than it may be ends the connection, and nothing is compressed',
  async () => {
    const { socket, closed } = await upgrade()
    // The head of a CONNECT of 200,000 bytes.
    const packet = Buffer.concat([Buffer.from('10c09a0c', 'hex'), Buffer.alloc(200_000)])
    socket.write(frame(packet).subarray(0, 20))
    await closed
    const asking = await openPlain(ports.web)
    asking.write(request([...good, 'Sec-WebSocket-Extensions: permessage-deflate']))
    const [answer] = (await once(asking, 'data')) as [Buffer]
    assert.doesNotMatch(answer.toString('latin1'), /deflate/i)
    asking.destroy()
  },
)

attack('S87: no path leads to a file', async () => {
  for (const path of [
    '/../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..\\..\\etc\\passwd',
    '//etc/passwd',
    '/.',
  ]) {
    const status = await statusOf(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    assert.ok(status === 0 || status >= 400, `${path}: ${status}`)
  }
})

attack(
  'a TLS client that vanishes in its handshake leaves no trace in the log of errors',
  async () => {
    const socket = connectTls({ port: ports.tls, host: '127.0.0.1', rejectUnauthorized: true })
    await once(socket, 'error')
  },
)

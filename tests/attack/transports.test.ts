import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { join, openPlain, startListeners, tlsLines } from '../transports/secure.ts'
import { assertPrompt } from './attack.ts'
import { leastOf, testMsMax } from '../support/patience.ts'
import { gone } from '../support/sockets.ts'

// connect_timeout, and what a busy machine may add to it.
const stageMs = 2000
const timeout = testMsMax

describe('attacks on transports', () => {
  let certificates: TestCertificates
  let broker: BrokerProcess
  let ports: Readonly<Record<'tls' | 'ws' | 'auto' | 'proxy', number>>

  before(async () => {
    certificates = await makeCertificates()
    const started = await startListeners(
      {
        tls: tlsLines(certificates),
        ws: 'protocol websockets',
        auto: 'protocol auto',
        proxy: 'enable_proxy_protocol 2',
      },
      `connect_timeout ${stageMs / 1000}\nmax_packet_size 100000`,
    )
    broker = started.broker
    ports = started.ports
  })
  after(async () => {
    await broker.stop()
    certificates.remove()
  })

  /** Others are served as ever, and nothing unexpected was met. */
  async function assertServed(): Promise<void> {
    const client = await join(await openPlain(broker.port))
    await client.subscribe({ filter: 'echo', qos: 1 })
    await assertPrompt(client, 'echo')
    await client.disconnect()
    assert.doesNotMatch(broker.log(), /internal error|uncaught|unhandled/i)
  }

  async function open(port: number): Promise<Socket> {
    const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true })
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  /** ms until the connection is over. */
  async function closed(socket: Socket): Promise<number> {
    const start = performance.now()
    await gone(socket)
    return performance.now() - start
  }

  // A record that announces 512 bytes of ClientHello.
  const helloStart = Buffer.from('1603010200010001fc0303', 'hex')

  for (const [what, port, begin] of [
    ['a ClientHello', 'tls', helloStart],
    ['an HTTP request', 'ws', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n')],
    ['a first byte', 'auto', Buffer.alloc(0)],
    ['a PROXY header', 'proxy', Buffer.from('0d0a0d0a000d0a515549540a21110200', 'hex')],
  ] as const)
    test(`${what} that drips byte by byte is cut off in time`, { timeout }, async () => {
      const start = performance.now()
      const socket = await open(ports[port])
      socket.write(begin)
      const byte = begin.length === 0 ? Buffer.alloc(0) : Buffer.from(port === 'ws' ? 'a' : [0])
      const drip = setInterval(() => void socket.write(byte), 100)
      try {
        await gone(socket)
        const ms = performance.now() - start
        assert.ok(ms > stageMs - 1000, `${ms}`)
      } finally {
        clearInterval(drip)
      }
      await assertServed()
    })

  for (const [what, bytes] of [
    ['noise', Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 73 + 11) & 255))],
    ['a CONNECT without TLS', Buffer.from('100c00044d5154540402003c0000', 'hex')],
    ['HTTP without TLS', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    [
      'a record of 65535 bytes',
      Buffer.concat([Buffer.from('160301ffff', 'hex'), Buffer.alloc(65_535)]),
    ],
  ] as const)
    test(`${what} on a TLS port is closed at once`, { timeout }, async () => {
      const ms = await leastOf(1500, async () => {
        const socket = await open(ports.tls)
        socket.write(bytes)
        return closed(socket)
      })
      assert.ok(ms <= 1500, `${ms}`)
      await assertServed()
    })

  test('TLS on a plain port is closed', { timeout }, async () => {
    const socket = await open(broker.port)
    socket.write(helloStart)
    await closed(socket)
    await assertServed()
  })

  test('a thousand half handshakes keep nobody out', { timeout }, async () => {
    const sockets = await Promise.all(Array.from({ length: 1000 }, () => open(ports.tls)))
    for (const socket of sockets) socket.write(helloStart)
    await assertServed()
    await Promise.all(sockets.map(closed))
    await assertServed()
  })

  const upgrade =
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n'

  for (const [what, frame] of [
    ['without a mask', '8202c000'],
    ['with reserved bits', 'f28200000000c000'],
    ['with an unknown opcode', '838200000000c000'],
    ['of 2^63 bytes', '82ffffffffffffffffff00000000'],
    ['of 16 MB announced', '82ff000000000100000000000000'],
    ['that goes on with nothing', '808200000000c000'],
    ['of control that is fragmented', '098000000000'],
    ['of control over 125 bytes', '89fe007e00000000'],
  ] as const)
    test(`a WebSocket frame ${what} ends the connection`, { timeout }, async () => {
      const socket = await open(ports.ws)
      socket.write(upgrade)
      await once(socket, 'data')
      socket.write(Buffer.from(frame, 'hex'))
      await closed(socket)
      await assertServed()
    })

  test('fragments that never end are cut off at the size of a packet', { timeout }, async () => {
    const socket = await open(ports.ws)
    socket.write(upgrade)
    await once(socket, 'data')
    const body = Buffer.alloc(50_000)
    const header = (first: number) =>
      Buffer.from([first, 0xfe, body.length >> 8, body.length & 255, 0, 0, 0, 0])
    socket.write(Buffer.concat([header(0x02), body]))
    for (let count = 0; count < 5; count++) socket.write(Buffer.concat([header(0x00), body]))
    await closed(socket)
    await assertServed()
  })

  test(
    'requests without an end of their headers, pipelined requests and bodies are bounded',
    { timeout },
    async () => {
      for (const text of [
        `GET / HTTP/1.1\r\n${'x'.repeat(100_000)}`,
        'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000),
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n${'y'.repeat(200_000)}`,
        'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
      ]) {
        const socket = await open(ports.ws)
        socket.write(text)
        await closed(socket)
      }
      await assertServed()
    },
  )
})

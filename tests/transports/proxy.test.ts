import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import type { BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { connect } from '../support/packets.ts'
import { RawClient } from '../support/raw-client.ts'
import { until } from '../server/run-mozzie.ts'
import { binaryHeader, tcp4, tlsPart } from './proxy-headers.ts'
import { join, login, openPlain, startListeners, timeout, tlsLines } from './secure.ts'

type Name =
  'line' | 'lineTls' | 'lineWeb' | 'binary' | 'tlsOnly' | 'identity' | 'trusted' | 'distrusted'
let certificates: TestCertificates
let broker: BrokerProcess
let ports: Readonly<Record<Name, number>>

before(async () => {
  certificates = await makeCertificates()
  const line = 'enable_proxy_protocol 1'
  const binary = 'enable_proxy_protocol 2'
  const started = await startListeners<Name>(
    {
      line,
      lineTls: `${line}\n${tlsLines(certificates)}`,
      lineWeb: `${line}\nprotocol websockets`,
      binary,
      tlsOnly: `${binary}\nproxy_protocol_v2_require_tls true`,
      identity: `${binary}\nrequire_certificate true\nuse_identity_as_username true`,
      trusted: `${line}\nproxy_protocol_trusted 127.0.0.0/8`,
      distrusted: `${line}\nproxy_protocol_trusted 10.0.0.0/8\nproxy_protocol_trusted ::1`,
    },
    'connect_timeout 5',
  )
  broker = started.broker
  ports = started.ports
})
after(async () => {
  await broker.stop()
  certificates.remove()
})

const textLine = 'PROXY TCP4 192.0.2.7 10.0.0.1 4321 1883\r\n'
const seen = (line: RegExp) => until(() => line.test(broker.log()), broker.log)

async function open(name: Name, header: Buffer | string): Promise<Socket> {
  const socket = await openPlain(ports[name])
  socket.write(header)
  return socket
}

test('version 1 tells where the client is', { timeout }, async () => {
  await join(await open('line', textLine), { clientId: 'one' })
  await seen(/New client connected from 192\.0\.2\.7:4321 as one /)
})

test('version 2 tells where the client is', { timeout }, async () => {
  await join(await open('binary', binaryHeader(tcp4('192.0.2.8', 1))), { clientId: 'two' })
  await seen(/New client connected from 192\.0\.2\.8:1 as two /)
})

test('version 2 with a unix address is let in', { timeout }, async () => {
  const header = binaryHeader({ command: 0x21, family: 0x31, bytes: Buffer.from('/path') })
  await join(await open('binary', header), { clientId: 'unix' })
  await seen(/New client connected from \/path as unix /)
})

test('header and CONNECT in one segment, and byte by byte', { timeout }, async () => {
  const whole = await openPlain(ports.line)
  const packet = RawClient.over(whole, 5).bytesOf([connect(5, { clientId: 'whole' })])
  const bytes = Buffer.concat([Buffer.from(textLine), packet])
  whole.write(bytes)
  await seen(/as whole /)
  const slow = await openPlain(ports.line)
  slow.setNoDelay(true)
  const client = RawClient.over(slow, 5)
  for (const byte of bytes) {
    slow.write(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await client.expect('connack', { code: 0 })
})

test('TLS comes behind the header', { timeout }, async () => {
  const raw = await open('lineTls', textLine)
  const socket = connectTls({
    socket: raw,
    ca: certificates.authority.certificate,
    servername: 'localhost',
  })
  await once(socket, 'secureConnect')
  await join(socket, { clientId: 'both' })
  await seen(/New client connected from 192\.0\.2\.7:4321 as both /)
})

test('WebSocket comes behind the header', { timeout }, async () => {
  const raw = await open('lineWeb', textLine)
  const socket = new WebSocket('ws://localhost/', ['mqtt'], { createConnection: () => raw })
  await once(socket, 'open')
  await seen(/New connection from 192\.0\.2\.7:4321 on port/)
  socket.terminate()
})

test('the certificate that the proxy verified names the user', { timeout }, async () => {
  const header = binaryHeader(tcp4('192.0.2.9', 1), tlsPart(7, 0, 'device1'))
  await join(await open('identity', header), { clientId: 'proven', username: 'root' })
  await seen(/as proven \(.*u'device1'\)/)
})

test('a name that can be none is refused like no certificate', { timeout }, async () => {
  const header = binaryHeader(tcp4('192.0.2.9', 1), tlsPart(7, 0, 'a+b'))
  const [, { code }] = await login(await open('identity', header))
  assert.equal(code, 0x86)
})

const tlsWithout = tlsPart(1, 0, 'device1')
for (const [what, name, header] of [
  ['MQTT without a header', 'line', Buffer.from('100c00044d5154540402003c0000', 'hex')],
  ['version 2 where 1 is asked for', 'line', binaryHeader(tcp4('1.2.3.4', 5))],
  ['version 1 where 2 is asked for', 'binary', textLine],
  ['a line that does not end', 'line', `PROXY UNKNOWN ${'x'.repeat(5000)}`],
  ['a client without TLS', 'tlsOnly', binaryHeader(tcp4('1.2.3.4', 5))],
  ['a client without certificate', 'identity', binaryHeader(tcp4('1.2.3.4', 5), tlsWithout)],
  [
    'a certificate that is not good',
    'identity',
    binaryHeader(tcp4('1.2.3.4', 5), tlsPart(7, 1, 'x')),
  ],
  ['a proxy that is not trusted', 'distrusted', textLine],
] as const)
  test(`${what} is closed without an answer`, { timeout }, async () => {
    const socket = await open(name, header)
    const closed = new Promise((resolve) => socket.on('close', resolve))
    let bytes = 0
    socket.on('data', (chunk) => (bytes += chunk.length))
    await closed
    assert.equal(bytes, 0)
  })

test('a proxy that is trusted is let in', { timeout }, async () => {
  await join(await open('trusted', textLine))
})

test('a header that does not come is not waited for', { timeout }, async () => {
  const socket = await open('line', 'PROXY ')
  socket.resume()
  await new Promise((resolve) => socket.on('close', resolve))
})

import assert from 'node:assert/strict'
import dns from 'node:dns'
import { rmSync, mkdtempSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import {
  connect as connectSocket,
  createServer,
  isIP,
  type AddressInfo,
  type Socket,
} from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, mock, test } from 'node:test'
import { connect, type NodeConnectOptions } from '../../src/client/node.ts'
import { loopbackAddresses } from '../../src/base/loopback.ts'
import { examineConnection } from '../../src/cli/doctor/connection.ts'
import { placesOf } from '../../src/transports/places.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import { testMsMax } from '../support/patience.ts'
import { makeCertificates, withoutOpenssl, type Certificates } from './certificates.ts'

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1')
const timeout = testMsMax
const limits = { timeout, skip: withoutOpenssl }
const limits6 = { timeout, skip: hasIpv6 ? withoutOpenssl : 'no ::1 on this machine' }

const directory = mkdtempSync(join(tmpdir(), 'mozzie-loopback-'))
const addresses = hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']
const SCHEMES = ['mqtt', 'mqtts', 'ws', 'wss'] as const
/** One port for each scheme at each address alone. */
const ports = new Map<string, number>()
let broker: BrokerProcess
let certificates: Certificates

const { lookup } = dns
const { lookup: lookupLater } = dns.promises
/** Names that a resolver was asked for. Node asks for addresses too, when it is to listen. */
const asked: string[] = []
mock.method(dns, 'lookup', (name: string, ...rest: unknown[]) => {
  if (isIP(name) === 0) asked.push(name)
  Reflect.apply(lookup, dns, [name, ...rest])
})
mock.method(dns.promises, 'lookup', (name: string, ...rest: unknown[]) => {
  if (isIP(name) === 0) asked.push(name)
  return Reflect.apply(lookupLater, dns.promises, [name, ...rest])
})
syncBuiltinESMExports()

before(async () => {
  if (withoutOpenssl !== false) return
  certificates = makeCertificates(directory, 'localhost')
  const certificate = join(directory, 'server.crt')
  const key = join(directory, 'server.key')
  writeFileSync(certificate, certificates.cert)
  writeFileSync(key, certificates.key)
  const lines: string[] = []
  for (const address of addresses)
    for (const scheme of SCHEMES) {
      const port = await freePort()
      ports.set(`${scheme} ${address}`, port)
      lines.push(`listener ${port} ${address}`)
      if (scheme.startsWith('ws')) lines.push('protocol websockets')
      if (scheme.endsWith('s') && scheme !== 'ws')
        lines.push(`certfile ${certificate}\nkeyfile ${key}`)
    }
  broker = await startBroker(lines.join('\n'))
})
after(async () => {
  mock.restoreAll()
  await (broker as BrokerProcess | undefined)?.stop()
  rmSync(directory, { recursive: true })
})

async function exchange(url: string, options: NodeConnectOptions = {}): Promise<void> {
  const client = await connect(url, {
    reconnect: false,
    tls: { ca: certificates.ca },
    ...options,
  })
  const stream = await client.subscribe('t', { qos: 1 })
  await client.publish('t', 'text', { qos: 1 })
  for await (const message of stream) {
    assert.equal(message.text(), 'text')
    break
  }
  await client.end()
}

for (const address of ['127.0.0.1', '::1'])
  for (const scheme of SCHEMES)
    test(
      `${scheme}://localhost reaches a server at ${address} alone, and nobody is asked for the name`,
      address === '::1' ? limits6 : limits,
      async () => {
        await exchange(`${scheme}://localhost:${ports.get(`${scheme} ${address}`)}`)
        assert.deepEqual(asked, [])
      },
    )

test('a name below localhost is this machine', limits, async () => {
  await exchange(`mqtt://broker.localhost:${ports.get('mqtt 127.0.0.1')}`)
})

test('the certificate is for the name, not for the address that was dialled', limits, async () => {
  const url = `mqtts://broker.localhost:${ports.get('mqtts 127.0.0.1')}`
  await assert.rejects(exchange(url), (error: Error) => {
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ERR_TLS_CERT_ALTNAME_INVALID')
    return true
  })
})

test('where nobody listens at either address the first one is named', limits, async () => {
  const port = await freePort()
  for (const scheme of SCHEMES)
    await assert.rejects(exchange(`${scheme}://localhost:${port}`), (error: Error) => {
      const { code, address } = error.cause as NodeJS.ErrnoException & { address?: string }
      assert.deepEqual([code, address], ['ECONNREFUSED', '127.0.0.1'])
      return true
    })
})

test('a server that ends the connection is not dialled at its other address', limits, async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket.end()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await assert.rejects(exchange(`mqtt://localhost:${port}`), { code: 'CONNECT' })
  assert.equal(sockets.length, 1)
  server.close()
})

test('our own address says which of both is dialled', limits, async () => {
  const options = { localAddress: '127.0.0.1' }
  await exchange(`mqtt://localhost:${ports.get('mqtt 127.0.0.1')}`, options)
})

/** An HTTP proxy; who came to it, from where and for what. */
async function startProxy(address: string) {
  const came: string[] = []
  const server = createServer((near) => {
    near.once('data', (head) => {
      const [, host, port] = /^CONNECT (.*):(\d+) /.exec(head.toString()) as RegExpExecArray
      came.push(`${near.remoteAddress} ${host}`)
      const far = connectSocket(Number(port), '127.0.0.1', () => {
        near.write('HTTP/1.1 200 Fine\r\n\r\n')
        near.pipe(far).pipe(near)
      })
      for (const [one, other] of [
        [near, far],
        [far, near],
      ])
        one.on('close', () => other.destroy()).on('error', () => undefined)
    })
  })
  server.listen(0, address)
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, came, close: () => server.close() }
}

for (const address of ['127.0.0.1', '::1'])
  test(
    `a proxy at localhost is found at ${address} alone, and nobody is asked for the name`,
    address === '::1' ? limits6 : limits,
    async () => {
      const proxy = await startProxy(address)
      const options = { proxy: `http://localhost:${proxy.port}` }
      await exchange(`mqtt://localhost:${ports.get('mqtt 127.0.0.1')}`, options)
      proxy.close()
      assert.equal(proxy.came.length, 1)
      assert.deepEqual(asked, [])
    },
  )

test('a connection by way of a proxy comes from our own address too', limits, async () => {
  const proxy = await startProxy('127.0.0.1')
  const options = { proxy: `http://127.0.0.1:${proxy.port}`, localAddress: '127.0.0.1' }
  await exchange(`mqtt://b.example:${ports.get('mqtt 127.0.0.1')}`, options)
  proxy.close()
  assert.deepEqual(proxy.came, ['127.0.0.1 b.example'])
})

test('our own address may be a name of this machine', limits, async () => {
  for (const host of ['127.0.0.1', 'localhost'])
    for (const scheme of SCHEMES.slice(0, 3)) {
      const url = `${scheme}://${host}:${ports.get(`${scheme} 127.0.0.1`)}`
      const tls = { ca: certificates.ca, serverName: 'localhost' }
      await exchange(url, { localAddress: 'localhost', tls })
    }
  assert.deepEqual(asked, [])
  const options = { localAddress: 'nobody.invalid' }
  const failure = exchange(`mqtt://localhost:${ports.get('mqtt 127.0.0.1')}`, options)
  await assert.rejects(failure, { code: 'CONNECT' })
  assert.deepEqual(asked.splice(0), ['nobody.invalid'])
})

/** What the doctor finds at `url`. */
async function examined(url: string): Promise<string> {
  const told: string[] = []
  const nobody = { clientId: undefined, username: undefined, password: undefined }
  const login = { url, ...nobody, tls: { ca: certificates.ca } }
  await examineConnection(login, null, (_, id) => void told.push(id))
  return told.join()
}

test('the doctor looks where connections go, and asks nobody for localhost', limits, async () => {
  for (const scheme of ['mqtt', 'mqtts']) {
    const url = `${scheme}://localhost:${ports.get(`${scheme} 127.0.0.1`)}`
    assert.match(await examined(url), /nameKnown.*portOpen/)
  }
  const url = `mqtt://localhost:${ports.get('mqtts 127.0.0.1')}`
  assert.match(await examined(url), /plainIsTls/)
  assert.deepEqual(asked, [])
})

test('a listener at localhost is at the loopback addresses that there are', limits, async () => {
  const where = { port: 1, socketPath: null, family: null, networkInterface: null }
  for (const host of ['localhost', 'broker.localhost']) {
    const places = await placesOf({ ...where, host })
    assert.deepEqual(
      places.map(({ address }) => address),
      addresses,
    )
  }
  assert.deepEqual(asked, [])
})

test('which names are this machine', () => {
  const both = ['127.0.0.1', '::1']
  for (const name of ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'a.b.localhost'])
    assert.deepEqual(loopbackAddresses(name), both, name)
  for (const name of ['localhost.example', 'mylocalhost', '.localhost', '', '127.0.0.1', 'local'])
    assert.equal(loopbackAddresses(name), null, name)
  assert.deepEqual(loopbackAddresses('localhost', '::1'), ['::1'])
  assert.deepEqual(loopbackAddresses('localhost', '127.0.0.9'), ['127.0.0.1'])
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect, type MqttError, type NodeConnectOptions } from '../../src/client/node.ts'
import { startBroker, type BrokerProcess } from '../support/broker-process.ts'
import { freePort } from '../support/free-port.ts'
import { listen } from './bridges.ts'
import { makeCertificates, withoutOpenssl, type Certificates } from './certificates.ts'
import { testMsMax } from '../support/patience.ts'

const limits = { timeout: testMsMax, skip: withoutOpenssl }
const psk = { identity: 'device', key: Buffer.from('00112233445566778899aabbccddeeff', 'hex') }

const directory = mkdtempSync(join(tmpdir(), 'mozzie-client-'))
const unixPath = join(directory, 'socket')
const ports = { tls: 0, strict: 0, psk: 0, webSocket: 0, secureWebSocket: 0 }
let broker: BrokerProcess
let good: Certificates
let other: Certificates

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

before(async () => {
  if (withoutOpenssl !== false) return
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort()
  good = makeCertificates(directory, 'localhost')
  other = makeCertificates(directory, 'elsewhere.example')
  const certificate = (certificates: Certificates, name: string) =>
    `certfile ${file(`${name}.crt`, certificates.cert)}\nkeyfile ${file(`${name}.key`, certificates.key)}`
  const serving = certificate(good, 'good')
  broker = await startBroker(
    [
      `listener 0 ${unixPath}`,
      `listener ${ports.tls} 127.0.0.1\n${serving}`,
      `listener ${ports.strict} 127.0.0.1\n${serving}`,
      `cafile ${file('ca.crt', good.ca)}\nrequire_certificate true`,
      `listener ${ports.psk} 127.0.0.1\npsk_hint hint`,
      `psk_file ${file('psk', `${psk.identity}:${psk.key.toString('hex')}\n`)}`,
      `listener ${ports.webSocket} 127.0.0.1\nprotocol websockets`,
      `listener ${ports.secureWebSocket} 127.0.0.1\nprotocol websockets\n${serving}`,
    ].join('\n'),
  )
})
after(async () => {
  await (broker as BrokerProcess | undefined)?.stop()
  rmSync(directory, { recursive: true })
})

/** A message there and back. */
async function exchange(url: string, options: NodeConnectOptions = {}): Promise<void> {
  const client = await connect(url, { reconnect: false, ...options })
  const stream = await client.subscribe('t/#', { qos: 1 })
  const payload = 'x'.repeat(300_000)
  await client.publish('t/1', payload, { qos: 1 })
  for await (const message of stream) {
    assert.equal(message.text(), payload)
    break
  }
  await client.end()
}

test('a unix socket', limits, () => exchange(`unix://${unixPath}`))

test('TLS with an authority of its own', limits, () =>
  exchange(`mqtts://localhost:${ports.tls}`, { tls: { ca: good.ca } }),
)

test('TLS to an address that the certificate names', limits, () =>
  exchange(`mqtts://127.0.0.1:${ports.tls}`, { tls: { ca: good.ca } }),
)

test('TLS refuses a server that nobody vouches for', limits, async () => {
  await assert.rejects(exchange(`mqtts://localhost:${ports.tls}`), {
    code: 'CONNECT',
    message: /unable to verify|self.signed|unable to get/i,
  })
})

test('TLS options that cannot be reject, they do not throw', limits, async () => {
  const tls = { ca: good.ca, ciphers: 'no-such-cipher' }
  await assert.rejects(connect(`mqtts://localhost:${ports.tls}`, { tls, reconnect: false }), {
    code: 'CONNECT',
  })
})

test('TLS refuses a server of another name, unless told not to look', limits, async () => {
  const url = `mqtts://localhost:${ports.tls}`
  const tls = { ca: good.ca, serverName: 'wrong.example' }
  await assert.rejects(exchange(url, { tls }), { code: 'CONNECT', message: /wrong\.example/ })
  await exchange(url, { tls: { ...tls, verifyName: false } })
  await exchange(url, { tls: { verify: false } })
})

test('TLS with a certificate of the client', limits, async () => {
  const url = `mqtts://localhost:${ports.strict}`
  await exchange(url, { tls: good })
  const none = connect(url, { reconnect: false, tls: { ca: good.ca } })
  await assert.rejects(none, { message: /: the server demands a certificate of the client$/ })
  await assert.rejects(exchange(url, { tls: { ...other, ca: good.ca } }))
})

test('TLS to a port without it is told in words, with the cause', limits, async () => {
  const url = `mqtts://localhost:${ports.webSocket}`
  await assert.rejects(connect(url, { reconnect: false }), ({ message, cause }: MqttError) => {
    assert.equal(message, 'cannot connect: the server does not speak TLS on that port')
    return (cause as { code: string }).code === 'ERR_SSL_WRONG_VERSION_NUMBER'
  })
})

test('TLS with a shared key', limits, async () => {
  const url = `mqtts://localhost:${ports.psk}`
  await exchange(url, { tls: { psk } })
  const wrong = { ...psk, key: Buffer.alloc(16) }
  await assert.rejects(exchange(url, { tls: { psk: wrong } }), { code: 'CONNECT' })
})

for (const version of [3, 4, 5] as const) {
  test(`WebSocket, level ${version}`, limits, () =>
    exchange(`ws://127.0.0.1:${ports.webSocket}/mqtt`, { version }),
  )
}

test('WebSocket over TLS', limits, async () => {
  const url = `wss://localhost:${ports.secureWebSocket}`
  await exchange(url, { tls: { ca: good.ca } })
  await assert.rejects(exchange(url), { code: 'CONNECT' })
})

/** A SOCKS5 and HTTP proxy that asks for `user:pass word`, and where it was asked to go. */
async function startProxy() {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    sockets.add(near)
    near.on('error', () => near.destroy())
    near.once('data', (first) => {
      if (first[0] === 5) socks(near)
      else tunnel(near, first.toString('latin1'))
    })
  })
  const join = (near: Socket, host: string, port: number, then: () => void) => {
    asked.push(host)
    const far = connectSocket(port, '127.0.0.1', () => {
      then()
      near.pipe(far).pipe(near)
    })
    sockets.add(far)
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
  }
  const socks = (near: Socket): void => {
    near.write(Buffer.of(5, 2))
    near.once('data', (login) => {
      const isRight = login.subarray(2).toString('latin1') === 'user\x09pass word'
      near.write(Buffer.of(1, isRight ? 0 : 1))
      if (!isRight) {
        near.end()
        return
      }
      near.once('data', (request) => {
        const isName = request[3] === 3
        const host = isName
          ? request.subarray(5, request.length - 2).toString()
          : request.subarray(4, request.length - 2).toString('hex')
        const port = request.readUInt16BE(request.length - 2)
        // In two pieces, and with the first bytes of the way behind them.
        join(near, host, port, () => {
          near.write(Buffer.of(5, 0, 0, 1, 0))
          near.write(Buffer.of(0, 0, 0, 0, 0))
        })
      })
    })
  }
  const tunnel = (near: Socket, head: string): void => {
    const login = Buffer.from('user:pass word').toString('base64')
    const target = /^CONNECT (.*):(\d+) HTTP\/1\.1\r\n/.exec(head)
    const isRight = head.includes(`Proxy-Authorization: Basic ${login}\r\n`)
    if (target === null || !isRight) near.end('HTTP/1.1 407 Who are you\r\n\r\n')
    else join(near, target[1], Number(target[2]), () => near.write('HTTP/1.1 200 Fine\r\n\r\n'))
  }
  const port = await listen(server)
  const close = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  }
  return { port, asked, close }
}

test(
  'proxies: SOCKS5 by name and by address, HTTP CONNECT, with TLS and WebSocket inside',
  limits,
  async () => {
    const proxy = await startProxy()
    const at = `user:pass%20word@127.0.0.1:${proxy.port}`
    try {
      await exchange(`mqtt://localhost:${broker.port}`, { proxy: `socks5h://${at}` })
      await exchange(`mqtt://127.0.0.1:${broker.port}`, { proxy: `socks5://${at}` })
      const tls = { ca: good.ca }
      await exchange(`mqtts://localhost:${ports.tls}`, { proxy: `http://${at}`, tls })
      await exchange(`ws://localhost:${ports.webSocket}`, { proxy: `http://${at}` })
      await exchange(`wss://localhost:${ports.secureWebSocket}`, { proxy: `socks5h://${at}`, tls })
      assert.deepEqual(proxy.asked, [
        'localhost',
        '7f000001',
        'localhost',
        'localhost',
        'localhost',
      ])
      const stranger = `x:y@127.0.0.1:${proxy.port}`
      const url = `mqtt://localhost:${broker.port}`
      await assert.rejects(exchange(url, { proxy: `socks5h://${stranger}` }), {
        message: /refused user name or password/,
      })
      await assert.rejects(exchange(url, { proxy: `http://${stranger}` }), {
        message: /HTTP\/1\.1 407 Who are you/,
      })
    } finally {
      await proxy.close()
    }
  },
)

test('URLs and proxies that cannot be are refused with what to write', async () => {
  for (const [url, words] of [
    ['localhost', /write it as mqtt:\/\/host:port/],
    ['http://localhost', /the scheme must be one of mqtt:/],
    ['mqtt://', /host is missing|write it as/],
    ['unix://host/x', /unix:\/\/\/path/],
  ] as const)
    await assert.rejects(connect(url), { code: 'INVALID', message: words })
  const proxy = 'ftp://x'
  await assert.rejects(connect('mqtt://127.0.0.1:1', { proxy, reconnect: false }), {
    message: /socks5h:\/\//,
  })
})

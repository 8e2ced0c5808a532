/** pub and sub over every transport that they have a flag for. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { startListeners, tlsLines } from '../transports/secure.ts'
import { AT_LAST, runTool } from './tool-process.ts'

type Name = 'plain' | 'tls' | 'mutual' | 'psk' | 'ws' | 'wss'

let broker: BrokerProcess
let ports: Readonly<Record<Name, number>>
let certificates: TestCertificates
let authority: string[]

const key = '00112233445566778899aabbccddeeff'

before(async () => {
  certificates = await makeCertificates()
  authority = ['--cafile', certificates.authority.certificateFile]
  const pskFile = join(certificates.directory, 'psk')
  writeFileSync(pskFile, `device:${key}\n`, { mode: 0o600 })
  const tls = tlsLines(certificates)
  const started = await startListeners<Name>({
    plain: '',
    tls,
    mutual: `${tls}\ncafile ${certificates.authority.certificateFile}\nrequire_certificate true`,
    psk: `psk_hint hint\npsk_file ${pskFile}`,
    ws: 'protocol websockets',
    wss: `protocol websockets\n${tls}`,
  })
  broker = started.broker
  ports = started.ports
  const args = ['-h', '127.0.0.1', '-p', String(ports.plain), '-t', 'way', '-m', 'through', '-r']
  assert.equal((await runTool('mozzie', 'pub', [...args, '-q', '1'])).code, 0)
})
after(async () => {
  await broker.stop()
  certificates.remove()
})

/** What sub says of the retained message, by another way to the same broker. */
function sub(name: Name, ...flags: string[]) {
  const args = ['-p', String(ports[name]), '-t', 'way', '-C', '1', ...AT_LAST, ...flags]
  return runTool('mozzie', 'sub', args)
}

const arrived = { code: 0, stdout: 'through\n', stderr: '' }
const noTls = 'Unable to connect (A TLS error occurred.).\n'

describe('TLS', { concurrency: 2 }, () => {
  test('--cafile trusts the authority', async () => {
    assert.deepEqual(await sub('tls', ...authority), arrived)
  })

  test('a --cafile that is cut short is refused, as by mosquitto', async () => {
    const cut = join(certificates.directory, 'cut')
    const whole = readFileSync(certificates.authority.certificateFile)
    writeFileSync(cut, Buffer.concat([whole, whole.subarray(0, whole.length / 2)]))
    const { code, stdout, stderr } = await sub('tls', '--cafile', cut)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /a certificate in it is damaged/)
  })

  test('--capath trusts the authorities of a directory', async () => {
    assert.deepEqual(await sub('tls', '--capath', certificates.directory), arrived)
  })

  test('an authority that is not trusted ends the attempt, and --cafile is named', async () => {
    const { code, stdout, stderr } = await sub('tls', '--tls-use-os-certs')
    assert.deepEqual([code, stdout], [1, ''])
    assert.ok(stderr.startsWith(noTls))
    assert.match(stderr, /--cafile/)
  })

  test('--insecure asks for no trust', async () => {
    assert.deepEqual(await sub('tls', '--tls-use-os-certs', '--insecure'), arrived)
  })

  test('--cert and --key say who we are', async () => {
    const { certificateFile, keyFile } = certificates.client
    const own = ['--cert', certificateFile, '--key', keyFile]
    assert.deepEqual(await sub('mutual', ...authority, ...own), arrived)
    const { code, stdout, stderr } = await sub('mutual', ...authority)
    assert.deepEqual([code === 0, stdout], [false, ''])
    assert.match(stderr, /--cert and --key/)
  })

  test('--tls-version tlsv1.3 and --tls-keylog', async () => {
    const log = join(certificates.directory, 'keys')
    const flags = ['--tls-version', 'tlsv1.3', '--tls-keylog', log]
    assert.deepEqual(await sub('tls', ...authority, ...flags), arrived)
    assert.match(readFileSync(log, 'latin1'), /^CLIENT_TRAFFIC_SECRET_0 /m)
  })

  test('the right key of --psk connects, another one does not', async () => {
    assert.deepEqual(await sub('psk', '--psk', key, '--psk-identity', 'device'), arrived)
    const wrong = await sub('psk', '--psk', `${key}00`, '--psk-identity', 'device')
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /Are --psk and --psk-identity right\?\n$/)
  })

  test('TLS to a listener without it says so', async () => {
    const { code, stderr } = await sub('plain', ...authority)
    assert.equal(code, 1)
    assert.match(stderr, /speak TLS/)
  })
})

describe('WebSocket', () => {
  test('--ws', async () => {
    assert.deepEqual(await sub('ws', '--ws'), arrived)
  })

  test('--ws with TLS, and as an URL', async () => {
    assert.deepEqual(await sub('wss', '--ws', ...authority), arrived)
    const url = ['-L', `wss://localhost:${ports.wss}/way`, ...authority, '-C', '1', ...AT_LAST]
    assert.deepEqual(await runTool('mozzie', 'sub', url), arrived)
  })
})

/** SOCKS5 with a user name (RFC 1928, 1929), for one target after another. */
async function startProxy(login: string) {
  const asked: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    let step = 0
    socket.on('data', (chunk: Buffer) => {
      if (step === 0) socket.write(Uint8Array.of(5, 2))
      else if (step === 1) {
        const user = chunk.subarray(2, 2 + chunk[1]).toString()
        const password = chunk.subarray(3 + chunk[1]).toString()
        socket.write(Uint8Array.of(1, `${user}:${password}` === login ? 0 : 1))
      } else if (step === 2) {
        const host = chunk.subarray(5, 5 + chunk[4]).toString()
        const port = chunk.readUInt16BE(5 + chunk[4])
        asked.push(`${host}:${port}`)
        const target = connectSocket(port, host, () => {
          socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
          socket.pipe(target).pipe(socket)
        })
        target.on('error', () => socket.destroy())
        socket.on('close', () => target.destroy())
      }
      step++
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, asked, port: (server.address() as AddressInfo).port }
}

describe('--proxy', () => {
  test('goes through it, by name, with the password unescaped', async () => {
    const { server, asked, port } = await startProxy('me@home:p:w')
    const proxy = `socks5h://me%40home:p%3Aw@127.0.0.1:${port}`
    assert.deepEqual(await sub('plain', '--proxy', proxy, '-h', 'localhost'), arrived)
    assert.deepEqual(asked, [`localhost:${ports.plain}`])
    server.close()
  })

  test('what the proxy refuses is said', async () => {
    const { server, port } = await startProxy('me:secret')
    const { code, stderr } = await sub('plain', '--proxy', `socks5h://me:x@127.0.0.1:${port}`)
    assert.equal(code, 1)
    assert.match(stderr, /proxy .* refused user name or password/)
    server.close()
  })
})

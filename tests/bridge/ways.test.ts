/** The ways to the other broker: TLS, a shared key, WebSocket, from an address, with the socket's keep alive. */
import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker, type BrokerProcess, type Target } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { waitMsMax } from '../support/patience.ts'
import { clientOf, untilUp } from './pair.ts'

const peers: readonly Target[] = ['mozzie', 'mosquitto']
const skipOf = (peer: Target) =>
  peer === 'mosquitto' && !existsSync('/usr/sbin/mosquitto') && 'mosquitto is not installed'

let certificates: TestCertificates
before(async () => void (certificates = await makeCertificates()))
after(() => certificates.remove())

interface Way {
  readonly peer?: Target
  /** Of the listener that the bridge comes to, behind its `listener` line. */
  readonly listener: string
  readonly host?: string
  /** `address`, with PORT in it. */
  readonly address?: string
  readonly lines: string
}

/** A remote with one more listener, and a broker with a bridge to that. */
async function ends(context: TestContext, way: Way) {
  const { peer = 'mozzie', listener, host = '127.0.0.1', lines } = way
  const port = await freePort()
  const remote = await startBroker(
    `listener ${port} ${host}\n${listener}\nallow_anonymous true`,
    peer,
  )
  context.after(() => remote.stop())
  const address = (way.address ?? `${host}:PORT`).replace('PORT', String(port))
  const local = await startBroker(
    `connection b\naddress ${address}\nremote_clientid bid\nrestart_timeout 1\ntopic # both 1\n${lines}`,
    'mozzie',
  )
  context.after(() => local.stop())
  return { remote, local, port }
}

async function untilLog(broker: BrokerProcess, pattern: RegExp, times = 1): Promise<void> {
  const all = new RegExp(pattern, 'g')
  const deadline = performance.now() + waitMsMax
  while ((broker.log().match(all)?.length ?? 0) < times) {
    assert.ok(performance.now() < deadline, `${pattern} is not in:\n${broker.log()}`)
    await sleep(20)
  }
}

async function cross(local: BrokerProcess, remote: BrokerProcess): Promise<void> {
  await untilUp(local, 'bid')
  const here = await clientOf(local)
  const there = await clientOf(remote)
  await there.subscribe({ filter: 'out', qos: 1 })
  await here.subscribe({ filter: 'in', qos: 1 })
  await here.publish('out', 'o', { qos: 1 })
  await there.receive({ topic: 'out', payload: 'o' })
  await there.publish('in', 'i', { qos: 1 })
  await here.receive({ topic: 'in', payload: 'i' })
}

/** The listener's lines for TLS. */
function secured(): string {
  const { server, authority } = certificates
  return `cafile ${authority.certificateFile}\ncertfile ${server.certificateFile}\nkeyfile ${server.keyFile}`
}

for (const peer of peers) {
  const skip = skipOf(peer)

  test(`TLS with a client certificate, to ${peer}`, { skip }, async (context) => {
    const { authority, client } = certificates
    const { local, remote } = await ends(context, {
      peer,
      listener: `${secured()}\nrequire_certificate true\nuse_identity_as_username true`,
      lines: `bridge_cafile ${authority.certificateFile}\nbridge_certfile ${client.certificateFile}\nbridge_keyfile ${client.keyFile}`,
    })
    await cross(local, remote)
    await untilLog(remote, /u'device1'/)
  })

  test(`a key that both sides know, to ${peer}`, { skip }, async (context) => {
    const file = join(certificates.directory, `keys-${peer}`)
    writeFileSync(file, 'edge:0123456789abcdef\n', { mode: 0o600 })
    const { local, remote } = await ends(context, {
      peer,
      listener: `psk_hint hint\npsk_file ${file}`,
      lines: 'bridge_identity edge\nbridge_psk 0123456789abcdef',
    })
    await cross(local, remote)
  })

  test(`a wrong key, to ${peer}: it tries again, and says why`, { skip }, async (context) => {
    const file = join(certificates.directory, `other-keys-${peer}`)
    writeFileSync(file, 'edge:0123456789abcdef\n', { mode: 0o600 })
    const { local } = await ends(context, {
      peer,
      listener: `psk_hint hint\npsk_file ${file}`,
      lines: 'bridge_identity edge\nbridge_psk ffff',
    })
    await untilLog(local, /Bridge b: .*(handshake|another key|closed|disconnected)/, 2)
    assert.doesNotMatch(local.log(), /SSL routines/)
  })

  test(
    `an authority that did not sign, to ${peer}: it tries again, and says why`,
    { skip },
    async (context) => {
      const { foreign } = certificates
      const { local } = await ends(context, {
        peer,
        listener: secured(),
        lines: `bridge_cafile ${foreign.certificateFile}`,
      })
      await untilLog(local, /Bridge b: .*certificate/, 2)
    },
  )
}

test('bridge_capath: a directory of authorities', async (context) => {
  const { authority, directory } = certificates
  const folder = join(directory, 'authorities')
  mkdirSync(folder)
  copyFileSync(authority.certificateFile, join(folder, 'a.pem'))
  writeFileSync(join(folder, 'README'), 'no certificate')
  symlinkSync('nowhere', join(folder, '0123abcd.0'))
  const lines = `bridge_capath ${folder}`
  const { local, remote } = await ends(context, { listener: secured(), lines })
  await cross(local, remote)
})

for (const insecure of [false, true])
  test(`bridge_insecure ${insecure}: a certificate of another name`, async (context) => {
    const { authority } = certificates
    const { local, remote } = await ends(context, {
      host: '127.0.0.2',
      listener: secured(),
      lines: `bridge_cafile ${authority.certificateFile}\nbridge_insecure ${insecure}`,
    })
    if (insecure) await cross(local, remote)
    else await untilLog(local, /Bridge b: .*(does not match|altnames)/i, 2)
  })

test('bridge_tls_version and ciphers: TLS 1.3 of one suite', async (context) => {
  const { authority } = certificates
  const { local, remote } = await ends(context, {
    listener: `${secured()}\ntls_version tlsv1.3`,
    lines: `bridge_cafile ${authority.certificateFile}\nbridge_tls_version tlsv1.3\nbridge_ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256`,
  })
  await cross(local, remote)
})

test('bridge_ciphers_tls1.3 that the other side does not have: it says so', async (context) => {
  const { authority } = certificates
  const { local } = await ends(context, {
    listener: `${secured()}\ntls_version tlsv1.3\nciphers_tls1.3 TLS_AES_256_GCM_SHA384`,
    lines: `bridge_cafile ${authority.certificateFile}\nbridge_ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256`,
  })
  await untilLog(local, /Bridge b: .*(alert|handshake)/)
})

test('an address wss://', async (context) => {
  const { authority } = certificates
  const { local, remote } = await ends(context, {
    listener: `protocol websockets\n${secured()}`,
    address: 'wss://127.0.0.1:PORT/mqtt',
    lines: `bridge_cafile ${authority.certificateFile}`,
  })
  await cross(local, remote)
})

test('an address ws://, in MQTT 5.0', async (context) => {
  const { local, remote } = await ends(context, {
    listener: 'protocol websockets',
    address: 'ws://127.0.0.1:PORT',
    lines: 'bridge_protocol_version mqttv50',
  })
  await cross(local, remote)
})

test('bridge_bind_address is where the connection comes from', async (context) => {
  const { local, remote } = await ends(context, {
    listener: 'protocol mqtt',
    lines: 'bridge_bind_address 127.0.0.5',
  })
  await cross(local, remote)
  await untilLog(remote, /connected from 127\.0\.0\.5:\d+ as bid/)
})

/** Whether a connection to `port` has a timer of keep alive that is due within `seconds`. */
function keepAliveSeconds(port: number): number | null {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, , to, state, , timer = ''] = line.trim().split(/\s+/)
    // 01: established; the timer's kind 02: keep alive, in hundredths of a second.
    if (to?.endsWith(`:${hex}`) && state === '01' && timer.startsWith('02:'))
      return parseInt(timer.slice(3), 16) / 100
  }
  return null
}

for (const address of ['127.0.0.1:PORT', 'ws://127.0.0.1:PORT', 'wss://127.0.0.1:PORT'])
  test(
    `bridge_tcp_keepalive: the socket's idle time is set, ${address}`,
    { skip: process.platform !== 'linux' && 'no /proc/net/tcp' },
    async (context) => {
      const { authority } = certificates
      const listener = address.startsWith('1')
        ? 'protocol mqtt'
        : `protocol websockets${address.startsWith('wss') ? `\n${secured()}` : ''}`
      const trust = address.startsWith('wss') ? `\nbridge_cafile ${authority.certificateFile}` : ''
      const { local, port } = await ends(context, {
        listener,
        address,
        lines: `bridge_tcp_keepalive 1000 5 3${trust}`,
      })
      assert.match(local.log(), /bridge_tcp_keepalive/)
      await untilUp(local, 'bid')
      const deadline = performance.now() + waitMsMax
      let seconds = keepAliveSeconds(port)
      // While a segment is not acknowledged, another timer is shown.
      for (; seconds === null || seconds < 500; seconds = keepAliveSeconds(port)) {
        assert.ok(performance.now() < deadline, `the timer shows ${seconds} s`)
        await sleep(20)
      }
      assert.ok(seconds <= 1000)
    },
  )

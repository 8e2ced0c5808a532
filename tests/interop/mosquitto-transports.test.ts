import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { join, openPlain, startListeners, timeout, tlsLines } from '../transports/secure.ts'

const run = promisify(execFile)
const installed = existsSync('/usr/bin/mosquitto_pub')
const skip = installed ? false : 'mosquitto-clients is not installed'
const key = '00112233445566778899aabbccddeeff'

const directory = mkdtempSync(joinPath(tmpdir(), 'mozzie-interop-'))
const socketPath = joinPath(directory, 'mqtt.sock')
let certificates: TestCertificates
let broker: BrokerProcess
let ports: Readonly<Record<'tls' | 'certificate' | 'psk', number>>

before(async () => {
  certificates = await makeCertificates()
  writeFileSync(joinPath(directory, 'psk'), `device1:${key}\n`, { mode: 0o600 })
  const tls = tlsLines(certificates)
  const verified = `cafile ${certificates.authority.certificateFile}\nrequire_certificate true`
  const started = await startListeners(
    {
      tls,
      certificate: `${tls}\n${verified}\nuse_identity_as_username true`,
      psk: `psk_hint hint\nuse_identity_as_username true\nlistener 0 ${socketPath}`,
    },
    `psk_file ${joinPath(directory, 'psk')}`,
  )
  broker = started.broker
  ports = started.ports
})
after(async () => {
  await broker.stop()
  certificates.remove()
  rmSync(directory, { recursive: true, force: true })
})

interface Way {
  readonly name: string
  readonly words: () => string[]
}

const ca = (): string[] => ['--cafile', certificates.authority.certificateFile]
const ways: readonly Way[] = [
  { name: '--cafile', words: () => ['-h', 'localhost', '-p', String(ports.tls), ...ca()] },
  {
    name: '--cert and --key',
    words: () => {
      const { certificateFile, keyFile } = certificates.client
      const place = ['-h', 'localhost', '-p', String(ports.certificate)]
      return [...place, ...ca(), '--cert', certificateFile, '--key', keyFile]
    },
  },
  {
    name: '--psk',
    words: () => {
      const place = ['-h', '127.0.0.1', '-p', String(ports.psk)]
      return [...place, '--psk', key, '--psk-identity', 'device1']
    },
  },
  { name: '--unix', words: () => ['--unix', socketPath] },
]

for (const { name, words } of ways)
  test(`mosquitto_pub gets through with ${name}`, { skip, timeout }, async () => {
    const reader = await join(await openPlain(broker.port))
    await reader.subscribe({ filter: 'way', qos: 2 })
    await run('mosquitto_pub', [...words(), '-t', 'way', '-m', name, '-q', '2'])
    await reader.receive({ topic: 'way', payload: name })
    await reader.disconnect()
  })

test('mosquitto_pub without a certificate does not', { skip, timeout }, async () => {
  const place = ['-h', 'localhost', '-p', String(ports.certificate), ...ca()]
  await assert.rejects(run('mosquitto_pub', [...place, '-t', 'way', '-m', 'x', '-q', '1']))
})

const noOpenssl = existsSync('/usr/bin/openssl') ? false : 'openssl is not installed'
test('openssl s_client verifies the listener', { skip: noOpenssl, timeout }, async () => {
  const place = ['-connect', `127.0.0.1:${ports.tls}`, '-verify_hostname', 'localhost', '-brief']
  const asked = run('openssl', [
    's_client',
    ...place,
    '-CAfile',
    certificates.authority.certificateFile,
  ])
  asked.child.stdin?.end()
  const { stdout, stderr } = await asked
  assert.match(`${stdout}${stderr}`, /Protocol version: TLSv1\.3[^]*Verification: OK/)
})

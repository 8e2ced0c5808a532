import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { BrokerProcess } from '../support/broker-process.ts'
import { makeCertificates, type Filed, type TestCertificates } from '../support/certificates.ts'
import { until } from '../server/run-mozzie.ts'
import {
  assertShutOut,
  join,
  login,
  openPlain,
  openTls,
  startListeners,
  timeout,
  tlsLines,
} from './secure.ts'
import { gone } from '../support/sockets.ts'

type Name =
  | 'tls'
  | 'tls13'
  | 'ciphers'
  | 'certificate'
  | 'directory'
  | 'subject'
  | 'unproven'
  | 'revoking'
  | 'dates'
let certificates: TestCertificates
let broker: BrokerProcess
let ports: Readonly<Record<Name, number>>

before(async () => {
  certificates = await makeCertificates()
  const tls = tlsLines(certificates)
  const { authority, revocationList, directory } = certificates
  const verified = `${tls}\ncafile ${authority.certificateFile}\nrequire_certificate true`
  const identified = `${verified}\nuse_identity_as_username true`
  const started = await startListeners<Name>({
    tls,
    tls13: `${tls}\ntls_version tlsv1.3`,
    ciphers: `${tls}\nciphers ECDHE-ECDSA-AES256-GCM-SHA384\nciphers_tls1.3 TLS_AES_128_GCM_SHA256`,
    certificate: identified,
    directory: `${tls}\ncapath ${directory}\nrequire_certificate true`,
    subject: `${verified}\nuse_subject_as_username true`,
    unproven: `${tls}\nuse_identity_as_username true`,
    revoking: `${identified}\ncrlfile ${revocationList}`,
    dates: `${identified}\ncrlfile ${revocationList}\ndisable_client_cert_date_checks true`,
  })
  broker = started.broker
  ports = started.ports
})
after(async () => {
  await broker.stop()
  certificates.remove()
})

const open = (name: Name, as: Filed | null = null, options = {}) =>
  openTls(ports[name], certificates, as, options)

const logged = (line: RegExp) => until(() => line.test(broker.log()), broker.log)

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`messages go over ${version} in both directions`, { timeout }, async () => {
    const socket = await open('tls', null, { minVersion: version, maxVersion: version })
    assert.equal(socket.getProtocol(), version)
    const client = await join(socket)
    const topic = `over/${version}`
    await client.subscribe({ filter: topic, qos: 2 })
    await client.publish(topic, 'small', { qos: 2 })
    await client.receive({ topic, payload: 'small' })
    await client.disconnect()
  })

test(
  'what is larger than the buffers of a TLS connection arrives whole and in order',
  { timeout },
  async () => {
    const reader = await join(await open('tls'))
    const writer = await join(await open('tls'))
    await reader.subscribe({ filter: 'large', qos: 1 })
    const payloads = Array.from({ length: 12 }, (_, index) => Buffer.alloc(1_500_000, index + 1))
    for (const payload of payloads)
      assert.equal(await writer.publish('large', payload, { qos: 1 }), 0)
    for (const payload of payloads) {
      const { payload: got } = await reader.receive({ topic: 'large' })
      assert.ok(payload.equals(got))
    }
  },
)

test('a client that does not read is no reason to lose what it is owed', { timeout }, async () => {
  const reader = await join(await open('tls'))
  const writer = await join(await open('tls'))
  await reader.subscribe({ filter: 'stalled', qos: 1 })
  reader.pause()
  const payload = Buffer.alloc(400_000, 7)
  for (let count = 0; count < 15; count++) await writer.publish('stalled', payload, { qos: 1 })
  reader.resume()
  for (let count = 0; count < 15; count++) await reader.receive({ topic: 'stalled' })
})

for (const version of ['TLSv1', 'TLSv1.1'] as const)
  test(`${version} is refused`, { timeout }, async () => {
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }
    await assert.rejects(open('tls', null, old))
  })

test('tls_version tlsv1.3 refuses 1.2', { timeout }, async () => {
  await assert.rejects(open('tls13', null, { maxVersion: 'TLSv1.2' }))
  assert.equal((await open('tls13')).getProtocol(), 'TLSv1.3')
})

test('ciphers and ciphers_tls1.3 are the only ones', { timeout }, async () => {
  const upTo12 = await open('ciphers', null, { maxVersion: 'TLSv1.2' })
  assert.equal(upTo12.getCipher().name, 'ECDHE-ECDSA-AES256-GCM-SHA384')
  assert.equal((await open('ciphers')).getCipher().name, 'TLS_AES_128_GCM_SHA256')
  const other = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const
  await assert.rejects(open('ciphers', null, other))
})

test('a client cannot renegotiate', { timeout }, async () => {
  const socket = await open('tls', null, { maxVersion: 'TLSv1.2' })
  let renegotiated = false
  socket.renegotiate({}, (error) => (renegotiated = error === null))
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.write('x')
  await closed
  assert.equal(renegotiated, false)
})

test('a good certificate names the user, whatever CONNECT says', { timeout }, async () => {
  const socket = await open('certificate', certificates.client)
  await join(socket, { clientId: 'named', username: 'root', password: 'guess' })
  await logged(/as named \(.*u'device1'\)/)
})

test('use_subject_as_username takes the subject', { timeout }, async () => {
  await join(await open('subject', certificates.client), { clientId: 'whole' })
  await logged(/as whole \(.*u'CN=device1'\)/)
})

test('capath is a directory of authorities', { timeout }, async () => {
  await join(await open('directory', certificates.client))
  await assertShutOut(open('directory', certificates.foreign))
})

const versions = [
  [3, 4],
  [4, 4],
  [5, 0x86],
] as const
for (const [version, refusal] of versions)
  test(
    `without a certificate there is no identity: CONNACK ${refusal} (level ${version})`,
    { timeout },
    async () => {
      const [client, { code }] = await login(await open('unproven'), version, {
        clientId: 'x',
        username: 'root',
      })
      assert.equal(code, refusal)
      await client.expectClosed()
    },
  )

test('a client without certificate is shut out', { timeout }, () =>
  assertShutOut(open('certificate')),
)

test('a certificate of another authority is shut out', { timeout }, () =>
  assertShutOut(open('certificate', certificates.foreign)),
)

test('an expired certificate is shut out, and the log says why', { timeout }, async () => {
  await assertShutOut(open('certificate', certificates.expired))
  await logged(/TLS handshake with 127\.0\.0\.1:\d+ failed: .*CERT_HAS_EXPIRED/)
})

test('crlfile shuts out a revoked certificate and lets in the others', { timeout }, async () => {
  await assertShutOut(open('revoking', certificates.revoked))
  await join(await open('revoking', certificates.client))
})

test('disable_client_cert_date_checks lets in an expired certificate', { timeout }, async () => {
  await join(await open('dates', certificates.expired), { clientId: 'tardy' })
  await logged(/as tardy \(.*u'late'\)/)
})

for (const which of ['revoked', 'foreign'] as const)
  test(`disable_client_cert_date_checks does not let in one that is ${which}`, { timeout }, () =>
    assertShutOut(open('dates', certificates[which])),
  )

test(
  'disable_client_cert_date_checks does not let in a client without certificate',
  { timeout },
  () => assertShutOut(open('dates')),
)

test('a certificate that was expired and is revoked stays out', { timeout }, () =>
  assertShutOut(open('dates', certificates.expiredAndRevoked)),
)

test('an expired certificate of another authority stays out', { timeout }, () =>
  assertShutOut(open('dates', certificates.foreignAndExpired)),
)

test('a common name may have a slash in it', { timeout }, async () => {
  await join(await open('certificate', await certificates.issueClient('site/device1')))
  await logged(/u'site\/device1'\)/)
})

for (const name of ['a+', 'a#', 'line\nbreak', 'nul\0'])
  test(`the common name ${JSON.stringify(name)} is no user`, { timeout }, async () => {
    const socket = await open('certificate', await certificates.issueClient(name))
    const [client, { code }] = await login(socket)
    assert.equal(code, 0x86)
    await client.expectClosed()
  })

test('a certificate with two common names is no user', { timeout }, async () => {
  const socket = await open('certificate', await certificates.issueClient('device1', 'root'))
  const [client, { code }] = await login(socket)
  assert.equal(code, 0x86)
  await client.expectClosed()
})

test(
  'a connection that the client drops in the handshake leaves nothing behind',
  { timeout },
  async () => {
    const socket = await open('tls')
    socket.destroy()
    await gone(socket)
    await join(await open('tls'))
  },
)

test('connect_timeout begins when the handshake is over', { timeout }, async (context) => {
  const own = await startListeners({ tls: tlsLines(certificates) }, 'connect_timeout 1')
  context.after(() => own.broker.stop())
  const raw = await openPlain(own.ports.tls)
  // What is tested is the passing of time: twice the timeout.
  await sleep(2000)
  const secure = connectTls({ socket: raw, ca: certificates.authority.certificate })
  // CONNECT goes right behind the handshake, however busy the machine is.
  await join(secure)
  secure.destroy()
  await gone(await openTls(own.ports.tls, certificates))
})

/** crlfile where not every authority has a list: root, an authority it signed, clients of that one. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { after, before, test } from 'node:test'
import { createClientCertificate, validFor, type Certificate } from '../../src/cli/certificates.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import {
  createChain,
  listOf,
  listUntil,
  makeCertificates,
  type Filed,
  type TestCertificates,
} from '../support/certificates.ts'
import { until } from '../server/run-mozzie.ts'
import { assertShutOut, join, openTls, startListeners, timeout, tlsLines } from './secure.ts'

type Name = 'listed' | 'expired' | 'forged' | 'other'
let certificates: TestCertificates
let broker: BrokerProcess
let ports: Readonly<Record<Name, number>>
let good: Filed
let revoked: Filed

before(async () => {
  certificates = await makeCertificates()
  const { root, signing } = await createChain()
  const place = (name: string, text: string): string => {
    const path = joinPath(certificates.directory, name)
    writeFileSync(path, text)
    return path
  }
  const filed = (name: string, made: Certificate): Filed => ({
    ...made,
    // As a client with such a certificate sends it.
    certificate: made.certificate + signing.certificate,
    certificateFile: place(`${name}.crt`, made.certificate),
    keyFile: place(`${name}.key`, made.key),
  })
  good = filed('good', await createClientCertificate(signing, 'good', validFor(30)))
  revoked = filed('bad', await createClientCertificate(signing, 'bad', validFor(30)))
  const authorities = place('authorities.crt', root + signing.certificate)
  const lines = (list: string): string =>
    `${tlsLines(certificates)}\ncafile ${authorities}\nrequire_certificate true\ncrlfile ${list}`
  const { authority } = certificates
  const forged = await listOf({ ...signing, keys: authority.keys })
  const started = await startListeners<Name>({
    listed: lines(place('listed.crl', await listOf(signing, revoked))),
    expired: lines(place('expired.crl', await listUntil(new Date(Date.now() - 1000), signing))),
    forged: lines(place('forged.crl', forged)),
    other: lines(place('other.crl', await listOf(authority))),
  })
  broker = started.broker
  ports = started.ports
})
after(async () => {
  await broker.stop()
  certificates.remove()
})

const open = (name: Name, as: Filed) => openTls(ports[name], certificates, as, {})

test('the list of the authority that issued the certificate is enough', { timeout }, async () => {
  await join(await open('listed', good))
  await assertShutOut(open('listed', revoked))
  await until(
    () =>
      /failed: its certificate, or that of its authority, is revoked \(CERT_REVOKED\)/.test(
        broker.log(),
      ),
    broker.log,
  )
})

for (const [name, why] of [
  ['expired', 'CRL_HAS_EXPIRED'],
  ['forged', 'UNABLE_TO_GET_CRL'],
  ['other', 'UNABLE_TO_GET_CRL'],
] as const)
  test(`a list that is ${name} lets nobody in`, { timeout }, async () => {
    await assertShutOut(open(name, good))
    const said = {
      CRL_HAS_EXPIRED: 'in crlfile is out of date',
      UNABLE_TO_GET_CRL: 'crlfile has no list',
    }
    const line = new RegExp(`failed: .*${said[why]}.* \\(${why}\\)\\.`)
    await until(() => line.test(broker.log()), broker.log)
    assert.match(broker.log(), line)
  })

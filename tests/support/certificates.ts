/** Certificates for tests, made anew for each run: an authority, and what it signed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import {
  createAuthority,
  createClientCertificate,
  createServerCertificate,
  validFor,
  type Authority,
  type Certificate,
} from '../../src/cli/certificates.ts'

/** A certificate and its key, as PEM and as files. */
export interface Filed extends Certificate {
  readonly certificateFile: string
  readonly keyFile: string
}

export interface TestCertificates {
  readonly directory: string
  readonly authority: Filed & Authority
  /** For localhost and 127.0.0.1. */
  readonly server: Filed
  /** Common name `device1`. */
  readonly client: Filed
  /** Of the same authority, over since yesterday; common name `late`. */
  readonly expired: Filed
  /** Of the same authority, on the list in `revocationList`; common name `thief`. */
  readonly revoked: Filed
  /** Of another authority; common name `device1` as well. */
  readonly foreign: Filed
  readonly expiredAndRevoked: Filed
  readonly foreignAndExpired: Filed
  /** Path of the authority's revocation list. */
  readonly revocationList: string
  /** One more of the authority's, valid for a month, with these common names. */
  issueClient(...names: string[]): Promise<Filed>
  issueServer(): Promise<Filed>
  remove(): void
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000

export async function makeCertificates(): Promise<TestCertificates> {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-tls-'))
  let serial = 0
  const file = <T extends Certificate>(certificate: T): T & Filed => {
    const base = join(directory, `c${++serial}`)
    writeFileSync(`${base}.crt`, certificate.certificate)
    writeFileSync(`${base}.key`, certificate.key, { mode: 0o600 })
    return { ...certificate, certificateFile: `${base}.crt`, keyFile: `${base}.key` }
  }
  const validity = validFor(30)
  const past = { from: new Date(Date.now() - 3 * dayMs), until: new Date(Date.now() - dayMs) }
  const authority = file(await createAuthority('Test authority', validity))
  const other = await createAuthority('Other authority', validity)
  const issueClient = async (...names: string[]): Promise<Filed> => {
    const subject = names.map((name) => ({ CN: [name] }))
    return file(await createClientCertificate(authority, subject, validity))
  }
  const issueServer = async (): Promise<Filed> =>
    file(await createServerCertificate(authority, ['localhost', '127.0.0.1'], validity))
  const revoked = await issueClient('thief')
  const expiredAndRevoked = file(await createClientCertificate(authority, 'late', past))
  const revocationList = join(directory, 'revoked.crl')
  writeFileSync(revocationList, await listOf(authority, revoked, expiredAndRevoked))
  return {
    directory,
    authority,
    server: await issueServer(),
    client: await issueClient('device1'),
    expired: file(await createClientCertificate(authority, 'late', past)),
    revoked,
    foreign: file(await createClientCertificate(other, 'device1', validity)),
    expiredAndRevoked,
    foreignAndExpired: file(await createClientCertificate(other, 'late', past)),
    revocationList,
    issueClient,
    issueServer,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

export async function listOf(authority: Authority, ...revoked: Certificate[]): Promise<string> {
  return listUntil(new Date(Date.now() + dayMs), authority, ...revoked)
}

/** A revocation list whose time ends at `nextUpdate`; PEM. */
export async function listUntil(
  nextUpdate: Date,
  authority: Authority,
  ...revoked: Certificate[]
): Promise<string> {
  const list = await x509.X509CrlGenerator.create(
    {
      issuer: [{ CN: [authority.name] }],
      thisUpdate: new Date(Date.now() - 2 * dayMs),
      nextUpdate,
      signingAlgorithm: ecdsa,
      signingKey: authority.keys.privateKey,
      entries: revoked.map(({ certificate }) => ({
        serialNumber: new x509.X509Certificate(certificate).serialNumber,
      })),
    },
    webcrypto,
  )
  // OpenSSL has a longer name for the block.
  return `${list.toString('pem').replaceAll(' CRL-----', ' X509 CRL-----')}\n`
}

/** An authority that a root signed; the root's certificate is PEM. */
export async function createChain(): Promise<{ root: string; signing: Authority }> {
  const validity = validFor(30)
  const from = { notBefore: validity.from, notAfter: validity.until, signingAlgorithm: ecdsa }
  const newKeys = () => webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const extensions = [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ]
  const rootKeys = await newKeys()
  const name = 'CN=Root'
  const made = { ...from, extensions, name, keys: rootKeys, serialNumber: '01' }
  const root = await x509.X509CertificateGenerator.createSelfSigned(made, webcrypto)
  const keys = await newKeys()
  const signed = await x509.X509CertificateGenerator.create(
    {
      ...from,
      extensions,
      serialNumber: '02',
      subject: 'CN=Signing',
      issuer: name,
      publicKey: keys.publicKey,
      signingKey: rootKeys.privateKey,
    },
    webcrypto,
  )
  const certificate = `${signed.toString('pem')}\n`
  const signing = { name: 'Signing', keys, key: '', certificate }
  return { root: `${root.toString('pem')}\n`, signing }
}

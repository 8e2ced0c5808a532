/** Certificates for a first secure set-up: an authority of one's own, and what it signs. P-256 throughout. */
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

export interface Certificate {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS #8. */
  readonly key: string
}

/** An authority that can sign. */
export interface Authority extends Certificate {
  readonly name: string
  readonly keys: webcrypto.CryptoKeyPair
}

export interface Validity {
  readonly from: Date
  readonly until: Date
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000
/** Clocks differ: what is made now is valid a little earlier. */
const EARLIER_MS = 3_600_000

/** From now on. */
export function validFor(days: number): Validity {
  const now = Date.now()
  return { from: new Date(now - EARLIER_MS), until: new Date(now + days * DAY_MS) }
}

/** A name of one part, `CN`; every character of it is taken as it is. */
function commonName(name: string): x509.JsonName {
  return [{ CN: [name] }]
}

function distinguished(name: string | x509.JsonName): x509.JsonName {
  return typeof name === 'string' ? commonName(name) : name
}

function serialNumber(): string {
  const bytes = randomBytes(16)
  // A positive number of the full length.
  bytes[0] = (bytes[0] & 0x7f) | 0x40
  return bytes.toString('hex')
}

async function newKeys(): Promise<{ keys: webcrypto.CryptoKeyPair; pem: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return { keys, pem: key.export({ format: 'pem', type: 'pkcs8' }) as string }
}

export async function createAuthority(name: string, validity: Validity): Promise<Authority> {
  const { keys, pem } = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: commonName(name),
    notBefore: validity.from,
    notAfter: validity.until,
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { name, keys, key: pem, certificate: pemOf(certificate) }
}

/** A certificate for a server that is reached by these names and addresses; the first is its common name. */
export async function createServerCertificate(
  authority: Authority,
  hosts: readonly string[],
  validity: Validity,
): Promise<Certificate> {
  const names = hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const)
  return sign(authority, hosts[0], validity, x509.ExtendedKeyUsage.serverAuth, [
    new x509.SubjectAlternativeNameExtension(names),
  ])
}

/** A certificate for a client of this common name, or with this whole subject. */
export async function createClientCertificate(
  authority: Authority,
  name: string | x509.JsonName,
  validity: Validity,
): Promise<Certificate> {
  return sign(authority, name, validity, x509.ExtendedKeyUsage.clientAuth, [])
}

async function sign(
  authority: Authority,
  name: string | x509.JsonName,
  validity: Validity,
  usage: string,
  extensions: x509.Extension[],
): Promise<Certificate> {
  const { keys, pem } = await newKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: distinguished(name),
    issuer: commonName(authority.name),
    notBefore: validity.from,
    notAfter: validity.until,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
      ...extensions,
    ],
  })
  return { certificate: pemOf(certificate), key: pem }
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

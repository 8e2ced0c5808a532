/** Client certificates: the names in them, and whether they are good where their dates do not count. */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { TlsFacts } from '../ports/ports.ts'
import { certificatesOf } from './pem.ts'
import { revocationProblem } from './revocation.ts'
import type { TlsSettings } from './tls-settings.ts'

const NAME_LENGTH_MAX = 1024
const CHAIN_LENGTH_MAX = 8
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2'
const ANY_PURPOSE = '2.5.29.37.0'
const dateErrors = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

/** What TLS proved of the client behind `socket`, a finished handshake. */
export function factsOf(socket: TLSSocket, pskIdentity: string | null): TlsFacts {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { identity: null, subject: null, pskIdentity }
  // Several common names come as an array: none of them is the name.
  const { subject = {} } = certificate.toLegacyObject() as { subject?: { CN?: unknown } }
  return {
    identity: userName(subject.CN),
    subject: userName(rfc2253(certificate.subject)),
    pskIdentity,
  }
}

/**
 * A name that may stand for a user: one that a rule with `%u` cannot mistake for a filter, and that a log line cannot
 * mistake for another line. null: it is not one. With a slash no rule with `%u` matches it, as `%u` is one level.
 */
export function userName(name: unknown): string | null {
  if (typeof name !== 'string' || name === '' || name.length > NAME_LENGTH_MAX) return null
  return /[\p{Cc}+#\ufffd\p{Cs}]/u.test(name) ? null : name
}

/** `CN=a,O=b`: last part first, beyond ASCII as `\C3\BC`. Node gives lines, escaped otherwise as wanted. */
function rfc2253(lines: string): string {
  const encoder = new TextEncoder()
  const escape = (character: string): string =>
    Array.from(
      encoder.encode(character),
      (byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    ).join('')
  return lines
    .split('\n')
    .toReversed()
    .join(',')
    .replace(/[^\0-\x7f]/gu, escape)
}

/**
 * Why the client is not let in; null: it is. OpenSSL has judged already, but where dates are ignored its
 * verdict may be the dates': of several faults it reports the last, so the others are looked for here.
 */
export function certificateProblem(socket: TLSSocket, settings: TlsSettings): string | null {
  if (!settings.requireCertificate) return null
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return 'it shows no certificate'
  const { ignoreCertificateDates, lists, authorities } = settings
  const verdict = socket.authorized ? '' : verdictOf(socket)
  if (!socket.authorized && !(ignoreCertificateDates && dateErrors.has(verdict))) return verdict
  const problem = socket.authorized ? null : problemBesidesDates(certificate, authorities)
  if (problem !== null || lists.length === 0) return problem
  const trusted = authorities.flatMap(certificatesOf)
  return revocationProblem(certificate, lists, (each) => issuerOf(each, trusted), Date.now())
}

/** Its issuer among those that are trusted, or that the client sent along; null: none. */
function issuerOf(
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
): X509Certificate | null {
  const known = trusted.find((issuer) => isIssuedBy(certificate, issuer))
  if (known !== undefined) return known
  const next = certificate.issuerCertificate
  return next !== undefined && isIssuedBy(certificate, next) ? next : null
}

/** OpenSSL's code for what is wrong with the certificate; empty: nothing. The types call it an Error. */
export function verdictOf(socket: TLSSocket): string {
  return (socket.authorizationError as string | Error | null)?.toString() ?? ''
}

function problemBesidesDates(leaf: X509Certificate, authorities: readonly string[]): string | null {
  const purposes = leaf.keyUsage as readonly string[] | undefined
  if (purposes && !purposes.includes(CLIENT_AUTHENTICATION) && !purposes.includes(ANY_PURPOSE))
    return 'INVALID_PURPOSE'
  const trusted = authorities.flatMap(certificatesOf)
  let certificate = leaf
  for (let length = 0; length < CHAIN_LENGTH_MAX; length++) {
    const child = certificate
    if (trusted.some((issuer) => isIssuedBy(child, issuer))) return null
    const next = issuerOf(child, [])
    if (next === null || next === child) break
    certificate = next
  }
  return 'UNABLE_TO_GET_ISSUER_CERT'
}

/** Authorities have to be in their time: only the client's own dates may be ignored. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  const now = Date.now()
  return (
    issuer.ca &&
    Date.parse(issuer.validFrom) <= now &&
    now <= Date.parse(issuer.validTo) &&
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey)
  )
}

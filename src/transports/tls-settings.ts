/** What a TLS listener is made of, checked part by part so that an error can name the part. */
import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { authoritiesProblem, certificatesOf } from './pem.ts'
import { listsOf, type RevocationList } from './revocation.ts'
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls'

/** The key of a pre-shared-key identity; null: nobody knows that identity. */
export type PskLookup = (identity: string) => Uint8Array | null

export interface TlsSettings {
  /** PEM, the listener's own certificate first; null with `psk`. */
  readonly certificate: string | null
  /** PEM, not encrypted. */
  readonly key: string | null
  /** PEM: whose client certificates are good. Without any none is. */
  readonly authorities: readonly string[]
  /** PEM, one revocation list each. */
  readonly revocations: readonly string[]
  /** Up to TLS 1.2, as OpenSSL lists them; null: ours. */
  readonly ciphers: string | null
  /** TLS 1.3; null: OpenSSL's. */
  readonly ciphersTls13: string | null
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly requireCertificate: boolean
  /** Expired client certificates, and those not valid yet, are good too. */
  readonly ignoreCertificateDates: boolean
  /** What `revocations` say. */
  readonly lists: readonly RevocationList[]
  /** Keys instead of certificates. */
  readonly psk: { readonly hint: string; readonly lookup: PskLookup } | null
}

export type TlsPart =
  'certificate' | 'key' | 'authorities' | 'revocations' | 'ciphers' | 'ciphersTls13'

/** Which part cannot be used; `message` says why, and what to do. */
export class TlsSettingsError extends Error {
  override name = 'TlsSettingsError'
  readonly part: TlsPart

  constructor(part: TlsPart, message: string) {
    super(message)
    this.part = part
  }
}

const DEFAULT_CIPHERS_TLS13 =
  'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256'
const DEFAULT_CIPHERS =
  'ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:RSA+AESGCM:RSA+AES:' +
  '!aNULL:!eNULL:!PSK'
/** Those with forward secrecy first. */
const DEFAULT_PSK_CIPHERS = 'ECDHE-PSK-CHACHA20-POLY1305:kECDHEPSK:PSK:!aNULL:!eNULL:!3DES:!RC4'

/**
 * As `tls.createServer` wants them.
 *
 * @throws TlsSettingsError
 */
export function serverOptionsOf(settings: TlsSettings): TlsOptions {
  const { certificate, key, authorities, revocations, psk, requireCertificate } = settings
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants
  if (psk === null) checkCertificate(certificate, key)
  for (const each of authorities) checkAuthorities(each)
  check('revocations', { crl: [...revocations] })
  const ciphers = cipherListOf(settings)
  return {
    cert: certificate ?? undefined,
    key: key ?? undefined,
    // Without this Node would trust every public authority for client certificates.
    ca: [...authorities],
    // OpenSSL looks at every authority of a chain then, and refuses where it lacks a list.
    crl: areComplete(settings) ? [...revocations] : undefined,
    ciphers,
    honorCipherOrder: true,
    dhparam: 'auto',
    minVersion: settings.minVersion,
    // The callback of TLS 1.3 keys is another one, which Node does not have.
    maxVersion: psk === null ? undefined : 'TLSv1.2',
    // A resumed session is not verified again: certificates that count are shown every time.
    secureOptions: SSL_OP_NO_RENEGOTIATION | (requireCertificate ? SSL_OP_NO_TICKET : 0),
    requestCert: requireCertificate,
    rejectUnauthorized: requireCertificate && !settings.ignoreCertificateDates,
    pskIdentityHint: psk?.hint,
  }
}

/** Whether every authority has a list. */
function areComplete({ authorities, lists }: TlsSettings): boolean {
  if (lists.length === 0) return false
  return authorities.flatMap(certificatesOf).every((each) => listsOf(each, lists).length > 0)
}

function check(part: TlsPart, options: SecureContextOptions): void {
  try {
    createSecureContext(options)
  } catch (error) {
    throw new TlsSettingsError(part, reasonOf(error as Error))
  }
}

function checkAuthorities(pem: string): void {
  const problem = authoritiesProblem(pem)
  if (problem !== null) throw new TlsSettingsError('authorities', problem)
}

function checkCertificate(certificate: string | null, key: string | null): void {
  if (certificate === null || key === null) return
  check('certificate', { cert: certificate })
  if (/ENCRYPTED/.test(key))
    throw new TlsSettingsError(
      'key',
      'the private key is encrypted, and nobody is there to type its pass phrase. ' +
        'Write it without: openssl pkey -in KEY -out NEWKEY, for the account of the broker alone',
    )
  try {
    createPrivateKey(key)
  } catch (error) {
    throw new TlsSettingsError('key', reasonOf(error as Error))
  }
  try {
    createSecureContext({ cert: certificate, key })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ERR_OSSL_X509_KEY_VALUES_MISMATCH')
      throw new TlsSettingsError('key', reasonOf(error as Error))
    throw new TlsSettingsError(
      'key',
      'the private key does not belong to the certificate. ' +
        'Compare: openssl x509 -pubkey -noout -in CERT, openssl pkey -pubout -in KEY',
    )
  }
}

/** Both lists in one, as Node has them. Without a suite of TLS 1.3 it would leave that version out. */
function cipherListOf({ ciphers, ciphersTls13, psk }: TlsSettings): string {
  if (ciphers !== null) check('ciphers', { ciphers: `${DEFAULT_CIPHERS_TLS13}:${ciphers}` })
  if (ciphersTls13 !== null && !/^TLS_[A-Z0-9_]+(?::TLS_[A-Z0-9_]+)*$/.test(ciphersTls13))
    throw new TlsSettingsError('ciphersTls13', 'suites of TLS 1.3 look like TLS_AES_128_GCM_SHA256')
  if (ciphersTls13 !== null) check('ciphersTls13', { ciphers: ciphersTls13 })
  const upTo12 = ciphers ?? (psk === null ? DEFAULT_CIPHERS : DEFAULT_PSK_CIPHERS)
  return psk === null ? `${ciphersTls13 ?? DEFAULT_CIPHERS_TLS13}:${upTo12}` : upTo12
}

const OPENSSL_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/no start line/i, 'there is no PEM block in it ("-----BEGIN ...")'],
  [/bad end line|bad base64/i, 'its PEM block is damaged'],
  [/no cipher match/i, 'OpenSSL knows no such cipher'],
  [/ee key too small|ca key too small/i, 'its key is too small to be safe'],
  [/unsupported|DECODER/, 'it cannot be read as such a file'],
]

function reasonOf({ message }: Error): string {
  return OPENSSL_TEXTS.find(([pattern]) => pattern.test(message))?.[1] ?? message
}

/** Days until the certificate is no longer valid, below 0 since when; null: it cannot be told. */
export function daysLeft(certificate: string, wallMs: number): number | null {
  const untilMs = Date.parse(new X509Certificate(certificate).validTo)
  return Number.isNaN(untilMs) ? null : Math.floor((untilMs - wallMs) / 86_400_000)
}

/** TLS flags into options of the client: the files they name are read here. */
import { appendFileSync, existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { tlsOptions } from '../../client/node-tls.ts'
import type { TlsOptions } from '../../client/tls-options.ts'
import { authoritiesProblem } from '../../transports/pem.ts'
import { SettingError, type Settings } from './settings.ts'

/** Where systems keep the authorities they trust. */
const SYSTEM_AUTHORITIES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

const CERTIFICATE_MARK = '-----BEGIN CERTIFICATE-----'

const VERSIONS: Readonly<Record<string, 'TLSv1.2' | 'TLSv1.3'>> = {
  'tlsv1.2': 'TLSv1.2',
  'tlsv1.3': 'TLSv1.3',
}

function invalid(hint: string): SettingError {
  const text = 'Error: Problem setting TLS options, check the options are valid.'
  return new SettingError(text, hint)
}

const noCertificate = (path: string): string => `${path} holds no certificate (PEM).`

function read(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new SettingError(
      'Error: Problem setting TLS options: File not found.',
      `${(error as Error).message}.`,
    )
  }
}

function authorities(path: string): Uint8Array[] {
  let names: string[]
  try {
    names = readdirSync(path)
  } catch (error) {
    throw new SettingError(
      'Error: Problem setting TLS options: File not found.',
      `${(error as Error).message}.`,
    )
  }
  const files = names.flatMap((name) => {
    try {
      const file = readFileSync(join(path, name))
      return file.includes(CERTIFICATE_MARK) ? [file] : []
    } catch {
      // A directory, or a link to nowhere, as c_rehash leaves them behind.
      return []
    }
  })
  if (files.length > 0) return files
  throw invalid(noCertificate(path))
}

function trusted({ tls }: Settings): Uint8Array[] | null {
  const own: Uint8Array[] = []
  if (tls.caFile !== null) {
    const file = read(tls.caFile)
    const problem = authoritiesProblem(Buffer.from(file).toString('latin1'))
    if (problem !== null) throw invalid(`--cafile ${tls.caFile}: ${problem}.`)
    own.push(file)
  }
  if (tls.caPath !== null) own.push(...authorities(tls.caPath))
  if (tls.osCerts || own.length === 0) {
    const file = process.env['SSL_CERT_FILE'] ?? SYSTEM_AUTHORITIES.find((path) => existsSync(path))
    // A system that keeps none: those that come with Node.
    if (file === undefined) return own.length === 0 ? null : own
    own.push(read(file))
  }
  return own
}

/** @throws SettingError when a flag says what there is not. */
export function checkForms({ tls }: Settings): void {
  if (tls.engine !== null) {
    throw new SettingError(
      `Error: Problem setting TLS engine, is ${tls.engine} a valid engine?`,
      'OpenSSL 3 has no engines any more.',
    )
  }
  if (tls.keyForm !== null && tls.keyForm !== 'pem') {
    throw new SettingError(
      "Error: Problem setting key form, it must be one of 'pem' or 'engine'.",
      'Only pem is available.',
    )
  }
  if (tls.version !== null && !Object.hasOwn(VERSIONS, tls.version)) {
    throw invalid(`--tls-version is "${tls.version}", it must be tlsv1.2 or tlsv1.3.`)
  }
  if (tls.psk !== null && !/^(?:[0-9a-f]{2})+$/i.test(tls.psk)) {
    throw new SettingError(
      'Error: Problem setting TLS-PSK options.',
      '--psk must be pairs of hexadecimal digits.',
    )
  }
}

const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

/** Sets the pass phrase of a key that has one: it is asked for, as OpenSSL does for mosquitto. */
async function askPassphrase(settings: Settings, options: TlsOptions): Promise<void> {
  if (options.key === undefined || !ENCRYPTED.test(Buffer.from(options.key).toString('latin1')))
    return
  const { askOnTerminal } = await import('../ask-password.ts')
  const asked = askOnTerminal(`Pass phrase of ${settings.tls.keyFile}: `)
  const passphrase = await asked.catch(() => {
    throw new SettingError('Error: Interrupted.', 'The key cannot be used without its pass phrase.')
  })
  if (passphrase === null)
    throw invalid('The key is encrypted, and there is no terminal to ask for its pass phrase on.')
  options.passphrase = passphrase
}

/** The client's TLS options of what {@link checkForms} let pass, tried out. Rejects with {@link SettingError}. */
export async function tlsOptionsOf(settings: Settings): Promise<TlsOptions> {
  const options = optionsOf(settings)
  await askPassphrase(settings, options)
  try {
    createSecureContext(tlsOptions('', options))
  } catch (error) {
    const { reason = (error as Error).message } = error as { reason?: string }
    throw invalid(`TLS says: ${reason}.`)
  }
  return options
}

function optionsOf(settings: Settings): TlsOptions {
  const { tls } = settings
  const options: TlsOptions = {
    ...(tls.ciphers !== null && { ciphers: tls.ciphers }),
    ...(tls.alpn !== null && { alpn: [tls.alpn] }),
    ...(tls.version !== null && { minVersion: VERSIONS[tls.version] }),
  }
  const { keyLogFile } = tls
  if (keyLogFile !== null) {
    options.onKeyLog = (line) => appendFileSync(keyLogFile, line, { mode: 0o600 })
  }
  if (tls.psk !== null && tls.pskIdentity !== null) {
    options.psk = { identity: tls.pskIdentity, key: Buffer.from(tls.psk, 'hex') }
    return options
  }
  const ca = trusted(settings)
  if (ca !== null) options.ca = ca
  if (tls.insecure) options.verify = false
  if (tls.certFile !== null && tls.keyFile !== null) {
    options.cert = read(tls.certFile)
    options.key = read(tls.keyFile)
  }
  return options
}

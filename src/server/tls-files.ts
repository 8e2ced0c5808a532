/** The TLS options of a listener: the files that they name, read and checked. */
import type { X509Certificate } from 'node:crypto'
import { statSync } from 'node:fs'
import { ConfigError } from '../config/config-error.ts'
import type { ListenerConfig } from '../config/config.ts'
import { LISTENER_TABLE } from '../config/option-table.ts'
import { filesIn, readWhole } from '../config/read-whole.ts'
import { listenerName } from '../config/reload.ts'
import { readRevocationLists } from './revocation-lists.ts'
import { authoritiesProblem, certificatesOf, pemBlocks } from '../transports/pem.ts'
import {
  daysLeft,
  serverOptionsOf,
  TlsSettingsError,
  type PskLookup,
  type TlsPart,
  type TlsSettings,
} from '../transports/tls-settings.ts'

type TlsOptionKey =
  | 'certificateFile'
  | 'keyFile'
  | 'caFile'
  | 'caDirectory'
  | 'revocationListFile'
  | 'ciphers'
  | 'ciphersTls13'

const OPTION_OF_PART: Readonly<Record<TlsPart, TlsOptionKey>> = {
  certificate: 'certificateFile',
  key: 'keyFile',
  authorities: 'caFile',
  revocations: 'revocationListFile',
  ciphers: 'ciphers',
  ciphersTls13: 'ciphersTls13',
}

export interface LoadedTls {
  readonly settings: TlsSettings
  /** For the log. */
  readonly warnings: readonly string[]
}

/**
 * @param psk Knows the keys of a listener with `psk_hint`.
 * @returns null when the listener has no TLS.
 * @throws ConfigError that names the option, where it stands, and what to do.
 */
export function loadTls(config: ListenerConfig, psk: PskLookup): LoadedTls | null {
  const { certificateFile, keyFile, pskHint } = config
  if (certificateFile === null && pskHint === null) return null
  const certificate = read(config, 'certificateFile')
  const revocationList = read(config, 'revocationListFile')
  const revocations = revocationList === null ? [] : pemBlocks(revocationList, 'X509 CRL')
  if (revocationList !== null && revocations.length === 0)
    throw fault(config, 'revocationListFile', 'there is no PEM block "X509 CRL" in it')
  const settings: TlsSettings = {
    certificate,
    key: read(config, 'keyFile'),
    authorities: authoritiesOf(config),
    revocations,
    ciphers: config.ciphers,
    ciphersTls13: config.ciphersTls13,
    minVersion: config.tlsVersion === 'tlsv1.3' ? 'TLSv1.3' : 'TLSv1.2',
    requireCertificate: config.requireCertificate,
    ignoreCertificateDates: config.disableClientCertificateDateChecks,
    lists: readRevocationLists(revocations),
    psk: pskHint === null ? null : { hint: pskHint, lookup: psk },
  }
  try {
    serverOptionsOf(settings)
  } catch (error) {
    if (!(error instanceof TlsSettingsError)) throw error
    const key = OPTION_OF_PART[error.part]
    const isDirectory = key === 'caFile' && config.caFile === null
    throw fault(config, isDirectory ? 'caDirectory' : key, error.message)
  }
  return { settings, warnings: warningsOf(config, certificate, keyFile) }
}

/** What a `certfile` holds, the own certificate first. */
export function chainOf(file: string): X509Certificate[] {
  return certificatesOf(readWhole(file).toString('utf8'))
}

function fault(config: ListenerConfig, key: TlsOptionKey, text: string): ConfigError {
  const place = config.places.get(key) ?? config.location ?? { file: '', line: 0 }
  const value = config[key] ?? ''
  return new ConfigError(
    `"${LISTENER_TABLE[key].name} ${value}" of listener ${listenerName(config)} cannot be used: ${text}.`,
    place,
  )
}

const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'the account of the broker may not read it',
  EISDIR: 'it is a directory',
}

/** The file that the option names; null: it names none. */
function read(config: ListenerConfig, key: TlsOptionKey): string | null {
  const file = config[key]
  if (typeof file !== 'string') return null
  try {
    return readWhole(file).toString('utf8')
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw fault(config, key, TEXTS[code] ?? message)
  }
}

function authoritiesOf(config: ListenerConfig): string[] {
  const found: string[] = []
  const file = read(config, 'caFile')
  if (file !== null) found.push(file)
  const { caDirectory } = config
  if (caDirectory === null) return found
  try {
    for (const path of filesIn(caDirectory)) {
      const blocks = pemBlocks(readWhole(path).toString('utf8'), 'CERTIFICATE')
      found.push(...blocks.filter((block) => authoritiesProblem(block) === null))
    }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw fault(config, 'caDirectory', TEXTS[code] ?? message)
  }
  // The same certificate often lies there under its name and under its hash.
  const unique = [...new Set(found)]
  if (unique.length === 0) throw fault(config, 'caDirectory', 'there is no certificate in it')
  return unique
}

const DAYS_FEW = 14
const WORLD_READABLE = 0o004

function warningsOf(
  config: ListenerConfig,
  certificate: string | null,
  keyFile: string | null,
): string[] {
  const warnings: string[] = []
  const name = listenerName(config)
  const days = certificate === null ? null : daysLeft(certificate, Date.now())
  if (days !== null && days < 0)
    warnings.push(`The certificate of listener ${name} expired ${-days} days ago.`)
  else if (days !== null && days < DAYS_FEW)
    warnings.push(`The certificate of listener ${name} expires in ${days} days.`)
  if (keyFile !== null && statSync(keyFile).mode & WORLD_READABLE)
    warnings.push(`Everybody on this machine may read the private key ${keyFile}: chmod 600.`)
  return warnings
}

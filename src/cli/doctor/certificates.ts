/** Do the certificates of the listeners chain, name hosts, and last? */
import type { X509Certificate } from 'node:crypto'
import { ConfigError } from '../../config/config-error.ts'
import type { Config, ListenerConfig } from '../../config/config.ts'
import { listenerName } from '../../config/reload.ts'
import { chainOf, loadTls } from '../../server/tls-files.ts'
import { placeOf } from './configuration.ts'
import type { Tell } from './finding.ts'

const DAYS_FEW = 30
const DAY_MS = 86_400_000

/** @param nowMs Wall clock. */
export function examineCertificates({ listeners }: Config, nowMs: number, tell: Tell): void {
  const seen = new Set<string>()
  for (const listener of listeners) {
    const { certificateFile } = listener
    if (certificateFile === null || seen.has(certificateFile)) continue
    seen.add(certificateFile)
    try {
      loadTls(listener, () => null)
      examineOne(listener, certificateFile, nowMs, tell)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      tell('bad', 'certificateWrong', { place: placeOf(error), message: error.message })
    }
  }
}

function examineOne(listener: ListenerConfig, file: string, nowMs: number, tell: Tell): void {
  const chain = chainOf(file)
  const [own] = chain
  const name = listenerName(listener)
  const fromMs = Date.parse(own.validFrom)
  const days = Math.floor((Date.parse(own.validTo) - nowMs) / DAY_MS)
  const names = namesOf(own)
  const values = { name, file, days: Math.abs(days), names: names.join(', ') }
  for (const { subject } of unsigned(chain))
    tell('bad', 'certificateGap', { ...values, subject: oneLine(subject) })
  if (fromMs > nowMs)
    tell('bad', 'certificateEarly', { ...values, from: dateOf(fromMs), now: dateOf(nowMs) })
  else if (days < 0) tell('bad', 'certificateExpired', values)
  else if (days < DAYS_FEW) tell('note', 'certificateEnds', values)
  if (names.length === 0) tell('bad', 'certificateNameless', values)
  else if (days >= DAYS_FEW) tell('good', 'certificateGood', values)
}

/** Those that the next one did not sign. */
function unsigned(chain: readonly X509Certificate[]): X509Certificate[] {
  return chain.slice(0, -1).filter((each, index) => {
    const issuer = chain[index + 1]
    return !each.checkIssued(issuer) || !each.verify(issuer.publicKey)
  })
}

/** `DNS:` and `IP Address:` of the subject's alternative names. */
export function namesOf({ subjectAltName }: Pick<X509Certificate, 'subjectAltName'>): string[] {
  const names = (subjectAltName ?? '')
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1])
  return names.filter((name) => name !== undefined)
}

function oneLine(subject: string): string {
  return subject.replaceAll('\n', ', ')
}

export function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}

/** The authority behind a listener's certificate: for people whose browser does not know it. */
import type { X509Certificate } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { ListenerConfig } from '../config/config.ts'
import { readWhole } from '../config/read-whole.ts'
import { certificatesOf } from '../transports/pem.ts'

/** As `mozzie tls-init` names it, beside what it issued. */
const NEIGHBOUR = 'ca.crt'
const STEPS_MAX = 10
/** Whoever asks needs no login, and `cafile` may hold every authority there is. */
const KEPT_MS = 10_000

type Place = Pick<ListenerConfig, 'certificateFile' | 'caFile'>

const kept = new WeakMap<Place, { readonly pem: string | null; readonly untilMs: number }>()

/**
 * PEM of the authority at the top of the chain of the listener's certificate, found in `certfile`, `cafile` or a `ca.crt` beside
 * the certificate; a certificate that nobody else issued is its own. null: there is none among what the broker may read. As it
 * was within the last ten seconds.
 */
export function authorityOf(listener: Place): string | null {
  const known = kept.get(listener)
  const nowMs = performance.now()
  if (known !== undefined && nowMs < known.untilMs) return known.pem
  const pem = findAuthority(listener)
  kept.set(listener, { pem, untilMs: nowMs + KEPT_MS })
  return pem
}

function findAuthority({ certificateFile, caFile }: Place): string | null {
  if (certificateFile === null) return null
  const own = read(certificateFile)
  const others = [caFile, join(dirname(certificateFile), NEIGHBOUR)].flatMap((file) =>
    file === null ? [] : read(file),
  )
  const known = [...own, ...others]
  let top: X509Certificate | undefined = own[0]
  for (let step = 0; top !== undefined && step < STEPS_MAX; step++) {
    const issued: X509Certificate = top
    if (isIssuer(issued, issued)) return `${issued.toString().trim()}\n`
    top = known.find((candidate) => candidate.ca && isIssuer(candidate, issued))
  }
  return null
}

function isIssuer(candidate: X509Certificate, issued: X509Certificate): boolean {
  return issued.checkIssued(candidate) && issued.verify(candidate.publicKey)
}

function read(file: string): X509Certificate[] {
  try {
    return certificatesOf(readWhole(file).toString('utf8'))
  } catch {
    return []
  }
}

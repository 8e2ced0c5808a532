/** Revocation lists, from PEM blocks `X509 CRL`. */
import { createRequire } from 'node:module'
import type { RevocationList } from '../transports/revocation.ts'

interface Algorithm {
  readonly name: string
  readonly hash?: { readonly name: string }
}

interface CrlLibrary {
  readonly X509Crl: new (pem: string) => {
    readonly entries: readonly { readonly serialNumber: string }[]
    readonly thisUpdate: Date
    readonly nextUpdate?: Date
    readonly signatureAlgorithm: Algorithm
    readonly signature: ArrayBuffer
    readonly tbs: ArrayBuffer
  }
}

/** Node reads no revocation lists itself; the library is loaded only where they are looked into. */
export function readRevocationLists(revocations: readonly string[]): RevocationList[] {
  if (revocations.length === 0) return []
  const require = createRequire(import.meta.url)
  require('reflect-metadata')
  const { X509Crl } = require('@peculiar/x509') as CrlLibrary
  return revocations.map((pem) => {
    const { entries, thisUpdate, nextUpdate, signatureAlgorithm, signature, tbs } = new X509Crl(pem)
    return {
      serials: new Set(entries.map(({ serialNumber }) => serialNumber.toUpperCase())),
      fromMs: thisUpdate.getTime(),
      untilMs: nextUpdate?.getTime() ?? Infinity,
      signed: new Uint8Array(tbs),
      signature: new Uint8Array(signature),
      hash: signatureAlgorithm.hash?.name.replace('-', '') ?? null,
      isPss: signatureAlgorithm.name === 'RSA-PSS',
    }
  })
}

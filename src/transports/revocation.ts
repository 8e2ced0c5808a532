/**
 * Revocation lists, looked at after the handshake. OpenSSL as Node sets it up wants a list of every authority of a
 * chain; mosquitto, and so we, ask for one of the authority that issued the client's certificate.
 */
import { constants, createVerify, verify, type KeyObject, type X509Certificate } from 'node:crypto'

/** One list, read; whose it is only its signature says. */
export interface RevocationList {
  /** Serial numbers, hex in capitals. */
  readonly serials: ReadonlySet<string>
  readonly fromMs: number
  /** Infinity: it does not say. */
  readonly untilMs: number
  /** What is signed, DER, and how. `hash` null: the algorithm has its own. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
  readonly hash: string | null
  readonly isPss: boolean
}

const CHAIN_LENGTH_MAX = 8
const found = new WeakMap<readonly RevocationList[], Map<string, readonly RevocationList[]>>()

/** Those of `lists` that `issuer` signed. */
export function listsOf(
  issuer: X509Certificate,
  lists: readonly RevocationList[],
): readonly RevocationList[] {
  const known = found.get(lists) ?? new Map<string, readonly RevocationList[]>()
  found.set(lists, known)
  const name = issuer.fingerprint256
  const own = known.get(name) ?? lists.filter((list) => isSignedBy(list, issuer.publicKey))
  // Issuers that a client brought along are bounded by those that an authority of ours signed.
  known.set(name, own)
  return own
}

function isSignedBy({ signed, signature, hash, isPss }: RevocationList, key: KeyObject): boolean {
  try {
    if (!isPss) return verify(hash, signed, key, signature)
    const padding = constants.RSA_PKCS1_PSS_PADDING
    const saltLength = constants.RSA_PSS_SALTLEN_AUTO
    return createVerify(hash ?? '')
      .update(signed)
      .verify({ key, padding, saltLength }, signature)
  } catch {
    // A key of another kind.
    return false
  }
}

/**
 * Why a certificate with a good chain is not let in, as OpenSSL names it; null: it is. Its issuer must have a list
 * that is in its time; those of the authorities above are looked at where there are some.
 *
 * @param issuerOf null: nobody that is trusted.
 */
export function revocationProblem(
  leaf: X509Certificate,
  lists: readonly RevocationList[],
  issuerOf: (certificate: X509Certificate) => X509Certificate | null,
  nowMs: number,
): string | null {
  let certificate = leaf
  for (let length = 0; length < CHAIN_LENGTH_MAX; length++) {
    const issuer = issuerOf(certificate)
    const own = issuer === null ? [] : listsOf(issuer, lists)
    const current = own.filter(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs <= untilMs)
    if (certificate === leaf && current.length === 0) return problemOf(own, nowMs)
    const serial = certificate.serialNumber.toUpperCase()
    if (current.some(({ serials }) => serials.has(serial))) return 'CERT_REVOKED'
    if (issuer === null || issuer.fingerprint256 === certificate.fingerprint256) return null
    certificate = issuer
  }
  return null
}

function problemOf(own: readonly RevocationList[], nowMs: number): string {
  if (own.length === 0) return 'UNABLE_TO_GET_CRL'
  return own.some(({ fromMs }) => fromMs <= nowMs) ? 'CRL_HAS_EXPIRED' : 'CRL_NOT_YET_VALID'
}

/** PEM texts. */
import { X509Certificate } from 'node:crypto'

/** The certificates of a PEM text. */
export function certificatesOf(pem: string): X509Certificate[] {
  return pemBlocks(pem, 'CERTIFICATE').map((block) => new X509Certificate(block))
}

/** The blocks `-----BEGIN label-----` of a text, each with its lines. */
export function pemBlocks(text: string, label: string): string[] {
  const end = `-----END ${label}-----`
  const blocks: string[] = []
  for (const at of beginningsOf(text, label)) {
    const behind = text.indexOf(end, at)
    if (behind >= 0) blocks.push(`${text.slice(at, behind + end.length)}\n`)
  }
  return blocks
}

/** A block begins with a line: where something stands before it, a `#` say, it is none. */
function beginningsOf(text: string, label: string): number[] {
  const begin = new RegExp(`(?<=^\uFEFF?)-----BEGIN ${label}-----`, 'gm')
  return Array.from(text.matchAll(begin), ({ index }) => index)
}

const CERTIFICATE_LABELS = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']

/**
 * Why a PEM text cannot say whom to trust; null: it can. OpenSSL, as Node calls it, takes the certificates up to the
 * first one that it cannot read, and says nothing of the rest.
 */
export function authoritiesProblem(pem: string): string | null {
  const blocks = CERTIFICATE_LABELS.flatMap((label) => pemBlocks(pem, label))
  const begun = CERTIFICATE_LABELS.flatMap((label) => beginningsOf(pem, label))
  if (begun.length === 0) return 'there is no certificate in it'
  return blocks.length === begun.length && blocks.every(isCertificate)
    ? null
    : 'a certificate in it is damaged'
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0
  } catch {
    return false
  }
}

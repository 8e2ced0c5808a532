/** PEM texts. */
import { X509Certificate } from 'node:crypto'

/** The certificates of a PEM text. */
export function certificatesOf(pem: string): X509Certificate[] {
  return pemBlocks(pem, 'CERTIFICATE').map((block) => new X509Certificate(block))
}

/** The blocks `-----BEGIN label-----` of a text, each with its lines. */
export function pemBlocks(text: string, label: string): string[] {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const blocks: string[] = []
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at + 1)) {
    const behind = text.indexOf(end, at)
    if (behind >= 0) blocks.push(`${text.slice(at, behind + end.length)}\n`)
  }
  return blocks
}

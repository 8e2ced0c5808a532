import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** PEM of an authority, and of a server or client that it vouches for. */
export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Why no certificates can be made here; false: they can. */
export const withoutOpenssl =
  spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'

/** A certificate for `name` and, if that is `localhost`, 127.0.0.1, signed by an authority made for it. */
export function makeCertificates(directory: string, name: string): Certificates {
  const at = (file: string) => join(directory, `${name}-${file}`)
  const run = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const authority = ['-subj', '/CN=Test authority', '-days', '2', '-keyout', at('ca.key')]
  run('req', '-x509', ...newKey, ...authority, '-out', at('ca.crt'))
  const request = ['-subj', `/CN=${name}`, '-keyout', at('key'), '-out', at('csr')]
  run('req', ...newKey, ...request)
  const address = name === 'localhost' ? ',IP:127.0.0.1' : ''
  writeFileSync(at('names'), `subjectAltName=DNS:${name}${address}\n`)
  const signer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2']
  run('x509', '-req', '-in', at('csr'), ...signer, '-extfile', at('names'), '-out', at('crt'))
  const read = (file: string) => readFileSync(at(file), 'utf8')
  return { ca: read('ca.crt'), cert: read('crt'), key: read('key') }
}

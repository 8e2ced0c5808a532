/** What is a block of a PEM text: as OpenSSL, and with it mosquitto, reads it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { authoritiesProblem, certificatesOf } from '../../src/transports/pem.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'

let certificates: TestCertificates
before(async () => (certificates = await makeCertificates()))
after(() => certificates.remove())

const lines = (text: string, change: (line: string) => string): string =>
  text.trimEnd().split('\n').map(change).join('\n')

test('a certificate that is commented out is none', () => {
  const { authority, server } = certificates
  const text = `${lines(server.certificate, (line) => `# ${line}`)}\n${authority.certificate}`
  assert.equal(authoritiesProblem(text), null)
  assert.equal(certificatesOf(text).length, 1)
  const alone = lines(authority.certificate, (line) => `# ${line}`)
  assert.equal(authoritiesProblem(alone), 'there is no certificate in it')
})

test('words around a certificate, a mark of UTF-8 and line ends of Windows do not matter', () => {
  const { certificate } = certificates.authority
  const texts = [
    `\uFEFF${certificate}`,
    lines(certificate, (line) => `${line}\r`),
    `subject=CN = one\n${certificate}next one:\n${certificate}`,
  ]
  for (const text of texts) {
    assert.equal(authoritiesProblem(text), null)
    assert.equal(certificatesOf(text).length, text.split('BEGIN').length - 1)
  }
})

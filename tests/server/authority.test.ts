import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { authorityOf } from '../../src/server/authority.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'

let certificates: TestCertificates
before(async () => {
  certificates = await makeCertificates()
})
after(() => certificates.remove())

test('the authority of a listener is the one that issued its certificate, wherever that is', () => {
  const { authority, server, foreign, directory } = certificates
  const beside = join(directory, 'beside')
  mkdirSync(beside)
  copyFileSync(server.certificateFile, join(beside, 'server.crt'))
  const chain = join(directory, 'chain.pem')
  writeFileSync(chain, server.certificate + authority.certificate)
  const unknown = { certificateFile: server.certificateFile, caFile: null }
  assert.equal(authorityOf(unknown), null)
  assert.equal(authorityOf({ ...unknown, caFile: foreign.certificateFile }), null)
  assert.equal(authorityOf({ certificateFile: null, caFile: authority.certificateFile }), null)
  const inFile = { ...unknown, caFile: authority.certificateFile }
  const inChain = { certificateFile: chain, caFile: null }
  const inDirectory = { certificateFile: join(beside, 'server.crt'), caFile: null }
  assert.equal(authorityOf({ ...inDirectory }), null)
  copyFileSync(authority.certificateFile, join(beside, 'ca.crt'))
  const wanted = `${authority.certificate.trim()}\n`
  for (const place of [inFile, inChain, inDirectory]) assert.equal(authorityOf(place), wanted)
})

test('who asks again at once has no files read', () => {
  const { authority, server, directory } = certificates
  const caFile = join(directory, 'moved.crt')
  copyFileSync(authority.certificateFile, caFile)
  const listener = { certificateFile: server.certificateFile, caFile }
  const first = authorityOf(listener)
  assert.notEqual(first, null)
  rmSync(caFile)
  assert.equal(authorityOf(listener), first)
  assert.equal(authorityOf({ ...listener }), null)
})

test('a file that is gone or is none tells nothing of an authority', () => {
  const { authority, server } = certificates
  assert.equal(authorityOf({ certificateFile: '/nowhere/server.crt', caFile: null }), null)
  const gone = { certificateFile: server.certificateFile, caFile: '/nowhere/ca.crt' }
  assert.equal(authorityOf(gone), null)
  assert.equal(authorityOf({ certificateFile: server.keyFile, caFile: authority.keyFile }), null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createArgon2 } from '../../src/auth/argon2.ts'
import { Access } from '../../src/auth/go-auth/backend.ts'
import { filesAclAllows, parseFilesAcl } from '../../src/auth/go-auth/files-acl.ts'
import { parseUsers } from '../../src/auth/password-file.ts'
import { parseGoAuthHash } from '../../src/auth/go-auth/password-formats.ts'
import { verifyPassword } from '../../src/auth/password-hash.ts'

// Made by Python's hashlib, libxcrypt and hash-wasm, each of the password "secret".
const hashes: Record<string, string> = {
  'PBKDF2 with SHA-512':
    'PBKDF2$sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg==$vgFvU7zWIDgDAUi7d8ayt+cfRiPWVVWfv8iQRsGZaZviWzsSNgWYXEE5PmvI/VELMsOmEbqLz0PKuePNjOk41A==',
  'PBKDF2 with SHA-256':
    'PBKDF2$sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg==$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8=',
  "ChirpStack's PBKDF2":
    '$pbkdf2-sha512$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$vgFvU7zWIDgDAUi7d8ayt+cfRiPWVVWfv8iQRsGZaZviWzsSNgWYXEE5PmvI/VELMsOmEbqLz0PKuePNjOk41A',
  'bcrypt $2b$': '$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a',
  'bcrypt $2a$': '$2a$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a',
  argon2id:
    '$argon2id$v=19$m=4096,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$8xZBAjs5BhUhxHy4N4TlCNrvIKP3ibOJL+9/J/zsHwY',
}

for (const [what, text] of Object.entries(hashes))
  test(`go-auth: a hash of ${what} is read`, async () => {
    const hash = parseGoAuthHash(text, 'base64')
    if (typeof hash === 'string') throw new Error(hash)
    const argon2 = createArgon2()
    assert.equal(await verifyPassword(Buffer.from('secret'), hash, argon2), true)
    assert.equal(await verifyPassword(Buffer.from('Secret'), hash, argon2), false)
  })

test('go-auth: a salt may be plain text', async () => {
  const hash = parseGoAuthHash(
    'PBKDF2$sha512$1000$plain salt!$P/trT30c1WDEWtTWtrHkApHKFIQre2AO37fVA4v3kJGRo/A1wu5V8tQyDbYcBbVIi2WqNBw0+pTI0QFpWU9v9A==',
    'utf-8',
  )
  if (typeof hash === 'string') throw new Error(hash)
  assert.equal(await verifyPassword(Buffer.from('secret'), hash, createArgon2()), true)
})

const broken = [
  'secret',
  'PBKDF2$md5$1000$c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  'PBKDF2$sha512$0$c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  'PBKDF2$sha512$1000$c2FsdA==$AAAA',
  'PBKDF2$sha512$1000$sa lt$AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  '$2b$31$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a',
  '$2b$05$abcdefghijklmnopqrstuu',
  '',
]

for (const text of broken)
  test(`go-auth: "${text}" is no hash, and makes its file wrong`, () => {
    assert.equal(typeof parseGoAuthHash(text, 'base64'), 'string')
    assert.throws(
      () => parseUsers(`u:${text}\n`, 'pw', { parse: (hash) => parseGoAuthHash(hash, 'base64') }),
      { name: 'AuthFileError' },
    )
  })

const acl = parseFilesAcl(
  `topic read news/#
user ann
topic write out/ann
topic readwrite all/#
topic read in/+
topic subscribe only/sub
topic deny all/secret
topic all/secret
user "#"
pattern write dev/%c/up
pattern read mine-%u/#
pattern deny closed/%u
`,
  'acl',
)

type Row = [user: string, client: string, access: keyof typeof Access, topic: string, yes: boolean]

const rows: Row[] = [
  ['ann', 'c', 'read', 'news/a', true],
  ['bob', 'c', 'read', 'news/a', true],
  ['bob', 'c', 'write', 'news/a', false],
  ['bob', 'c', 'subscribe', 'news/+', true],
  ['bob', 'c', 'subscribe', '#', false],
  ['ann', 'c', 'write', 'out/ann', true],
  ['ann', 'c', 'read', 'out/ann', false],
  ['bob', 'c', 'write', 'out/ann', false],
  ['ann', 'c', 'write', 'all/x', true],
  ['ann', 'c', 'subscribe', 'all/x', true],
  ['ann', 'c', 'read', 'all/secret', false],
  ['ann', 'c', 'subscribe', 'in/+', true],
  ['ann', 'c', 'subscribe', '$share/g/in/+', true],
  ['ann', 'c', 'subscribe', 'in/#', false],
  ['ann', 'c', 'subscribe', 'only/sub', true],
  ['ann', 'c', 'read', 'only/sub', false],
  ['ann', 'c7', 'write', 'dev/c7/up', true],
  ['ann', 'c7', 'write', 'dev/c8/up', false],
  ['ann', '+', 'write', 'dev/c8/up', false],
  ['ann', 'a/b', 'write', 'dev/a/b/up', false],
  ['ann', 'c', 'read', 'mine-ann/x', true],
  ['#', 'c', 'read', 'mine-ann/x', false],
  ['ann', 'c', 'read', 'closed/ann', false],
]

for (const [username, clientId, access, topic, yes] of rows)
  test(`go-auth's ACL file: ${username} as ${clientId} may ${yes ? '' : 'not '}${access} ${topic}`, () => {
    assert.equal(filesAclAllows(acl, { username, clientId, topic, access: Access[access] }), yes)
  })

for (const text of ['user', 'topic', 'topic own a', 'topic read a/#/b', 'pat a'])
  test(`go-auth's ACL file: "${text}" is an error`, () => {
    assert.throws(() => parseFilesAcl(text, 'acl'), { name: 'AuthFileError' })
  })

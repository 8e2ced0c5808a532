import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Acl } from '../../src/auth/acl.ts'
import { parseAclFile } from '../../src/auth/acl-file.ts'
import { AuthFileError } from '../../src/auth/auth-file.ts'
import { parsePasswordFile } from '../../src/auth/password-file.ts'
import { parsePskFile } from '../../src/auth/psk-file.ts'

const parsers = { parseAclFile, parsePasswordFile, parsePskFile }

const word = fc.constantFrom(
  ...[
    'topic',
    'pattern',
    'user',
    'read',
    'deny',
    '#',
    '+/a',
    '%u/%c',
    '$SYS/#',
    ' ',
    '  ',
    '\t',
    '\r',
  ],
  ...[
    'alice',
    ':',
    '$7$',
    '$6$',
    '$argon2id$',
    'v=19',
    'm=8,t=1,p=1',
    '1000',
    'QUJD',
    '=',
    '00',
    '__proto__',
  ],
)
const line = fc.oneof(
  fc.array(word, { maxLength: 8 }).map((words) => words.join('')),
  fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')),
  fc.string({ unit: 'binary', maxLength: 40 }),
)
const file = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'))

for (const [name, parse] of Object.entries(parsers))
  test(`${name} takes any text, or says that it is wrong`, () => {
    let taken = 0
    fc.assert(
      fc.property(file, (text) => {
        try {
          parse(text, 'file')
          taken++
        } catch (error) {
          assert.ok(error instanceof AuthFileError, String(error))
        }
      }),
      { numRuns: 5000 },
    )
    assert.ok(taken > 0)
    assert.equal(({} as Record<string, unknown>)['alice'], undefined)
  })

test('any names and topics get an answer from any rules', () => {
  const name = fc.oneof(word, fc.string({ unit: 'binary', maxLength: 20 }))
  fc.assert(
    fc.property(file, name, fc.option(name), name, (text, clientId, username, topic) => {
      let acl: Acl
      try {
        acl = new Acl(parseAclFile(text, 'file'))
      } catch {
        return
      }
      const rights = acl.rightsOf({ clientId, username })
      // Asked again, and of a fresh object, it is the same.
      assert.equal(rights.readRule(topic), rights.readRule(topic))
      assert.equal(acl.rightsOf({ clientId, username }).writeRule(topic), rights.writeRule(topic))
    }),
    { numRuns: 5000 },
  )
})

for (const evil of [
  ' '.repeat(65_536),
  `topic ${' '.repeat(65_536)}x`,
  'a/'.repeat(30_000),
  '$7$'.repeat(20_000),
])
  test(`64 KB of ${JSON.stringify(evil.slice(0, 8))}... cost a file of rules no more than 50 ms`, () => {
    const start = process.cpuUsage()
    for (const parse of Object.values(parsers))
      for (const text of [evil, `topic read ${evil}`, `user ${evil}`, `u:${evil}`]) {
        try {
          parse(text, 'file')
        } catch (error) {
          assert.ok(error instanceof AuthFileError, String(error))
        }
      }
    const cpuMs = process.cpuUsage(start).user / 1000
    assert.ok(cpuMs < 600, `${cpuMs} ms of CPU`)
  })

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, symlinkSync, writeFileSync, lchownSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readAuthFile } from '../../src/auth/auth-file.ts'
import { parsePasswordFile } from '../../src/auth/password-file.ts'
import { parsePasswordHash, type PasswordHash } from '../../src/auth/password-hash.ts'
import { parsePskFile } from '../../src/auth/psk-file.ts'
import { scratch, startMozzie } from '../server/run-mozzie.ts'
import { freePort } from '../support/free-port.ts'
import { aliceLine, bobLine, passwordLine } from './secured.ts'

const asRoot = process.getuid?.() === 0 ? false : 'only root can give files away'
const noDevices = existsSync('/dev/zero') ? false : 'there is no /dev/zero'
/** nobody, on Debian */
const otherAccount = 65_534

function fileWith(context: Parameters<typeof scratch>[0], mode: number): string {
  const file = join(scratch(context), 'users')
  writeFileSync(file, aliceLine)
  chmodSync(file, mode)
  return file
}

test('a secret that others can read or change is warned of, with what to do', (context) => {
  const file = fileWith(context, 0o666)
  const { warnings } = readAuthFile('password_file', file, true)
  assert.equal(warnings.length, 2)
  assert.match(warnings[0], /read by everybody.*chmod 0600/)
  assert.match(warnings[1], /changed by other accounts.*chmod go-w/)
})

test('a file for its owner and its group is not', (context) => {
  assert.deepEqual(readAuthFile('password_file', fileWith(context, 0o640), true).warnings, [])
})

test('rules may be read by everybody', (context) => {
  assert.deepEqual(readAuthFile('acl_file', fileWith(context, 0o644), false).warnings, [])
})

test(
  'a symbolic link of our own is followed, one that another account made is not',
  { skip: asRoot },
  (context) => {
    const file = fileWith(context, 0o600)
    const link = join(scratch(context), 'link')
    symlinkSync(file, link)
    assert.equal(readAuthFile('password_file', link, true).text, aliceLine)
    lchownSync(link, otherAccount, otherAccount)
    assert.throws(
      () => readAuthFile('password_file', link, true),
      /symbolic link that another account made/,
    )
  },
)

test('a directory is no file', (context) => {
  assert.throws(() => readAuthFile('password_file', scratch(context), true), /directory/i)
})

test('a device is no file, but for /dev/null, which is empty', { skip: noDevices }, () => {
  assert.throws(() => readAuthFile('acl_file', '/dev/zero', false), /is a device/)
  assert.equal(readAuthFile('acl_file', '/dev/null', false).text, '')
})

test('a user of a password file has the hash of the line; who is there twice is told where', () => {
  const { users, dummy } = parsePasswordFile(`# all\n${aliceLine}\n${bobLine}`, 'pw')
  const encoded = bobLine.trim().slice('bob:'.length)
  assert.equal(users.get('bob')?.encoded, encoded)
  assert.deepEqual(users.get('bob')?.hash, parsePasswordHash(encoded))
  assert.deepEqual([dummy.hash.scheme, dummy.hash.iterations], ['sha512-pbkdf2', 101])
  const twice = `# all\n${aliceLine}\n${bobLine}${aliceLine}`
  assert.throws(
    () => parsePasswordFile(twice, 'pw'),
    /"alice" is here twice, first in line 2 \(pw:5\)/,
  )
})

test('blanks around a name and its hash are no part of them', () => {
  const [name, hash] = aliceLine.trim().split(':')
  const { users } = parsePasswordFile(`\t ${name} : ${hash} \t\r\n`, 'pw')
  assert.deepEqual(
    [...users].map(([user, { encoded }]) => [user, encoded]),
    [[name, hash]],
  )
  assert.throws(
    () => parsePasswordFile(`${aliceLine} ${aliceLine}`, 'pw'),
    /"alice" is here twice, first in line 1 \(pw:2\)/,
  )
  assert.deepEqual([...parsePskFile(` me : ${'0a'.repeat(16)}\t`, 'psk').keys.keys()], ['me'])
})

test('a blank that is not of ASCII is part of the name', () => {
  const { users } = parsePasswordFile(aliceLine.replace('alice', 'alice\u00a0'), 'pw')
  assert.deepEqual([...users.keys()], ['alice\u00a0'])
})

test('how long a hash is, is known before it is decoded', () => {
  for (let length = 1; length < 70; length++) {
    const hash = randomBytes(length).toString('base64')
    for (const spelled of [hash, hash.replace(/=+$/, '')]) {
      const parsed = parsePasswordHash(`$7$101$c2FsdA==$${spelled}`)
      if (length < 16) assert.equal(parsed, 'the password hash is cut short')
      else assert.equal((parsed as PasswordHash).hash.length, length)
    }
  }
})

test('weak hashes are named', () => {
  const text = passwordLine('a', 'x', 10) + passwordLine('b', 'x', 1000)
  const { warnings } = parsePasswordFile(text, 'users')
  assert.equal(warnings.length, 1)
  assert.match(warnings[0], /guessed quickly.*"a"\./)
})

test('keys are read by identity, which may hold a colon', () => {
  const { keys, warnings } = parsePskFile(
    `# keys\nme:${'0a'.repeat(16)}\na:b:${'FF'.repeat(16)}\n`,
    'psk',
  )
  assert.deepEqual(keys.get('me'), Buffer.alloc(16, 0x0a))
  assert.deepEqual(keys.get('a:b'), Buffer.alloc(16, 0xff))
  assert.deepEqual(warnings, [])
  assert.match(parsePskFile('me:0a0b', 'psk').warnings[0], /less than 128 bits/)
})

for (const text of ['me', 'me:', 'me:0', 'me:xx', ':00', 'me:00\nme:01'])
  test(`${JSON.stringify(text)} is no key file`, () => {
    assert.throws(() => parsePskFile(text, 'psk'), { name: 'AuthFileError', message: /\(psk:\d\)/ })
  })

test(
  'a file that the account of the broker cannot read again is warned of',
  { skip: asRoot },
  async (context) => {
    const directory = scratch(context)
    // The account must get through to the file's directory, and from there no further.
    chmodSync(directory, 0o755)
    chownSync(directory, otherAccount, otherAccount)
    const users = join(directory, 'users')
    writeFileSync(users, aliceLine, { mode: 0o600 })
    const key = join(directory, 'key')
    writeFileSync(key, 'a secret of thirty-two characters or more', { mode: 0o600 })
    const bans = join(directory, 'bans')
    writeFileSync(bans, '{"bans":[]}', { mode: 0o600 })
    const config = join(directory, 'mosquitto.conf')
    const port = await freePort()
    writeFileSync(
      config,
      `user nobody\nlistener ${port} 127.0.0.1\npassword_file ${users}\nauth_jwt_key_file ${key}\nban_file ${bans}\n`,
    )
    const mozzie = await startMozzie(context, '-c', config)
    for (const name of ['users', 'key', 'bans'])
      assert.match(
        mozzie.stderr(),
        new RegExp(`/${name} cannot be read by the account of the broker.*SIGHUP will fail`),
      )
  },
)

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifyPassword } from '../../src/auth/password-hash.ts'
import { createArgon2 } from '../../src/auth/argon2.ts'
import { loadPasswordFile } from '../../src/auth/password-file.ts'
import { scratch } from '../server/run-mozzie.ts'
import { startBroker } from '../support/broker-process.ts'
import { connectOnce } from '../support/connect-once.ts'
import { startSecured } from './secured.ts'
import { processMsMax } from '../support/patience.ts'

const bin = join(process.cwd(), 'bin', 'mozzie_passwd')
const mosquittoPasswd = '/usr/bin/mosquitto_passwd'
const argon2id = createArgon2()

interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function passwd(words: string[], input = ''): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...words], {
    encoding: 'utf8',
    input,
    timeout: processMsMax,
  })
  return { code: status, stdout, stderr }
}

async function verifies(file: string, user: string, password: string): Promise<boolean> {
  const entry = loadPasswordFile(file).users.get(user)
  assert.ok(entry, `${user} is not in ${readFileSync(file, 'utf8')}`)
  return verifyPassword(Buffer.from(password), entry.hash, argon2id)
}

test('a file is created for its owner alone, users are added, changed and deleted', async (context) => {
  const file = join(scratch(context), 'users')
  assert.deepEqual(passwd(['-c', '-b', file, 'alice', 'one']), {
    code: 0,
    stdout: 'Adding password for user alice\n',
    stderr: '',
  })
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(readFileSync(file, 'utf8'), /^alice:\$7\$1000\$[\w+/]{16}\$[\w+/]{86}==\n$/)
  assert.equal(passwd(['-b', file, 'bob', 'two']).stdout, 'Adding password for user bob\n')
  assert.equal(passwd(['-b', file, 'alice', 'three']).stdout, 'Updating password for user alice\n')
  assert.equal(await verifies(file, 'alice', 'three'), true)
  assert.equal(await verifies(file, 'alice', 'one'), false)
  assert.equal(await verifies(file, 'bob', 'two'), true)
  assert.equal(passwd(['-D', file, 'bob']).code, 0)
  const missing = passwd(['-D', file, 'bob'])
  assert.deepEqual(
    [missing.code, missing.stdout],
    [1, 'Warning: User bob not found in password file.\n'],
  )
  assert.deepEqual([...loadPasswordFile(file).users.keys()], ['alice'])
})

for (const scheme of ['sha512', 'sha512-pbkdf2', 'argon2id'])
  test(`-H ${scheme} writes what the broker lets in`, async (context) => {
    const directory = scratch(context)
    const file = join(directory, 'users')
    assert.equal(passwd(['-H', scheme, '-c', '-b', file, 'u', 'pässwörd']).code, 0)
    const users = readFileSync(file, 'utf8')
    const broker = await startSecured(
      context,
      'listener PORT0 127.0.0.1\npassword_file DIR/users',
      { users },
    )
    await broker.connect({ username: 'u', password: 'pässwörd' })
    await broker.connect({ username: 'u', password: 'passwort' }, 0x87)
  })

test('-I sets the iterations', (context) => {
  const file = join(scratch(context), 'users')
  assert.equal(passwd(['-I', '5', '-c', '-b', file, 'u', 'p']).code, 0)
  assert.match(readFileSync(file, 'utf8'), /^u:\$7\$5\$/)
})

test('--generate prints a password of 128 bits that works', async (context) => {
  const file = join(scratch(context), 'users')
  const { stdout } = passwd(['-c', '--generate', file, 'sensor'])
  const password = stdout.split('\n').at(-2) ?? ''
  assert.match(password, /^[\w-]{22}$/)
  assert.equal(await verifies(file, 'sensor', password), true)
  assert.notEqual(passwd(['--generate', file, 'sensor']).stdout.split('\n').at(-2), password)
})

test('a password comes from a pipe, once or twice', async (context) => {
  const file = join(scratch(context), 'users')
  writeFileSync(file, '')
  assert.equal(passwd([file, 'once'], 'secret\n').code, 0)
  assert.equal(passwd([file, 'twice'], 'secret\nsecret\n').code, 0)
  assert.equal(await verifies(file, 'once', 'secret'), true)
  assert.equal(await verifies(file, 'twice', 'secret'), true)
})

test('a file "-" is standard output', () => {
  assert.match(passwd(['-c', '-b', '-', 'u', 'p']).stdout, /^u:\$7\$1000\$\S+\n$/)
})

test('-U hashes what is in plain text and leaves the rest', async (context) => {
  const file = join(scratch(context), 'users')
  passwd(['-c', '-b', file, 'hashed', 'one'])
  const [hashed] = readFileSync(file, 'utf8').split('\n')
  writeFileSync(file, `# staff\n${hashed}\nplain:two\n\nodd:$ecret\n`)
  assert.equal(passwd(['-U', file]).code, 0)
  const lines = readFileSync(file, 'utf8').split('\n')
  assert.deepEqual([lines[0], lines[1], lines[3]], ['# staff', hashed, ''])
  assert.equal(await verifies(file, 'plain', 'two'), true)
  assert.equal(await verifies(file, 'odd', '$ecret'), true)
})

test('-U leaves a hash with blanks behind it, and refuses one that is damaged', async (context) => {
  const file = join(scratch(context), 'users')
  passwd(['-c', '-b', file, 'u', 'one'])
  const text = readFileSync(file, 'utf8').trimEnd()
  writeFileSync(file, `${text} \n`)
  assert.equal(passwd(['-U', file]).code, 0)
  assert.equal(readFileSync(file, 'utf8'), `${text} \n`)
  writeFileSync(file, `${text.slice(0, -70)}\n`)
  const { code, stderr } = passwd(['-U', file])
  assert.equal(code, 1)
  assert.match(stderr, /User u: the password hash is cut short/)
})

test('lines of other users stay byte for byte, in whatever encoding they are', async (context) => {
  const file = join(scratch(context), 'users')
  const others = Buffer.from('# caf\xe9\r\nJ\xfcrg:$7$\xff \n\n', 'latin1')
  writeFileSync(file, others)
  const read = (): string => readFileSync(file, 'latin1')
  assert.equal(passwd(['-b', file, 'zoë', 'one']).code, 0)
  const added = read()
  assert.equal(added.slice(0, others.length), others.toString('latin1'))
  assert.equal(passwd(['-b', file, 'zoë', 'two']).stdout, 'Updating password for user zoë\n')
  assert.equal(read().length, added.length)
  assert.equal(passwd(['-D', file, 'zoë']).code, 0)
  assert.equal(read(), others.toString('latin1'))
})

test('-U hashes the bytes of a password, whatever they spell', async (context) => {
  const file = join(scratch(context), 'users')
  writeFileSync(file, Buffer.from('u:caf\xe9\n', 'latin1'))
  assert.equal(passwd(['-U', file]).code, 0)
  const entry = loadPasswordFile(file).users.get('u')
  assert.ok(entry)
  assert.equal(await verifyPassword(Buffer.from('caf\xe9', 'latin1'), entry.hash, argon2id), true)
})

test('-U takes a hash with a field behind it for hashed', async (context) => {
  const file = join(scratch(context), 'users')
  passwd(['-c', '-b', file, 'u', 'one'])
  const text = `${readFileSync(file, 'utf8').trimEnd()}:more\n`
  writeFileSync(file, text)
  assert.equal(passwd(['-U', file]).code, 0)
  assert.equal(readFileSync(file, 'utf8'), text)
})

test('a user is found behind blanks', async (context) => {
  const file = join(scratch(context), 'users')
  passwd(['-c', '-b', file, 'u', 'one'])
  writeFileSync(file, ` ${readFileSync(file, 'utf8')}`)
  passwd(['-b', file, 'u', 'two'])
  assert.equal(readFileSync(file, 'utf8').trimEnd().split('\n').length, 1)
  assert.equal(await verifies(file, 'u', 'two'), true)
})

const refusals: [words: string[], input: string, message: RegExp][] = [
  [['FILE', 'u', 'secret'], '', /seen by others on this machine.*say -b/],
  [['-b', 'FILE', 'u'], '', /right number of words/],
  [['-c', '-D', 'FILE', 'u'], '', /-c and -D cannot be used together/],
  [['-c', '-b', 'FILE', 'u', 'p'], '', /Unable to open file \S+ for writing. File exists./],
  [['-b', 'FILE', 'a:b', 'p'], '', /cannot contain ":"/],
  [['-b', 'FILE', ' a', 'p'], '', /cannot begin or end with a blank/],
  [['-b', 'FILE', '#a', 'p'], '', /cannot begin with "#"/],
  [['-b', 'FILE', '\uFEFFa', 'p'], '', /cannot begin with a byte order mark/],
  [['-b', 'FILE', 'a\nb', 'p'], '', /control characters/],
  [['-b', 'FILE', 'u', ''], '', /Empty password/],
  [['FILE', 'u'], 'one\ntwo\n', /Passwords do not match/],
  [['FILE', 'u'], '', /Empty password/],
  [['-H', 'md5', '-b', 'FILE', 'u', 'p'], '', /Unknown hash type 'md5'/],
  [['-I', '0', '-b', 'FILE', 'u', 'p'], '', /-I is a number/],
  [['-x', 'FILE', 'u'], '', /Unknown option "-x"/],
  [['-b', 'FILE-missing', 'u', 'p'], '', /Unable to open password file \S+ No such file/],
]

for (const [words, input, message] of refusals)
  test(`${JSON.stringify(words)} is refused with exit code 1 and changes nothing`, (context) => {
    const directory = scratch(context)
    const file = join(directory, 'users')
    writeFileSync(file, '# kept\n')
    const result = passwd(
      words.map((word) => word.replace('FILE', file)),
      input,
    )
    assert.equal(result.code, 1)
    assert.match(result.stderr, message)
    assert.equal(readFileSync(file, 'utf8'), '# kept\n')
    assert.deepEqual(readdirSync(directory), ['users'])
  })

test('the mode stays, a link is followed and stays a link, no other file is left behind', (context) => {
  const directory = scratch(context)
  const file = join(directory, 'real')
  const link = join(directory, 'link')
  writeFileSync(file, '')
  chmodSync(file, 0o640)
  symlinkSync(file, link)
  assert.equal(passwd(['-b', link, 'u', 'p']).code, 0)
  assert.equal(statSync(file).mode & 0o777, 0o640)
  assert.match(readFileSync(file, 'utf8'), /^u:/)
  assert.deepEqual(readdirSync(directory).sort(), ['link', 'real'])
})

test('-c does not write through a link that somebody planted', (context) => {
  const directory = scratch(context)
  const victim = join(directory, 'victim')
  const link = join(directory, 'users')
  writeFileSync(victim, 'precious\n')
  symlinkSync(victim, link)
  assert.equal(passwd(['-c', '-b', link, 'u', 'p']).code, 1)
  symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'))
  assert.equal(passwd(['-c', '-b', join(directory, 'dangling'), 'u', 'p']).code, 1)
  assert.equal(readFileSync(victim, 'utf8'), 'precious\n')
  assert.equal(existsSync(join(directory, 'nowhere')), false)
})

test('a file that could not be written whole is not there', (context) => {
  const file = join(scratch(context), 'users')
  const shell = ['-c', 'ulimit -f 0; exec "$@"', 'sh']
  const words = [...shell, process.execPath, bin, '-c', '-b', file, 'u', 'p']
  const { status, stderr } = spawnSync('/bin/sh', words, { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /^Error: Unable to open file/)
  assert.equal(existsSync(file), false)
})

test('changes made at the same time are all kept', async (context) => {
  const file = join(scratch(context), 'users')
  writeFileSync(file, '')
  const users = ['a', 'b', 'c', 'd', 'e', 'f']
  const running = users.map((user) =>
    once(spawn(process.execPath, [bin, '-b', file, user, 'p'], { stdio: 'ignore' }), 'close'),
  )
  for (const [code] of await Promise.all(running)) assert.equal(code, 0)
  assert.deepEqual([...loadPasswordFile(file).users.keys()].sort(), users)
})

const scriptProgram = '/usr/bin/script'
test(
  'a terminal shows the prompts and nothing of the password, which is hashed more often',
  { skip: existsSync(scriptProgram) ? false : `${scriptProgram} is not installed` },
  async (context) => {
    const directory = scratch(context)
    const file = join(directory, 'users')
    const command = `${process.execPath} ${bin} -c ${file} alice`
    const child = spawn(scriptProgram, ['-qec', command, '/dev/null'], { stdio: 'pipe' })
    const closed = once(child, 'close')
    let shown = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text
      // Each prompt is answered once it stands there.
      if (shown.endsWith('Password: ') || shown.endsWith('Reenter password: '))
        child.stdin.write('hush\r')
    })
    const [code] = await closed
    assert.equal(code, 0, shown)
    assert.match(shown, /Password: \r?\nReenter password: \r?\nAdding password/)
    assert.ok(!shown.includes('hush'))
    assert.match(readFileSync(file, 'utf8'), /^alice:\$7\$210000\$/)
    assert.equal(await verifies(file, 'alice', 'hush'), true)
  },
)

for (const scheme of ['sha512', 'sha512-pbkdf2'])
  test(
    `what mosquitto_passwd writes with ${scheme} is let in`,
    { skip: existsSync(mosquittoPasswd) ? false : `${mosquittoPasswd} is not installed` },
    async (context) => {
      const file = join(scratch(context), 'users')
      const words = ['-H', scheme, '-c', '-b', file, 'u', 'secret']
      assert.equal(spawnSync(mosquittoPasswd, words).status, 0)
      assert.equal(await verifies(file, 'u', 'secret'), true)
      assert.equal(await verifies(file, 'u', 'Secret'), false)
    },
  )

const mosquittoProgram = '/usr/sbin/mosquitto'
for (const scheme of ['sha512', 'sha512-pbkdf2'])
  test(
    `mosquitto lets in whom ${scheme} was written for`,
    { skip: existsSync(mosquittoProgram) ? false : `${mosquittoProgram} is not installed` },
    async (context) => {
      const file = join(scratch(context), 'users')
      assert.equal(passwd(['-H', scheme, '-c', '-b', file, 'u', 'secret']).code, 0)
      const broker = await startBroker(`password_file ${file}`, 'mosquitto')
      context.after(broker.stop)
      const url = `mqtt://127.0.0.1:${broker.port}`
      await (await connectOnce(url, { username: 'u', password: 'secret' })).endAsync()
      await assert.rejects(connectOnce(url, { username: 'u', password: 'Secret' }))
    },
  )
